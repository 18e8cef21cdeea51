//! `ringcopy read`: what it shows of memory, and of what is not there.

use ringcopy_client::{
    cli::{FAILURE, SUCCESS},
    protocol::Reach,
};

use crate::{folder::Folder, model::Model, operations, run, run_with};

#[test]
fn read_dumps_sixteen_bytes_a_line() {
    let output = run(&["read", "--virtual", "0xfffff80000000000", "--length", "40"]);
    assert_eq!(output.code, SUCCESS);
    let lines: Vec<_> = output.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("fffff80000000000  00 25 4a"),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].starts_with("fffff80000000020  a0 "),
        "{}",
        lines[2]
    );
}

#[test]
fn read_shows_a_hole_as_a_hole_and_goes_on_behind_it() {
    let args = [
        "read",
        "--physical",
        "0x9efe0",
        "--length",
        "0x61040",
        "--engine",
        "system",
    ];
    let output = run(&args);
    assert_eq!(output.code, FAILURE);
    let lines: Vec<_> = output.out.lines().collect();
    assert!(
        lines[1].starts_with("000000000009eff0  00 00"),
        "{}",
        lines[1]
    );
    assert_eq!(
        lines[2],
        "000000000009f000  ?? 397312 bytes: STATUS_INVALID_ADDRESS (no RAM there, or not mapped)"
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("0000000000100010  00 00"), "{last}");
    assert!(
        output
            .err
            .starts_with("read 64 of 397376 bytes; 32 bytes in, there was STATUS_INVALID"),
        "{}",
        output.err
    );
    assert!(
        output.err.ends_with(
            "hole: physical 0x9f000, 397312 bytes: STATUS_INVALID_ADDRESS (no RAM there, or not \
             mapped)\n"
        ),
        "{}",
        output.err
    );
    let document = run(&[&["--json"], &args[..]].concat()).json();
    let data = document["data"].as_str().unwrap();
    assert_eq!(data.len(), 2 * 0x61040);
    assert_eq!(data.find('?'), Some(64));
    assert_eq!(data.rfind('?'), Some(data.len() - 65));
    let read = &operations(&document)[0];
    assert_eq!(read["status"], "STATUS_INVALID_ADDRESS");
    assert_eq!(read["address"], "0x9f000");
    assert_eq!(
        (&read["asked"], &read["copied"], &read["holes"]),
        (&0x61040.into(), &64.into(), &1.into())
    );
    assert_eq!(
        (&read["engine"], &read["kind"]),
        (&"system".into(), &"physical".into())
    );
    assert_eq!(
        document["holes"],
        serde_json::json!([{
            "kind": "physical",
            "address": "0x9f000",
            "length": 397_312,
            "status": "STATUS_INVALID_ADDRESS",
            "output_offset": 32,
        }])
    );
}

#[test]
fn read_takes_several_ranges_in_one_request() {
    let words = [
        "0xfffff80000000000:4",
        "0xfffff80000000010",
        "2",
        "0xfffff80000000004:1",
    ];
    let bytes = "00254a6f50759494";
    let document = run(&[&["read", "--json"], &words[..]].concat()).json();
    assert_eq!(document["data"], bytes[..14].replace("9494", "94"));
    let operations = operations(&document);
    assert_eq!(operations.len(), 3);
    assert_eq!(operations[1]["from"], "0xfffff80000000010");
    let output = run(&[&["read", "--hex", "--virtual"], &words[..]].concat());
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    let rows: Vec<_> = output.out.lines().map(|line| &line[..26]).collect();
    assert_eq!(
        rows,
        [
            "fffff80000000000  00 25 4a",
            "fffff80000000010  50 75   ",
            "fffff80000000004  94      "
        ]
    );
}

#[test]
fn of_several_ranges_the_one_that_stopped_is_named() {
    let output = run(&["read", "--physical", "0x1000:32", "0x9eff0:32"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output
            .err
            .starts_with("physical 0x9eff0: read 16 of 32 bytes; 16 bytes in, there was STATUS_"),
        "{}",
        output.err
    );
}

#[test]
fn read_takes_ranges_from_a_file() {
    let folder = Folder::new("ranges");
    let file = folder.write(
        "list",
        "# two of them\n0xfffff80000000001:2\n\n 0xfffff80000000000  1 # the first byte\n",
    );
    let document = run(&["read", "--json", "--ranges", &file]).json();
    assert_eq!(document["data"], "254a00");
    for (text, advice) in [
        ("1:2\n\nfee0:4\n", ", line 3: `fee0`"),
        ("1:2 3:4", "line 1: one line names one range"),
        ("# nothing", "names no ranges"),
        ("0:8\n4:8\n", "the ranges 0x0:0x8 and 0x4:0x8 overlap"),
        ("0x10:0\n", "line 1: 0x10:0x0 has no bytes"),
        (
            "0xffffffffffffffff:2\n",
            "line 1: 0xffffffffffffffff:0x2 runs past the end",
        ),
    ] {
        let file = folder.write("bad", text);
        let output = run(&["read", "--ranges", &file]);
        assert_eq!((output.code, output.out.as_str()), (FAILURE, ""), "{text}");
        assert!(output.err.contains(advice), "{text}: {}", output.err);
    }
    let output = run(&["read", "--ranges", "/no/such/file"]);
    assert!(
        output
            .err
            .contains("cannot read the ranges in /no/such/file"),
        "{}",
        output.err
    );
    let file = folder.write("bad", [0xFF, 0xFE, 0]);
    assert_eq!(run(&["read", "--ranges", &file]).code, FAILURE);
}

#[test]
fn read_splits_what_one_request_cannot_carry() {
    let folder = Folder::new("pieces");
    let name = folder.path("memory");
    let output = run(&[
        "read",
        "--physical",
        "1MiB",
        "--length",
        "0x280_001",
        "--output",
        &name,
    ]);
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    assert_eq!(folder.read("memory").len(), 0x28_0001);
    assert!(
        output.out.contains("2621441 bytes written to"),
        "{}",
        output.out
    );
    assert!(output.out.contains("native engine"), "{}", output.out);
}

#[test]
fn read_into_no_file_says_so() {
    let output = run(&["read", "--virtual", "0", "--output", "/no/such/folder/x"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("cannot write /no/such/folder/x"),
        "{}",
        output.err
    );
}

#[test]
fn a_full_disk_is_a_sentence() {
    let output = run(&["read", "--physical", "1MiB:4KiB", "--output", "/dev/full"]);
    assert_eq!(output.code, FAILURE);
    assert!(
        output.err.contains("cannot write /dev/full"),
        "{}",
        output.err
    );
    assert!(output.err.contains("make room"), "{}", output.err);
}

#[test]
fn read_out_of_reach_names_policy_or_privilege() {
    let model = |policy| {
        move || Model {
            policy,
            reach: Reach::empty(),
            ..Model::default()
        }
    };
    let args = ["read", "--physical", "0x1000"];
    let denied = run_with(model(Reach::empty()), &args);
    assert_eq!(
        (denied.code, denied.out.as_str()),
        (
            FAILURE,
            "0000000000001000  ?? 256 bytes: STATUS_ACCESS_DENIED (the policy keeps it out of \
             reach)\n"
        )
    );
    assert!(
        denied.err.contains("bit 1 (physical memory) of `Policy`"),
        "{}",
        denied.err
    );
    let unprivileged = run_with(model(Reach::all()), &args);
    assert!(
        unprivileged.err.contains("SeDebugPrivilege"),
        "{}",
        unprivileged.err
    );
}

#[test]
fn a_fallback_is_shown_to_machines() {
    let model = || {
        let mut model = Model::default();
        model.machine.paged_out.insert(0xFFFF_F800_0000_0000 / 4096);
        model
    };
    let document = run_with(model, &["read", "0xfffff80000000000:4", "--json"]).json();
    let read = &operations(&document)[0];
    assert_eq!(
        (&read["engine"], &read["fell_back"]),
        (&"system".into(), &true.into())
    );
}
