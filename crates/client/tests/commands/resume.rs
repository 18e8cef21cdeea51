//! `ringcopy read --output`: a file that is not complete, and `--resume`.

use ringcopy_client::{
    cli::{FAILURE, SUCCESS},
    protocol::Reach,
};

use crate::{driver::SimulatedDriver, folder::Folder, lost_from, run, run_with};

#[test]
fn a_read_goes_on_where_it_stopped_and_loses_nothing() {
    let folder = Folder::new("resume");
    let (whole, part) = (folder.path("whole"), folder.path("part"));
    // 5 MiB with a hole of 388 KiB, then another range.
    let command = |file: &str, resume: &[&str]| -> Vec<String> {
        let words = [
            "read",
            "--physical",
            "0x80000:5MiB",
            "0x2000000:100",
            "--output",
            file,
        ];
        words
            .iter()
            .chain(resume)
            .map(|&word| word.into())
            .collect()
    };
    let run = |request, words: Vec<String>| {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run_with(lost_from(request), &words)
    };
    let complete = run(usize::MAX, command(&whole, &[]));
    assert_eq!(complete.code, FAILURE, "a hole is a failure");
    assert!(
        complete.out.contains("bytes written to"),
        "{}",
        complete.out
    );
    assert!(
        complete.out.contains("of which 397312 are holes"),
        "{}",
        complete.out
    );
    assert!(
        complete
            .err
            .contains("hole: physical 0x9f000, 397312 bytes")
    );
    assert_eq!(folder.names(), ["whole"]);

    let lost = run(3, command(&part, &[]));
    assert_eq!(lost.code, FAILURE);
    assert!(
        lost.err.contains("can no longer be reached"),
        "{}",
        lost.err
    );
    let kept = folder.read("part").len();
    assert!(kept >= 1 << 20, "{kept}");
    assert!(
        lost.err.contains(&format!("{kept} bytes are in ")) && lost.err.contains("--resume"),
        "{}",
        lost.err
    );
    assert_eq!(folder.names(), ["part", "part.unfinished", "whole"]);

    // Not by accident, and not with other memory.
    let forgot = run(usize::MAX, command(&part, &[]));
    assert!(
        forgot.err.contains("holds an unfinished read"),
        "{}",
        forgot.err
    );
    let words = [
        "read",
        "--physical",
        "0x80000:6MiB",
        "--output",
        &part,
        "--resume",
    ];
    let other = run(usize::MAX, words.map(String::from).to_vec());
    assert_eq!(other.code, FAILURE);
    assert!(
        other
            .err
            .contains("unfinished read of other memory (physical 0x80000:0x500000 and 1 more)"),
        "{}",
        other.err
    );
    assert_eq!(folder.read("part").len(), kept, "a refusal changes nothing");

    // In the middle of a line of the sidecar, and of a request's bytes.
    folder.write("part", &folder.read("part")[..kept - 1000]);
    let mut sidecar = folder.read("part.unfinished");
    sidecar.extend(b"{\"at\":12");
    folder.write("part.unfinished", sidecar);
    let lost = run(1, command(&part, &["--resume"]));
    assert_eq!(lost.code, FAILURE);
    let done = run(usize::MAX, command(&part, &["--resume"]));
    assert_eq!(done.code, FAILURE, "a hole is a failure");
    assert!(
        folder.read("part") == folder.read("whole"),
        "the bytes differ"
    );
    assert_eq!(folder.names(), ["part", "whole"]);
    assert!(
        done.err.contains("hole: physical 0x9f000, 397312 bytes"),
        "{}",
        done.err
    );

    let again = run(usize::MAX, command(&part, &["--resume"]));
    assert!(again.err.contains("but no "), "{}", again.err);
}

#[test]
fn a_file_that_grew_by_itself_is_not_gone_on_with() {
    let folder = Folder::new("grew");
    let file = folder.path("memory");
    let args = ["read", "--physical", "1MiB:3MiB", "--output", &file];
    assert_eq!(run_with(lost_from(1), &args).code, FAILURE);
    folder.write("memory", vec![0; (3 << 20) + 1]);
    let output = run(&[&args[..], &["--resume"]].concat());
    assert!(
        output.err.contains("something else wrote to it"),
        "{}",
        output.err
    );
    folder.write("memory.unfinished", "nonsense");
    let output = run(&[&args[..], &["--resume"]].concat());
    assert!(
        output.err.contains("does not say which ranges"),
        "{}",
        output.err
    );
    std::fs::remove_file(&file).unwrap();
    folder.write("memory.unfinished", "nonsense");
    let output = run(&args);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(folder.names(), ["memory"]);
}

#[test]
fn a_refusal_writes_no_zeros() {
    let folder = Folder::new("refused");
    let file = folder.path("memory");
    let args = ["read", "--physical", "0x2000:1GiB", "--output", &file];
    let model = || SimulatedDriver {
        policy: Reach::SYSTEM_VIRTUAL,
        reach: Reach::SYSTEM_VIRTUAL,
        ..SimulatedDriver::default()
    };
    let output = run_with(model, &args);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("set bit 1 (physical memory)"),
        "{}",
        output.err
    );
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    let output = run(&["read", "--physical", "0x2000:16", "--output", &file]);
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    // To people, what is refused is one hole, and what is not is read all the same.
    let args = ["read", "0xfffff80000000000:1", "--json"];
    assert_eq!(run_with(model, &args).json()["data"], "00");
    let args = ["read", "0xfffff80000000000:1TiB", "0xffffa00000000000:1"];
    let args = args.map(|word| word.replace("1TiB", "1024GiB"));
    let model = || SimulatedDriver {
        policy: Reach::all(),
        reach: Reach::empty(),
        ..SimulatedDriver::default()
    };
    let output = run_with(model, &args.each_ref().map(String::as_str));
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", output.out);
    assert!(lines[0].contains("?? 1099511627776 bytes: STATUS_PRIVILEGE_NOT_HELD"));
    assert!(
        lines[1].starts_with("ffffa00000000000  00 "),
        "{}",
        lines[1]
    );
}

#[test]
fn a_read_that_went_on_is_told_as_one() {
    let folder = Folder::new("as-one");
    let read = |name: &str, resume: &[&str], request| {
        let file = folder.path(name);
        let words = [
            "read",
            "--json",
            "--physical",
            // The hole in RAM lies in two of the ranges, and the read stops in the last.
            "0x9e000:0x2000",
            "0xa0000:0x61000",
            "0x200000:3MiB",
            "--output",
            &file,
        ];
        run_with(lost_from(request), &[&words, resume].concat()).json()
    };
    let whole = read("whole", &[], usize::MAX);
    let lost = read("part", &[], 4);
    let kept = folder.read("part").len();
    assert_eq!(lost["written"], kept);
    assert!(kept > 0x6_3000, "{kept}");
    let resumed = read("part", &["--resume"], usize::MAX);
    assert_eq!(resumed["resumed_at"], kept);
    let counts = |number: usize| {
        let operation = &whole["operations"][number];
        [&operation["copied"], &operation["holes"]].map(|count| count.as_u64().unwrap())
    };
    assert_eq!(
        [0, 1, 2].map(counts),
        [[0x1000, 1], [0x1000, 1], [3 << 20, 0]]
    );
    for field in [
        "asked",
        "copied",
        "status",
        "address",
        "direction",
        "explanation",
    ] {
        for number in 0..3 {
            let told = |document: &serde_json::Value| document["operations"][number][field].clone();
            assert_eq!(told(&resumed), told(&whole), "{field} of range {number}");
        }
    }
    assert_eq!(resumed["holes"], whole["holes"]);
    assert_eq!(folder.read("part"), folder.read("whole"));
}

#[test]
fn a_hole_that_was_noted_and_not_filled_is_told_once() {
    let folder = Folder::new("noted");
    let read = |name: &str, resume: &[&str], request| {
        let file = folder.path(name);
        let words = [
            "read",
            "--json",
            "--physical",
            "0x9e000:0x63000",
            "0x200000:3MiB",
            "--output",
            &file,
        ];
        run_with(lost_from(request), &[&words, resume].concat()).json()
    };
    let whole = read("whole", &[], usize::MAX);
    read("part", &[], 4);
    // As if it had ended behind the hole's note, with some of the hole in the output, and with none.
    for kept in [0x2000, 0x1000] {
        assert!(folder.read("part").len() > 0x6_3000);
        folder.write("part", &folder.read("part")[..kept]);
        let lost = read("part", &["--resume"], 4);
        assert_eq!(lost["resumed_at"], kept);
    }
    let resumed = read("part", &["--resume"], usize::MAX);
    assert_eq!(resumed["holes"], whole["holes"]);
    for number in 0..2 {
        for field in ["copied", "holes", "explanation"] {
            let [resumed, whole] = [&resumed, &whole].map(|read| &read["operations"][number]);
            assert_eq!(resumed[field], whole[field], "{field} of range {number}");
        }
    }
    assert_eq!(folder.read("part"), folder.read("whole"));
    assert_eq!(folder.names(), ["part", "whole"]);
}

/// As [`lost_from`], with a page of the caller's own memory at 0x10000, and nothing after it.
fn one_page(request: usize) -> impl Fn() -> SimulatedDriver {
    move || {
        let mut model = lost_from(request)();
        assert_eq!(model.machine.allocate(4096), 0x1_0000);
        model
    }
}

#[test]
fn f9_a_read_that_ended_within_a_hole_goes_on_there() {
    let folder = Folder::new("f9");
    let file = folder.path("memory");
    let read = |request, resume: &[&str]| {
        let words = ["read", "--json", "0x10000:0x801000", "--output", &file];
        run_with(one_page(request), &[&words, resume].concat()).json()
    };
    let lost = read(6, &[]);
    let kept = lost["written"].as_u64().unwrap();
    assert!((1 << 20..8 << 20).contains(&kept), "{kept}");
    let lost = read(3, &["--resume"]);
    assert_eq!(lost["resumed_at"], kept);
    let further = lost["written"].as_u64().unwrap();
    assert!(further > kept, "{further}");
    let done = read(usize::MAX, &["--resume"]);
    assert_eq!(done["resumed_at"], further);
    let holes = done["holes"].as_array().unwrap();
    assert_eq!(holes.len(), 1, "the parts of a hole are one");
    assert_eq!(
        (&holes[0]["address"], &holes[0]["length"]),
        (&"0x11000".into(), &0x80_0000.into())
    );
    assert_eq!(done["operations"][0]["copied"], 4096);
    assert_eq!(folder.read("memory").len(), 0x80_1000);
    assert_eq!(folder.names(), ["memory"]);
}

#[test]
fn f9_a_hole_at_the_start_of_a_new_file_is_recorded() {
    let folder = Folder::new("f9-start");
    let file = folder.path("memory");
    let args = ["read", "0x20000:8MiB", "--output", &file, "--json"];
    let lost = run_with(lost_from(4), &args).json();
    let kept = lost["written"].as_u64().unwrap();
    assert!(kept >= 1 << 20, "{kept}");
    let done = run_with(lost_from(usize::MAX), &[&args[..], &["--resume"]].concat()).json();
    assert_eq!(done["resumed_at"], kept);
}

#[test]
fn f9_holes_that_an_image_has_no_bytes_for_are_recorded() {
    let folder = Folder::new("f9-lime");
    let file = folder.path("memory");
    // A page of RAM, and eight ranges without any.
    let mut ranges = vec!["0x3ffff000:0x1000".to_owned()];
    ranges.extend((0..8).map(|number| format!("{:#x}:1MiB", 0x5000_0000 + number * 0x20_0000)));
    let read = |request, resume: &[&str]| {
        let ranges: Vec<_> = ranges.iter().map(String::as_str).collect();
        let words = ["--format", "lime", "--output", &file, "--json"];
        let args = [&["read", "--physical"], &ranges[..], &words, resume].concat();
        run_with(lost_from(request), &args).json()
    };
    let lost = read(4, &[]);
    let kept = lost["written"].as_u64().unwrap();
    assert!((1 << 20..8 << 20).contains(&kept), "{kept}");
    let lost = read(1, &["--resume"]);
    assert_eq!(lost["resumed_at"], kept);
    let further = lost["written"].as_u64().unwrap();
    assert!(further > kept, "{further}");
    let done = read(usize::MAX, &["--resume"]);
    assert_eq!(done["resumed_at"], further);
    assert_eq!(done["holes"].as_array().unwrap().len(), 8);
    assert_eq!(done["operations"][0]["copied"], 4096);
    assert_eq!(folder.read("memory").len(), 32 + 0x1000);
    assert_eq!(folder.names(), ["memory"]);
}
