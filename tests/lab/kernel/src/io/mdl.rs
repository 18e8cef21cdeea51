//! Memory descriptor lists: the frames of a buffer, which a lock keeps.
//!
//! Source: "Using MDLs", Windows driver documentation.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::bugcheck::{Code, bugcheck_here, violation};
use crate::global::Global;
use crate::irql::{self, DISPATCH_LEVEL};
use crate::memory::layout::{self, user_limit};
use crate::memory::paging::{Tables, bits};
use crate::memory::user::{self, AccessKind};
use crate::memory::{PAGE, page_of, pages_spanned, system};
use crate::nt::layout::{Mdl, Structure, mdl_flags};
use crate::object::{locked, process};
use crate::{pool, raw};
use nt_status::NtStatus;

use super::USER_MODE;

const TAG: u32 = u32::from_le_bytes(*b"Mdl ");

/// `LOCK_OPERATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockOperation {
    Read,
    Write,
    Modify,
}

impl LockOperation {
    pub(crate) const fn from_wire(value: u32) -> Option<Self> {
        match value {
            0 => Some(Self::Read),
            1 => Some(Self::Write),
            2 => Some(Self::Modify),
            _ => None,
        }
    }
}

/// Live lists, and the number of their locked pages.
static LISTS: Global<BTreeMap<u64, u64>> = Global::new(BTreeMap::new());

/// Allocates a list for a buffer, without its frames.
pub(crate) fn allocate(address: u64, length: u64) -> Option<Mdl> {
    if length > u64::from(u32::MAX) - PAGE {
        return None;
    }
    let pages = pages_spanned(address, length);
    let size = Mdl::SIZE + pages * 8;
    let list = Mdl(pool::allocate(
        size,
        TAG,
        pool::Content::Uninitialized,
        pool::Owner::Lab,
    )?);
    raw::fill(list.0, 0, Mdl::SIZE);
    list.set(Mdl::LENGTH, size as u16);
    list.set(Mdl::START_VA, page_of(address));
    list.set(Mdl::BYTE_COUNT, length as u32);
    list.set(Mdl::BYTE_OFFSET, (address % PAGE) as u32);
    LISTS.with(|lists| lists.insert(list.0, 0));
    Some(list)
}

/// Frees a list, whose pages are unlocked and unmapped.
pub(crate) fn free(list: Mdl) {
    let Some(locked) = LISTS.with(|lists| lists.remove(&list.0)) else {
        violation!("IoFreeMdl was given {:#x}, which is no list", list.0);
    };
    if locked > 0 {
        violation!(
            "the MDL at {:#x} was freed with {locked} pages locked",
            list.0
        );
    }
    let mapped = list.get(Mdl::FLAGS) & mdl_flags::MAPPED_TO_SYSTEM_VA != 0;
    if mapped {
        violation!("the MDL at {:#x} was freed while it is mapped", list.0);
    }
    pool::free(list.0, Some(TAG));
}

fn address_of(list: Mdl) -> u64 {
    list.get(Mdl::START_VA) + u64::from(list.get(Mdl::BYTE_OFFSET))
}

fn length_of(list: Mdl) -> u64 {
    u64::from(list.get(Mdl::BYTE_COUNT))
}

fn page_count(list: Mdl) -> u64 {
    pages_spanned(address_of(list), length_of(list))
}

const fn frame_place(list: Mdl, page: u64) -> u64 {
    list.0 + Mdl::SIZE + page * 8
}

fn frame(list: Mdl, page: u64) -> u64 {
    raw::read::<u64>(frame_place(list, page)) * PAGE
}

fn set_flags(list: Mdl, set: u16, clear: u16) {
    list.set(Mdl::FLAGS, (list.get(Mdl::FLAGS) & !clear) | set);
}

/// Locks the pages of a list as `MmProbeAndLockPages` does. An error is the exception to raise.
pub(crate) fn lock(list: Mdl, mode: u8, operation: LockOperation) -> Result<(), NtStatus> {
    if LISTS.with(|lists| !lists.contains_key(&list.0)) {
        violation!(
            "MmProbeAndLockPages was given {:#x}, which is no list",
            list.0
        );
    }
    let flags = list.get(Mdl::FLAGS);
    if flags & (mdl_flags::PAGES_LOCKED | mdl_flags::SOURCE_IS_NONPAGED_POOL) != 0 {
        violation!("the MDL at {:#x} is already locked", list.0);
    }
    let (address, length) = (address_of(list), length_of(list));
    let end = address
        .checked_add(length)
        .ok_or(NtStatus::ACCESS_VIOLATION)?;
    let of_user = layout::is_lower_half(address);
    if (mode == USER_MODE || of_user) && end > user_limit() {
        return Err(NtStatus::ACCESS_VIOLATION);
    }
    if of_user {
        irql::require_at_most(irql::APC_LEVEL, "MmProbeAndLockPages on user memory");
    } else {
        irql::require_at_most(DISPATCH_LEVEL, "MmProbeAndLockPages");
    }
    let access = if operation == LockOperation::Read {
        AccessKind::Read
    } else {
        AccessKind::Write
    };
    let pages = page_count(list);
    for page in 0..pages {
        let at = list.get(Mdl::START_VA) + page * PAGE;
        let found = if of_user {
            user::touch(Tables::current(), at, access)
        } else {
            system_page(at, access)
        };
        match found {
            Ok(physical) => {
                locked::lock(page_of(physical));
                raw::write(frame_place(list, page), physical / PAGE);
            }
            Err(status) => {
                for done in 0..page {
                    locked::unlock(frame(list, done));
                }
                return Err(status);
            }
        }
    }
    list.set(
        Mdl::PROCESS,
        if of_user {
            process::current_object()
        } else {
            0
        },
    );
    set_flags(list, mdl_flags::PAGES_LOCKED, 0);
    if access == AccessKind::Write {
        set_flags(list, mdl_flags::WRITE_OPERATION, 0);
    }
    LISTS.with(|lists| lists.insert(list.0, pages));
    Ok(())
}

fn system_page(address: u64, access: AccessKind) -> Result<u64, NtStatus> {
    Tables::current()
        .walk(address)
        .filter(|translation| access == AccessKind::Read || translation.write)
        .map(|translation| translation.physical)
        .ok_or(NtStatus::ACCESS_VIOLATION)
}

/// Unlocks the pages of a list as `MmUnlockPages` does.
pub(crate) fn unlock(list: Mdl) {
    if list.get(Mdl::FLAGS) & mdl_flags::PAGES_LOCKED == 0 {
        violation!(
            "MmUnlockPages was given the MDL at {:#x}, which is not locked",
            list.0
        );
    }
    if list.get(Mdl::FLAGS) & mdl_flags::MAPPED_TO_SYSTEM_VA != 0 {
        unmap(list, list.get(Mdl::MAPPED_SYSTEM_VA));
    }
    for page in 0..page_count(list) {
        locked::unlock(frame(list, page));
    }
    set_flags(
        list,
        0,
        mdl_flags::PAGES_LOCKED | mdl_flags::WRITE_OPERATION,
    );
    LISTS.with(|lists| lists.insert(list.0, 0));
}

/// Unlocks the pages of a list that are locked for a request.
pub(super) fn unlock_for_completion(list: Mdl) {
    if list.get(Mdl::FLAGS) & mdl_flags::PAGES_LOCKED != 0 {
        unlock(list);
    }
}

/// Fills in the frames of nonpaged memory: `MmBuildMdlForNonPagedPool`.
pub(crate) fn describe_nonpaged(list: Mdl) {
    for page in 0..page_count(list) {
        let at = list.get(Mdl::START_VA) + page * PAGE;
        let Ok(physical) = system_page(at, AccessKind::Read) else {
            violation!("MmBuildMdlForNonPagedPool was given {at:#x}, which is not mapped");
        };
        raw::write(frame_place(list, page), physical / PAGE);
    }
    list.set(Mdl::MAPPED_SYSTEM_VA, address_of(list));
    set_flags(list, mdl_flags::SOURCE_IS_NONPAGED_POOL, 0);
}

/// Maps a locked list into system memory; `None` if no addresses are left.
pub(crate) fn map(list: Mdl, uncached: bool) -> Option<u64> {
    let flags = list.get(Mdl::FLAGS);
    if flags & (mdl_flags::PAGES_LOCKED | mdl_flags::SOURCE_IS_NONPAGED_POOL) == 0 {
        violation!("the MDL at {:#x} was mapped before it was locked", list.0);
    }
    if flags & mdl_flags::MAPPED_TO_SYSTEM_VA != 0 {
        violation!("the MDL at {:#x} was mapped twice", list.0);
    }
    // A list that was locked for reading is mapped read-only, which Windows may not do: a driver
    // that writes through it faults here.
    let mut entry = bits::PRESENT | bits::NO_EXECUTE;
    if flags & (mdl_flags::WRITE_OPERATION | mdl_flags::SOURCE_IS_NONPAGED_POOL) != 0 {
        entry |= bits::WRITE;
    }
    if uncached {
        entry |= bits::UNCACHED;
    }
    let start = system::map(page_count(list), entry, |page| frame(list, page))?;
    let address = start + u64::from(list.get(Mdl::BYTE_OFFSET));
    list.set(Mdl::MAPPED_SYSTEM_VA, address);
    set_flags(list, mdl_flags::MAPPED_TO_SYSTEM_VA, 0);
    Some(address)
}

/// Unmaps a list. A mistake ends the run: "Bug Check 0xDA: `SYSTEM_PTE_MISUSE`".
pub(crate) fn unmap(list: Mdl, address: u64) {
    let pages = page_count(list);
    if list.get(Mdl::FLAGS) & mdl_flags::MAPPED_TO_SYSTEM_VA == 0 {
        // 6: the list is not mapped.
        let parameters = [6, list.0, address, pages];
        bugcheck_here(Code::SYSTEM_PTE_MISUSE, parameters);
    }
    if address != list.get(Mdl::MAPPED_SYSTEM_VA) || system::unmap(page_of(address)) != Some(pages)
    {
        // 3: the list is mapped at another address.
        let parameters = [3, list.0, list.get(Mdl::MAPPED_SYSTEM_VA), address];
        bugcheck_here(Code::SYSTEM_PTE_MISUSE, parameters);
    }
    set_flags(list, 0, mdl_flags::MAPPED_TO_SYSTEM_VA);
    list.set(Mdl::MAPPED_SYSTEM_VA, 0);
}

/// Returns a line for each live list.
pub(crate) fn left() -> Vec<String> {
    LISTS.with(|lists| {
        lists
            .iter()
            .map(|(address, locked)| format!("MDL: at {address:#x}, {locked} pages locked"))
            .collect()
    })
}
