//! RAM that a hypervisor withholds: an access to it raises an exception, though it is on the list of
//! RAM and mapped. A copy ends there, with the exact count, and the driver goes on.

#![forbid(unsafe_code)]

use ringcopy_client::{
    PAGE_LENGTH, Source,
    protocol::{EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{Count, Lab, MappingKind, Options, Withheld};
use ringcopy_tests::{UNTOUCHED, boot, boot_with, open, options, privileged};

/// A system page of RAM that an entry for `page` bytes maps: its address, and where it is.
fn mapped(lab: &Lab, page: u64) -> (u64, u64) {
    let mixed = lab.mixed_mappings().unwrap();
    let mut mappings = mixed.of_kind(MappingKind::Ram);
    let mapping = mappings.find(|mapping| mapping.page == page).unwrap();
    (mapping.address, mapping.physical)
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_withheld_frame_ends_a_copy_at_its_first_byte() {
    for five_levels in [false, true] {
        let lab = boot_with(Options {
            five_levels,
            ..options(Reach::all())
        });
        let (address, frame) = mapped(&lab, 2 << 20);
        // RAM lies before and after it.
        let (address, frame) = (address + PAGE_LENGTH, frame + PAGE_LENGTH);
        let mut process = privileged(&lab);
        let mut device = open(&mut process);
        lab.withhold(frame, Withheld::Frame, true).unwrap();
        let exceptions = lab.counts().unwrap().get(Count::Exceptions);
        let mut count = 0;
        for before in [
            0, 1, 2, 7, 8, 15, 16, 63, 64, 65, 100, 129, 1000, 4095, 4096,
        ] {
            for length in [before + 1, before + 8, before + 100, before + PAGE_LENGTH] {
                let sources = [Source::Virtual(address), Source::Physical(frame)];
                for (source, engine) in sources
                    .into_iter()
                    .flat_map(|source| [(source, EngineKind::Native), (source, EngineKind::Auto)])
                {
                    let start = match source {
                        Source::Virtual(address) => Source::Virtual(address - before),
                        Source::Physical(address) => Source::Physical(address - before),
                    };
                    let mut target = vec![UNTOUCHED; usize::try_from(length).unwrap()];
                    let report = device.copy_memory(start, engine, &mut target).unwrap();
                    let what = format!("{start:x?}, {length} bytes, {engine:?}");
                    assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS, "{what}");
                    assert_eq!(report.result.copied, before, "{what}");
                    assert_eq!(
                        report.result.stop_address(),
                        Some(source.address()),
                        "{what}"
                    );
                    assert_eq!(report.result.engine(), EngineKind::Native, "{what}");
                    let (copied, rest) = target.split_at(usize::try_from(before).unwrap());
                    let expected = lab.read_physical(frame - before, before).unwrap();
                    assert!(copied == expected, "{what}");
                    assert!(rest.iter().all(|&byte| byte == UNTOUCHED), "{what}");
                    count += 1;
                }
            }
        }
        let now = lab.counts().unwrap().get(Count::Exceptions);
        assert!(now >= exceptions + count, "{count} copies, no exceptions");
        // Given back, it is read.
        lab.withhold(frame, Withheld::Frame, false).unwrap();
        let mut target = vec![0; 4096];
        let report = device
            .copy_memory(Source::Virtual(address), EngineKind::Native, &mut target)
            .unwrap();
        assert!(report.is_complete(), "{report:?}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_withheld_page_table_hides_what_it_maps() {
    let lab = boot(Reach::all());
    let (address, frame) = mapped(&lab, PAGE_LENGTH);
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    lab.withhold(address, Withheld::Table, true).unwrap();
    let report = device
        .copy_memory(Source::Virtual(address), EngineKind::Native, &mut [0; 8])
        .unwrap();
    assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
    assert_eq!(
        (report.result.copied, report.result.stop_address()),
        (0, Some(address))
    );
    // The frame itself is not withheld.
    let report = device
        .copy_memory(Source::Physical(frame), EngineKind::Native, &mut [0; 8])
        .unwrap();
    assert!(report.is_complete(), "{report:?}");
}
