//! `ringcopy read --output`: incomplete files, and `--resume`.

use ringcopy_client::{
    cli::{FAILURE, SUCCESS},
    protocol::Reach,
};
use serde_json::Value;

use crate::{driver::SimulatedDriver, folder::Folder, lost_from, run, run_with};

/// Reads ranges into a file of a folder, with a driver that is lost after this many requests.
fn read(folder: &Folder, ranges: &str, name: &str, request: usize, resume: &str) -> Value {
    let file = folder.path(name);
    let line = format!("read --json {ranges} --output {file} {resume}");
    run_with(lost_from(request), &line).json()
}

/// Returns how far a read came.
fn written(document: &Value) -> u64 {
    document["written"].as_u64().unwrap()
}

#[test]
fn a_read_continues_where_it_stopped_and_loses_nothing() {
    let folder = Folder::new("resume");
    // 5 MiB with a hole of 388 KiB, then another range.
    let read = |request, name: &str, resume: &str| {
        let file = folder.path(name);
        let line = format!("read --physical 0x80000:5MiB 0x2000000:100 --output {file} {resume}");
        run_with(lost_from(request), &line)
    };
    let complete = read(usize::MAX, "whole", "");
    assert_eq!(complete.code, FAILURE, "a hole is a failure");
    complete.out_has("bytes written to");
    complete.out_has("of which 397312 are holes");
    complete.err_has("hole: physical 0x9f000, 397312 bytes");
    assert_eq!(folder.names(), ["whole"]);

    let lost = read(3, "part", "");
    assert_eq!(lost.code, FAILURE);
    lost.err_has("can no longer be reached");
    let kept = folder.read("part").len();
    assert!(kept >= 1 << 20, "{kept}");
    lost.err_has(&format!("{kept} bytes are in "));
    lost.err_has("--resume");
    assert_eq!(folder.names(), ["part", "part.unfinished", "whole"]);

    // It is not overwritten, and not continued with other memory.
    read(usize::MAX, "part", "").err_has("holds an unfinished read");
    let part = folder.path("part");
    let line = format!("read --physical 0x80000:6MiB --output {part} --resume");
    let other = run_with(lost_from(usize::MAX), &line);
    assert_eq!(other.code, FAILURE);
    other.err_has("unfinished read of other memory (physical 0x80000:0x500000 and 1 more)");
    assert_eq!(folder.read("part").len(), kept, "a refusal changes nothing");

    // It ended within a line of the sidecar, and within a request's bytes.
    folder.write("part", &folder.read("part")[..kept - 1000]);
    let mut sidecar = folder.read("part.unfinished");
    sidecar.extend(b"{\"at\":12");
    folder.write("part.unfinished", sidecar);
    assert_eq!(read(1, "part", "--resume").code, FAILURE);
    let done = read(usize::MAX, "part", "--resume");
    assert_eq!(done.code, FAILURE, "a hole is a failure");
    assert!(folder.read("part") == folder.read("whole"));
    assert_eq!(folder.names(), ["part", "whole"]);
    done.err_has("hole: physical 0x9f000, 397312 bytes");

    read(usize::MAX, "part", "--resume").err_has("but no ");
}

#[test]
fn a_file_that_another_program_wrote_to_is_not_continued() {
    let folder = Folder::new("grew");
    let file = folder.path("memory");
    let line = format!("read --physical 1MiB:3MiB --output {file}");
    let resume = format!("{line} --resume");
    assert_eq!(run_with(lost_from(1), &line).code, FAILURE);
    folder.write("memory", vec![0; (3 << 20) + 1]);
    run(&resume).err_has("something else wrote to it");
    folder.write("memory.unfinished", "nonsense");
    run(&resume).err_has("does not say which ranges");
    std::fs::remove_file(&file).unwrap();
    folder.write("memory.unfinished", "nonsense");
    let output = run(&line);
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(folder.names(), ["memory"]);
}

#[test]
fn a_refusal_writes_no_zeros() {
    let folder = Folder::new("refused");
    let file = folder.path("memory");
    let virtual_only =
        || SimulatedDriver::with_policy(Reach::SYSTEM_VIRTUAL, Reach::SYSTEM_VIRTUAL);
    let line = format!("read --physical 0x2000:1GiB --output {file}");
    let output = run_with(virtual_only, &line);
    assert_eq!(output.code, FAILURE);
    output.err_has("set bit 1 (physical memory)");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    let output = run(&format!("read --physical 0x2000:16 --output {file}"));
    assert_eq!(output.code, SUCCESS, "{}", output.err);
    // A dump shows what is refused as one hole, and continues with the rest.
    let document = run_with(virtual_only, "read 0xfffff80000000000:1 --json").json();
    assert_eq!(document["data"], "00");
    let no_privilege = || SimulatedDriver::with_policy(Reach::all(), Reach::empty());
    let line = "read 0xfffff80000000000:1024GiB 0xffffa00000000000:1";
    let output = run_with(no_privilege, line);
    assert_eq!(output.out.lines().count(), 2, "{}", output.out);
    output.out_has("?? 1099511627776 bytes: STATUS_PRIVILEGE_NOT_HELD");
    output.out_has("\nffffa00000000000  00 ");
}

#[test]
fn a_continued_read_is_reported_as_one() {
    let folder = Folder::new("as-one");
    // The hole in RAM lies in two of the ranges, and the read stops in the last.
    let ranges = "--physical 0x9e000:0x2000 0xa0000:0x61000 0x200000:3MiB";
    let whole = read(&folder, ranges, "whole", usize::MAX, "");
    let lost = read(&folder, ranges, "part", 4, "");
    let kept = folder.read("part").len();
    assert_eq!(lost["written"], kept);
    assert!(kept > 0x6_3000, "{kept}");
    let resumed = read(&folder, ranges, "part", usize::MAX, "--resume");
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
            let of = |document: &Value| document["operations"][number][field].clone();
            assert_eq!(of(&resumed), of(&whole), "{field} of range {number}");
        }
    }
    assert_eq!(resumed["holes"], whole["holes"]);
    assert_eq!(folder.read("part"), folder.read("whole"));
}

#[test]
fn a_hole_that_was_noted_and_not_written_is_reported_once() {
    let folder = Folder::new("noted");
    let ranges = "--physical 0x9e000:0x63000 0x200000:3MiB";
    let whole = read(&folder, ranges, "whole", usize::MAX, "");
    read(&folder, ranges, "part", 4, "");
    // As if the read had ended after the hole's note, with some of the hole in the output, and with
    // none.
    for kept in [0x2000, 0x1000] {
        assert!(folder.read("part").len() > 0x6_3000);
        folder.write("part", &folder.read("part")[..kept]);
        let lost = read(&folder, ranges, "part", 4, "--resume");
        assert_eq!(lost["resumed_at"], kept);
    }
    let resumed = read(&folder, ranges, "part", usize::MAX, "--resume");
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

/// Interrupts a read twice with `read`, and completes it. Checks that each time it continues where
/// it stopped, which is within these bytes. Returns the last document.
fn interrupt_twice(
    within: std::ops::Range<u64>,
    requests: [usize; 2],
    read: impl Fn(usize, &str) -> Value,
) -> Value {
    let kept = written(&read(requests[0], ""));
    assert!(within.contains(&kept), "{kept}");
    let lost = read(requests[1], "--resume");
    assert_eq!(lost["resumed_at"], kept);
    let further = written(&lost);
    assert!(further > kept, "{further}");
    let done = read(usize::MAX, "--resume");
    assert_eq!(done["resumed_at"], further);
    assert_eq!(done["operations"][0]["copied"], 4096);
    done
}

#[test]
fn a_read_that_ended_within_a_hole_continues_there() {
    let folder = Folder::new("f9");
    let file = folder.path("memory");
    // A page of the caller's own memory, and nothing after it.
    let one_page = |request| {
        let mut driver = lost_from(request)();
        assert_eq!(driver.memory.allocate(4096), 0x1_0000);
        driver
    };
    let done = interrupt_twice(1 << 20..8 << 20, [6, 3], |request, resume| {
        let line = format!("read --json 0x10000:0x801000 --output {file} {resume}");
        run_with(|| one_page(request), &line).json()
    });
    let holes = done["holes"].as_array().unwrap();
    assert_eq!(holes.len(), 1, "the parts of a hole are one");
    assert_eq!(
        (&holes[0]["address"], &holes[0]["length"]),
        (&"0x11000".into(), &0x80_0000.into())
    );
    assert_eq!(folder.read("memory").len(), 0x80_1000);
    assert_eq!(folder.names(), ["memory"]);
}

#[test]
fn a_hole_at_the_start_of_a_new_file_is_recorded() {
    let folder = Folder::new("f9-start");
    let kept = written(&read(&folder, "0x20000:8MiB", "memory", 4, ""));
    assert!(kept >= 1 << 20, "{kept}");
    let done = read(&folder, "0x20000:8MiB", "memory", usize::MAX, "--resume");
    assert_eq!(done["resumed_at"], kept);
}

#[test]
fn holes_that_an_image_has_no_bytes_for_are_recorded() {
    let folder = Folder::new("f9-lime");
    // A page of RAM, and eight ranges without any.
    let mut ranges = "--format lime --physical 0x3ffff000:0x1000".to_owned();
    for number in 0..8 {
        let range = format!(" {:#x}:1MiB", 0x5000_0000 + number * 0x20_0000);
        ranges.push_str(&range);
    }
    let done = interrupt_twice(1 << 20..8 << 20, [4, 1], |request, resume| {
        read(&folder, &ranges, "memory", request, resume)
    });
    assert_eq!(done["holes"].as_array().unwrap().len(), 8);
    assert_eq!(folder.read("memory").len(), 32 + 0x1000);
    assert_eq!(folder.names(), ["memory"]);
}
