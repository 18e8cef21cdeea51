//! Where the native engine meets a page that is not resident, the automatic choice goes on with the
//! system's, from that very byte, and says so. Nobody else does.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH, Source, Transport,
    protocol::{
        BatchEntry, CopyMemoryFlags, Direction, Engine, EntryResult, NtStatus, Reach, RequestKind,
        ScatterEntry, TransferFlags, judge,
    },
};
use ringcopy_lab::{Count, MachineFact, MappingKind, MixedMappings};
use ringcopy_tests::{Outcome, Served, batch, open, outcome, scatter, with_victim};

/// Bytes of a copy before the page that is out, and as many of it.
const BEFORE: u64 = 100;

/// A page that is out, right behind RAM.
fn page_behind_ram(mosaic: &MixedMappings) -> u64 {
    mosaic
        .of_kind(MappingKind::PagedOut)
        .map(|tile| tile.address)
        .find(|address| {
            let before = mosaic.mapping_at(address - 1);
            before.is_some_and(|tile| tile.kind == MappingKind::Ram as u64)
        })
        .expect("no page that can be out lies behind RAM")
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_automatic_choice_falls_back_and_says_so() {
    with_victim(Reach::all(), |victim| {
        let lab = victim.process.lab();
        let mosaic = lab.mixed_mappings().unwrap();
        let page = page_behind_ram(&mosaic);
        let source = Source::Virtual(page - BEFORE);
        let length = 2 * BEFORE;
        lab.page_out(page).unwrap();
        let before = lab.counts().unwrap().get(Count::BroughtIn);
        let mut device = open(&mut victim.process);
        let mut copy = |source, engine| {
            let mut target = vec![0; usize::try_from(length).unwrap()];
            let transfer = device.copy_memory(source, engine, &mut target).unwrap();
            (transfer, target)
        };

        let (transfer, _) = copy(source, Engine::Native);
        assert_eq!(transfer.status, NtStatus::INVALID_ADDRESS);
        assert_eq!((transfer.copied, transfer.address), (BEFORE, Some(page)));
        assert_eq!(
            (transfer.engine, transfer.fell_back),
            (Engine::Native, false)
        );

        let (transfer, bytes) = copy(source, Engine::Auto);
        assert!(transfer.is_complete(), "{transfer:?}");
        assert_eq!(
            (transfer.engine, transfer.fell_back),
            (Engine::System, true)
        );
        assert!(mosaic.agrees(page - BEFORE, &bytes));
        let now = lab.counts().unwrap().get(Count::BroughtIn);
        assert_eq!(now, before + 1, "native brought a page in, or auto none");

        // It is in now: nothing to fall back from.
        let (transfer, bytes) = copy(source, Engine::Auto);
        assert!(transfer.is_complete(), "{transfer:?}");
        assert_eq!(
            (transfer.engine, transfer.fell_back),
            (Engine::Native, false)
        );
        assert!(mosaic.agrees(page - BEFORE, &bytes));

        lab.page_out(page).unwrap();
        let (transfer, _) = copy(source, Engine::System);
        assert_eq!(
            (transfer.engine, transfer.fell_back),
            (Engine::System, false)
        );

        // What is not there at all is asked of both, and is not there.
        let unmapped = lab.facts().unwrap().get(MachineFact::UnmappedSystemAddress);
        let (transfer, _) = copy(Source::Virtual(unmapped), Engine::Auto);
        assert_eq!(
            (transfer.status, transfer.copied),
            (NtStatus::INVALID_ADDRESS, 0)
        );
        assert_eq!(
            (transfer.engine, transfer.fell_back),
            (Engine::System, true)
        );
        // What the native engine refuses for another reason is refused.
        let io = lab.facts().unwrap().get(MachineFact::IoSystemAddress);
        let (transfer, _) = copy(Source::Virtual(io), Engine::Auto);
        assert_eq!(transfer.status, NtStatus::INVALID_ADDRESS);
        assert_eq!(
            (transfer.engine, transfer.fell_back),
            (Engine::Native, false)
        );
    });
}

fn assert_entry(result: &EntryResult, engine: Engine, fell_back: bool, copied: u64) {
    let flags = if fell_back {
        TransferFlags::FELL_BACK
    } else {
        TransferFlags::empty()
    };
    assert_eq!(
        (result.engine, result.flags, result.copied),
        (engine as u32, flags.bits(), copied),
        "{result:X?}"
    );
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn each_entry_falls_back_by_itself() {
    with_victim(Reach::all(), |victim| {
        let lab = victim.process.lab();
        let mosaic = lab.mixed_mappings().unwrap();
        let page = page_behind_ram(&mosaic);
        // A scatter copies in pieces; the page is met in the first of them.
        let long = 20_000_u32;
        let target = victim
            .process
            .allocate(u64::from(long) + PAGE_LENGTH)
            .unwrap();
        let (near, short) = (page - BEFORE, u32::try_from(2 * BEFORE).unwrap());
        let readable = mosaic.readable(near, long.into(), ringcopy_lab::Reader::MemoryManager);
        let lengths = [short, short, long];
        let sources = [near - 2 * PAGE_LENGTH, near, near];
        for engine in [Engine::Auto, Engine::Native] {
            let falls_back = engine == Engine::Auto;
            let check = |results: &[EntryResult]| {
                assert_entry(&results[0], Engine::Native, false, short.into());
                assert_eq!(NtStatus(results[0].status), NtStatus::SUCCESS);
                let by = if falls_back {
                    Engine::System
                } else {
                    Engine::Native
                };
                let whole = if falls_back {
                    readable.min(long.into())
                } else {
                    BEFORE
                };
                let second = if falls_back { short.into() } else { BEFORE };
                assert_entry(&results[1], by, falls_back, second);
                assert_eq!(results[2].copied, whole, "{:X?}", results[2]);
                if !falls_back {
                    assert_entry(&results[2], Engine::Native, false, BEFORE);
                    assert_eq!(results[2].direction, Direction::Read as u32);
                    assert_eq!(results[2].address, page);
                }
            };
            let entries: Vec<_> = sources
                .iter()
                .zip(lengths)
                .map(|(&address, length)| BatchEntry {
                    address,
                    length,
                    flags: CopyMemoryFlags::VIRTUAL.bits(),
                })
                .collect();
            lab.page_out(page).unwrap();
            let total: u32 = lengths.iter().sum();
            let mut output = vec![0; judge::results_end(3) + total as usize];
            let input = batch(engine, &entries);
            let answer = victim.send(RequestKind::CopyBatch, &input, &mut output);
            assert_eq!(outcome(answer), Outcome::Done(output.len()));
            check(&Served::read(&output).results);

            let entries: Vec<_> = entries
                .iter()
                .map(|entry| ScatterEntry {
                    source: entry.address,
                    target,
                    length: entry.length,
                    flags: entry.flags,
                })
                .collect();
            lab.page_out(page).unwrap();
            let mut output = vec![0; judge::results_end(3)];
            let input = scatter(engine, &entries);
            let answer = victim.send(RequestKind::CopyScatter, &input, &mut output);
            assert_eq!(outcome(answer), Outcome::Done(output.len()));
            check(&Served::read(&output).results);
            let mut found = vec![0; usize::try_from(readable.min(long.into())).unwrap()];
            victim.process.read(target, &mut found).unwrap();
            assert!(!falls_back || mosaic.agrees(near, &found));
        }
    });
}
