//! The model of a process's memory: what each page is, which bytes it holds, and where an access
//! to a range stops.

use std::ops::Range;

use ringcopy_client::protocol::NtStatus;
use ringcopy_lab::PageState;

/// Bytes in a page.
pub(super) const PAGE: usize = 4096;

/// Pages of a process that requests name. The last of them hold requests and responses with
/// addresses of the caller's choice.
pub(super) const PAGES: usize = 24;
pub(super) const MESSAGE_PAGES: usize = 6;

/// Where they begin, in every process. One flipped bit does not lead from here to memory that the
/// model does not know.
pub(super) const START: u64 = 0x6AAA_5540_0000;

/// How far an access came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accessed {
    /// Bytes before the first that could not be accessed.
    pub(super) length: usize,
    /// Why it stopped there.
    pub(super) stop: Option<NtStatus>,
}

/// A process's pages.
#[derive(Clone, Debug)]
pub(super) struct UserMemory {
    pub(super) states: [PageState; PAGES],
    /// The physical address of each page that was mapped.
    pub(super) frames: [u64; PAGES],
    pub(super) bytes: Vec<u8>,
    /// Pages whose state an access may have changed or not: to be set again.
    pub(super) uncertain: Vec<usize>,
    /// Whether such a page was accessed before it was set again.
    pub(super) doubtful: bool,
    /// Where in the model the bytes are not known until they are read again.
    pub(super) unknown: Vec<Range<usize>>,
}

impl UserMemory {
    pub(super) const fn new(bytes: Vec<u8>, frames: [u64; PAGES]) -> Self {
        Self {
            states: [PageState::ReadWrite; PAGES],
            frames,
            bytes,
            uncertain: Vec::new(),
            doubtful: false,
            unknown: Vec::new(),
        }
    }

    /// The address of a page.
    pub(super) const fn address(page: usize) -> u64 {
        START + (page * PAGE) as u64
    }

    /// Where in the model an address is.
    pub(super) fn offset(address: u64) -> Option<usize> {
        let offset = usize::try_from(address.checked_sub(START)?).ok()?;
        (offset < PAGES * PAGE).then_some(offset)
    }

    /// Accesses a range from its start to its end or to the first byte that cannot be accessed:
    /// what that does to the pages, and how far it comes.
    pub(super) fn access(&mut self, address: u64, length: usize, write: bool) -> Accessed {
        let mut done = 0;
        // Whether an earlier page may have ended the access.
        let mut unsure = false;
        while done < length {
            let at = address.wrapping_add(done as u64);
            let Some(offset) = Self::offset(at) else {
                return self.stopped(at, length, done, NtStatus::ACCESS_VIOLATION);
            };
            let page = offset / PAGE;
            if unsure {
                self.doubt(page);
            }
            unsure |= self.uncertain.contains(&page);
            self.doubtful |= unsure;
            let status = match self.states[page] {
                PageState::ReadWrite => None,
                PageState::ReadOnly if !write => None,
                PageState::PagedOut => {
                    self.states[page] = PageState::ReadWrite;
                    None
                }
                PageState::Guard => {
                    self.states[page] = PageState::ReadWrite;
                    Some(NtStatus::GUARD_PAGE_VIOLATION)
                }
                PageState::InPageError => Some(NtStatus::IN_PAGE_ERROR),
                _ => Some(NtStatus::ACCESS_VIOLATION),
            };
            if let Some(status) = status {
                return self.stopped(at, length, done, status);
            }
            done += (PAGE - offset % PAGE).min(length - done);
        }
        Accessed {
            length: done,
            stop: None,
        }
    }

    /// An accessor may touch later bytes of a range before earlier ones.
    fn stopped(&mut self, at: u64, length: usize, done: usize, status: NtStatus) -> Accessed {
        let first = at - at % PAGE as u64 + PAGE as u64;
        let end = at.saturating_add((length - done) as u64);
        let later = (0..PAGES).filter(|&page| (first..end).contains(&Self::address(page)));
        for page in later {
            self.doubt(page);
        }
        Accessed {
            length: done,
            stop: Some(status),
        }
    }

    fn doubt(&mut self, page: usize) {
        if matches!(self.states[page], PageState::Guard | PageState::PagedOut) {
            self.states[page] = PageState::ReadWrite;
            self.uncertain.push(page);
        }
    }

    /// As of a range that was read further than was needed, or not.
    pub(super) fn doubt_range(&mut self, address: u64, length: usize) {
        for page in 0..PAGES {
            if Self::meets(page, address, length) {
                self.doubt(page);
            }
        }
    }

    /// Whether a byte of a range is in a page.
    pub(super) const fn meets(page: usize, address: u64, length: usize) -> bool {
        let start = Self::address(page);
        start < address.saturating_add(length as u64) && address < start + PAGE as u64
    }

    /// Bytes of a range that is in the model.
    pub(super) fn read(&self, address: u64, length: usize) -> &[u8] {
        let offset = Self::offset(address).unwrap_or_default();
        &self.bytes[offset..offset + length]
    }

    /// Changes bytes of a range that is in the model.
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) {
        let offset = Self::offset(address).unwrap_or_default();
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Marks the bytes of a range as not known.
    pub(super) fn forget(&mut self, address: u64, length: usize) {
        if let Some(offset) = Self::offset(address)
            && length > 0
        {
            self.unknown
                .push(offset..(offset + length).min(self.bytes.len()));
        }
    }

    /// The parts of a range whose bytes are not known, counted from its start.
    pub(super) fn unknown_in(
        &self,
        start: usize,
        length: usize,
    ) -> impl Iterator<Item = Range<usize>> {
        self.unknown.iter().filter_map(move |range| {
            let first = range.start.max(start);
            let last = range.end.min(start + length);
            (first < last).then(|| first - start..last - start)
        })
    }

    /// Whether a physical address is in one of the pages; gives where in the model.
    pub(super) fn offset_of_physical(&self, address: u64) -> Option<usize> {
        let page = PAGE as u64;
        (0..PAGES)
            .find(|&number| {
                self.states[number] != PageState::Unmapped
                    && address - address % page == self.frames[number]
            })
            .map(|number| number * PAGE + usize::try_from(address % page).unwrap_or_default())
    }
}
