//! The driver's own engine: a page-table walk, and a window onto a frame.
//!
//! To write the window's page-table entry, the driver has to find where that entry is mapped.
//! Windows maps its page tables into themselves: one entry of the root table points back at the
//! root table, at a place that differs from boot to boot. [`NativeMachine::start`] reads the root
//! table through `MmCopyMemory`, looks for that entry, computes from it where the window's entry
//! is mapped, and checks that a walk by physical addresses leads to the same entry. Then it reads
//! a page of its own through the window. Whatever does not fit rules the engine out.

use mm_copy::{
    CopyFlags, Levels, Native, PageTableWalk, PhysicalMemory, RamRanges, ReadError, Translate,
};
use ringcopy_protocol::NtStatus;
use usermode_accessors::{Status, VolatileSlice};

use super::system::SystemMachine;
use crate::nt::{
    PAGE_SIZE,
    contiguous::{Caching, ContiguousPages},
    pool::PoolBuffer,
    processor,
    window::{Reservation, Window},
};

/// Present, in a page-table entry.
const PRESENT: u64 = 1;

/// The frame's address in a page-table entry.
const FRAME: u64 = 0x000F_FFFF_FFFF_F000;

/// The engine, once it passed its self-check.
pub struct NativeMachine {
    window: Window,
    address_bits: u32,
    levels: Levels,
}

/// The engine for one request.
pub type NativeEngine<'a> = Native<WindowMemory<'a>, PageTableWalk<WindowMemory<'a>>>;

/// RAM through the window.
#[derive(Clone, Copy)]
pub struct WindowMemory<'a> {
    machine: &'a NativeMachine,
    ram: RamRanges<'a>,
}

impl NativeMachine {
    /// Finds the window's entry and checks the engine on memory of the driver's own.
    pub fn start(ram: RamRanges<'_>, address_bits: u32) -> Result<Self, NtStatus> {
        let levels = processor::paging_levels();
        let system = SystemMachine::new(ram, address_bits);
        let walk = PageTableWalk::new(&system, processor::page_table_root(), levels);
        let reservation = Reservation::new()?;
        let entry_address = page_table_base(&system, levels)?
            .checked_add(entry_offset(reservation.address(), levels))
            .ok_or(NtStatus::NOT_SUPPORTED)?;
        let entry = walk
            .translate(entry_address)
            .map_err(|_| NtStatus::NOT_SUPPORTED)?;
        let machine = Self {
            window: Window::open(reservation, entry_address, entry.physical)?,
            address_bits,
            levels,
        };
        machine.self_check(ram)?;
        Ok(machine)
    }

    /// The engine over these ranges of RAM, for as long as the current address space is.
    pub fn engine<'a>(&'a self, ram: RamRanges<'a>) -> NativeEngine<'a> {
        let memory = WindowMemory { machine: self, ram };
        let walk = PageTableWalk::new(memory, processor::page_table_root(), self.levels);
        Native::new(memory, walk)
    }

    /// Reads a page of the driver's own, filled with a pattern, by physical and by virtual
    /// address; both must give the pattern.
    fn self_check(&self, ram: RamRanges<'_>) -> Result<(), NtStatus> {
        let page = ContiguousPages::allocate(PAGE_SIZE, Caching::Cached)?;
        let mut pattern = [0_u8; 64];
        for (byte, value) in pattern.iter_mut().zip((0x5A..=u8::MAX).cycle()) {
            *byte = value;
        }
        let at = PAGE_SIZE.saturating_sub(pattern.len());
        page.as_volatile()
            .subslice(at, pattern.len())
            .ok_or(NtStatus::NOT_SUPPORTED)?
            .copy_from_slice(&pattern)
            .map_err(|_| NtStatus::NOT_SUPPORTED)?;
        let sources = [
            (CopyFlags::PHYSICAL, page.physical_address()),
            (CopyFlags::VIRTUAL, page.address()),
        ];
        for (flags, address) in sources {
            let mut read = PoolBuffer::allocate(PAGE_SIZE)?;
            let engine = self.engine(ram);
            let transfer = mm_copy::copy_memory(&engine, flags, address, read.as_volatile());
            let same = read.as_slice().get(at..) == Some(&pattern[..]);
            if !transfer.is_complete() || !same {
                return Err(NtStatus::NOT_SUPPORTED);
            }
        }
        Ok(())
    }
}

/// Where the page tables are mapped into themselves: the entry of the root table that points at
/// the root table gives all bits of that address.
fn page_table_base(memory: &SystemMachine<'_>, levels: Levels) -> Result<u64, NtStatus> {
    let root = processor::page_table_root() & FRAME;
    let mut table = PoolBuffer::allocate(PAGE_SIZE)?;
    memory
        .read(root, table.as_volatile())
        .map_err(|_| NtStatus::NOT_SUPPORTED)?;
    let (entries, _) = table.as_slice().as_chunks::<8>();
    let index = entries
        .iter()
        .map(|entry| u64::from_le_bytes(*entry))
        .position(|entry| entry & PRESENT != 0 && entry & FRAME == root)
        .ok_or(NtStatus::NOT_SUPPORTED)?;
    let (shift, bits) = match levels {
        Levels::Four => (39, 48),
        Levels::Five => (48, 57),
    };
    // Indices are below 512, so that nothing is shifted out; the upper half is sign-extended.
    Ok((index as u64) << shift | u64::MAX << bits)
}

/// Where, from that base, the entry of a page lies.
const fn entry_offset(address: u64, levels: Levels) -> u64 {
    // The bits of an address that choose a page: 9 for each level.
    let mask = match levels {
        Levels::Four => (1 << 36) - 1,
        Levels::Five => (1 << 45) - 1,
    };
    (address >> 12 & mask) << 3
}

impl PhysicalMemory for WindowMemory<'_> {
    fn address_bits(&self) -> u32 {
        self.machine.address_bits
    }

    fn ram_from(&self, address: u64) -> u64 {
        self.ram.bytes_from(address)
    }

    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError> {
        self.machine
            .window
            .read(frame_of(address), offset_of(address), target)
            .map_err(|status| ReadError {
                status: Status(status.0),
                transferred: 0,
            })
    }

    fn read_u64(&self, address: u64) -> Result<u64, Status> {
        let index = offset_of(address) >> 3;
        let entry = self.machine.window.read_entry(frame_of(address), index);
        entry.map_err(|status| Status(status.0))
    }
}

/// The bits of an address within its page.
const OFFSET: u64 = 0xFFF;

/// The frame that a physical address is in.
const fn frame_of(address: u64) -> u64 {
    address & !OFFSET
}

/// Where in its frame a physical address is.
const fn offset_of(address: u64) -> usize {
    (address & OFFSET) as usize
}
