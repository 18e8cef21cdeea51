//! The system's engine: `MmCopyMemory`, a run of pages at a time.

use mm_copy::{CopyFlags, Engine, PhysicalMemory, ReadError, Transfer, copy_in_spans};
use usermode_accessors::{NtStatus, VolatileSlice};

use super::RamOfRequest;
use crate::nt::{processor, system_copy::mm_copy_memory};

/// The greatest number of bytes of one call, which limits the time of a call.
const RUN: u64 = 64 << 10;

/// RAM and system memory, through `MmCopyMemory`.
pub struct SystemMachine<'a, 'r> {
    ram: &'a RamOfRequest<'r>,
    /// As [`PhysicalMemory::end`].
    end: u64,
}

impl<'a, 'r> SystemMachine<'a, 'r> {
    pub const fn new(ram: &'a RamOfRequest<'r>, end: u64) -> Self {
        Self { ram, end }
    }
}

impl PhysicalMemory for SystemMachine<'_, '_> {
    const SPAN: u64 = RUN;

    fn end(&self) -> u64 {
        self.end
    }

    #[inline]
    fn ram_from(&self, address: u64) -> u64 {
        self.ram.bytes_from(address)
    }

    fn hole_from(&self, address: u64) -> u64 {
        self.ram.hole_from(address)
    }

    #[inline]
    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError> {
        mm_copy_memory(CopyFlags::PHYSICAL, address, target)
    }

    fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
        let mut bytes = [0; 8];
        self.read(address, VolatileSlice::from(&mut bytes[..]))
            .map_err(|error| error.status)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

impl Engine for SystemMachine<'_, '_> {
    type Memory = Self;

    fn physical_memory(&self) -> &Self {
        self
    }

    #[inline]
    fn copy_system(&self, address: u64, target: VolatileSlice<'_>) -> Transfer {
        copy_in_spans::<RUN>(address, target, |address, target| {
            mm_copy_memory(CopyFlags::VIRTUAL, address, target)
        })
    }

    fn system_start(&self) -> u64 {
        processor::paging_levels().system_start()
    }
}
