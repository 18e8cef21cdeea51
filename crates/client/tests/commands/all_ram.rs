//! `read --all-ram`, and the formats of images.

use std::{collections::BTreeMap, fs};

use ringcopy_client::cli::{FAILURE, SUCCESS, USAGE};
use serde_json::{Value, json};

use crate::{byte_at, driver::SimulatedDriver, folder::Folder, lost_from, run, run_with};

/// Returns a driver with four ranges of RAM. The second one ends in a hole, the third one begins in
/// one.
fn four_ranges(lost: usize) -> impl Fn() -> SimulatedDriver {
    move || SimulatedDriver {
        ranges: vec![
            (0x2000, 0x3000),
            (0x9D000, 0x4000),
            (0xFF000, 0x18_1000),
            (0x50_0000, 0x1000),
        ],
        ..lost_from(lost)()
    }
}

/// Returns the pages of these ranges that are RAM.
fn pages() -> Vec<u64> {
    let ranges = [
        0x2000..0x5000,
        0x9D000..0x9F000,
        0x10_0000..0x28_0000,
        0x50_0000..0x50_1000,
    ];
    ranges
        .into_iter()
        .flat_map(|range| range.step_by(0x1000))
        .collect()
}

fn page(address: u64) -> Vec<u8> {
    (address..address + 0x1000).map(byte_at).collect()
}

/// Parses a `LiME` image by its specification. Returns its pages.
fn segments(image: &[u8]) -> BTreeMap<u64, Vec<u8>> {
    let mut pages = BTreeMap::new();
    let mut rest = image;
    let mut after = 0;
    while !rest.is_empty() {
        let number = |at: usize| u64::from_le_bytes(rest[at..at + 8].try_into().unwrap());
        assert_eq!(rest[..8], *b"EMiL\x01\0\0\0");
        assert_eq!(number(24), 0, "reserved");
        let (first, last) = (number(8), number(16));
        assert!(after <= first && first <= last, "{first:#x} to {last:#x}");
        after = last + 1;
        let (segment, more) = rest[32..].split_at((after - first).try_into().unwrap());
        for (number, page) in segment.chunks(0x1000).enumerate() {
            pages.insert(first + number as u64 * 0x1000, page.to_vec());
        }
        rest = more;
    }
    pages
}

fn assert_lime(image: &[u8], context: &str) {
    let found = segments(image);
    let addresses: Vec<_> = found.keys().copied().collect();
    assert_eq!(addresses, pages(), "{context}");
    for (address, bytes) in found {
        assert!(bytes == page(address), "{context}: {address:#x}");
    }
}

fn assert_raw(image: &[u8], context: &str) {
    let mut expected = vec![0; image.len()];
    for address in pages() {
        let at = usize::try_from(address).unwrap();
        expected[at..at + 0x1000].copy_from_slice(&page(address));
    }
    assert_eq!(image.len(), 0x50_1000, "{context}");
    assert!(image == expected, "{context}");
}

#[test]
fn a_raw_image_has_each_byte_at_its_address() {
    let folder = Folder::new("all-ram");
    let file = folder.path("ram.bin");
    let line = format!("read --physical --all-ram --output {file}");
    let output = run_with(four_ranges(usize::MAX), &line);
    assert_eq!(output.code, FAILURE, "a hole is a failure");
    assert_raw(&folder.read("ram.bin"), "raw");
    output.out_has(&format!("its map is {file}.map.json\n"));
    let map: Value = serde_json::from_slice(&folder.read("ram.bin.map.json")).unwrap();
    assert_eq!(map["format"], "raw");
    assert_eq!(map["image"], "ram.bin");
    assert_eq!(
        map["ranges"][1],
        json!({ "base": "0x9d000", "end": "0xa1000", "length": 0x4000 })
    );
    assert_eq!(map["ranges"].as_array().unwrap().len(), 4);
    let holes: Vec<_> = map["holes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hole| json!([hole["address"], hole["length"], hole["output_offset"]]))
        .collect();
    assert_eq!(
        holes,
        [
            json!(["0x9f000", 0x2000, 0x9_F000]),
            json!(["0xff000", 0x1000, 0xF_F000]),
        ]
    );
    assert_eq!(folder.names(), ["ram.bin", "ram.bin.map.json"]);
}

#[cfg(unix)]
#[test]
fn a_raw_image_is_sparse() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new("sparse");
    let file = folder.path("ram.bin");
    let ends_in_a_hole = || SimulatedDriver {
        ranges: vec![(0x2000, 0x3000), (0x3FFF_F000, 0x3000)],
        ..SimulatedDriver::default()
    };
    run_with(ends_in_a_hole, &format!("read --all-ram --output {file}"));
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!(metadata.len(), 0x4000_2000);
    // If the file system of this machine has sparse files.
    let empty = fs::File::create(folder.at().join("empty")).unwrap();
    empty.set_len(1 << 30).unwrap();
    if empty.metadata().unwrap().blocks() == 0 {
        assert!(metadata.blocks() * 512 < 16 << 20, "{}", metadata.blocks());
    }
}

#[test]
fn a_lime_image_has_what_was_read_and_nothing_else() {
    let folder = Folder::new("lime");
    let file = folder.path("ram.lime");
    let image_to = "--all-ram --format lime --output";
    let output = run_with(four_ranges(usize::MAX), &format!("read {image_to} {file}"));
    assert_eq!(output.code, FAILURE, "a hole is a failure");
    let image = folder.read("ram.lime");
    assert_lime(&image, "a file");
    // One segment for each contiguous range of memory.
    assert_eq!(image.len(), pages().len() * 0x1000 + 4 * 32);
    let map: Value = serde_json::from_slice(&folder.read("ram.lime.map.json")).unwrap();
    assert_eq!(map["format"], "lime");
    // In one pass.
    let output = run_with(four_ranges(usize::MAX), &format!("read {image_to} -"));
    assert_lime(&output.bytes, "standard output");
    // Of named ranges, in any order.
    let ranges = "0x500000:0x1000 0xff000:0x181000 0x2000:0x3000 0x9d000:0x4000";
    let command = format!("read --physical {ranges} --format lime --output {file}");
    run_with(four_ranges(usize::MAX), &command);
    assert_lime(&folder.read("ram.lime"), "named ranges");
    assert_eq!(folder.names(), ["ram.lime"], "the map was another image's");
}

#[test]
fn an_image_that_was_interrupted_anywhere_is_completed() {
    let folder = Folder::new("anywhere");
    for format in ["raw", "lime"] {
        let file = folder.path("image");
        let read = |lost, resume: &str| {
            let line = format!("read --all-ram --format {format} --output {file} {resume}");
            run_with(four_ranges(lost), &line)
        };
        let mut interruptions = 0;
        for lost in 0.. {
            let first = read(lost, "");
            if folder.names() == ["image", "image.map.json"] {
                break;
            }
            interruptions += 1;
            assert_eq!(first.code, FAILURE);
            if format == "lime" && lost > 1 {
                // The unfinished file is a valid image too.
                segments(&folder.read("image"));
            }
            let done = read(usize::MAX, "--resume");
            let context = format!("{format}, lost after {lost}: {}", done.err);
            let image = folder.read("image");
            match format {
                "raw" => assert_raw(&image, &context),
                _ => assert_lime(&image, &context),
            }
            assert_eq!(folder.names(), ["image", "image.map.json"], "{context}");
            folder.clear();
        }
        assert!(interruptions > 3, "{interruptions}");
        folder.clear();
    }
}

#[test]
fn a_lime_image_that_was_cut_anywhere_is_completed() {
    let folder = Folder::new("torn");
    let file = folder.path("image");
    let read = |lost, resume: &str| {
        let line = format!("read --all-ram --format lime --output {file} {resume}");
        run_with(four_ranges(lost), &line)
    };
    read(3, "");
    let (image, sidecar) = (folder.read("image"), folder.read("image.unfinished"));
    let first = 32 + 0x3000;
    for length in [
        0,
        1,
        31,
        32,
        33,
        first - 1,
        first,
        first + 31,
        first + 32,
        first + 33,
        image.len() - 1,
    ] {
        folder.write("image", &image[..length]);
        folder.write("image.unfinished", &sidecar);
        read(usize::MAX, "--resume");
        assert_lime(&folder.read("image"), &format!("{length} bytes"));
    }
    // A file that no read leaves is refused, and not changed.
    read(3, "");
    for at in [0, 8, 24] {
        let mut foreign = image.clone();
        foreign[at] ^= 0x40;
        folder.write("image", &foreign);
        folder.write("image.unfinished", &sidecar);
        read(usize::MAX, "--resume").err_has("something else wrote to it");
        assert!(folder.read("image") == foreign, "{at}");
    }
}

#[test]
fn an_unfinished_image_is_not_continued_in_another_format() {
    let folder = Folder::new("another-form");
    let file = folder.path("image");
    run_with(four_ranges(3), &format!("read --all-ram --output {file}"));
    let line = format!("read --all-ram --format lime --output {file} --resume");
    run_with(four_ranges(usize::MAX), &line).err_has("unfinished read of other memory");
}

#[test]
fn a_machine_that_lists_no_ram_is_reported() {
    let folder = Folder::new("no-ram");
    let file = folder.path("image");
    let none = || SimulatedDriver::with(|driver| driver.ranges = Vec::new());
    let output = run_with(none, &format!("read --all-ram --output {file}"));
    output.only_err_has("lists no RAM");
    assert!(folder.names().is_empty());
}

#[test]
fn all_ram_and_formats_with_invalid_arguments_are_refused() {
    for (arguments, advice) in [
        ("--all-ram", "--output"),
        ("--all-ram --output x --virtual", "cannot be used with"),
        ("--all-ram --output x --hex", "cannot be used with"),
        ("--all-ram --output x --ranges y", "cannot be used with"),
        ("0x1000:16 --all-ram --output x", "cannot be used with"),
        (
            "--all-ram --output x --physical 0x1000:16",
            "leave out the ranges",
        ),
        ("--physical 0x1000:4096 --format lime", "--output"),
        ("0x1000:4096 --format lime --output x", "add --physical"),
        (
            "--physical 0x1001:4096 --format lime --output x",
            "whole pages",
        ),
        (
            "--physical 0x1000:4095 --format lime --output x",
            "whole pages",
        ),
        ("--physical 0x1000 --format aff4 --output x", "lime"),
    ] {
        let output = run(&format!("read {arguments}"));
        assert_eq!(output.code, USAGE, "{arguments}: {}", output.err);
        output.err_has(advice);
    }
    let folder = Folder::new("pages");
    let list = folder.write("list", "0x1000:16\n");
    let file = folder.path("x");
    let line = format!("read --physical --ranges {list} --format lime --output {file}");
    run(&line).only_err_has("whole pages");
}

#[cfg(unix)]
#[test]
fn a_device_gets_an_image_and_no_map() {
    for format in ["raw", "lime"] {
        let line = format!("read --all-ram --format {format} --output /dev/null");
        let output = run_with(four_ranges(usize::MAX), &line);
        output.out_has("bytes written to /dev/null");
        assert!(!output.out.contains("map"), "{}", output.out);
        assert!(!std::path::Path::new("/dev/null.map.json").exists());
    }
}

#[test]
fn an_image_of_all_ram_without_holes_is_a_success() {
    let folder = Folder::new("success");
    let file = folder.path("ram.bin");
    let small = || SimulatedDriver {
        ranges: vec![(0x1000, 0x1000)],
        ..lost_from(usize::MAX)()
    };
    let output = run_with(small, &format!("read --all-ram --output {file}"));
    assert_eq!((output.code, output.err.as_str()), (SUCCESS, ""));
    assert_eq!(folder.read("ram.bin").len(), 0x2000);
}
