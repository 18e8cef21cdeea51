//! Memory descriptor lists.

use crate::bugcheck::violation;
use crate::failure;
use crate::io::mdl::{self, LockOperation};
use crate::io::{KERNEL_MODE, USER_MODE};
use crate::irql::{DISPATCH_LEVEL, require_at_most};
use crate::nt::layout::{Irp, Mdl, Structure};
use crate::seh::{Context, Exception, raise};

unsafe extern "C" {
    pub(super) fn nt_probe_and_lock_pages();
}

/// `IoAllocateMdl` function (wdm.h): with a request, the list becomes the request's, or the last
/// one of its chain. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoAllocateMdl(
    address: u64,
    length: u32,
    secondary: u8,
    _charge_quota: u8,
    request: u64,
) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoAllocateMdl");
    if failure::strikes() {
        return 0;
    }
    let Some(list) = mdl::allocate(address, u64::from(length)) else {
        return 0;
    };
    if request != 0 {
        let request = Irp(request);
        if secondary == 0 {
            request.set(Irp::MDL, list.0);
        } else {
            let mut tail = Mdl(request.get(Irp::MDL));
            while tail.get(Mdl::NEXT) != 0 {
                tail = Mdl(tail.get(Mdl::NEXT));
            }
            tail.set(Mdl::NEXT, list.0);
        }
    }
    list.0
}

/// `IoFreeMdl` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoFreeMdl(list: u64) {
    require_at_most(DISPATCH_LEVEL, "IoFreeMdl");
    mdl::free(Mdl(list));
}

/// `MmBuildMdlForNonPagedPool` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn MmBuildMdlForNonPagedPool(list: u64) {
    require_at_most(DISPATCH_LEVEL, "MmBuildMdlForNonPagedPool");
    mdl::describe_nonpaged(Mdl(list));
}

/// `MmProbeAndLockPages` function (wdm.h): raises the exception that an access would raise; locks
/// all pages or none. IRQL <= `APC_LEVEL` for pageable memory, else <= `DISPATCH_LEVEL`.
#[unsafe(no_mangle)]
extern "C" fn probe_and_lock_pages(context: &mut Context) {
    let (list, mode) = (Mdl(context.general(1)), context.general(2) as u8);
    let Some(operation) = LockOperation::from_wire(context.general(8) as u32) else {
        violation!("MmProbeAndLockPages was called for an operation that does not exist");
    };
    if mode != KERNEL_MODE && mode != USER_MODE {
        violation!("MmProbeAndLockPages was called for mode {mode}");
    }
    if let Err(status) = mdl::lock(list, mode, operation) {
        raise(context, Exception::plain(status));
    }
}

/// `MmUnlockPages` function (wdm.h): also unmaps a mapped list. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn MmUnlockPages(list: u64) {
    require_at_most(DISPATCH_LEVEL, "MmUnlockPages");
    mdl::unlock(Mdl(list));
}

/// `MmMapLockedPagesSpecifyCache` function (wdm.h): NULL if no addresses are left. Only mappings
/// into system memory are supported. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn MmMapLockedPagesSpecifyCache(
    list: u64,
    mode: u8,
    cache: u32,
    _requested: u64,
    _bugcheck_on_failure: u32,
    _priority: u32,
) -> u64 {
    require_at_most(DISPATCH_LEVEL, "MmMapLockedPagesSpecifyCache");
    if mode != KERNEL_MODE {
        violation!("the lab does not map MDLs into user memory");
    }
    if failure::strikes() {
        return 0;
    }
    // MmNonCached is 0, MmCached 1.
    mdl::map(Mdl(list), cache == 0).unwrap_or(0)
}

/// `MmUnmapLockedPages` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn MmUnmapLockedPages(address: u64, list: u64) {
    require_at_most(DISPATCH_LEVEL, "MmUnmapLockedPages");
    mdl::unmap(Mdl(list), address);
}
