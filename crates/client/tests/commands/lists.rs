//! `--ranges`: the lists that people have, in the notations and encodings that they have them in.

use ringcopy_client::cli::{FAILURE, SUCCESS};

use crate::{
    console::{run_fed, to},
    driver::SimulatedDriver,
    folder::Folder,
    operations, run, run_with,
};

/// Two ranges of RAM, small enough to be shown.
fn small() -> SimulatedDriver {
    SimulatedDriver {
        ranges: vec![(0x1000, 0x40), (0x10_0000, 0x20)],
        ..SimulatedDriver::default()
    }
}

/// What a read of a list asks for.
fn asked(file: &str, more: &[&str]) -> Vec<(String, u64)> {
    let args = ["read", "--json", "--physical", "--ranges", file];
    let document = run(&[&args, more].concat()).json();
    assert_eq!(document["error"], serde_json::Value::Null, "{document}");
    operations(&document)
        .iter()
        .map(|operation| {
            let from = operation["from"].as_str().unwrap().into();
            (from, operation["asked"].as_u64().unwrap())
        })
        .collect()
}

fn ranges() -> Vec<(String, u64)> {
    vec![("0x1000".into(), 0x40), ("0x100000".into(), 0x20)]
}

#[test]
fn f10_what_ranges_prints_is_a_list() {
    let folder = Folder::new("f10");
    let text = run_with(small, &["ranges"]).out;
    let document = run_with(small, &["ranges", "--json"]).out;
    // As it is, and without the lines that name no range.
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("0x")).collect();
    let addresses = lines.join("\n");
    for list in [&text, &document, &addresses] {
        let file = folder.write("list", list);
        assert_eq!(asked(&file, &[]), ranges(), "{list}");
        // It names physical memory, and nothing else is read by it.
        for kind in [&[][..], &["--virtual"]] {
            let output = run(&[&["read", "--ranges", &file], kind].concat());
            assert_eq!(output.code, FAILURE);
            assert!(output.err.contains("add --physical"), "{}", output.err);
        }
    }
}

#[test]
fn f10_a_map_is_a_list() {
    let folder = Folder::new("f10-map");
    let image = folder.path("ram.bin");
    let args = ["read", "--all-ram", "--output", &image];
    assert_eq!(run_with(small, &args).code, SUCCESS);
    assert_eq!(asked(&folder.path("ram.bin.map.json"), &[]), ranges());
}

#[test]
fn f10_a_list_may_come_through_a_pipe() {
    let list = run_with(small, &["ranges"]).out;
    let args = ["read", "--json", "--physical", "--ranges", "-"];
    let output = run_fed(
        None,
        &mut to(SimulatedDriver::default),
        &args,
        list.as_bytes(),
    );
    assert_eq!(output.json()["operations"].as_array().unwrap().len(), 2);
    let output = run_fed(None, &mut to(SimulatedDriver::default), &args, b"1:2\nx\n");
    assert!(
        output.out.contains("standard input, line 2: `x`"),
        "{}",
        output.out
    );
}

#[test]
fn f10_a_notation_that_could_mean_two_things_is_named() {
    let folder = Folder::new("f10-two");
    for (list, advice) in [
        (
            "# a map\n0x1000-0x9f000\n",
            "line 2: `0x1000-0x9f000` is START-END, which does not say whether the end is in the \
             range; write 0x1000:0x9e001 if it is, or 0x1000:0x9e000 if it is not",
        ),
        (
            "0x1000 - 0x9f000\n",
            "line 1: `0x1000 - 0x9f000` is START-END",
        ),
        (
            "00001000-0009fbff : System RAM\n",
            "line 1: `00001000-0009fbff : System RAM` is START-END as in /proc/iomem, hexadecimal \
             and with the end in the range; write 0x1000:0x9ec00",
        ),
        (
            "  0000         1000 -        9ffff\n",
            "line 1: `0000 1000 - 9ffff` looks like START-END; write ADDRESS:LENGTH",
        ),
        (
            "0x1000:16\n0x2000 0x9f000\n",
            "line 2: `0x2000 0x9f000` may be an address and a length, or a start and an end; write \
             0x2000:0x9f000 if it has 0x9f000 bytes, or 0x2000:0x9d000 if it ends before \
             0x9f000",
        ),
        // The size is not that of the addresses, so it is unclear what this is.
        (
            "0x1000 0x9f000 16.00 KiB\n",
            "line 1: `16.00`: `.` does not belong in a number",
        ),
        ("0x1000 0x10 0x20\n", "line 1: `0x20` has no length"),
    ] {
        let file = folder.write("list", list);
        let output = run(&["read", "--physical", "--ranges", &file]);
        assert_eq!((output.code, output.out.as_str()), (FAILURE, ""), "{list}");
        assert!(output.err.contains(advice), "{list}: {}", output.err);
        assert!(output.err.contains(&file), "{}", output.err);
    }
    // What can mean one thing alone is taken.
    let file = folder.write("list", "0x2000 0x10\n");
    assert_eq!(asked(&file, &[]), [("0x2000".into(), 16)]);
}

#[test]
fn f10_a_document_that_makes_no_sense_is_told_with_the_place() {
    let folder = Folder::new("f10-json");
    for (list, advice) in [
        ("{\"ranges\": [", "at line 1 column 12"),
        ("{}", "names no ranges"),
        ("{\"ranges\": []}", "names no ranges"),
        ("{\"ranges\": [{\"length\": 1}]}", "missing field `base`"),
        (
            "{\"ranges\": [{\"base\": \"0x10\", \"length\": 1}, {\"base\": \"0x20\"}]}",
            "entry 2 of `ranges`: it has neither `length` nor `end`",
        ),
        (
            "{\"ranges\": [{\"base\": 16, \"length\": 1, \"end\": 18}]}",
            "entry 1 of `ranges`: `base`, `length` and `end` do not agree",
        ),
        (
            "{\"ranges\": [{\"base\": 16, \"end\": 8}]}",
            "entry 1 of `ranges`: `end` is before `base`",
        ),
        (
            "{\"ranges\": [{\"base\": 16, \"end\": 16}]}",
            "entry 1 of `ranges`: 0x10:0x0 has no bytes",
        ),
        (
            "{\"ranges\": [{\"base\": \"fee0\", \"length\": 1}]}",
            "entry 1 of `ranges`: `fee0`",
        ),
        (
            "{\"kind\": \"virtual\", \"ranges\": [{\"base\": 1, \"length\": 1}]}",
            "it lists virtual memory",
        ),
    ] {
        let file = folder.write("list", list);
        let output = run(&["read", "--physical", "--ranges", &file]);
        assert_eq!((output.code, output.out.as_str()), (FAILURE, ""), "{list}");
        assert!(output.err.contains(advice), "{list}: {}", output.err);
    }
}

#[test]
fn f11_a_list_is_read_in_every_encoding_of_text() {
    let folder = Folder::new("f11");
    let text = run_with(small, &["ranges"]).out;
    let document = run_with(small, &["ranges", "--json"]).out;
    for list in [
        &text,
        &document,
        "# Grüße\n0x1000:0x40\n\n0x100000:0x20\n",
        "0x1000:0x40\n0x100000:0x20",
    ] {
        let windows = list.replace('\n', "\r\n");
        for list in [list, &windows] {
            let units: Vec<u16> = std::iter::once(0xFEFF).chain(list.encode_utf16()).collect();
            let little = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            let marked = [b"\xef\xbb\xbf", list.as_bytes()].concat();
            for bytes in [list.as_bytes().to_vec(), marked, little, big] {
                let file = folder.write("list", bytes);
                assert_eq!(asked(&file, &[]), ranges(), "{list}");
            }
        }
    }
}

#[test]
fn f11_what_is_no_text_is_refused_in_a_sentence() {
    let folder = Folder::new("f11-not");
    for (bytes, advice) in [
        (&b"\x7fELF\x02\x01\0"[..], "the control character"),
        (b"0x1000:1\n0\x001", "line 2 has a NUL"),
        (b"\xff\xfe0\x00x", "ends within a character"),
        (b"0x1000:1\n\xe4", "line 2 is not UTF-8"),
    ] {
        let file = folder.write("list", bytes);
        let output = run(&["read", "--physical", "--ranges", &file]);
        assert_eq!((output.code, output.out.as_str()), (FAILURE, ""));
        assert_eq!(output.err.lines().count(), 1, "{}", output.err);
        assert!(output.err.contains(advice), "{}", output.err);
        assert!(
            output.err.contains("write one ADDRESS:LENGTH in a line"),
            "{}",
            output.err
        );
    }
    // No list is as long as this one, which has no end.
    let output = run(&["read", "--physical", "--ranges", "/dev/zero"]);
    assert!(output.err.contains("more than 64 MiB"), "{}", output.err);
    // A line that is very long is not told in full.
    let file = folder.write("list", "y".repeat(1 << 20));
    let output = run(&["read", "--physical", "--ranges", &file]);
    assert!(output.err.len() < 1000, "{} bytes", output.err.len());
}
