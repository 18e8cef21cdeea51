//! The native engine: a page-table walk, and a window onto a frame.
//!
//! To write the window's page-table entry, the driver has to find the address of that entry.
//! Windows maps its page tables into themselves: one entry of the root table points at the root
//! table itself, and its index differs from boot to boot. [`NativeMachine::start`] reads the root
//! table through `MmCopyMemory`, finds that entry, computes the address of the window's entry from
//! its index, and checks that a walk by physical addresses leads to the same entry. Then it reads
//! memory of the driver through the window. If a check fails, the engine is not used.

use mm_copy::{
    CopyFlags, Hole, Levels, Mapping, Native, PageTableWalk, PhysicalMemory, RamRange, ReadError,
    Reason, Translate,
};
use usermode_accessors::{NtStatus, VolatileSlice};

use super::{RamOfRequest, system::SystemMachine};
use crate::nt::{
    OFFSET_IN_PAGE, PAGE_SIZE,
    contiguous::{Caching, ContiguousPages},
    pool::PoolBuffer,
    processor,
    window::{self, Frame, Held, Reservation, Windows},
};

/// The status of RAM that is not read because it is mapped elsewhere under another type of caching.
pub const NOT_CACHED: NtStatus = NtStatus::INVALID_PAGE_PROTECTION;

/// Present, in a page-table entry.
const PRESENT: u64 = 1;

/// Bytes in a page-table entry.
const ENTRY_SIZE: u64 = 8;

/// The frame's address in a page-table entry.
const FRAME: u64 = 0x000F_FFFF_FFFF_F000;

/// The factor of the self-check's patterns: an odd number with bits in every byte.
const MARK: u64 = 0x9E37_79B9_7F4A_7C15;

/// The engine after its self-check.
pub struct NativeMachine {
    windows: Windows,
    /// Frames that the driver maps uncached, which are never read.
    uncached: RamRange,
    /// As [`PhysicalMemory::end`].
    end: u64,
    levels: Levels,
}

/// The engine over a kind of access to RAM.
pub type NativeEngine<'a, M> = Native<M, WindowWalk<'a, M>>;

/// The walk, which finds nothing at the window's own addresses. What is mapped there is there for the
/// walk's own sake: it would find the very table that it is reading.
pub struct WindowWalk<'a, M> {
    windows: &'a Windows,
    walk: PageTableWalk<M>,
}

/// RAM through the window, which is held for each read.
#[derive(Clone, Copy)]
pub struct WindowMemory<'a, 'r> {
    machine: &'a NativeMachine,
    ram: &'a RamOfRequest<'r>,
}

/// RAM through a window that is held, a frame at a time. What is uncached counts as no RAM.
pub struct HeldMemory<'a, 'r> {
    memory: WindowMemory<'a, 'r>,
    window: Held<'a>,
}

impl NativeMachine {
    /// Finds the windows' entries and checks the engine on memory of the driver's own. RAM in
    /// `uncached` is not read: it is mapped elsewhere under another type of caching.
    pub fn start(ram: &RamOfRequest<'_>, uncached: RamRange, end: u64) -> Result<Self, NtStatus> {
        let levels = processor::paging_levels();
        let system = SystemMachine::new(ram, end);
        let walk = PageTableWalk::new(&system, processor::page_table_root(), levels);
        let reservation = Reservation::new()?;
        let entries = page_table_base(&system, levels)?
            .checked_add(entry_offset(reservation.address(), levels))
            .ok_or(NtStatus::NOT_SUPPORTED)?;
        let physical = |page: usize| {
            let entry = entries.checked_add((page as u64).checked_mul(ENTRY_SIZE)?)?;
            Some(walk.translate(entry).ok()?.physical)
        };
        let machine = Self {
            windows: Windows::open(reservation, entries, physical)?,
            uncached,
            end,
            levels,
        };
        machine.self_check(ram)?;
        Ok(machine)
    }

    /// Returns RAM through the window, by this list of it.
    pub const fn memory<'a, 'r>(&'a self, ram: &'a RamOfRequest<'r>) -> WindowMemory<'a, 'r> {
        WindowMemory { machine: self, ram }
    }

    /// Returns the number of bytes from `address` on that are cached as the first one is.
    const fn bytes_cached_alike(&self, address: u64) -> u64 {
        match self.uncached.start.checked_sub(address) {
            Some(before @ 1..) => before,
            _ if self.is_uncached(address) => self.uncached.bytes_from(address),
            _ => u64::MAX,
        }
    }

    #[inline]
    const fn is_uncached(&self, address: u64) -> bool {
        self.uncached.bytes_from(address) > 0
    }

    /// Returns a new walk through the tables of the current address space.
    #[inline]
    fn walk<M: PhysicalMemory>(&self, memory: M) -> WindowWalk<'_, M> {
        WindowWalk {
            windows: &self.windows,
            walk: PageTableWalk::new(memory, processor::page_table_root(), self.levels),
        }
    }

    /// Reads as much memory of the driver's own as the window shows at a time, another pattern in
    /// every page, by physical and by virtual address; both must give the patterns.
    fn self_check(&self, ram: &RamOfRequest<'_>) -> Result<(), NtStatus> {
        let pages = ContiguousPages::allocate(window::SPAN, Caching::Cached)?;
        let mut expected = PoolBuffer::allocate(window::SPAN)?;
        for page in 0..window::PAGES {
            let mark = (page as u64)
                .wrapping_add(1)
                .wrapping_mul(MARK)
                .to_le_bytes();
            let end = page.saturating_add(1).saturating_mul(PAGE_SIZE);
            let at = end.saturating_sub(mark.len());
            for memory in [pages.as_volatile(), expected.as_volatile()] {
                memory
                    .subslice(at, mark.len())
                    .and_then(|mut place| place.copy_from_slice(&mark).ok())
                    .ok_or(NtStatus::NOT_SUPPORTED)?;
            }
        }
        let sources = [
            (CopyFlags::PHYSICAL, pages.physical_address()),
            (CopyFlags::VIRTUAL, pages.address()),
        ];
        for (flags, address) in sources {
            let mut read = PoolBuffer::allocate(window::SPAN)?;
            let engine = self.memory(ram).engine();
            let transfer = mm_copy::copy_memory(&engine, flags, address, read.as_volatile());
            if !transfer.is_complete() || read.as_slice() != expected.as_slice() {
                return Err(NtStatus::NOT_SUPPORTED);
            }
        }
        Ok(())
    }
}

/// Returns the address at which the page tables are mapped into themselves. The index of the entry of
/// the root table that points at the root table determines it.
fn page_table_base(memory: &SystemMachine<'_, '_>, levels: Levels) -> Result<u64, NtStatus> {
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
    // Indices are below 512, so no bit is lost; addresses of the upper half are sign-extended.
    Ok((index as u64) << shift | u64::MAX << bits)
}

/// Returns the offset from that base of the entry of a page.
const fn entry_offset(address: u64, levels: Levels) -> u64 {
    // The bits of an address that choose a page: 9 for each level.
    let mask = match levels {
        Levels::Four => (1 << 36) - 1,
        Levels::Five => (1 << 45) - 1,
    };
    (address >> 12 & mask) << 3
}

impl<M: PhysicalMemory> WindowWalk<'_, M> {
    #[inline]
    fn is_window(&self, address: u64) -> bool {
        self.windows.contain(address)
    }

    /// As [`PageTableWalk::unused_from`].
    pub fn unused_from(&self, address: u64) -> u64 {
        if self.is_window(address) {
            return 0;
        }
        self.walk.unused_from(address)
    }
}

impl<M: PhysicalMemory> Translate for WindowWalk<'_, M> {
    #[inline]
    fn translate(&self, address: u64) -> Result<Mapping, Hole> {
        if self.is_window(address) {
            return Err(Reason::NotPresent { level: 1 }.into());
        }
        self.walk.translate(address)
    }

    fn system_start(&self) -> u64 {
        self.walk.system_start()
    }
}

impl<'a, 'r> WindowMemory<'a, 'r> {
    /// Returns the engine, for the current address space.
    pub fn engine(self) -> NativeEngine<'a, Self> {
        Native::new(self, self.walk())
    }

    /// Returns a new walk through the tables of the current address space.
    pub fn walk(self) -> WindowWalk<'a, Self> {
        self.machine.walk(self)
    }

    /// Holds the window, as [`Windows::hold`] does.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "its callers have what is held in registers"
    )]
    pub fn hold(self) -> Result<HeldMemory<'a, 'r>, NtStatus> {
        Ok(HeldMemory {
            memory: self,
            window: self.machine.windows.hold()?,
        })
    }
}

impl HeldMemory<'_, '_> {
    /// As [`WindowMemory::walk`].
    #[inline]
    pub fn walk(&self) -> WindowWalk<'_, &Self> {
        self.memory.machine.walk(self)
    }

    /// Returns the frame of a physical address, if all of it can be read.
    #[inline]
    pub fn frame(&self, address: u64) -> Option<Frame> {
        mm_copy::page_of(self, address).map(Frame::of)
    }

    /// As [`Held::read`].
    #[inline]
    pub fn read_part(
        &self,
        frame: Frame,
        offset: usize,
        target: VolatileSlice<'_>,
    ) -> Result<(), ReadError> {
        self.window.read(frame, offset, target)
    }
}

impl WindowWalk<'_, &HeldMemory<'_, '_>> {
    /// Returns the frame of a page, if all of it can be read. A function of its own, so that its loop has
    /// the registers to itself.
    #[inline(never)]
    pub fn frame(&self, page: u64) -> Option<Frame> {
        let Mapping { physical, .. } = self.translate(page).ok()?;
        self.walk.memory().frame(physical)
    }
}

impl PhysicalMemory for WindowMemory<'_, '_> {
    const SPAN: u64 = window::SPAN as u64;

    fn end(&self) -> u64 {
        self.machine.end
    }

    /// A run is all cached or all uncached.
    #[inline]
    fn ram_from(&self, address: u64) -> u64 {
        let run = self.ram.bytes_from(address);
        run.min(self.machine.bytes_cached_alike(address))
    }

    fn hole_from(&self, address: u64) -> u64 {
        self.ram.hole_from(address)
    }

    #[inline]
    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError> {
        if self.machine.is_uncached(address) {
            return Err(NOT_CACHED.into());
        }
        let windows = &self.machine.windows;
        windows.read(Frame::of(address), offset_of(address), target)
    }

    #[inline]
    fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
        if self.machine.is_uncached(address) {
            return Err(NOT_CACHED);
        }
        self.hold()?.read_u64(address)
    }
}

impl PhysicalMemory for HeldMemory<'_, '_> {
    fn end(&self) -> u64 {
        self.memory.machine.end
    }

    #[inline]
    fn ram_from(&self, address: u64) -> u64 {
        if self.memory.machine.is_uncached(address) {
            return 0;
        }
        self.memory.ram.bytes_from(address)
    }

    fn hole_from(&self, address: u64) -> u64 {
        self.memory.ram.hole_from(address)
    }

    #[inline]
    fn read(&self, address: u64, target: VolatileSlice<'_>) -> Result<(), ReadError> {
        self.window
            .read(Frame::of(address), offset_of(address), target)
    }

    #[inline]
    fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
        self.window.read_entry(Frame::of(address), address)
    }
}

/// Returns the offset of a physical address in its frame.
const fn offset_of(address: u64) -> usize {
    (address & OFFSET_IN_PAGE) as usize
}
