//! The hole lengths that the driver reports. No hole has readable memory in it, and holes are long
//! enough that the cost of a read follows the memory that is there, not the span (field case F8).

#![forbid(unsafe_code)]

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use ringcopy_client::{
    CopyReport, Device, PAGE_LENGTH, Piece, ScatterPiece, Source, Transport, cli,
    protocol::{EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{
    Counted, Lab, MachineFact, MappingKind, MixedMappings, Options, Process, RamRange, Reader,
};
use ringcopy_tests::{CheckedLab, boot_with, open, options, privileged, report, run_client};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const ENGINES: [(EngineKind, Reader); 3] = [
    (EngineKind::Native, Reader::Walk),
    (EngineKind::System, Reader::MemoryManager),
    (EngineKind::Auto, Reader::MemoryManager),
];

/// Makes mixed mappings in which pages that are out follow holes.
const SEED: u64 = 7;

/// A lab with four or five levels of page tables.
fn boot(five_levels: bool, counted: Counted) -> CheckedLab {
    boot_with(Options {
        five_levels,
        counted,
        seed: SEED,
        ..options(Reach::all())
    })
}

/// Copies of `length` bytes from each of these addresses.
fn copy(
    device: &mut Device<'_, Process<'_>>,
    engine: EngineKind,
    length: u32,
    sources: impl IntoIterator<Item = Source>,
) -> Vec<CopyReport> {
    let pieces: Vec<_> = sources
        .into_iter()
        .map(|source| Piece { source, length })
        .collect();
    let batch = device.copy_batch(&pieces, engine);
    batch.unwrap_or_else(|error| panic!("{error}")).reports
}

/// The ranges of RAM, with adjacent ones merged.
fn runs(lab: &Lab) -> Vec<RamRange> {
    let mut runs: Vec<RamRange> = Vec::new();
    for range in lab.ram_ranges().unwrap() {
        match runs.last_mut() {
            Some(last) if last.base + last.length == range.base => last.length += range.length,
            _ => runs.push(range),
        }
    }
    runs
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_physical_hole_ends_where_the_next_ram_begins() {
    let lab = boot(false, Counted::Nothing);
    let runs = runs(&lab);
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let width = device.information().unwrap().physical_address_bits;
    let mut addresses = vec![0, 1 << width, 1 << 63, u64::MAX];
    for run in &runs {
        let end = run.base + run.length;
        addresses.extend([run.base.saturating_sub(1), run.base, end - 1, end, end + 1]);
    }
    for (engine, _) in ENGINES {
        let sources = addresses.iter().map(|&address| Source::Physical(address));
        let reports = copy(&mut device, engine, 1, sources);
        for (&address, report) in addresses.iter().zip(reports) {
            let is_ram = runs
                .iter()
                .any(|run| (run.base..run.base + run.length).contains(&address));
            let next = runs.iter().map(|run| run.base).find(|&base| base > address);
            let hole = match next {
                _ if is_ram => 0,
                Some(next) => next - address,
                // All addresses that are left, or one less than all there are.
                None => (u64::MAX - address).saturating_add(1),
            };
            assert_eq!(report.result.hole_length, hole, "{engine:?}, {address:#x}");
        }
    }
}

/// Whether a byte of a range can be read, by the list of all mixed mappings.
fn is_readable(mixed: &MixedMappings, ram: &[RamRange], hole: (u64, u64), reader: Reader) -> bool {
    let end = u128::from(hole.0) + u128::from(hole.1);
    mixed.mappings().iter().any(|mapping| {
        let first = mapping.address.max(hole.0);
        let last = end.min(u128::from(mapping.address + mapping.length));
        let Ok(last) = u64::try_from(last) else {
            panic!("a mapping at the end of everything");
        };
        if first >= last {
            return false;
        }
        let physical = mapping.physical.wrapping_add(first - mapping.address);
        mixed.readable(first, 1, reader) > 0
            || (mapping.kind == MappingKind::Mixed as u64
                && ram.iter().any(|range| {
                    range.base < physical + (last - first) && physical < range.base + range.length
                }))
    })
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn no_virtual_hole_has_anything_readable_in_it() {
    for five_levels in [false, true] {
        let lab = boot(five_levels, Counted::Nothing);
        let mixed = lab.mixed_mappings().unwrap();
        let ram = lab.ram_ranges().unwrap();
        let facts = lab.facts().unwrap();
        let mut process = privileged(&lab);
        let mut device = open(&mut process);
        let information = device.information().unwrap();
        let large_page = facts.get(MachineFact::LargePageAddress);
        let known = [information.session_address, large_page];
        let unmapped = facts.get(MachineFact::UnmappedSystemAddress);
        let mut addresses: Vec<_> = mixed
            .mappings()
            .iter()
            .flat_map(|mapping| [mapping.address, mapping.address + mapping.length - 1])
            .collect();
        let mappings = [mixed.mappings().first(), mixed.mappings().last()];
        let edges = mappings
            .into_iter()
            .flatten()
            .map(|mapping| mapping.address);
        // Not the session buffer: it lies in pool, and each request changes what is mapped around it.
        for near in edges.chain([large_page, unmapped]) {
            for distance in [PAGE_LENGTH, 2 * MIB, GIB, 512 * GIB] {
                addresses.extend([near - distance, near - 1]);
                addresses.extend(near.checked_add(distance));
            }
        }
        addresses.sort_unstable();
        let out: Vec<_> = mixed.of_kind(MappingKind::PagedOut).collect();
        assert!(
            out.iter().any(|mapping| {
                let before = mixed.mapping_at(mapping.address - 1).unwrap().kind;
                before == MappingKind::Unmapped as u64 || before == MappingKind::Lost as u64
            }),
            "no page that is out follows a hole: choose another seed"
        );
        let mut found = 0;
        let asked = [1, 1 << 16].map(|length| ENGINES.map(|engine| (engine, length)));
        for ((engine, reader), length) in asked.into_iter().flatten() {
            // Another engine may have brought them in.
            for mapping in &out {
                lab.page_out(mapping.address).unwrap();
            }
            let sources = addresses.iter().map(|&address| Source::Virtual(address));
            let reports = copy(&mut device, engine, length, sources);
            let holes: Vec<_> = addresses
                .iter()
                .zip(reports)
                .filter(|(_, report)| report.result.hole_length > 0)
                .map(|(&address, report)| {
                    (address + report.result.copied, report.result.hole_length)
                })
                .collect();
            for &hole in &holes {
                let what = format!("{engine:?}: {:#x} bytes at {:#x}", hole.1, hole.0);
                let inside = |address: &u64| *address >= hole.0 && address - hole.0 < hole.1;
                assert!(!known.iter().any(inside), "{what}");
                assert!(!is_readable(&mixed, &ram, hole, reader), "{what}");
            }
            // The same engine reads nothing there.
            let inside = holes.iter().flat_map(|&(address, length)| {
                [length / 2, length - 1].map(|offset| Source::Virtual(address + offset))
            });
            for report in copy(&mut device, engine, 1, inside) {
                assert_eq!(report.result.copied, 0, "{engine:?}: {report:x?}");
            }
            found += holes.len();
        }
        report(&format!("{found} holes"));
        assert!(found > 300, "{found} holes");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn memory_without_page_tables_is_one_hole() {
    for five_levels in [false, true] {
        let lab = boot(five_levels, Counted::Nothing);
        let facts = lab.facts().unwrap();
        let mut process = privileged(&lab);
        let mut device = open(&mut process);
        let limit = device.information().unwrap().user_limit;
        let start: u64 = if five_levels {
            0xFF00_0000_0000_0000
        } else {
            0xFFFF_8000_0000_0000
        };
        let slot_length = if five_levels {
            512 * 512 * GIB
        } else {
            512 * GIB
        };
        for (engine, _) in ENGINES {
            // Non-canonical addresses end where system addresses begin.
            for address in [limit, (1 << 63) - 1, 1 << 63, start - 1] {
                let report = copy(&mut device, engine, 1, [Source::Virtual(address)])[0];
                assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
                assert_eq!(report.result.hole_length, start - address, "{engine:?}");
            }
            // An empty entry of the highest table is one hole.
            let slots = (1..256).map(|slot| Source::Virtual(start + slot * slot_length));
            let reports = copy(&mut device, engine, 1, slots);
            let whole = |report: &&CopyReport| report.result.hole_length == slot_length;
            let count = reports.iter().filter(whole).count();
            assert!(count > 100, "{engine:?}: {count} slots");
            let wraps = [Piece {
                source: Source::Virtual(u64::MAX),
                length: 2,
            }];
            let report = device.copy_batch(&wraps, engine).unwrap().reports[0];
            assert_eq!(report.result.hole_length, 0);
        }
        // A scattered copy reports it, too, and reports nothing of a target that cannot be written.
        let target = device.transport().allocate(PAGE_LENGTH).unwrap();
        let hole = facts.get(MachineFact::HoleAddress);
        let scatter = |target| ScatterPiece {
            source: Source::Physical(hole - 5),
            target,
            length: 64,
        };
        let pieces = [scatter(target), scatter(target + PAGE_LENGTH - 2)];
        let reports = device.copy_scatter(&pieces, EngineKind::Auto).unwrap();
        let expected = copy(&mut device, EngineKind::Auto, 1, [Source::Physical(hole)])[0]
            .result
            .hole_length;
        assert!(expected > 0);
        let said = reports
            .iter()
            .map(|one| (one.result.copied, one.result.hole_length));
        assert_eq!(said.collect::<Vec<_>>(), [(5, expected), (2, 0)]);
        // Nor of user memory, which may be made at its first use.
        let report = copy(&mut device, EngineKind::Auto, 1, [Source::Virtual(0)])[0];
        assert_eq!(report.result.hole_length, 0);
    }
}

/// Runs a command of the client. Returns its exit code, and how many instructions and requests it
/// took.
fn run(lab: &Lab, command: &str, output: Option<&Path>) -> (i32, u64, u64) {
    let requests = lab.requests();
    let (run, instructions) = lab
        .instructions_of(|| run_client(lab, command, output))
        .unwrap_or_else(|error| panic!("{error}"));
    (run.code, instructions, lab.requests() - requests)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_cost_of_a_read_follows_memory_and_not_span() {
    let lab = boot(false, Counted::All);
    let runs = runs(&lab);
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("f8.bin");
    let listed = runs.iter().fold(String::new(), |list, run| {
        format!("{list} {:#x}:{:#x}", run.base, run.length)
    });
    let read = |ranges: &str| {
        let command = format!("read --engine auto --physical {ranges}");
        run(&lab, &command, Some(&output))
    };
    let (code, expected, least) = read(&listed);
    assert_eq!(code, cli::SUCCESS);
    let (code, found, requests) = read("0:16GiB");
    assert_eq!(code, cli::FAILURE, "a hole is a failure");
    report(&format!(
        "{found} instructions and {requests} requests for 16 GiB, {expected} and {least} for the \
         ranges"
    ));
    assert!(found * 10 <= expected * 12, "{found} for {expected}");
    let ram: u64 = runs.iter().map(|run| run.length).sum();
    let metadata = fs::metadata(&output).unwrap();
    assert_eq!(metadata.len(), 16 * GIB);
    // File systems may round up; none has to store the holes.
    assert!(metadata.blocks() * 512 <= ram + 16 * MIB);
    fs::remove_file(&output).unwrap();

    // 16 MiB of missing system memory cost at most 50 requests, with page tables and without.
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let mut hole_at = |address| {
        let source = Source::Virtual(address);
        copy(&mut device, EngineKind::Native, 1, [source])[0]
            .result
            .hole_length
    };
    let without = (1..256)
        .map(|slot| 0xFFFF_8000_0000_0000 + slot * 512 * GIB)
        .find(|&address| hole_at(address) == 512 * GIB)
        .unwrap();
    // The reads above have made page tables for addresses there.
    let facts = lab.facts().unwrap();
    let with = facts.get(MachineFact::UnmappedSystemAddress);
    let with = with.next_multiple_of(16 * MIB);
    assert_eq!(hole_at(with), PAGE_LENGTH);
    assert_eq!(hole_at(with + 16 * MIB - PAGE_LENGTH), PAGE_LENGTH);
    drop(device);
    drop(process);
    for engine in ["auto", "native", "system"] {
        for start in [without, with] {
            let command = format!("read --hex --engine {engine} --virtual");
            let (_, one, _) = run(&lab, &format!("{command} {without:#x}:1MiB"), None);
            let (_, all, requests) = run(&lab, &format!("{command} {start:#x}:16MiB"), None);
            report(&format!(
                "{engine}: {all} instructions and {requests} requests for 16 MiB, {one} \
                 instructions for one"
            ));
            assert!(requests <= 50 && all <= 50 * one, "{all} for {one}");
        }
    }
}

/// A read over holes copies all that can be read.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_read_over_holes_misses_nothing() {
    let lab = boot(false, Counted::Nothing);
    let mixed = lab.mixed_mappings().unwrap();
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mixed_mappings.bin");
    let first = mixed.mappings().first().unwrap().address;
    // Memory around large mappings, too.
    let last_small = mixed
        .mappings()
        .iter()
        .rfind(|mapping| mapping.page == PAGE_LENGTH)
        .unwrap();
    let windows = [
        (first - 3 * MIB, 7 * MIB),
        (last_small.address - 20 * MIB, 40 * MIB),
    ];
    for (engine, reader) in [("native", Reader::Walk), ("auto", Reader::MemoryManager)] {
        for (start, length) in windows {
            let command = format!("read --engine {engine} --virtual {start:#x}:{length:#x}");
            let code = run_client(&lab, &command, Some(&output)).code;
            assert_eq!(code, cli::FAILURE, "holes are a failure");
            let bytes = fs::read(&output).unwrap();
            assert_eq!(bytes.len() as u64, length);
            let mut done = 0;
            let mut there = 0;
            while done < length {
                let at = start + done;
                let page = &bytes[usize::try_from(done).unwrap()..][..4096];
                if mixed.readable(at, PAGE_LENGTH, reader) == PAGE_LENGTH {
                    assert!(mixed.agrees(at, page), "{engine}: {at:#x}");
                    there += 1;
                } else {
                    assert!(page.iter().all(|&byte| byte == 0), "{engine}: {at:#x}");
                }
                done += PAGE_LENGTH;
            }
            assert!(there > 256, "{there} pages");
        }
    }
    fs::remove_file(&output).unwrap();
}
