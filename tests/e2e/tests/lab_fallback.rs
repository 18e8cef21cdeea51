//! At a page that is not resident, the automatic choice goes on with the system engine, from that
//! byte, and reports it. No other choice does.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CopyReport, PAGE_LENGTH, Source, Transport,
    protocol::{CopyResult, Direction, EngineKind, NtStatus, Reach, ResultFlags},
};
use ringcopy_lab::{Count, MachineFact, MappingKind, MixedMappings};
use ringcopy_tests::{
    entries::{VIRTUAL, copy_batch, copy_scatter, entry, to_target},
    open, with_victim,
};

/// Bytes of a copy before the page that is out, and in it.
const BEFORE: u64 = 100;

/// A page that is out and follows RAM.
fn page_after_ram(mixed: &MixedMappings) -> u64 {
    mixed
        .of_kind(MappingKind::PagedOut)
        .map(|mapping| mapping.address)
        .find(|address| {
            let before = mixed.mapping_at(address - 1);
            before.is_some_and(|mapping| mapping.kind == MappingKind::Ram as u64)
        })
        .expect("no page that can be out follows RAM")
}

#[track_caller]
fn assert_by(report: &CopyReport, engine: EngineKind, fell_back: bool) {
    let found = (report.result.engine(), report.result.fell_back());
    assert_eq!(found, (engine, fell_back), "{report:?}");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn the_automatic_choice_falls_back_and_says_so() {
    with_victim(Reach::all(), |victim| {
        let lab = victim.process.lab();
        let mixed = lab.mixed_mappings().unwrap();
        let page = page_after_ram(&mixed);
        let source = Source::Virtual(page - BEFORE);
        let length = 2 * BEFORE;
        lab.page_out(page).unwrap();
        let before = lab.counts().unwrap().get(Count::BroughtIn);
        let mut device = open(&mut victim.process);
        let mut copy = |source, engine| {
            let mut target = vec![0; usize::try_from(length).unwrap()];
            let report = device.copy_memory(source, engine, &mut target).unwrap();
            (report, target)
        };

        let (report, _) = copy(source, EngineKind::Native);
        assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
        assert_eq!(
            (report.result.copied, report.result.stop_address()),
            (BEFORE, Some(page))
        );
        assert_by(&report, EngineKind::Native, false);

        let (report, bytes) = copy(source, EngineKind::Auto);
        assert!(report.is_complete(), "{report:?}");
        assert_by(&report, EngineKind::System, true);
        assert!(mixed.agrees(page - BEFORE, &bytes));
        let now = lab.counts().unwrap().get(Count::BroughtIn);
        assert_eq!(now, before + 1, "native brought a page in, or auto none");

        // The page is in now, so that the native engine copies all.
        let (report, bytes) = copy(source, EngineKind::Auto);
        assert!(report.is_complete(), "{report:?}");
        assert_by(&report, EngineKind::Native, false);
        assert!(mixed.agrees(page - BEFORE, &bytes));

        lab.page_out(page).unwrap();
        let (report, _) = copy(source, EngineKind::System);
        assert_by(&report, EngineKind::System, false);

        // At an unmapped page, both engines fail.
        let unmapped = lab.facts().unwrap().get(MachineFact::UnmappedSystemAddress);
        let (report, _) = copy(Source::Virtual(unmapped), EngineKind::Auto);
        assert_eq!(
            (report.result.status(), report.result.copied),
            (NtStatus::INVALID_ADDRESS, 0)
        );
        assert_by(&report, EngineKind::System, true);
        // What the native engine refuses for another reason is not tried again.
        let io = lab.facts().unwrap().get(MachineFact::IoSystemAddress);
        let (report, _) = copy(Source::Virtual(io), EngineKind::Auto);
        assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
        assert_by(&report, EngineKind::Native, false);
    });
}

fn assert_entry(result: &CopyResult, engine: EngineKind, fell_back: bool, copied: u64) {
    let flags = if fell_back {
        ResultFlags::FELL_BACK
    } else {
        ResultFlags::empty()
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
        let mixed = lab.mixed_mappings().unwrap();
        let page = page_after_ram(&mixed);
        // A scatter copies in pieces; the page is met in the first of them.
        let long = 20_000_u32;
        let target = victim
            .process
            .allocate(u64::from(long) + PAGE_LENGTH)
            .unwrap();
        let (near, short) = (page - BEFORE, u32::try_from(2 * BEFORE).unwrap());
        let readable = mixed.readable(near, long.into(), ringcopy_lab::Reader::MemoryManager);
        let lengths = [short, short, long];
        let sources = [page - PAGE_LENGTH, near, near];
        for engine in [EngineKind::Auto, EngineKind::Native] {
            let falls_back = engine == EngineKind::Auto;
            let check = |results: &[CopyResult]| {
                assert_entry(&results[0], EngineKind::Native, false, short.into());
                assert_eq!(NtStatus(results[0].status), NtStatus::SUCCESS);
                let by = if falls_back {
                    EngineKind::System
                } else {
                    EngineKind::Native
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
                    assert_entry(&results[2], EngineKind::Native, false, BEFORE);
                    assert_eq!(results[2].direction, Direction::Read as u32);
                    assert_eq!(results[2].address, page);
                }
            };
            let entries: Vec<_> = sources
                .iter()
                .zip(lengths)
                .map(|(&address, length)| entry(address, length, VIRTUAL))
                .collect();
            lab.page_out(page).unwrap();
            let (results, _): (Vec<_>, Vec<_>) =
                copy_batch(victim, engine, &entries).into_iter().unzip();
            check(&results);

            let scattered: Vec<_> = entries
                .iter()
                .map(|entry| to_target(entry, target))
                .collect();
            lab.page_out(page).unwrap();
            check(&copy_scatter(victim, engine, &scattered));
            let mut found = vec![0; usize::try_from(readable.min(long.into())).unwrap()];
            victim.process.read(target, &mut found).unwrap();
            assert!(!falls_back || mixed.agrees(near, &found));
        }
    });
}
