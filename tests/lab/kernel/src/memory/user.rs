//! User memory: the pages of one process, and the results of an access to them.

use alloc::collections::BTreeMap;

use ringcopy_lab_mailbox::Protection;

use super::layout::user_limit;
use super::paging::{Tables, bits};
use super::{PAGE, frames, page_of, pages_spanned, paging, phys};
use crate::{pageable, raw};
use nt_status::NtStatus;

/// The state of a page in an entry that is not present, in bits that the processor ignores. The
/// address of the frame stays in the entry.
mod absent {
    pub(super) const MASK: u64 = 7 << 9;
    pub(super) const NO_ACCESS: u64 = 1 << 9;
    pub(super) const GUARD: u64 = 2 << 9;
    pub(super) const PAGED_OUT: u64 = 3 << 9;
    pub(super) const IN_PAGE_ERROR: u64 = 4 << 9;
    pub(super) const ALTERNATING: u64 = 5 << 9;
}

const READ_WRITE: u64 = bits::PRESENT | bits::WRITE | bits::USER | bits::NO_EXECUTE;
const READ_ONLY: u64 = bits::PRESENT | bits::USER | bits::NO_EXECUTE;

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessKind {
    Read,
    Write,
    Execute,
}

/// NT's response to an access that the processor refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The access is repeated: the page is present now.
    Retry,
    /// The access fails with this status.
    Raise(NtStatus),
}

/// The user half of a process.
pub(crate) struct UserMemory {
    tables: Tables,
    /// Page to frame.
    frames: BTreeMap<u64, u64>,
    next: u64,
}

impl UserMemory {
    pub(crate) const fn new(tables: Tables, next: u64) -> Self {
        Self {
            tables,
            frames: BTreeMap::new(),
            next,
        }
    }

    /// Maps zeroed pages at `address`, or for 0 at an address with an unmapped page on either side.
    pub(crate) fn allocate(&mut self, address: u64, length: u64) -> Result<u64, NtStatus> {
        if length == 0 || length > user_limit() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let start = if address == 0 {
            let start = self.next;
            self.next = start + (pages_spanned(start, length) + 2) * PAGE;
            start
        } else {
            address
        };
        let (first, pages) = (page_of(start), pages_spanned(start, length));
        let end = first
            .checked_add(pages * PAGE)
            .filter(|&end| end <= user_limit())
            .ok_or(NtStatus::INVALID_PARAMETER)?;
        if self.frames.range(first..end).next().is_some() {
            return Err(NtStatus::CONFLICTING_ADDRESSES);
        }
        let list = frames::allocate_many(pages).ok_or(NtStatus::NO_MEMORY)?;
        for (page, frame) in (first..end).step_by(PAGE as usize).zip(list) {
            self.frames.insert(page, frame);
            self.tables
                .map(page, frame, READ_WRITE)
                .ok_or(NtStatus::NO_MEMORY)?;
        }
        Ok(start)
    }

    /// Changes the pages of a range, which are all allocated.
    pub(crate) fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), NtStatus> {
        let first = page_of(address);
        let end = first + pages_spanned(address, length) * PAGE;
        let pages = || (first..end).step_by(PAGE as usize);
        if length == 0 || end > user_limit() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        // Unmapping an unmapped page is no error, as with VirtualFree.
        let missing = |page| !self.frames.contains_key(&page);
        if protection != Protection::Unmapped && pages().any(missing) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        for page in pages() {
            let Some(&frame) = self.frames.get(&page) else {
                continue;
            };
            let entry = match protection {
                Protection::ReadWrite => frame | READ_WRITE,
                Protection::ReadOnly => frame | READ_ONLY,
                Protection::NoAccess => frame | absent::NO_ACCESS,
                Protection::Guard => frame | absent::GUARD,
                Protection::PagedOut => frame | absent::PAGED_OUT,
                Protection::InPageError => frame | absent::IN_PAGE_ERROR,
                Protection::Alternating => frame | absent::ALTERNATING,
                Protection::Unmapped => {
                    self.frames.remove(&page);
                    crate::object::locked::give_up(frame);
                    0
                }
            };
            self.tables.set(page, entry);
        }
        Ok(())
    }

    /// Calls `visit` for each part of a range that lies in one frame, whatever its protection.
    fn pieces(
        &self,
        address: u64,
        length: u64,
        mut visit: impl FnMut(u64, u64, u64),
    ) -> Result<(), NtStatus> {
        address
            .checked_add(length)
            .ok_or(NtStatus::INVALID_PARAMETER)?;
        let mut done = 0;
        while done < length {
            let at = address + done;
            let frame = *self
                .frames
                .get(&page_of(at))
                .ok_or(NtStatus::ACCESS_VIOLATION)?;
            let count = (PAGE - at % PAGE).min(length - done);
            visit(phys::linear(frame) + at % PAGE, done, count);
            done += count;
        }
        Ok(())
    }

    /// Copies between a range and the lab's memory at `other`, whatever the range's protection.
    pub(crate) fn transfer(
        &self,
        address: u64,
        other: u64,
        length: u64,
        access: AccessKind,
    ) -> Result<(), NtStatus> {
        // All or nothing: the first pass finds missing pages.
        self.pieces(address, length, |_, _, _| ())?;
        self.pieces(address, length, |memory, done, count| {
            if access == AccessKind::Write {
                raw::copy(other + done, memory, count);
            } else {
                raw::copy(memory, other + done, count);
            }
        })
    }

    /// Returns the number of locked pages.
    pub(crate) fn locked_pages(&self) -> u64 {
        let locked = |frame: &&u64| crate::object::locked::is_locked(**frame);
        self.frames.values().filter(locked).count() as u64
    }

    /// Frees all memory.
    pub(crate) fn free(&mut self) {
        for (page, frame) in core::mem::take(&mut self.frames) {
            self.tables.unmap(page);
            crate::object::locked::give_up(frame);
        }
        self.tables.free_lower_half();
        frames::free(self.tables.0);
    }
}

/// Resolves an access to user memory that the entry does not allow, by the rules of the Windows
/// memory manager: a guard page raises once and is an ordinary page from then on ("Creating Guard
/// Pages", Win32 memory documentation); a page that is out is brought in.
pub(crate) fn resolve(tables: Tables, address: u64, access: AccessKind) -> Resolution {
    let page = page_of(address);
    let entry = tables.get(page);
    let frame = entry & bits::ADDRESS;
    if entry & bits::PRESENT != 0 {
        let allowed = match access {
            AccessKind::Read => true,
            AccessKind::Write => entry & bits::WRITE != 0,
            AccessKind::Execute => entry & bits::NO_EXECUTE == 0,
        };
        return if allowed {
            Resolution::Retry
        } else {
            Resolution::Raise(NtStatus::ACCESS_VIOLATION)
        };
    }
    match entry & absent::MASK {
        absent::GUARD => {
            tables.set(page, frame | READ_WRITE);
            Resolution::Raise(NtStatus::GUARD_PAGE_VIOLATION)
        }
        absent::PAGED_OUT => {
            tables.set(page, frame | READ_WRITE);
            Resolution::Retry
        }
        absent::IN_PAGE_ERROR => Resolution::Raise(NtStatus::IN_PAGE_ERROR),
        _ => Resolution::Raise(NtStatus::ACCESS_VIOLATION),
    }
}

/// Makes an alternating page present; returns `false` for any other page.
pub(crate) fn open_alternating(tables: Tables, page: u64) -> bool {
    let entry = tables.get(page);
    let is_one = entry & bits::PRESENT == 0 && entry & absent::MASK == absent::ALTERNATING;
    if is_one {
        tables.set(page, entry & bits::ADDRESS | READ_WRITE);
    }
    is_one
}

/// Undoes [`open_alternating`].
pub(crate) fn close_alternating(tables: Tables, page: u64) {
    let frame = tables.get(page) & bits::ADDRESS;
    tables.set(page, frame | absent::ALTERNATING);
}

/// Returns the physical address of a user address, with all the effects that an access by the
/// processor has.
pub(crate) fn touch(tables: Tables, address: u64, access: AccessKind) -> Result<u64, NtStatus> {
    if address >= user_limit() {
        return Err(NtStatus::ACCESS_VIOLATION);
    }
    match resolve(tables, address, access) {
        Resolution::Raise(status) => Err(status),
        Resolution::Retry => tables
            .walk(address)
            .map(|translation| translation.physical)
            .ok_or(NtStatus::ACCESS_VIOLATION),
    }
}

/// Copies between user memory of the current process and the lab's memory at `other`, as code that
/// touches each byte in turn does. An error has the number of bytes copied before it.
pub(crate) fn copy(
    address: u64,
    other: u64,
    length: u64,
    access: AccessKind,
) -> Result<(), (NtStatus, u64)> {
    let tables = pageable::user_tables();
    let mut done = 0;
    while done < length {
        let at = address + done;
        let count = (paging::next_page(at) - at).min(length - done);
        let physical = touch(tables, at, access).map_err(|status| (status, done))?;
        let memory = phys::linear(physical);
        if access == AccessKind::Write {
            raw::copy(other + done, memory, count);
        } else {
            raw::copy(memory, other + done, count);
        }
        done += count;
    }
    Ok(())
}
