//! What the machine is, and what the lab counts.

use alloc::vec;
use alloc::vec::Vec;

use ringcopy_lab_mailbox::{Count, MachineFact, VALUES};

use super::{Answer, Carried, data, data_of, done};
use crate::memory::mosaic::Mosaic;
use crate::memory::{mosaic, paging, paging_file, ranges};
use crate::object::{device, handle, locked};
use crate::{io, machine, pci, pool, raw, reserved, seh, smp};
use nt_status::NtStatus;

/// The results of `Machine`.
pub(super) fn machine() -> Vec<u64> {
    let mut facts = vec![0; VALUES];
    let mut set = |fact: MachineFact, value: u64| facts[fact as usize] = value;
    let (constant, constant_length) = machine::constant();
    let (scratch, scratch_length) = machine::scratch();
    set(MachineFact::IoAddress, smp::APIC);
    set(MachineFact::RamEnd, ranges::end());
    set(MachineFact::SystemAddress, constant);
    set(MachineFact::SystemLength, constant_length);
    set(
        MachineFact::UnmappedSystemAddress,
        constant + constant_length,
    );
    set(MachineFact::IoSystemAddress, smp::apic_address());
    set(MachineFact::HoleAddress, ranges::HOLE.start);
    set(
        MachineFact::HoleLength,
        ranges::HOLE.end - ranges::HOLE.start,
    );
    set(
        MachineFact::SupervisorProtection,
        u64::from(machine::supervisor_protection()),
    );
    set(MachineFact::LargePageAddress, machine::large_page());
    set(MachineFact::Processors, smp::running());
    set(MachineFact::PagingLevels, u64::from(paging::levels()));
    set(MachineFact::KernelScratch, scratch);
    set(MachineFact::KernelScratchLength, scratch_length);
    set(MachineFact::PhysicalAddressBits, u64::from(paging::width()));
    if let Some(device) = pci::first_with_memory() {
        set(MachineFact::DeviceAddress, device.address);
        set(MachineFact::DeviceLength, device.length);
    }
    // The last of them is a table or ROM that the map names, not a place that all PCs have.
    let kept = ranges::firmware();
    set(
        MachineFact::FirmwareAddress,
        kept.last().map_or(0, |range| range.start),
    );
    facts
}

/// The answer to `RamRanges`.
pub(super) fn ram_ranges() -> Carried {
    let mut length = 0;
    for range in ranges::listed() {
        raw::write(data() + length, range.start);
        raw::write(data() + length + 8, range.end - range.start);
        length += 16;
    }
    data_of(length)
}

/// The answer to `Mosaic`.
pub(super) fn mosaic() -> Carried {
    let mosaic = mosaic::lay().ok_or(NtStatus::NO_MEMORY)?;
    let mut length = 0;
    for tile in &mosaic.tiles {
        let words = [
            tile.address,
            tile.length,
            tile.page,
            tile.kind,
            tile.physical,
        ];
        raw::write(data() + length, words);
        length += size_of_val(&words) as u64;
    }
    done(Answer {
        results: vec![mosaic.block, Mosaic::BLOCK_LENGTH],
        data_length: length,
    })
}

/// The results of `Counts`.
pub(super) fn counts() -> Vec<u64> {
    let mut counts = vec![0; VALUES];
    let mut set = |count: Count, value: u64| counts[count as usize] = value;
    let (allocations, bytes) = pool::usage();
    set(Count::PoolAllocations, allocations);
    set(Count::PoolBytes, bytes);
    set(Count::Exceptions, seh::count());
    set(Count::Handles, handle::count());
    set(Count::Devices, device::count());
    set(Count::LockedPages, locked::count());
    set(Count::Requests, io::completion::count());
    set(Count::Reservations, reserved::count());
    set(Count::EndedElsewhere, io::completion::ended_elsewhere());
    set(Count::BroughtIn, paging_file::brought_in());
    counts
}
