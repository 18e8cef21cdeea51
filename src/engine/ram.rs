//! The list of RAM, which changes while the driver is loaded: memory is added and removed.
//!
//! The memory manager does not announce it. So the list is taken again when a request comes that is
//! a second younger than the list, and when a request misses an address in it, at most once for each
//! [`Miss`] in that second. A request keeps the list that it began with, and takes another one at
//! most once.

use core::{
    cell::{Cell, OnceCell},
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
};

use mm_copy::{CopyFlags, RamRange, RamRanges, Reason, Stop};
use ringcopy_protocol::NtStatus;

use crate::nt::{
    generations::{Generations, InUse},
    physical::{NOTHING, RamList},
    time,
};

/// The lists, for all requests.
pub struct Ram {
    lists: Generations<RamList>,
    taken_at: AtomicU64,
    /// A bit for each [`Miss`] since then.
    missed: AtomicU8,
}

/// What a request did not find in the list.
#[derive(Clone, Copy)]
pub enum Miss {
    /// The physical address that it named.
    Physical,
    /// The frame of an address that it named.
    Frame,
    /// The frame of a page table.
    Table,
}

impl Miss {
    /// Whether a copy stopped for this reason.
    pub fn of(flags: CopyFlags, stop: &Stop) -> Option<Self> {
        match stop.reason {
            Reason::NotRam if flags == CopyFlags::VIRTUAL => Some(Self::Frame),
            Reason::NotRam => Some(Self::Physical),
            Reason::TableNotRam { .. } => Some(Self::Table),
            _ => None,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Physical => 1,
            Self::Frame => 2,
            Self::Table => 4,
        }
    }
}

impl Ram {
    /// Takes the first list. IRQL: `PASSIVE_LEVEL`.
    pub fn capture() -> Result<Self, NtStatus> {
        Ok(Self {
            lists: Generations::new(RamList::capture()?),
            taken_at: AtomicU64::new(time::now()),
            missed: AtomicU8::new(0),
        })
    }

    /// The list for a new request. IRQL: `PASSIVE_LEVEL`.
    #[inline]
    pub fn for_request(&self) -> RamOfRequest<'_> {
        if self.is_old() {
            self.take_again();
        }
        let first = self.lists.current();
        RamOfRequest {
            ram: self,
            last: Cell::new(first.get().map_or(NOTHING, RamList::largest)),
            first,
            second: OnceCell::new(),
        }
    }

    /// Whether the list was taken a second ago or more; it counts as taken now.
    #[inline]
    fn is_old(&self) -> bool {
        let now = time::now();
        let taken_at = self.taken_at.load(Ordering::Relaxed);
        let old = now.saturating_sub(taken_at) >= time::SECOND;
        if old {
            self.begin_second(now);
        }
        old
    }

    #[cold]
    fn begin_second(&self, now: u64) {
        self.taken_at.store(now, Ordering::Relaxed);
        self.missed.store(0, Ordering::Relaxed);
    }

    /// Takes the list again. A failed allocation leaves it as it is, as does a list that is the same.
    #[inline(never)]
    fn take_again(&self) {
        if let Ok(list) = RamList::capture()
            && self.lists.current().get() != Some(&list)
        {
            self.lists.replace(list);
        }
    }
}

/// The list for one request.
pub struct RamOfRequest<'a> {
    ram: &'a Ram,
    first: InUse<'a, RamList>,
    /// What replaced it.
    second: OnceCell<InUse<'a, RamList>>,
    /// The range that was found last, at first the largest: most look-ups of a request are of one range.
    last: Cell<RamRange>,
}

impl RamOfRequest<'_> {
    /// The ranges, in ascending order and with something else between them.
    pub fn as_slice(&self) -> &[RamRange] {
        let list = self.second.get().unwrap_or(&self.first);
        list.get().map_or(&[], RamList::as_slice)
    }

    /// As [`RamRanges::bytes_from`].
    #[inline]
    pub fn bytes_from(&self, address: u64) -> u64 {
        match self.last.get().bytes_from(address) {
            0 => self.look_up(address),
            bytes => bytes,
        }
    }

    /// As [`RamRanges::hole_from`].
    pub fn hole_from(&self, address: u64) -> u64 {
        RamRanges::new(self.as_slice()).hole_from(address)
    }

    #[inline(never)]
    fn look_up(&self, address: u64) -> u64 {
        let Some(range) = RamRanges::new(self.as_slice()).range_of(address) else {
            return 0;
        };
        self.last.set(*range);
        range.bytes_from(address)
    }

    /// Takes the list again for a miss, unless the request has another one already, or there was
    /// such a miss since the list was taken. Returns whether it is another list now. IRQL:
    /// `PASSIVE_LEVEL`.
    pub fn renew(&self, miss: Miss) -> bool {
        if self.second.get().is_some() {
            return false;
        }
        let old = self.ram.is_old();
        let missed = self.ram.missed.fetch_or(miss.bit(), Ordering::Relaxed);
        if self.first.is_current() && (old || missed & miss.bit() == 0) {
            self.ram.take_again();
        }
        let renewed = !self.first.is_current() && self.second.set(self.ram.lists.current()).is_ok();
        if renewed {
            self.last.set(NOTHING);
        }
        renewed
    }
}
