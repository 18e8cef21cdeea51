//! Memory of every kind: both engines copy what the lab itself reads there.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CallerCopy, CopyReport, CopyThrough, Device, PAGE_LENGTH, Source, Transport,
    protocol::{CopyResult, Direction, EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{MachineFact, PageState, Process, RamRange};
use ringcopy_tests::{UNTOUCHED, boot, open, pattern, privileged};

/// Copies by both engines. Their results have to be equal; the bytes may have changed between the
/// copies, and are returned.
fn copy(
    device: &mut Device<'_, Process<'_>>,
    source: Source,
    length: usize,
) -> (CopyReport, [Vec<u8>; 2]) {
    let [(native, by_native), (system, by_system)] =
        [EngineKind::Native, EngineKind::System].map(|engine| {
            let mut target = vec![UNTOUCHED; length];
            let report = device
                .copy_memory(source, engine, &mut target)
                .unwrap_or_else(|error| panic!("{source:?}: {error}"));
            let copied = usize::try_from(report.result.copied).unwrap();
            let rest = target.split_off(copied);
            assert!(
                rest.iter().all(|&byte| byte == UNTOUCHED),
                "{source:?}: bytes after the last"
            );
            let result = CopyResult {
                engine: EngineKind::Auto as u32,
                // One engine may report less of a hole than the other.
                hole_length: 0,
                ..report.result
            };
            (CopyReport { result, ..report }, target)
        });
    assert_eq!(
        native, system,
        "{source:?}, {length} bytes: the engines differ"
    );
    (native, [by_native, by_system])
}

/// How many of `length` bytes at `address` are RAM, up to the first that is not.
fn ram_from(ranges: &[RamRange], address: u64, length: u64) -> u64 {
    let mut end = address;
    // Adjacent ranges may be listed apart.
    while let Some(range) = ranges
        .iter()
        .find(|range| end >= range.base && end - range.base < range.length)
    {
        end = range.base + range.length;
    }
    (end - address).min(length)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn physical_memory_is_read_to_the_last_byte_of_ram() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let ranges = lab.ram_ranges().unwrap();
    assert!(ranges.len() > 1, "RAM without a hole");
    let mut device = open(&mut process);
    for range in &ranges {
        let end = range.base + range.length;
        let middle = range.base + range.length / 2;
        for near in [range.base, middle, end] {
            for offset in [0_i64, 1, -1, 7, -13, -4096, -4097, 4095, -9000] {
                let Some(address) = near.checked_add_signed(offset) else {
                    continue;
                };
                for length in [1_u64, 8, 100, 4096, 10_000] {
                    let length = usize::try_from(length).unwrap();
                    let (report, _) = copy(&mut device, Source::Physical(address), length);
                    assert_ends_with_ram(&ranges, address, &report);
                }
            }
        }
    }
}

fn assert_ends_with_ram(ranges: &[RamRange], address: u64, report: &CopyReport) {
    let expected = ram_from(ranges, address, report.asked);
    assert_eq!(report.result.copied, expected, "{address:#x}: {report:?}");
    if expected == report.asked {
        assert_eq!(report.result.status(), NtStatus::SUCCESS, "{address:#x}");
    } else {
        assert_eq!(
            report.result.status(),
            NtStatus::INVALID_ADDRESS,
            "{address:#x}"
        );
        assert_eq!(report.result.stop_address(), Some(address + expected));
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn own_memory_is_the_same_by_its_physical_addresses() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let pages = 64;
    let first = process.allocate(pages * PAGE_LENGTH).unwrap();
    let bytes = pattern(11, usize::try_from(pages * PAGE_LENGTH).unwrap());
    process.write(first, &bytes).unwrap();
    for (page, expected) in (0..pages).zip(bytes.chunks(4096)) {
        let address = first + page * PAGE_LENGTH;
        let physical = process.physical_address(address).unwrap().unwrap();
        let mut device = open(&mut process);
        for (offset, length) in [(0, 4096), (0, 1), (4095, 1), (1, 4094), (2048, 7)] {
            let source = Source::Physical(physical + offset as u64);
            for engine in [EngineKind::Native, EngineKind::System] {
                let mut found = vec![UNTOUCHED; length];
                let report = device.copy_memory(source, engine, &mut found).unwrap();
                assert!(report.is_complete(), "{report:?}");
                assert_eq!(report.result.engine(), engine);
                assert_eq!(found, expected[offset..offset + length]);
            }
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn system_memory_is_read_through_pages_of_every_size() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let facts = lab.facts().unwrap();
    let large = facts.get(MachineFact::LargePageAddress);
    let mut device = open(&mut process);
    let session = device.information().unwrap().session_address;
    for (base, span) in [
        (
            facts.get(MachineFact::SystemAddress),
            facts.get(MachineFact::SystemLength),
        ),
        (session, 16 << 10),
        (large, 2 << 20),
    ] {
        for (offset, length) in [
            (0, 1),
            (0, span.min(64 << 10)),
            (1, span.min(9000) - 1),
            (span - 1, 1),
            (span / 2, span / 2),
            (span / 3, span.min(5000) / 2),
        ] {
            let address = base + offset;
            let (report, bytes) = copy(
                &mut device,
                Source::Virtual(address),
                usize::try_from(length).unwrap(),
            );
            assert_eq!(report.result.status(), NtStatus::SUCCESS, "{address:#x}");
            let expected = lab.read_system(address, length).unwrap();
            assert!(
                bytes.iter().all(|bytes| *bytes == expected),
                "{address:#x}: wrong bytes"
            );
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn system_memory_ends_where_nothing_is_mapped() {
    let lab = boot(Reach::all());
    let mut process = privileged(&lab);
    let facts = lab.facts().unwrap();
    let scratch = facts.get(MachineFact::KernelScratch);
    let end = scratch + facts.get(MachineFact::KernelScratchLength);
    let sent = pattern(5, 4000);
    lab.write_kernel_scratch(facts.get(MachineFact::KernelScratchLength) - 4000, &sent)
        .unwrap();
    let mut device = open(&mut process);
    for before in [0_u64, 1, 17, 4000] {
        let (report, bytes) = copy(&mut device, Source::Virtual(end - before), 8192);
        assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
        assert_eq!(
            (report.result.copied, report.result.stop_address()),
            (before, Some(end))
        );
        let expected = &sent[4000 - usize::try_from(before).unwrap()..];
        assert!(bytes.iter().all(|bytes| bytes == expected));
    }
    let unmapped = facts.get(MachineFact::UnmappedSystemAddress);
    let io = facts.get(MachineFact::IoSystemAddress);
    for address in [
        unmapped,
        unmapped + 4095,
        io,
        io + 100,
        0xFFFF_8000_0000_0000,
    ] {
        let (report, _) = copy(&mut device, Source::Virtual(address), 64);
        assert_eq!(
            report.result.status(),
            NtStatus::INVALID_ADDRESS,
            "{address:#x}"
        );
        assert_eq!(report.result.copied, 0);
    }
}

/// Two pages of user memory. The second is in some state.
struct Pages {
    second: u64,
    bytes: Vec<u8>,
}

/// Bytes of a copy in each of the pages.
const EACH: u64 = 300;

impl Pages {
    fn arrange(process: &mut Process<'_>, seed: u64, state: PageState) -> Self {
        let first = process.allocate(2 * PAGE_LENGTH).unwrap();
        let second = first + PAGE_LENGTH;
        let bytes = pattern(seed, usize::try_from(2 * EACH).unwrap());
        process.write(second - EACH, &bytes).unwrap();
        process.set_pages(second, PAGE_LENGTH, state).unwrap();
        Self { second, bytes }
    }

    const fn start(&self) -> u64 {
        self.second - EACH
    }
}

/// Makes each copy that reads or writes user memory, across the start of a page in this state.
fn copies(
    process: &mut Process<'_>,
    state: PageState,
    mut check: impl FnMut(&mut Process<'_>, Direction, &Pages, &CopyReport),
) {
    let length = 2 * EACH;
    for which in 0..5 {
        let steady = process.allocate(PAGE_LENGTH).unwrap();
        let pages = Pages::arrange(process, which, state);
        let copy = CallerCopy::new(pages.start(), length);
        let mut target = vec![0; pages.bytes.len()];
        let mut device = open(process);
        let (direction, report) = match which {
            0 => (Direction::Read, device.copy_from(copy)),
            1 => (Direction::Write, device.copy_to(copy)),
            2 | 3 => {
                let reads = which == 2;
                let through = CopyThrough {
                    source: if reads { pages.start() } else { steady },
                    destination: if reads { steady } else { pages.start() },
                    length,
                    alignment: 1,
                };
                let direction = if reads {
                    Direction::Read
                } else {
                    Direction::Write
                };
                (direction, device.copy_through(through))
            }
            _ => (
                Direction::Read,
                device.copy_memory(
                    Source::Virtual(pages.start()),
                    EngineKind::Auto,
                    &mut target,
                ),
            ),
        };
        let report = report.unwrap_or_else(|error| panic!("{error}"));
        drop(device);
        check(process, direction, &pages, &report);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_page_that_is_paged_out_is_brought_in() {
    let lab = boot(Reach::empty());
    let mut process = privileged(&lab);
    copies(
        &mut process,
        PageState::PagedOut,
        |process, direction, pages, report| {
            assert!(report.is_complete(), "{report:?}");
            let mut found = vec![0; pages.bytes.len()];
            process.read(pages.start(), &mut found).unwrap();
            // The sources of the writing copies are zeros: a fresh session buffer, a fresh page.
            match direction {
                Direction::Write => assert!(found.iter().all(|&byte| byte == 0)),
                _ => assert_eq!(found, pages.bytes),
            }
        },
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_page_that_cannot_be_brought_in_stops_the_copy_with_its_own_status() {
    let lab = boot(Reach::empty());
    let mut process = privileged(&lab);
    copies(
        &mut process,
        PageState::InPageError,
        |_, direction, pages, report| {
            assert_eq!(
                report.result.status(),
                NtStatus::IN_PAGE_ERROR,
                "{report:?}"
            );
            assert_eq!(report.result.copied, EACH);
            assert_eq!(report.result.stop_address(), Some(pages.second));
            assert_eq!(report.result.direction(), direction);
        },
    );
}
