//! RAM that is added and removed while the driver is loaded: the list of RAM is taken again when a
//! request misses it, and system memory that the list does not know is left to the system's engine.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CopyReport, Device, PAGE_LENGTH, Source,
    protocol::{EngineKind, NtStatus, Reach},
};
use ringcopy_lab::{Counted, Lab, MappingKind, Options, Process, RamState, Withheld};
use ringcopy_tests::{
    UNTOUCHED, boot, boot_with, open, options, privileged, until_both, with_two_processors,
};

const LENGTH: usize = 100;

/// Memory that comes and goes: 2 MiB that a large page maps.
struct Memory {
    address: u64,
    physical: u64,
    length: u64,
    bytes: Vec<u8>,
}

impl Memory {
    fn of(lab: &Lab) -> Self {
        let mixed = lab.mixed_mappings().unwrap();
        let mut mappings = mixed.of_kind(MappingKind::Ram);
        let mapping = mappings.find(|mapping| mapping.page > PAGE_LENGTH).unwrap();
        Self {
            address: mapping.address,
            physical: mapping.physical,
            length: mapping.length,
            bytes: lab.read_physical(mapping.physical, LENGTH as u64).unwrap(),
        }
    }

    fn set(&self, lab: &Lab, state: RamState) {
        lab.set_ram(self.physical, self.length, state).unwrap();
    }

    const fn sources(&self) -> [Source; 2] {
        [
            Source::Physical(self.physical),
            Source::Virtual(self.address),
        ]
    }

    #[track_caller]
    fn assert_read(&self, report: &CopyReport, found: &[u8], engine: EngineKind) {
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(report.result.engine(), engine, "{report:?}");
        assert_eq!(report.result.fell_back(), engine == EngineKind::System);
        assert!(found == self.bytes, "wrong bytes");
    }
}

fn read(
    device: &mut Device<'_, Process<'_>>,
    source: Source,
    engine: EngineKind,
) -> (CopyReport, Vec<u8>) {
    let mut target = vec![UNTOUCHED; LENGTH];
    let report = device.copy_memory(source, engine, &mut target).unwrap();
    (report, target)
}

#[track_caller]
fn assert_absent((report, found): &(CopyReport, Vec<u8>)) {
    assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
    assert_eq!(report.result.copied, 0);
    assert!(found.iter().all(|&byte| byte == UNTOUCHED));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn ram_that_is_added_after_load_is_read() {
    for engine in [EngineKind::Native, EngineKind::Auto] {
        for number in [0, 1] {
            let lab = boot(Reach::all());
            let memory = Memory::of(&lab);
            let source = memory.sources()[number];
            memory.set(&lab, RamState::Absent);
            lab.unload().unwrap();
            assert_eq!(lab.load().unwrap(), NtStatus::SUCCESS);
            let mut process = privileged(&lab);
            let mut device = open(&mut process);
            lab.advance_time().unwrap();
            assert_absent(&read(&mut device, source, engine));
            memory.set(&lab, RamState::Listed);
            lab.advance_time().unwrap();
            let (report, found) = read(&mut device, source, engine);
            memory.assert_read(&report, &found, EngineKind::Native);
            let ranges = device.memory_ranges().unwrap();
            let listed = lab.ram_ranges().unwrap();
            let bytes = |lengths: &mut dyn Iterator<Item = u64>| lengths.sum::<u64>();
            assert_eq!(
                bytes(&mut ranges.iter().map(|range| range.length)),
                bytes(&mut listed.iter().map(|range| range.length)),
            );
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_request_that_misses_the_list_has_it_taken_again() {
    let lab = boot(Reach::all());
    let memory = Memory::of(&lab);
    let [physical, _] = memory.sources();
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    memory.set(&lab, RamState::Absent);
    lab.advance_time().unwrap();
    // The list is a new one for this request, and lacks the memory.
    assert_absent(&read(&mut device, physical, EngineKind::Native));
    // Each second has one more list for a miss of this kind: one of many readers finds the memory
    // at once when it is there again.
    memory.set(&lab, RamState::Listed);
    let mut misses = 0;
    while !read(&mut device, physical, EngineKind::Native)
        .0
        .is_complete()
    {
        misses += 1;
        assert!(misses < 100_000, "the list is never taken again");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_kind_of_miss_takes_the_list_again_once_a_second() {
    // While its instructions are counted, the driver's time stands still.
    let lab = boot_with(Options {
        counted: Counted::OfDriver,
        ..options(Reach::all())
    });
    let memory = Memory::of(&lab);
    let [by_frame, by_address] = memory.sources();
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    memory.set(&lab, RamState::Absent);
    lab.advance_time().unwrap();
    // The list is a new one for this request, and was taken again for its miss.
    assert_absent(&read(&mut device, by_frame, EngineKind::Native));
    memory.set(&lab, RamState::Listed);
    for _ in 0..3 {
        assert_absent(&read(&mut device, by_frame, EngineKind::Native));
    }
    // A miss of another kind takes it again.
    let (report, found) = read(&mut device, by_address, EngineKind::Native);
    memory.assert_read(&report, &found, EngineKind::Native);

    // As does another second.
    memory.set(&lab, RamState::Absent);
    lab.advance_time().unwrap();
    assert_absent(&read(&mut device, by_frame, EngineKind::Native));
    memory.set(&lab, RamState::Listed);
    lab.advance_time().unwrap();
    let (report, found) = read(&mut device, by_frame, EngineKind::Native);
    memory.assert_read(&report, &found, EngineKind::Native);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn memory_that_left_the_list_is_not_read_natively() {
    let lab = boot(Reach::all());
    let memory = Memory::of(&lab);
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    for source in memory.sources() {
        let (report, found) = read(&mut device, source, EngineKind::Native);
        memory.assert_read(&report, &found, EngineKind::Native);
    }
    memory.set(&lab, RamState::Absent);
    lab.advance_time().unwrap();
    for source in memory.sources() {
        for engine in [EngineKind::Native, EngineKind::System, EngineKind::Auto] {
            assert_absent(&read(&mut device, source, engine));
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn system_memory_that_the_list_does_not_know_is_left_to_the_system() {
    let lab = boot(Reach::all());
    let memory = Memory::of(&lab);
    let [physical, address] = memory.sources();
    let mut process = privileged(&lab);
    let mut device = open(&mut process);
    memory.set(&lab, RamState::Unlisted);
    lab.advance_time().unwrap();
    for source in [physical, address] {
        assert_absent(&read(&mut device, source, EngineKind::Native));
    }
    assert_absent(&read(&mut device, physical, EngineKind::Auto));
    let (report, found) = read(&mut device, address, EngineKind::Auto);
    memory.assert_read(&report, &found, EngineKind::System);
    memory.set(&lab, RamState::Listed);
    lab.advance_time().unwrap();

    // A page table in such memory: what it maps is left to the system as well.
    let mixed = lab.mixed_mappings().unwrap();
    let mut mappings = mixed.of_kind(MappingKind::Ram);
    let mapping = mappings
        .find(|mapping| mapping.page == PAGE_LENGTH)
        .unwrap();
    let table = lab
        .withhold(mapping.address, Withheld::Table, false)
        .unwrap();
    lab.set_ram(table, PAGE_LENGTH, RamState::Unlisted).unwrap();
    lab.advance_time().unwrap();
    let source = Source::Virtual(mapping.address);
    assert_absent(&read(&mut device, source, EngineKind::Native));
    let (report, found) = read(&mut device, source, EngineKind::Auto);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(
        (report.result.engine(), report.result.fell_back()),
        (EngineKind::System, true)
    );
    assert!(mixed.agrees(mapping.address, &found));
    lab.set_ram(table, PAGE_LENGTH, RamState::Listed).unwrap();
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_run_while_ram_comes_and_goes() {
    with_two_processors(Reach::all(), &[false], |lab| {
        let memory = Memory::of(lab);
        let mut process = privileged(lab);
        for source in memory.sources() {
            lab.start_changing_ram(memory.physical, memory.length)
                .unwrap();
            let mut device = open(&mut process);
            until_both(2000, || {
                let (report, found) = read(&mut device, source, EngineKind::Native);
                if report.is_complete() {
                    memory.assert_read(&report, &found, EngineKind::Native);
                } else {
                    assert_absent(&(report, found));
                }
                report.is_complete()
            });
            drop(device);
            assert!(lab.stop_interference().unwrap() > 0);
        }
    });
}
