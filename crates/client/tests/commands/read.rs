//! `ringcopy read`: what it prints about memory and holes.

use std::{cell::RefCell, rc::Rc};

use ringcopy_client::{
    cli::{FAILURE, SUCCESS},
    protocol::Reach,
};
use serde_json::json;

use crate::{
    byte_at, console::Output, driver::SimulatedDriver, folder::Folder, operations, run, run_with,
};

#[test]
fn read_dumps_sixteen_bytes_a_line() {
    let output = run("read --virtual 0xfffff80000000000 --length 40");
    assert_eq!(output.code, SUCCESS);
    assert_eq!(output.out.lines().count(), 3);
    assert!(output.out.starts_with("fffff80000000000  00 25 4a"));
    output.out_has("\nfffff80000000020  a0 ");
}

#[test]
fn read_marks_a_hole_and_continues_after_it() {
    let line = "read --physical 0x9efe0 --length 0x61040 --engine system";
    let output = run(line);
    assert_eq!(output.code, FAILURE);
    let lines: Vec<_> = output.out.lines().collect();
    assert!(lines[1].starts_with("000000000009eff0  00 00"));
    assert_eq!(
        lines[2],
        "000000000009f000  ?? 397312 bytes: STATUS_INVALID_ADDRESS (no RAM there, or not mapped)"
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("0000000000100010  00 00"), "{last}");
    let start = "read 64 of 397376 bytes; byte 32 is the first that is missing: STATUS_INVALID";
    assert!(output.err.starts_with(start), "{}", output.err);
    assert!(
        output.err.ends_with(
            "hole: physical 0x9f000, 397312 bytes: STATUS_INVALID_ADDRESS (no RAM there, or not \
             mapped)\n"
        ),
        "{}",
        output.err
    );
    let document = run(&format!("--json {line}")).json();
    let data = document["data"].as_str().unwrap();
    assert_eq!(data.len(), 2 * 0x61040);
    assert_eq!(data.find('?'), Some(64));
    assert_eq!(data.rfind('?'), Some(data.len() - 65));
    let read = &operations(&document)[0];
    for (field, value) in [
        ("status", json!("STATUS_INVALID_ADDRESS")),
        ("address", json!("0x9f000")),
        ("asked", json!(0x61040)),
        ("copied", json!(64)),
        ("holes", json!(1)),
        ("engine", json!("system")),
        ("kind", json!("physical")),
    ] {
        assert_eq!(read[field], value, "{field}");
    }
    assert_eq!(
        document["holes"],
        json!([{
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
    let ranges = "0xfffff80000000000:4 0xfffff80000000010 2 0xfffff80000000004:1";
    let document = run(&format!("read --json {ranges}")).json();
    assert_eq!(document["data"], "00254a6f507594");
    let operations = operations(&document);
    assert_eq!(operations.len(), 3);
    assert_eq!(operations[1]["from"], "0xfffff80000000010");
    let output = run(&format!("read --hex --virtual {ranges}"));
    output.succeeded();
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
fn the_range_that_stopped_is_named() {
    let output = run("read --physical 0x1000:32 0x9eff0:32");
    assert_eq!(output.code, FAILURE);
    let start = "physical 0x9eff0: read 16 of 32 bytes; byte 16 is the first that is missing: \
                 STATUS_";
    assert!(output.err.starts_with(start), "{}", output.err);
}

#[test]
fn read_takes_ranges_from_a_file() {
    let folder = Folder::new("ranges");
    let file = folder.write(
        "list",
        "# two of them\n0xfffff80000000001:2\n\n 0xfffff80000000000  1 # the first byte\n",
    );
    let document = run(&format!("read --json --ranges {file}")).json();
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
        run(&format!("read --ranges {file}")).only_err_has(advice);
    }
    run("read --ranges /no/such/file").err_has("cannot read the ranges in /no/such/file");
    let file = folder.write("bad", [0xFF, 0xFE, 0]);
    assert_eq!(run(&format!("read --ranges {file}")).code, FAILURE);
}

#[test]
fn read_splits_ranges_into_requests() {
    let folder = Folder::new("pieces");
    let file = folder.path("memory");
    let output = run(&format!(
        "read --physical 1MiB --length 0x280_001 --output {file}"
    ));
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    assert_eq!(folder.read("memory").len(), 0x28_0001);
    output.out_has("2621441 bytes written to");
    output.out_has("native engine");
}

#[test]
fn a_file_that_cannot_be_written_is_reported() {
    let output = run("read --virtual 0 --output /no/such/folder/x");
    assert_eq!(output.code, FAILURE);
    output.err_has("cannot write /no/such/folder/x");
}

#[test]
fn a_full_disk_is_reported() {
    let output = run("read --physical 1MiB:4KiB --output /dev/full");
    assert_eq!(output.code, FAILURE);
    output.err_has("cannot write /dev/full");
    output.err_has("free space");
}

#[test]
fn a_read_out_of_reach_names_policy_or_privilege() {
    let with_policy = |policy| move || SimulatedDriver::with_policy(policy, Reach::empty());
    let line = "read --physical 0x1000";
    let denied = run_with(with_policy(Reach::empty()), line);
    assert_eq!(denied.code, FAILURE);
    assert_eq!(
        denied.out,
        "0000000000001000  ?? 256 bytes: STATUS_ACCESS_DENIED (the policy keeps it out of reach)\n"
    );
    denied.err_has("bit 1 (physical memory) of `Policy`");
    run_with(with_policy(Reach::all()), line).err_has("SeDebugPrivilege");
}

#[test]
fn a_fallback_is_in_the_document() {
    let paged_out = || {
        let mut driver = SimulatedDriver::default();
        driver.memory.paged_out.insert(0xFFFF_F800_0000_0000 / 4096);
        driver
    };
    let document = run_with(paged_out, "read 0xfffff80000000000:4 --json").json();
    let read = &operations(&document)[0];
    assert_eq!(
        (&read["engine"], &read["fell_back"]),
        (&json!("system"), &json!(true))
    );
}

/// Runs a command. Returns also the pieces of memory that the driver was asked for.
fn run_and_count(reports_holes: bool, line: &str) -> (Output, Vec<(u64, u64)>) {
    let asked = Rc::new(RefCell::default());
    let output = run_with(
        || SimulatedDriver {
            asked: Rc::clone(&asked),
            reports_holes,
            // A client that asks for a long hole piece by piece is stopped.
            lost_from: Some(1000),
            change_byte: Some(Box::new(|_, address, _, _| byte_at(address) | 1)),
            ..SimulatedDriver::default()
        },
        line,
    );
    (output, asked.take())
}

#[test]
fn a_hole_of_any_length_costs_only_its_edges() {
    let folder = Folder::new("f8");
    let file = folder.path("memory");
    // RAM ends 8 KiB after the start.
    let line = format!("read --physical 0x3fffe000:16GiB --output {file}");
    let (output, asked) = run_and_count(true, &line);
    assert_eq!(asked, [(0x3FFF_E000, 1 << 20)]);
    output.out_has("17179869184 bytes written to");
    output.out_has("of which 17179860992 are holes");
    assert!(
        output.err.ends_with(
            "hole: physical 0x40000000, 17179860992 bytes: STATUS_INVALID_ADDRESS (no RAM there, \
             or not mapped)\n"
        ),
        "{}",
        output.err
    );
    // No byte of the hole was written: the file has blocks only for what is before it.
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.len(), 16 << 30);
    assert!(std::os::unix::fs::MetadataExt::blocks(&metadata) < 1024);
}

#[test]
fn a_hole_may_end_with_the_last_address() {
    let line = "read --hex --physical 0x3fffe000:0xffffffffc0002000";
    let (output, asked) = run_and_count(true, line);
    assert_eq!(output.code, FAILURE);
    assert_eq!(asked, [(0x3FFF_E000, 1 << 20)]);
    let length = u64::MAX - 0x3FFF_FFFF;
    output.err_has(&format!("hole: physical 0x40000000, {length} bytes"));
}

#[test]
fn a_hole_in_system_memory_costs_only_its_edges() {
    // An entry of the highest table is for 512 GiB.
    for (range, most) in [
        ("0xfffff90000000000:16MiB", 1),
        ("0xffffb00000000000:65536GiB", 128),
    ] {
        let (output, asked) = run_and_count(true, &format!("read --hex --virtual {range}"));
        assert_eq!(output.code, FAILURE, "{range}: {}", output.err);
        assert!(asked.len() <= most, "{range}: {} pieces", asked.len());
        let holes = output.out.lines().filter(|line| line.contains("??"));
        assert_eq!(holes.count(), 1, "{range}: {}", output.out);
    }
}

#[test]
fn memory_after_a_hole_is_read_from_its_first_byte() {
    let folder = Folder::new("after");
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
        for reports_holes in [true, false] {
            let file = folder.path("memory");
            let line = format!("read --physical {range} --output {file}");
            let (output, asked) = run_and_count(reports_holes, &line);
            let holes = output.err.lines().filter(|line| line.starts_with("hole: "));
            read.push((folder.read("memory"), holes.count()));
            // A read that finds nothing would leave the file as it is.
            std::fs::remove_file(&file).unwrap();
            if reports_holes {
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

#[test]
fn a_hole_that_spans_ranges_is_reported_for_each() {
    let document = run("read --json --physical 0xa0000:0x1000 0xa1000:0x1000 0x100000:1").json();
    let operations = operations(&document);
    for (number, copied) in [0, 0, 1].into_iter().enumerate() {
        assert_eq!(operations[number]["copied"], copied);
        let holes = u32::from(copied == 0);
        assert_eq!(operations[number]["holes"], holes);
    }
}
