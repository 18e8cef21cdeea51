//! Reservations of addresses in a region.

use alloc::collections::BTreeMap;

use super::PAGE;

/// A region of addresses. Each reservation is followed by a page that is never mapped. Addresses
/// are reused late, so that an address that was released faults for a long time.
pub(crate) struct Reservations {
    start: u64,
    end: u64,
    /// Start to pages.
    taken: BTreeMap<u64, u64>,
    next: u64,
}

impl Reservations {
    pub(crate) const fn new(start: u64, length: u64) -> Self {
        Self {
            start,
            end: start + length,
            taken: BTreeMap::new(),
            next: start,
        }
    }

    /// Reserves pages, `gap` pages after the last reservation if that space is free.
    pub(crate) fn reserve(&mut self, pages: u64, gap: u64) -> u64 {
        let length = (pages + 1) * PAGE;
        let mut start = self.next + gap * PAGE;
        loop {
            if start + length > self.end {
                start = self.start;
            }
            let before = self.taken.range(..start + length).next_back();
            match before {
                Some((&taken, &count)) if taken + (count + 1) * PAGE > start => {
                    start = taken + (count + 1) * PAGE;
                }
                _ => break,
            }
        }
        self.taken.insert(start, pages);
        self.next = start + length;
        start
    }

    /// Releases a reservation and returns its number of pages.
    pub(crate) fn release(&mut self, start: u64) -> Option<u64> {
        self.taken.remove(&start)
    }

    /// Returns the number of pages of a reservation.
    pub(crate) fn pages_of(&self, start: u64) -> Option<u64> {
        self.taken.get(&start).copied()
    }
}
