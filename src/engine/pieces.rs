//! Many pieces of one kind of memory, read one after another with little around each.
//!
//! What is not plain is left to [`Copier::copy`]: a piece that is not all in a page, or in memory that the
//! engine does not read, ends the reading before it.
#![expect(
    clippy::inline_always,
    reason = "the loops have their callers' closures in registers"
)]

use mm_copy::{CopyFlags, ReadError, Reason, Transfer};
use ringcopy_protocol::{EngineKind, Reach};
use usermode_accessors::{VolatileSlice, probe};

use super::{Copier, WindowMemory};
use crate::nt::{OFFSET_IN_PAGE, PAGE_SIZE, system_copy::mm_copy_memory, window::Frame};

/// A kind of memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    Physical,
    System,
    User,
}

impl Memory {
    /// Returns the kind of memory that an address names; `None` for flags that name none.
    #[inline]
    pub fn of(flags: CopyFlags, address: u64) -> Option<Self> {
        match flags {
            CopyFlags::PHYSICAL => Some(Self::Physical),
            CopyFlags::VIRTUAL if address < probe::user_limit() as u64 => Some(Self::User),
            CopyFlags::VIRTUAL => Some(Self::System),
            _ => None,
        }
    }

    /// Returns the policy that it needs.
    #[inline]
    pub const fn reach(self) -> Reach {
        match self {
            Self::Physical => Reach::PHYSICAL,
            Self::System => Reach::SYSTEM_VIRTUAL,
            Self::User => Reach::empty(),
        }
    }

    /// Returns the flags that name it.
    pub const fn flags(self) -> CopyFlags {
        match self {
            Self::Physical => CopyFlags::PHYSICAL,
            Self::System | Self::User => CopyFlags::VIRTUAL,
        }
    }
}

/// Whether so many bytes from an address on, less than 2^33 and at least one, are in one page.
#[inline]
pub const fn is_in_a_page(address: u64, length: u64) -> bool {
    length != 0 && (address & OFFSET_IN_PAGE).wrapping_add(length) <= PAGE_SIZE as u64
}

/// The greatest length of a piece.
const LONGEST: u64 = 64 << 10;

/// The last address that a piece can begin at: none exceeds 2^64.
const LAST: u64 = u64::MAX - LONGEST;

/// The addresses of a kind of memory.
#[derive(Clone, Copy)]
pub struct Addresses {
    first: u64,
    last: u64,
}

impl Addresses {
    /// Returns whether an address is one of them.
    #[inline]
    pub const fn hold(self, address: u64) -> bool {
        self.first <= address && address <= self.last
    }
}

/// A piece, of at least one byte.
#[derive(Clone, Copy)]
pub struct Piece {
    pub address: u64,
    pub length: usize,
}

/// How the reading of pieces ended.
pub enum Ended {
    /// All that were taken were read.
    AllRead,
    /// The last that was taken was not begun.
    NotBegun,
    /// The last that was taken stopped so.
    Stopped(Transfer),
}

impl Copier<'_, '_> {
    /// Returns the addresses of a kind of memory, but for the last ones of all.
    #[inline]
    pub fn addresses(&self, memory: Memory) -> Addresses {
        let (first, last) = match memory {
            Memory::Physical => (0, LAST),
            Memory::System => (self.engines.system_start, LAST),
            Memory::User => (0, (probe::user_limit() as u64).saturating_sub(1)),
        };
        Addresses { first, last }
    }

    /// Reads pieces of one kind of memory by an engine that is available, to `target`, one after another.
    /// Each begins among the addresses of its kind, and has at most 64 KiB.
    ///
    /// `next` may run at `DISPATCH_LEVEL`: what it touches, and the target, are nonpaged.
    #[inline(always)]
    pub fn read_pieces(
        &self,
        (engine, memory): (EngineKind, Memory),
        target: VolatileSlice<'_>,
        next: impl FnMut() -> Option<Piece>,
    ) -> Ended {
        match memory {
            Memory::User => one_by_one(target, next, |address, target| {
                Some(mm_copy::copy_user(address, target))
            }),
            Memory::Physical | Memory::System if engine == EngineKind::Native => {
                self.read_natively(memory, target, next)
            }
            Memory::Physical => one_by_one(target, next, |address, target| {
                let length = target.len() as u64;
                let in_width = address.wrapping_add(length) <= self.engines.end;
                let is_ram = self.ram.bytes_from(address) >= length;
                (in_width && is_ram).then(|| by_system(CopyFlags::PHYSICAL, address, target))
            }),
            Memory::System => one_by_one(target, next, |address, target| {
                Some(by_system(CopyFlags::VIRTUAL, address, target))
            }),
        }
    }

    #[inline(always)]
    fn read_natively(
        &self,
        kind: Memory,
        target: VolatileSlice<'_>,
        mut next: impl FnMut() -> Option<Piece>,
    ) -> Ended {
        let Some(Ok(memory)) = self.native_memory().map(WindowMemory::hold) else {
            return Ended::NotBegun;
        };
        let walk = (kind == Memory::System).then(|| memory.walk());
        let mut rest = target;
        // The page of the last piece, and its frame. At first no page.
        let mut last = (1, Frame::of(0));
        while let Some(Piece { address, length }) = next() {
            let page = address & !OFFSET_IN_PAGE;
            if page != last.0 {
                let found = walk
                    .as_ref()
                    .map_or_else(|| memory.frame(page), |walk| walk.frame(page));
                let Some(frame) = found else {
                    return Ended::NotBegun;
                };
                last = (page, frame);
            }
            let Some((target, after)) = rest.split_at_checked(length) else {
                return Ended::NotBegun;
            };
            if !is_in_a_page(address, length as u64) {
                return Ended::NotBegun;
            }
            rest = after;
            // Within the page.
            let offset = (address & OFFSET_IN_PAGE) as usize;
            if let Err(error) = memory.read_part(last.1, offset, target) {
                return Ended::Stopped(stopped(address, error));
            }
        }
        Ended::AllRead
    }
}

/// Reads by `read`, which returns `None` for a piece that it does not begin.
#[inline(always)]
fn one_by_one(
    target: VolatileSlice<'_>,
    mut next: impl FnMut() -> Option<Piece>,
    read: impl Fn(u64, VolatileSlice<'_>) -> Option<Transfer>,
) -> Ended {
    let mut rest = target;
    loop {
        let Some(Piece { address, length }) = next() else {
            return Ended::AllRead;
        };
        let Some((target, after)) = rest.split_at_checked(length) else {
            return Ended::NotBegun;
        };
        rest = after;
        match read(address, target) {
            Some(transfer) if transfer.is_complete() => {}
            Some(transfer) => return Ended::Stopped(transfer),
            None => return Ended::NotBegun,
        }
    }
}

#[cold]
fn stopped(address: u64, error: ReadError) -> Transfer {
    let stop = address.wrapping_add(error.transferred as u64);
    Transfer::stopped(error.transferred, stop, Reason::Read(error.status))
}

#[inline]
fn by_system(flags: CopyFlags, address: u64, target: VolatileSlice<'_>) -> Transfer {
    let length = target.len();
    match mm_copy_memory(flags, address, target) {
        Ok(()) => Transfer::complete(length),
        Err(error) => stopped(address, error),
    }
}
