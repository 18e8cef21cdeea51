//! `--ranges`: lists of ranges, in all their notations and encodings.

use ringcopy_client::cli::{FAILURE, SUCCESS};

use crate::{
    console::{run_words, to},
    driver::SimulatedDriver,
    folder::Folder,
    operations, run, run_with,
};

/// Returns a driver with two small ranges of RAM.
fn small() -> SimulatedDriver {
    SimulatedDriver {
        ranges: vec![(0x1000, 0x40), (0x10_0000, 0x20)],
        ..SimulatedDriver::default()
    }
}

/// Returns the ranges that a read of a list asks for.
fn asked(file: &str) -> Vec<(String, u64)> {
    let document = run(&format!("read --json --physical --ranges {file}")).json();
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

/// Checks that each list is refused with its advice.
fn assert_refused<'l>(folder: &Folder, lists: impl IntoIterator<Item = (&'l [u8], &'l str)>) {
    for (list, advice) in lists {
        let file = folder.write("list", list);
        let output = run(&format!("read --physical --ranges {file}"));
        output.only_err_has(advice);
        output.err_has(&file);
        assert_eq!(output.err.lines().count(), 1, "{}", output.err);
    }
}

#[test]
fn the_output_of_ranges_is_a_list() {
    let folder = Folder::new("f10");
    let text = run_with(small, "ranges").out;
    let document = run_with(small, "ranges --json").out;
    // The whole text, and only the lines with ranges.
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("0x")).collect();
    let addresses = lines.join("\n");
    for list in [&text, &document, &addresses] {
        let file = folder.write("list", list);
        assert_eq!(asked(&file), ranges(), "{list}");
        // It lists physical memory, and is not used for other memory.
        for kind in ["", "--virtual"] {
            let output = run(&format!("read --ranges {file} {kind}"));
            assert_eq!(output.code, FAILURE);
            output.err_has("add --physical");
        }
    }
}

#[test]
fn a_map_is_a_list() {
    let folder = Folder::new("f10-map");
    let image = folder.path("ram.bin");
    let output = run_with(small, &format!("read --all-ram --output {image}"));
    assert_eq!(output.code, SUCCESS);
    assert_eq!(asked(&folder.path("ram.bin.map.json")), ranges());
}

#[test]
fn a_list_may_come_through_a_pipe() {
    let list = run_with(small, "ranges").out;
    let words = ["read", "--json", "--physical", "--ranges", "-"];
    let read = |input: &[u8]| run_words(None, &mut to(SimulatedDriver::default), &words, input);
    let document = read(list.as_bytes()).json();
    assert_eq!(document["operations"].as_array().unwrap().len(), 2);
    read(b"1:2\nx\n").out_has("standard input, line 2: `x`");
}

#[test]
fn an_ambiguous_notation_is_refused() {
    let folder = Folder::new("f10-two");
    let lists: [(&[u8], _); 7] = [
        (
            b"# a map\n0x1000-0x9f000\n",
            "line 2: `0x1000-0x9f000` is START-END, which does not say whether the end is in the \
             range; write 0x1000:0x9e001 if it is, or 0x1000:0x9e000 if it is not",
        ),
        (
            b"0x1000 - 0x9f000\n",
            "line 1: `0x1000 - 0x9f000` is START-END",
        ),
        (
            b"00001000-0009fbff : System RAM\n",
            "line 1: `00001000-0009fbff : System RAM` is START-END as in /proc/iomem, hexadecimal \
             and with the end in the range; write 0x1000:0x9ec00",
        ),
        (
            b"  0000         1000 -        9ffff\n",
            "line 1: `0000 1000 - 9ffff` looks like START-END; write ADDRESS:LENGTH",
        ),
        (
            b"0x1000:16\n0x2000 0x9f000\n",
            "line 2: `0x2000 0x9f000` may be an address and a length, or a start and an end; write \
             0x2000:0x9f000 if it has 0x9f000 bytes, or 0x2000:0x9d000 if it ends before 0x9f000",
        ),
        // The size is not that of the addresses, so it is not the output of `ranges`.
        (
            b"0x1000 0x9f000 16.00 KiB\n",
            "line 1: `16.00`: `.` does not belong in a number",
        ),
        (b"0x1000 0x10 0x20\n", "line 1: `0x20` has no length"),
    ];
    assert_refused(&folder, lists);
    let unambiguous = folder.write("list", "0x2000 0x10\n");
    assert_eq!(asked(&unambiguous), [("0x2000".into(), 16)]);
}

#[test]
fn an_invalid_document_is_refused() {
    let folder = Folder::new("f10-json");
    let lists: [(&[u8], _); 10] = [
        (br#"{"ranges": ["#, "at line 1 column 12"),
        (b"{}", "names no ranges"),
        (br#"{"ranges": []}"#, "names no ranges"),
        (br#"{"ranges": [{"length": 1}]}"#, "missing field `base`"),
        (
            br#"{"ranges": [{"base": "0x10", "length": 1}, {"base": "0x20"}]}"#,
            "entry 2 of `ranges`: it has neither `length` nor `end`",
        ),
        (
            br#"{"ranges": [{"base": 16, "length": 1, "end": 18}]}"#,
            "entry 1 of `ranges`: `base`, `length` and `end` do not agree",
        ),
        (
            br#"{"ranges": [{"base": 16, "end": 8}]}"#,
            "entry 1 of `ranges`: `end` is before `base`",
        ),
        (
            br#"{"ranges": [{"base": 16, "end": 16}]}"#,
            "entry 1 of `ranges`: 0x10:0x0 has no bytes",
        ),
        (
            br#"{"ranges": [{"base": "fee0", "length": 1}]}"#,
            "entry 1 of `ranges`: `fee0`",
        ),
        (
            br#"{"kind": "virtual", "ranges": [{"base": 1, "length": 1}]}"#,
            "it lists virtual memory",
        ),
    ];
    assert_refused(&folder, lists);
}

#[test]
fn a_list_is_read_in_every_text_encoding() {
    let folder = Folder::new("f11");
    let text = run_with(small, "ranges").out;
    let document = run_with(small, "ranges --json").out;
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
                assert_eq!(asked(&file), ranges(), "{list}");
            }
        }
    }
}

#[test]
fn binary_data_is_refused_in_a_sentence() {
    let folder = Folder::new("f11-not");
    let lists: [(&[u8], _); 4] = [
        (b"\x7fELF\x02\x01\0\0", "the control character"),
        (b"0x1000:1\n0\x001", "line 2 has a NUL"),
        (b"\xff\xfe0\x00x", "ends within a character"),
        (b"0x1000:1\n\xe4", "line 2 is not UTF-8"),
    ];
    let expected = "write one ADDRESS:LENGTH in a line";
    assert_refused(&folder, lists.map(|(list, _)| (list, expected)));
    assert_refused(&folder, lists);
    // An endless file is too long.
    run("read --physical --ranges /dev/zero").err_has("more than 64 MiB");
    // A very long line is not printed in full.
    let file = folder.write("list", "y".repeat(1 << 20));
    let output = run(&format!("read --physical --ranges {file}"));
    assert!(output.err.len() < 1000, "{} bytes", output.err.len());
}
