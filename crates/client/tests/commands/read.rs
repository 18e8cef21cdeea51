//! `ringcopy read`: what it shows of memory, and of what is not there.

use std::{cell::RefCell, rc::Rc};

use ringcopy_client::{
    cli::{FAILURE, SUCCESS},
    protocol::Reach,
};

use crate::{console::Output, driver::SimulatedDriver, folder::Folder, operations, run, run_with};

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
        output.err.starts_with(
            "read 64 of 397376 bytes; byte 32 is the first that is missing: STATUS_INVALID"
        ),
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
        output.err.starts_with(
            "physical 0x9eff0: read 16 of 32 bytes; byte 16 is the first that is missing: STATUS_"
        ),
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
        move || SimulatedDriver {
            policy,
            reach: Reach::empty(),
            ..SimulatedDriver::default()
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
        let mut model = SimulatedDriver::default();
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

/// Runs a command; says which pieces of memory the driver was asked for as well.
fn run_and_count(tells_holes: bool, args: &[&str]) -> (Output, Vec<(u64, u64)>) {
    let asked = Rc::new(RefCell::default());
    let output = run_with(
        || SimulatedDriver {
            asked: Rc::clone(&asked),
            tells_holes,
            // Whoever asks for a long hole piece by piece is not waited for.
            lost_from: Some(1000),
            // Every byte of memory tells its address.
            twist: Some(Box::new(|_, address, _, _| {
                (address ^ address >> 8 ^ address >> 16).to_le_bytes()[0] | 1
            })),
            ..SimulatedDriver::default()
        },
        args,
    );
    (output, asked.take())
}

#[test]
fn f8_a_hole_costs_what_its_edges_cost_however_long_it_is() {
    let folder = Folder::new("f8");
    let name = folder.path("memory");
    // RAM ends 8 KiB behind the start.
    let range = "0x3fffe000:16GiB";
    let (output, asked) = run_and_count(true, &["read", "--physical", range, "--output", &name]);
    assert_eq!(asked, [(0x3FFF_E000, 1 << 20)]);
    assert!(
        output.out.contains("17179869184 bytes written to")
            && output.out.contains("of which 17179860992 are holes"),
        "{}",
        output.out
    );
    assert!(
        output.err.ends_with(
            "hole: physical 0x40000000, 17179860992 bytes: STATUS_INVALID_ADDRESS (no RAM there, \
             or not mapped)\n"
        ),
        "{}",
        output.err
    );
    // No byte of the hole was written: the file has blocks for what is before it alone.
    let metadata = std::fs::metadata(&name).unwrap();
    assert_eq!(metadata.len(), 16 << 30);
    assert!(std::os::unix::fs::MetadataExt::blocks(&metadata) < 1024);
}

#[test]
fn f8_a_hole_may_end_with_the_last_address() {
    let range = "0x3fffe000:0xffffffffc0002000";
    let (output, asked) = run_and_count(true, &["read", "--hex", "--physical", range]);
    assert_eq!(output.code, FAILURE);
    assert_eq!(asked, [(0x3FFF_E000, 1 << 20)]);
    let hole = format!(
        "hole: physical 0x40000000, {} bytes",
        u64::MAX - 0x3FFF_FFFF
    );
    assert!(output.err.contains(&hole), "{}", output.err);
}

#[test]
fn f8_so_does_a_hole_in_system_memory() {
    let ranges = ["0xfffff90000000000:16MiB", "0xffffb00000000000:65536GiB"];
    for range in ranges {
        let (output, asked) = run_and_count(true, &["read", "--hex", "--virtual", range]);
        assert_eq!(output.code, FAILURE, "{range}: {}", output.err);
        // An entry of the highest table is for 512 GiB.
        let most = if range.ends_with("16MiB") { 1 } else { 128 };
        assert!(asked.len() <= most, "{range}: {} pieces", asked.len());
        let holes = output.out.lines().filter(|line| line.contains("??"));
        assert_eq!(holes.count(), 1, "{range}: {}", output.out);
    }
}

#[test]
fn f8_what_lies_after_a_hole_is_read_from_its_first_byte_on() {
    let folder = Folder::new("f8_after");
    // Holes that begin and end within a request, at its edges, and beyond them.
    for (start, length) in [
        (0, 0x11_0000_u64),
        (0x9_F000, 0x6_1001),
        (0x9_EFFF, 0x6_1002),
        (0x9_F000, 0x6_1000),
        (0x9_F001, 0x6_1FFF),
        (0xF_FFFF, 2),
        (0x800, 0x1000),
    ] {
        let range = format!("{start:#x}:{length:#x}");
        let mut read = Vec::new();
        for tells_holes in [true, false] {
            let name = folder.path("memory");
            let args = ["read", "--physical", &range, "--output", &name];
            let (output, asked) = run_and_count(tells_holes, &args);
            let holes = output.err.lines().filter(|line| line.starts_with("hole: "));
            read.push((folder.read("memory"), holes.count()));
            // A read that finds nothing would leave it as it is.
            std::fs::remove_file(&name).unwrap();
            if tells_holes {
                assert!(asked.len() <= 200, "{range}: {} pieces", asked.len());
            }
        }
        assert_eq!(read[0].1, read[1].1, "{range}");
        assert!(read[0].0 == read[1].0, "{range}: other bytes");
        assert_eq!(read[0].0.len() as u64, length, "{range}");
        for (address, byte) in (start..).zip(&read[0].0) {
            let ram = (0x1000..0x9_F000).contains(&address) || address >= 0x10_0000;
            assert_eq!(*byte != 0, ram, "{address:#x} of {range}");
        }
    }
}

/// Each range says for itself what was missing in it.
#[test]
fn f8_a_hole_that_spans_ranges_is_told_of_each() {
    let args = [
        "read",
        "--json",
        "--physical",
        "0xa0000:0x1000",
        "0xa1000:0x1000",
        "0x100000:1",
    ];
    let document = run(&args).json();
    let operations = operations(&document);
    for (number, copied) in [0, 0, 1].into_iter().enumerate() {
        assert_eq!(operations[number]["copied"], copied);
        let holes = u32::from(copied == 0);
        assert_eq!(operations[number]["holes"], holes);
    }
}
