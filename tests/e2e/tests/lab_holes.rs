//! How far holes reach, as the driver says it: never over anything that can be read, and far enough
//! that a read costs what is there and not how far apart it lies (field case F8).

#![forbid(unsafe_code)]

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use ringcopy_client::{
    Device, PAGE_LENGTH, Piece, ScatterPiece, Source, Transfer, Transport,
    cli::{self, Console},
    protocol::{Engine, NtStatus, Reach},
};
use ringcopy_lab::{Lab, MachineFact, Mosaic, Options, Process, RamRange, Reader, TileKind};
use ringcopy_tests::{finish, open, options, privileged, tell};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

const ENGINES: [(Engine, Reader); 3] = [
    (Engine::Native, Reader::Walk),
    (Engine::System, Reader::MemoryManager),
    (Engine::Auto, Reader::MemoryManager),
];

/// Lays a mosaic in which pages that are out follow holes.
const SEED: u64 = 7;

/// A lab with so many levels of page tables.
fn boot(five_levels: bool, icount: bool) -> Lab {
    Lab::boot(Options {
        five_levels,
        icount,
        seed: SEED,
        ..options(Reach::all())
    })
    .unwrap_or_else(|error| panic!("{error}"))
}

/// What becomes of a byte at each of these addresses.
fn ask(
    device: &mut Device<'_, Process<'_>>,
    engine: Engine,
    sources: impl IntoIterator<Item = Source>,
) -> Vec<Transfer> {
    ask_for(device, engine, 1, sources)
}

/// What becomes of so many bytes from each of these addresses on.
fn ask_for(
    device: &mut Device<'_, Process<'_>>,
    engine: Engine,
    length: u32,
    sources: impl IntoIterator<Item = Source>,
) -> Vec<Transfer> {
    let pieces: Vec<_> = sources
        .into_iter()
        .map(|source| Piece { source, length })
        .collect();
    let batch = device.copy_batch(&pieces, engine);
    batch.unwrap_or_else(|error| panic!("{error}")).transfers
}

/// The ranges of RAM, of which none touches the next.
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
fn f8_a_physical_hole_ends_where_the_next_ram_begins() {
    let lab = boot(false, false);
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
        let transfers = ask(&mut device, engine, sources);
        for (&address, transfer) in addresses.iter().zip(transfers) {
            let is_ram = runs
                .iter()
                .any(|run| (run.base..run.base + run.length).contains(&address));
            let next = runs.iter().map(|run| run.base).find(|&base| base > address);
            let hole = match next {
                _ if is_ram => 0,
                Some(next) => next - address,
                // As many as there are addresses, or one less than all of them.
                None => (u64::MAX - address).saturating_add(1),
            };
            assert_eq!(transfer.hole_length, hole, "{engine:?}, {address:#x}");
        }
    }
    drop(device);
    drop(process);
    finish(lab);
}

/// Whether a byte of a range can be read, asked of all that the mosaic consists of.
fn is_readable(mosaic: &Mosaic, ram: &[RamRange], hole: (u64, u64), reader: Reader) -> bool {
    let end = u128::from(hole.0) + u128::from(hole.1);
    mosaic.tiles().iter().any(|tile| {
        let first = tile.address.max(hole.0);
        let last = end.min(u128::from(tile.address + tile.length));
        let Ok(last) = u64::try_from(last) else {
            panic!("a tile at the end of everything");
        };
        if first >= last {
            return false;
        }
        let physical = tile.physical.wrapping_add(first - tile.address);
        mosaic.readable(first, 1, reader) > 0
            || (tile.kind == TileKind::Mixed as u64
                && ram.iter().any(|range| {
                    range.base < physical + (last - first) && physical < range.base + range.length
                }))
    })
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn f8_no_virtual_hole_has_anything_readable_in_it() {
    for five_levels in [false, true] {
        let lab = boot(five_levels, false);
        let mosaic = lab.mosaic().unwrap();
        let ram = lab.ram_ranges().unwrap();
        let facts = lab.facts().unwrap();
        let mut process = privileged(&lab);
        let mut device = open(&mut process);
        let information = device.information().unwrap();
        let known = [
            information.session_address,
            facts.get(MachineFact::LargePageAddress),
        ];
        let unmapped = facts.get(MachineFact::UnmappedSystemAddress);
        let mut addresses: Vec<_> = mosaic
            .tiles()
            .iter()
            .flat_map(|tile| [tile.address, tile.address + tile.length - 1])
            .collect();
        let tiles = [mosaic.tiles().first(), mosaic.tiles().last()];
        let edges = tiles.into_iter().flatten().map(|tile| tile.address);
        for near in edges.chain(known).chain([unmapped]) {
            for distance in [PAGE_LENGTH, 2 * MIB, GIB, 512 * GIB] {
                addresses.extend([near - distance, near - 1]);
                addresses.extend(near.checked_add(distance));
            }
        }
        addresses.sort_unstable();
        let out: Vec<_> = mosaic.of_kind(TileKind::PagedOut).collect();
        assert!(
            out.iter().any(|tile| {
                let before = mosaic.tile(tile.address - 1).unwrap().kind;
                before == TileKind::Unmapped as u64 || before == TileKind::Lost as u64
            }),
            "no page that is out follows a hole: choose another seed"
        );
        let mut found = 0;
        let asked = [1, 1 << 16].map(|length| ENGINES.map(|engine| (engine, length)));
        for ((engine, reader), length) in asked.into_iter().flatten() {
            // An earlier engine may have had them brought in.
            for tile in &out {
                lab.page_out(tile.address).unwrap();
            }
            let sources = addresses.iter().map(|&address| Source::Virtual(address));
            let transfers = ask_for(&mut device, engine, length, sources);
            let holes: Vec<_> = addresses
                .iter()
                .zip(transfers)
                .filter(|(_, transfer)| transfer.hole_length > 0)
                .map(|(&address, transfer)| (address + transfer.copied, transfer.hole_length))
                .collect();
            for &hole in &holes {
                let what = format!("{engine:?}: {:#x} bytes at {:#x}", hole.1, hole.0);
                let inside = |address: &u64| *address >= hole.0 && address - hole.0 < hole.1;
                assert!(!known.iter().any(inside), "{what}");
                assert!(!is_readable(&mosaic, &ram, hole, reader), "{what}");
            }
            // Nor does the same engine read anything there.
            let inside = holes.iter().flat_map(|&(address, length)| {
                [length / 2, length - 1].map(|offset| Source::Virtual(address + offset))
            });
            for transfer in ask(&mut device, engine, inside) {
                assert_eq!(transfer.copied, 0, "{engine:?}: {transfer:x?}");
            }
            found += holes.len();
        }
        tell(&format!("{found} holes"));
        assert!(found > 300, "{found} holes");
        drop(device);
        drop(process);
        finish(lab);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn f8_what_has_no_tables_is_one_hole() {
    for five_levels in [false, true] {
        let lab = boot(five_levels, false);
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
            // What is no address ends where the system's begin.
            for address in [limit, (1 << 63) - 1, 1 << 63, start - 1] {
                let transfer = ask(&mut device, engine, [Source::Virtual(address)])[0];
                assert_eq!(transfer.status, NtStatus::INVALID_ADDRESS);
                assert_eq!(transfer.hole_length, start - address, "{engine:?}");
            }
            // The table of the highest level says how far what has none reaches.
            let slots = (1..256).map(|slot| Source::Virtual(start + slot * slot_length));
            let transfers = ask(&mut device, engine, slots);
            let whole = |transfer: &&Transfer| transfer.hole_length == slot_length;
            let count = transfers.iter().filter(whole).count();
            assert!(count > 100, "{engine:?}: {count} slots");
            let wraps = [Piece {
                source: Source::Virtual(u64::MAX),
                length: 2,
            }];
            let transfer = device.copy_batch(&wraps, engine).unwrap().transfers[0];
            assert_eq!(transfer.hole_length, 0);
        }
        // A scattered copy says it, too, and says nothing of a target that cannot be written.
        let target = device.transport().allocate(PAGE_LENGTH).unwrap();
        let hole = facts.get(MachineFact::HoleAddress);
        let scatter = |target| ScatterPiece {
            source: Source::Physical(hole - 5),
            target,
            length: 64,
        };
        let pieces = [scatter(target), scatter(target + PAGE_LENGTH - 2)];
        let transfers = device.copy_scatter(&pieces, Engine::Auto).unwrap();
        let expected = ask(&mut device, Engine::Auto, [Source::Physical(hole)])[0].hole_length;
        assert!(expected > 0);
        let said = transfers.iter().map(|one| (one.copied, one.hole_length));
        assert_eq!(said.collect::<Vec<_>>(), [(5, expected), (2, 0)]);
        // Nor of the caller's own memory, which may come to be at its first use.
        let transfer = ask(&mut device, Engine::Auto, [Source::Virtual(0)])[0];
        assert_eq!(transfer.hole_length, 0);
        drop(device);
        drop(process);
        finish(lab);
    }
}

/// Runs a command of the client's: its exit code, and the instructions and requests that it took.
fn run(lab: &Lab, words: &[&str]) -> (i32, u64, u64) {
    let requests = lab.requests();
    let (code, instructions) = lab
        .instructions_of(|| {
            cli::run(
                std::iter::once(&"ringcopy").chain(words),
                &mut Console {
                    out: &mut io::sink(),
                    err: &mut io::sink(),
                    input: &mut std::io::empty(),
                    terminal: false,
                    progress: false,
                },
                &mut || Ok(Box::new(privileged(lab)) as Box<dyn Transport>),
            )
        })
        .unwrap_or_else(|error| panic!("{error}"));
    (code, instructions, lab.requests() - requests)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn f8_a_read_costs_what_is_there_and_not_how_far_apart_it_lies() {
    let lab = boot(false, true);
    let runs = runs(&lab);
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("f8.bin");
    let file = output.display().to_string();
    let listed: Vec<_> = runs
        .iter()
        .map(|run| format!("{:#x}:{:#x}", run.base, run.length))
        .collect();
    let command = ["read", "--engine", "auto", "--output", &file, "--physical"];
    let listed: Vec<_> = listed.iter().map(String::as_str).collect();
    let (code, expected, least) = run(&lab, &[&command[..], &listed].concat());
    assert_eq!(code, cli::SUCCESS);
    let (code, found, requests) = run(&lab, &[&command[..], &["0:16GiB"]].concat());
    assert_eq!(code, cli::FAILURE, "a hole is a failure");
    tell(&format!(
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

    // 16 MiB of missing system memory cost what 50 requests do that come to nothing, with page tables
    // and without.
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    let mut hole_at = |address| {
        let source = Source::Virtual(address);
        ask(&mut device, Engine::Native, [source])[0].hole_length
    };
    let without = (1..256)
        .map(|slot| 0xFFFF_8000_0000_0000 + slot * 512 * GIB)
        .find(|&address| hole_at(address) == 512 * GIB)
        .unwrap();
    // The reads above have used up addresses there, each of which had an entry.
    let facts = lab.facts().unwrap();
    let with = facts.get(MachineFact::UnmappedSystemAddress);
    let with = with.next_multiple_of(16 * MIB);
    assert_eq!(hole_at(with), PAGE_LENGTH);
    assert_eq!(hole_at(with + 16 * MIB - PAGE_LENGTH), PAGE_LENGTH);
    drop(device);
    drop(process);
    for engine in ["auto", "native", "system"] {
        for start in [without, with] {
            let command = ["read", "--hex", "--engine", engine, "--virtual"];
            let one = format!("{without:#x}:1MiB");
            let all = format!("{start:#x}:16MiB");
            let (_, one, _) = run(&lab, &[&command[..], &[&one]].concat());
            let (_, all, requests) = run(&lab, &[&command[..], &[&all]].concat());
            tell(&format!(
                "{engine}: {all} instructions and {requests} requests for 16 MiB, {one} \
                 instructions for one"
            ));
            assert!(requests <= 50 && all <= 50 * one, "{all} for {one}");
        }
    }
    finish(lab);
}

/// All that can be read of the mosaic arrives, whatever holes there are between.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn f8_a_read_over_holes_misses_nothing() {
    let lab = boot(false, false);
    let mosaic = lab.mosaic().unwrap();
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("f8_mosaic.bin");
    let file = output.display().to_string();
    let first = mosaic.tiles().first().unwrap().address;
    // What lies beside large tiles, too.
    let last_small = mosaic
        .tiles()
        .iter()
        .rfind(|tile| tile.page == PAGE_LENGTH)
        .unwrap();
    let windows = [
        (first - 3 * MIB, 7 * MIB),
        (last_small.address - 20 * MIB, 40 * MIB),
    ];
    for (engine, reader) in [("native", Reader::Walk), ("auto", Reader::MemoryManager)] {
        for (start, length) in windows {
            let range = format!("{start:#x}:{length:#x}");
            let words = [
                "ringcopy",
                "read",
                "--engine",
                engine,
                "--output",
                &file,
                "--virtual",
                &range,
            ];
            let code = cli::run(
                words,
                &mut Console {
                    out: &mut io::sink(),
                    err: &mut io::sink(),
                    input: &mut std::io::empty(),
                    terminal: false,
                    progress: false,
                },
                &mut || Ok(Box::new(privileged(&lab)) as Box<dyn Transport>),
            );
            assert_eq!(code, cli::FAILURE, "holes are a failure");
            let bytes = fs::read(&output).unwrap();
            assert_eq!(bytes.len() as u64, length);
            let mut done = 0;
            let mut there = 0;
            while done < length {
                let at = start + done;
                let page = &bytes[usize::try_from(done).unwrap()..][..4096];
                if mosaic.readable(at, PAGE_LENGTH, reader) == PAGE_LENGTH {
                    assert!(mosaic.agrees(at, page), "{engine}: {at:#x}");
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
    finish(lab);
}
