//! What is printed about ranges and holes, however many there are.

use std::fmt::Write;

use ringcopy_client::cli::FAILURE;

use crate::{folder::Folder, operations, run};

const RANGES: usize = 2000;

/// Returns a command that reads a page of RAM, and pages without RAM that are each a range and a
/// hole.
fn command(folder: &Folder) -> String {
    let mut list = String::from("0x1000:0x1000\n");
    for number in 0..RANGES {
        writeln!(list, "{:#x}:0x1000", 0x5000_0000 + number * 0x2000).unwrap();
    }
    let list = folder.write("list", list);
    let file = folder.path("memory");
    format!("read --physical --ranges {list} --output {file}")
}

#[test]
fn many_missing_ranges_are_a_summary() {
    let folder = Folder::new("f14");
    let output = run(&command(&folder));
    assert_eq!(output.code, FAILURE);
    let lines: Vec<_> = output.err.lines().collect();
    assert_eq!(lines.len(), 22, "{}", output.err);
    assert!(lines[0].starts_with("physical 0x50000000: read none of 4096"));
    assert_eq!(
        lines[10],
        "2000 of 2001 ranges are not complete: the 10 above, and 1990 that --list-holes lists"
    );
    assert!(lines[11].starts_with("hole: physical 0x50000000, 4096 bytes"));
    assert_eq!(
        lines[21],
        "2000 holes in all, of 8192000 bytes: the 10 above, and 1990 that --list-holes lists"
    );
}

#[test]
fn the_whole_list_is_printed_on_request() {
    let folder = Folder::new("f14-all");
    let command = command(&folder);
    let output = run(&format!("{command} --list-holes"));
    assert_eq!(output.err.lines().count(), 2 * RANGES, "no more than that");
    let end = 0x5000_0000 + (RANGES - 1) * 0x2000;
    for start in ["physical", "hole: physical"] {
        let line = format!("{start} {end:#x}");
        let found = output.err.lines().any(|printed| printed.starts_with(&line));
        assert!(found, "{line}");
    }
    let document = run(&format!("{command} --json")).json();
    assert_eq!(document["holes"].as_array().unwrap().len(), RANGES);
    assert_eq!(document["holes_omitted"], 0);
    assert_eq!(operations(&document).len(), RANGES + 1);
}

#[test]
fn a_few_have_no_summary() {
    let output = run("read --physical 0x50000000:16 0x60000000:16");
    assert_eq!(output.err.lines().count(), 4, "{}", output.err);
    assert!(!output.err.contains("in all"), "{}", output.err);
}
