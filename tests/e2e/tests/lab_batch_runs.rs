//! Entries of a batch that the driver reads together.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH,
    protocol::{BatchEntry, EngineKind, Reach},
};
use ringcopy_lab::MachineFact;
use ringcopy_tests::{
    entries::{PHYSICAL, VIRTUAL, copy_batch, entry},
    with_victim,
};

/// Entries that lie in one page, and some between them that do not, or that have other flags.
fn neighbours(base: u64, flags: u32) -> Vec<BatchEntry> {
    let other = if flags == VIRTUAL { PHYSICAL } else { VIRTUAL };
    let page = PAGE_LENGTH;
    let mut entries: Vec<_> = [
        (0, 8, flags),
        (8, 8, flags),
        (100, 1, flags),
        (page - 96, 96, flags),
        (page - 96, 97, flags),
        (3, 0, flags),
        (16, 9, flags),
        (page - 1, 1, flags),
        (page, 8, flags),
        (page + 8, 8, flags),
        (16, 8, flags),
        (24, 8, other),
        (24, 8, 0),
        (24, 8, flags),
        (32, 5000, flags),
        (u64::MAX, 8, flags),
        (40, 8, flags),
    ]
    .map(|(offset, length, flags)| entry(base.wrapping_add(offset), length, flags))
    .into();
    // More than are read at a time: by their number, then by their bytes.
    entries.extend((0..140).map(|number| entry(base + number * 24, 8, flags)));
    entries.extend((0..18).map(|_| entry(base, 4096, flags)));
    entries
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn neighbours_in_a_page_have_the_results_that_they_have_alone() {
    with_victim(Reach::all(), |victim| {
        let facts = victim.process.lab().facts().unwrap();
        let fact = |fact| facts.get(fact);
        let session = victim.information;
        let page = |address: u64| address & !(PAGE_LENGTH - 1);
        let bases = [
            (fact(MachineFact::SystemAddress), VIRTUAL),
            (fact(MachineFact::LargePageAddress), VIRTUAL),
            (session.session_address, VIRTUAL),
            (session.session_physical_addresses[0], PHYSICAL),
            (page(fact(MachineFact::RamEnd) - 1), PHYSICAL),
            (fact(MachineFact::IoAddress), PHYSICAL),
            (fact(MachineFact::IoSystemAddress), VIRTUAL),
            (fact(MachineFact::UnmappedSystemAddress), VIRTUAL),
            (victim.source, VIRTUAL),
        ];
        for (base, flags) in bases {
            let entries = neighbours(page(base), flags);
            for engine in [EngineKind::Auto, EngineKind::Native, EngineKind::System] {
                let together = copy_batch(victim, engine, &entries);
                for (entry, together) in entries.iter().zip(together) {
                    let alone = copy_batch(victim, engine, &[*entry]);
                    // The physical pages beside the session buffer's are in use: their bytes may change.
                    let last = entry
                        .address
                        .wrapping_add(entry.length.into())
                        .wrapping_sub(1);
                    let changes = base == session.session_physical_addresses[0]
                        && [entry.address, last].map(page) != [page(base); 2];
                    assert!(
                        together.0 == alone[0].0 && (changes || together.1 == alone[0].1),
                        "{engine:?} {entry:X?}: {:X?}, and alone {:X?}",
                        together.0,
                        alone[0].0
                    );
                }
            }
        }
    });
}
