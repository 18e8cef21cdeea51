//! The commands that describe the machine, the mixed mappings and the lab's counters.

use alloc::vec;
use alloc::vec::Vec;

use nt_status::NtStatus;
use ringcopy_lab_mailbox::{Count, MachineFact, RamRange, VALUES};

use super::{Carried, Reply, data_of_records, done};
use crate::memory::mixed_mappings::{self, MixedMappings};
use crate::memory::{paging, paging_file, ranges};
use crate::object::{self, device, handle, locked};
use crate::{io, pci, pool, reserved, seh, smp, test_memory};

/// Puts values at their positions among the results.
fn results<const N: usize>(values: [(usize, u64); N]) -> Vec<u64> {
    let mut results = vec![0; VALUES];
    for (position, value) in values {
        results[position] = value;
    }
    results
}

/// Returns the results of `Machine`.
pub(super) fn machine() -> Vec<u64> {
    use MachineFact as Fact;
    let (constant, constant_length) = test_memory::constant();
    let (scratch, scratch_length) = test_memory::scratch();
    let device = pci::first_with_memory().unwrap_or_default();
    // The first firmware range is the ROM, which every PC has; the last is one that the map names.
    let firmware = ranges::firmware().last().map_or(0, |range| range.start);
    let mapping = reserved::mapping_pages().first().copied().unwrap_or(0);
    let protected = u64::from(test_memory::supervisor_protection());
    results([
        (Fact::IoAddress as usize, smp::APIC),
        (Fact::RamEnd as usize, ranges::end()),
        (Fact::SystemAddress as usize, constant),
        (Fact::SystemLength as usize, constant_length),
        (
            Fact::UnmappedSystemAddress as usize,
            constant + constant_length,
        ),
        (Fact::IoSystemAddress as usize, smp::apic_address()),
        (Fact::HoleAddress as usize, ranges::HOLE.start),
        (Fact::HoleLength as usize, ranges::HOLE.length()),
        (Fact::SupervisorProtection as usize, protected),
        (Fact::LargePageAddress as usize, test_memory::large_page()),
        (Fact::Processors as usize, smp::running()),
        (Fact::PagingLevels as usize, paging::levels().into()),
        (Fact::KernelScratch as usize, scratch),
        (Fact::KernelScratchLength as usize, scratch_length),
        (Fact::PhysicalAddressBits as usize, paging::width().into()),
        (Fact::DeviceAddress as usize, device.address),
        (Fact::DeviceLength as usize, device.length),
        (Fact::FirmwareAddress as usize, firmware),
        (Fact::MappingAddress as usize, mapping),
    ])
}

/// Returns the results of `Counts`.
pub(super) fn counts() -> Vec<u64> {
    let (allocations, bytes) = pool::usage();
    results([
        (Count::PoolAllocations as usize, allocations),
        (Count::PoolBytes as usize, bytes),
        (Count::Exceptions as usize, seh::count()),
        (Count::Handles as usize, handle::count()),
        (Count::Devices as usize, device::count()),
        (Count::LockedPages as usize, locked::count()),
        (Count::Requests as usize, io::completion::count()),
        (Count::Reservations as usize, reserved::count()),
        (
            Count::EndedElsewhere as usize,
            io::completion::ended_elsewhere(),
        ),
        (Count::BroughtIn as usize, paging_file::brought_in()),
        (
            Count::Processes as usize,
            object::count_of(object::Kind::Process),
        ),
    ])
}

/// Carries out `RamRanges`.
pub(super) fn ram_ranges() -> Carried {
    let ranges: Vec<RamRange> = ranges::listed()
        .iter()
        .map(|range| RamRange {
            base: range.start,
            length: range.length(),
        })
        .collect();
    done(data_of_records(&ranges))
}

/// Carries out `MixedMappings`.
pub(super) fn mixed_mappings() -> Carried {
    let mixed = mixed_mappings::get().ok_or(NtStatus::NO_MEMORY)?;
    done(Reply {
        results: vec![mixed.block, MixedMappings::BLOCK_LENGTH],
        ..data_of_records(&mixed.mappings)
    })
}
