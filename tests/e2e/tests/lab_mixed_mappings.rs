//! System memory with mixed mappings, of every kind that page tables can make. Both engines copy all
//! of its RAM and nothing else, through pages of every size.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use ringcopy_client::{
    CopyReport, Device, OpenAccess, PAGE_LENGTH, Source, Transport,
    protocol::{EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{
    Count, Lab, MachineFact, Mapping, MappingKind, MixedMappings, Options, Process, Reader,
    UNTOUCHED,
};
use ringcopy_tests::{boot_with, copy_memory_each, open, options, privileged};

/// `MM_COPY_MEMORY_VIRTUAL`.
const VIRTUAL: u32 = 2;

/// Runs `stage` in labs with four and with five levels of page tables.
fn with_mixed_mappings(stage: impl Fn(&Lab, &MixedMappings)) {
    for five_levels in [false, true] {
        let lab = boot_with(Options {
            five_levels,
            ..options(Reach::all())
        });
        let mixed = lab
            .mixed_mappings()
            .unwrap_or_else(|error| panic!("{error}"));
        stage(&lab, &mixed);
    }
}

/// Copies by one engine. Returns the report, and the bytes that it counts.
fn copy(
    device: &mut Device<'_, Process<'_>>,
    engine: EngineKind,
    source: Source,
    length: u64,
) -> (CopyReport, Vec<u8>) {
    let mut target = vec![UNTOUCHED; usize::try_from(length).unwrap()];
    let report = device
        .copy_memory(source, engine, &mut target)
        .unwrap_or_else(|error| panic!("{source:x?}: {error}"));
    let rest = target.split_off(usize::try_from(report.result.copied).unwrap());
    assert!(
        rest.iter().all(|&byte| byte == UNTOUCHED),
        "{source:x?}: bytes after the last"
    );
    (report, target)
}

/// Ranges around the ends of a mapping.
const fn edges(mapping: &Mapping) -> [(u64, u64); 4] {
    [
        (mapping.address, 64),
        (mapping.address - 1, 2),
        (mapping.address - 100, 300),
        (mapping.address + mapping.length - 40, 80),
    ]
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_kind_of_memory_is_there() {
    with_mixed_mappings(|_, mixed| {
        let kinds: BTreeSet<_> = mixed
            .mappings()
            .iter()
            .map(|mapping| mapping.kind)
            .collect();
        assert_eq!(kinds, (0..=MappingKind::Mixed as u64).collect());
        let sizes: BTreeSet<_> = mixed
            .mappings()
            .iter()
            .map(|mapping| mapping.page)
            .collect();
        assert_eq!(sizes, [4 << 10, 2 << 20, 1 << 30].into());
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn both_engines_copy_ram_and_nothing_else() {
    with_mixed_mappings(|lab, mixed| {
        let mut process = privileged(lab);
        let handle = process.open(OpenAccess::Read).unwrap();
        let calls: Vec<_> = mixed
            .mappings()
            .iter()
            .flat_map(edges)
            .map(|(address, length)| (VIRTUAL, address, length))
            .collect();
        for (engine, reader) in [
            (EngineKind::Native, Reader::Walk),
            (EngineKind::System, Reader::MemoryManager),
        ] {
            let copies = copy_memory_each(&mut process, handle, engine, &calls);
            assert_eq!(copies.len(), calls.len());
            for (&(_, address, length), copy) in calls.iter().zip(copies) {
                let what = format!("{engine:?}, {address:#x}, {length} bytes");
                let expected = mixed.readable(address, length, reader);
                assert_eq!(copy.transferred, expected, "{what}");
                let complete = copy.status == NtStatus::SUCCESS;
                assert_eq!(complete, expected == length, "{what}");
                let (bytes, rest) = copy.target.split_at(usize::try_from(expected).unwrap());
                assert!(mixed.agrees(address, bytes), "{what}: wrong bytes");
                assert!(rest.iter().all(|&byte| byte == UNTOUCHED), "{what}");
            }
        }
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_system_page_that_is_out_is_brought_in_by_the_system_engine() {
    with_mixed_mappings(|lab, mixed| {
        let mut process = privileged(lab);
        let brought_in = || lab.counts().unwrap().get(Count::BroughtIn);
        let mapping = *mixed.of_kind(MappingKind::PagedOut).next().unwrap();
        let source = Source::Virtual(mapping.address);
        for _ in 0..3 {
            let before = brought_in();
            let mut device = open(&mut process);
            let (report, _) = copy(&mut device, EngineKind::Native, source, PAGE_LENGTH);
            assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
            assert_eq!(report.result.copied, 0);
            assert_eq!(brought_in(), before);

            let (report, bytes) = copy(&mut device, EngineKind::System, source, PAGE_LENGTH);
            assert!(report.is_complete(), "{report:?}");
            assert!(mixed.agrees(mapping.address, &bytes));
            assert_eq!(brought_in(), before + 1);

            // Now the native engine finds it too.
            let (report, bytes) = copy(&mut device, EngineKind::Native, source, PAGE_LENGTH);
            assert!(report.is_complete(), "{report:?}");
            assert!(mixed.agrees(mapping.address, &bytes));
            assert_eq!(brought_in(), before + 1);
            drop(device);
            lab.page_out(mapping.address).unwrap();

            // `MmCopyMemory` without the driver.
            let direct = process
                .mm_copy_memory(VIRTUAL, mapping.address, PAGE_LENGTH)
                .unwrap();
            assert_eq!(direct.status, NtStatus::SUCCESS);
            assert_eq!(direct.target, bytes);
            lab.page_out(mapping.address).unwrap();
        }
        let lost = mixed.of_kind(MappingKind::Lost).next().unwrap().address;
        let direct = process.mm_copy_memory(VIRTUAL, lost, 8).unwrap();
        assert_eq!(direct.status, NtStatus::IN_PAGE_ERROR);
        assert_eq!((direct.transferred, direct.target), (0, vec![UNTOUCHED; 8]));
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn devices_and_firmware_are_refused_by_their_physical_addresses() {
    with_mixed_mappings(|lab, mixed| {
        let mut process = privileged(lab);
        let facts = lab.facts().unwrap();
        let width = facts.get(MachineFact::PhysicalAddressBits);
        assert!((36..=52).contains(&width), "{width}");
        let device_memory = facts.get(MachineFact::DeviceAddress);
        let device_length = facts.get(MachineFact::DeviceLength);
        assert!(device_memory != 0 && device_length != 0, "no PCI device");
        let mut device = open(&mut process);
        for address in [
            facts.get(MachineFact::IoAddress),
            device_memory,
            device_memory + device_length - 1,
            facts.get(MachineFact::FirmwareAddress),
            0xF_0000,
            facts.get(MachineFact::RamEnd),
            (1 << width) - 1,
            1 << width,
            u64::MAX - 1,
        ] {
            assert_eq!(mixed.ram_from(address), 0, "{address:#x}");
            for engine in [EngineKind::Native, EngineKind::System] {
                let (report, _) = copy(&mut device, engine, Source::Physical(address), 2);
                assert_eq!(
                    report.result.status(),
                    NtStatus::INVALID_ADDRESS,
                    "{address:#x}"
                );
                assert_eq!(report.result.copied, 0, "{address:#x}");
            }
        }
    });
}
