//! Address space of the driver's own, through which any frame can be read: a window for each
//! processor.
//!
//! The memory manager reserves the pages with their page-table entries at hand but empty
//! (`MmAllocateMappingAddress`, `wdm.h`); the driver writes those entries itself. Five rules
//! make this sound:
//!
//! - A processor uses its own window alone, at `DISPATCH_LEVEL`: the thread stays on the processor,
//!   and no other thread comes in between. So there is no lock, and nothing to wait for.
//! - The translation is invalidated before a frame is read: the processor may hold a stale one, from
//!   its own last use or from speculation.
//! - The entries are put back as they were found.
//! - The level is raised for [`SPAN`] bytes at most, and only nonpaged memory is touched meanwhile.
//! - Before the pages are given back, every processor drops what it remembers of them: another
//!   processor may have walked to an entry that was in use (Intel SDM volume 3, "Caching
//!   Translation Information": a processor may do so at any time, for any reason).
//!
//! [`Windows`] holds addresses alone, and may be moved at any time.
//!
//! # Why the entries are written, and `MmMapLockedPagesWithReservedMapping` is not called
//!
//! That routine (`wdm.h`) maps an MDL into reserved pages, at `DISPATCH_LEVEL` and below, with the
//! type of caching that the frames have already: a frame would never be mapped under a second
//! type. But its page requires an MDL whose pages are locked, as `MmProbeAndLockPages` or
//! `MmAllocatePagesForMdlEx` makes one. An MDL over frames of other owners has to be filled by hand:
//! the page of `MmGetMdlPfnArray` advises against it ("subtle system problems"), and Driver
//! Verifier ends the run over an MDL with frames that are not locked or are not memory (bug check
//! 0xC4, parameters 0x85 and 0x89). What the routine does to such an MDL is not documented. Nor is
//! its cost: `MmUnmapReservedMapping` has to see to the other processors' translations each time,
//! where a window that one processor uses needs an `INVLPG`.
//!
//! Both ways were counted in the lab, as `cargo xtask bench --only engines` counts, with a routine of the
//! lab's that only writes entries and invalidates them on one processor. For a read of 8 bytes, by
//! physical and by virtual address in a large page (one use of the window, and four):
//!
//! | instructions | entries written here | by MDL |
//! | --- | ---: | ---: |
//! | of the driver | 993, 1707 | 1024, 1801 |
//! | of the request, the lab's included | 13 988, 14 819 | 14 266, 15 943 |
//!
//! So an MDL costs the driver 25 to 30 instructions each time, and the lab some 250. These are a lab's
//! figures: those of Windows' routine are not known.
//!
//! That the entries of a reservation may be written is not documented either. The start-up check
//! finds them in two ways that must agree, and the engine stays off where they do not.
//!
//! # Frames that cannot be read
//!
//! A hypervisor may withhold a frame. The exception that it raises comes at `DISPATCH_LEVEL`, and
//! where it is one that is dispatched, the guarded read ends there, with the exact count:
//! [`mapped`] says which are. A hypervisor that raises another ends in a bug check.
//!
//! A frame is mapped write-back and readable, whatever its owner or a hypervisor made of it. Intel's
//! SDM (volume 3, "Programming the PAT") does not support a frame under two types of caching.

use core::{cell::Cell, ffi::c_void, ptr::NonNull};

use mm_copy::ReadError;
use ringcopy_protocol::NtStatus;
use usermode_accessors::{Fault, VolatileSlice, mapped};
use wdk_sys::{
    USHORT,
    ntddk::{
        KeQueryMaximumProcessorCountEx, MmAllocateMappingAddress, MmFreeMappingAddress,
        MmGetPhysicalAddress,
    },
};

use super::{OFFSET_IN_PAGE, PAGE_SIZE, irql::AtDispatchLevel, pool::POOL_TAG, translations};

/// Present, accessed, never executed, not writable: Intel SDM volume 3, table 5-20.
const READ_ONLY: u64 = 1 << 63 | 1 << 5 | 1;

/// The bits of an address that choose an entry of a page table.
const ENTRIES: u64 = OFFSET_IN_PAGE & !(size_of::<u64>() as u64 - 1);

/// Pages in a window.
pub const PAGES: usize = 16;

/// Bytes in a window: 64 KiB, the most that is copied before the level is lowered again.
pub const SPAN: usize = PAGES * PAGE_SIZE;

/// `ALL_PROCESSOR_GROUPS`.
const ALL_GROUPS: USHORT = USHORT::MAX;

/// Reserved pages, as many as all windows have.
pub struct Reservation {
    start: NonNull<c_void>,
    windows: usize,
    /// In bytes.
    length: usize,
}

// SAFETY: the reservation belongs to no thread.
unsafe impl Send for Reservation {}

// SAFETY: as above; what is mapped there is reached through `Windows` alone.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves a window for each processor that the system may ever have. IRQL: at most
    /// `APC_LEVEL`.
    pub fn new() -> Result<Self, NtStatus> {
        // SAFETY: may be called at any IRQL. The number stays the same until the system ends.
        let windows = unsafe { KeQueryMaximumProcessorCountEx(ALL_GROUPS) } as usize;
        let length = windows.saturating_mul(SPAN);
        // SAFETY: any size but zero, and any tag, may be asked for; a failure is null.
        let address = unsafe { MmAllocateMappingAddress(length as u64, POOL_TAG) };
        let start = NonNull::new(address).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self {
            start,
            windows,
            length,
        })
    }

    /// Returns the address of the first page.
    pub fn address(&self) -> u64 {
        self.start.as_ptr().addr() as u64
    }

    const fn pages(&self) -> usize {
        self.windows.saturating_mul(PAGES)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        translations::drop_everywhere();
        // SAFETY: reserved with this tag, released once, and its entries are as they were found.
        unsafe { MmFreeMappingAddress(self.start.as_ptr(), POOL_TAG) };
    }
}

/// The windows of all processors.
pub struct Windows {
    reservation: Reservation,
    /// The entry of the first page; those of the other pages follow.
    entries: NonNull<u64>,
}

// SAFETY: addresses, which belong to no thread.
unsafe impl Send for Windows {}

// SAFETY: what is mapped there is reached by one processor each, and by one thread there at a time.
unsafe impl Sync for Windows {}

impl Windows {
    /// Takes the pages whose entries are mapped from `entries_address` on, and of which the `n`th
    /// lies at `physical(n)`. The caller found both by walking the page tables; the memory manager
    /// must agree, or nothing is ever written: `STATUS_NOT_SUPPORTED`.
    pub fn open(
        reservation: Reservation,
        entries_address: u64,
        physical: impl Fn(usize) -> Option<u64>,
    ) -> Result<Self, NtStatus> {
        let address = usize::try_from(entries_address).map_err(|_| NtStatus::NOT_SUPPORTED)?;
        let entries = NonNull::new(core::ptr::with_exposed_provenance_mut::<u64>(address))
            .ok_or(NtStatus::NOT_SUPPORTED)?;
        for page in 0..reservation.pages() {
            let entry = entries.as_ptr().wrapping_add(page);
            // SAFETY: the routine only looks the address up.
            let found = unsafe { MmGetPhysicalAddress(entry.cast()) };
            // SAFETY: all members of the union are views of the same 64 bits.
            let found = unsafe { found.QuadPart }.cast_unsigned();
            if Some(found) != physical(page) {
                return Err(NtStatus::NOT_SUPPORTED);
            }
            // SAFETY: the memory manager and the walk agree that the entry is mapped there.
            let value = unsafe { entry.read_volatile() };
            if value & 1 != 0 {
                return Err(NtStatus::NOT_SUPPORTED);
            }
        }
        Ok(Self {
            reservation,
            entries,
        })
    }

    /// Whether an address is in one of the windows.
    #[inline]
    pub fn contain(&self, address: u64) -> bool {
        let offset = address.wrapping_sub(self.reservation.address());
        offset < self.reservation.length as u64
    }

    /// Reads from RAM, from `frame` on, into nonpaged memory. `offset` is within the frame, and with the
    /// target's length within [`SPAN`], else nothing is read: `STATUS_INVALID_PARAMETER`. Where
    /// something keeps a frame from being read, the bytes before it arrive: `STATUS_INVALID_ADDRESS`.
    #[inline]
    pub fn read(
        &self,
        frame: Frame,
        offset: usize,
        target: VolatileSlice<'_>,
    ) -> Result<(), ReadError> {
        let end = offset.saturating_add(target.len());
        if end <= PAGE_SIZE {
            return self.hold()?.read(frame, offset, target);
        }
        self.with_frames(frame, end.div_ceil(PAGE_SIZE), |window| {
            let source = window.cast::<u8>().wrapping_add(offset);
            // SAFETY: so many pages are mapped while this runs, and the driver reaches them by no
            // other address of the window.
            unsafe { mapped::read_to(source, target) }
        })?
        .map_err(|fault| refused(&fault))
    }

    /// Holds this processor's window until the result is dropped, at `DISPATCH_LEVEL` throughout: what is
    /// touched meanwhile is nonpaged, and [`SPAN`] bytes are read at most. It is not held twice at a
    /// time: the first holder would read what the second one shows. `STATUS_NOT_SUPPORTED` if there is
    /// no window.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "its callers have what is held in registers"
    )]
    pub fn hold(&self) -> Result<Held<'_>, NtStatus> {
        let level = AtDispatchLevel::raise();
        let window = self.window(&level).ok_or(NtStatus::NOT_SUPPORTED)?;
        Ok(Held {
            found: window.entry(0),
            shown: Cell::new(Frame::NONE),
            window,
            _windows: self,
            _level: level,
        })
    }

    /// Maps so many frames, from `frame` on, into this processor's window for the time of `read`,
    /// which touches nonpaged memory alone and so cannot leave early.
    fn with_frames<R>(
        &self,
        frame: Frame,
        count: usize,
        read: impl FnOnce(*mut c_void) -> R,
    ) -> Result<R, NtStatus> {
        if count > PAGES {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let level = AtDispatchLevel::raise();
        let window = self.window(&level).ok_or(NtStatus::NOT_SUPPORTED)?;
        let mut found = [0; PAGES];
        let mut frame = frame.0;
        for (page, found) in found.iter_mut().enumerate().take(count) {
            *found = window.entry(page);
            window.set(page, frame | READ_ONLY);
            frame = frame.wrapping_add(PAGE_SIZE as u64);
        }
        let result = read(window.address);
        for (page, found) in found.iter().enumerate().take(count) {
            window.set(page, *found);
        }
        Ok(result)
    }

    /// The window of the processor that runs this. There is one, as no processor's number is above
    /// the number that was reserved for.
    #[inline]
    fn window(&self, level: &AtDispatchLevel) -> Option<Window> {
        let number = level.processor();
        let start = self.reservation.start.as_ptr().cast::<[u8; SPAN]>();
        (number < self.reservation.windows).then(|| Window {
            address: start.wrapping_add(number).cast(),
            entries: self
                .entries
                .as_ptr()
                .cast::<[u64; PAGES]>()
                .wrapping_add(number),
        })
    }
}

/// A processor's window that is held, and shows a frame at a time.
pub struct Held<'a> {
    window: Window,
    /// The entry of its first page, as it was found.
    found: u64,
    shown: Cell<Frame>,
    /// The pages stay reserved meanwhile.
    _windows: &'a Windows,
    /// Dropped last.
    _level: AtDispatchLevel,
}

impl Held<'_> {
    /// Reads a part of a frame into nonpaged memory, which begins at `offset`. A part that is not all in
    /// the frame is not read: `STATUS_INVALID_PARAMETER`. Where something keeps the frame from being
    /// read, the bytes before that arrive: `STATUS_INVALID_ADDRESS`.
    #[inline]
    pub fn read(
        &self,
        frame: Frame,
        offset: usize,
        target: VolatileSlice<'_>,
    ) -> Result<(), ReadError> {
        if offset > PAGE_SIZE || target.len() > PAGE_SIZE.wrapping_sub(offset) {
            return Err(NtStatus::INVALID_PARAMETER.into());
        }
        if self.shown.get() != frame {
            self.show(frame);
        }
        let source = self.window.address.cast::<u8>().wrapping_add(offset);
        // SAFETY: the part is within the page, which shows the frame while this runs, and the driver
        // reaches it by no other address of the window.
        unsafe { mapped::read_to(source, target) }.map_err(|fault| refused(&fault))
    }

    /// Reads the page-table entry at `offset` in a frame, rounded down, by a single load: the processor
    /// and the memory manager write such entries whole.
    #[inline]
    pub fn read_entry(&self, frame: Frame, offset: u64) -> Result<u64, NtStatus> {
        // Below 2^12.
        let offset = (offset & ENTRIES) as usize;
        self.show(frame);
        let entry = self.window.address.wrapping_byte_add(offset);
        // SAFETY: the offset is within the page, which shows the frame while this runs; any value may be
        // read from it.
        unsafe { mapped::read(entry.cast::<u64>()) }.map_err(|_| NtStatus::INVALID_ADDRESS)
    }

    /// Shows a frame in the first page, until another one is shown.
    #[inline]
    fn show(&self, frame: Frame) {
        self.shown.set(frame);
        self.window.set(0, frame.0 | READ_ONLY);
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.shown.get() != Frame::NONE {
            self.window.set(0, self.found);
        }
    }
}

/// The address of a frame: a multiple of [`PAGE_SIZE`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame(u64);

impl Frame {
    /// None of them: no multiple.
    const NONE: Self = Self(u64::MAX);

    /// Returns the frame of a physical address.
    #[inline]
    pub const fn of(address: u64) -> Self {
        Self(address & !OFFSET_IN_PAGE)
    }
}

/// The error of a guarded read of a frame.
#[cold]
const fn refused(fault: &Fault) -> ReadError {
    ReadError {
        status: NtStatus::INVALID_ADDRESS,
        transferred: fault.copied,
    }
}

/// One window, while its processor has it to itself.
struct Window {
    address: *mut c_void,
    entries: *mut [u64; PAGES],
}

impl Window {
    /// The entry of a page, below [`PAGES`].
    #[inline]
    fn entry(&self, page: usize) -> u64 {
        // SAFETY: the entry is this window's, which this processor alone uses.
        unsafe { self.place(page).read_volatile() }
    }

    /// Gives a page, below [`PAGES`], an entry, which this processor heeds from then on.
    #[inline]
    fn set(&self, page: usize, value: u64) {
        // SAFETY: as above.
        unsafe { self.place(page).write_volatile(value) };
        let pages = self.address.cast::<[u8; PAGE_SIZE]>();
        translations::drop_here(pages.wrapping_add(page).cast());
    }

    const fn place(&self, page: usize) -> *mut u64 {
        self.entries.cast::<u64>().wrapping_add(page)
    }
}
