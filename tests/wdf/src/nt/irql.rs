//! The interrupt request level, the current thread and the current process.

use super::routine;
use core::{
    ffi::c_void,
    sync::atomic::{AtomicPtr, Ordering},
};
use wdk_sys::{KIRQL, ntddk};

/// The IRQL of ordinary threads.
pub(crate) const PASSIVE_LEVEL: KIRQL = 0;
/// The highest IRQL at which a thread can wait.
pub(crate) const APC_LEVEL: KIRQL = 1;

type GetCurrentIrql = unsafe extern "C" fn() -> KIRQL;

/// `KeGetCurrentIrql`, once [`find`] has found it.
static GET_CURRENT_IRQL: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

unsafe extern "C" {
    fn KeGetCurrentThread() -> *mut c_void;
}

/// Looks up `KeGetCurrentIrql`, which is inline in the headers of x64 and missing in some kernels:
/// a host that runs drivers in user mode has no IRQL.
pub(crate) fn find() {
    if let Some(routine) = routine::address("KeGetCurrentIrql") {
        GET_CURRENT_IRQL.store(routine.as_ptr(), Ordering::Release);
    }
}

/// Returns the current IRQL; `PASSIVE_LEVEL` on a system without IRQLs.
pub(crate) fn current() -> KIRQL {
    let routine = GET_CURRENT_IRQL.load(Ordering::Acquire);
    if routine.is_null() {
        return PASSIVE_LEVEL;
    }
    // SAFETY: `find` stored the address of the export of that name, whose type this is.
    let routine = unsafe { core::mem::transmute::<*mut c_void, GetCurrentIrql>(routine) };
    // SAFETY: callable at any level, without arguments (wdm.h, KeGetCurrentIrql).
    unsafe { routine() }
}

/// Whether the current IRQL is that of ordinary threads.
pub(crate) fn is_passive() -> bool {
    current() == PASSIVE_LEVEL
}

/// Runs a function in a thread that cannot be suspended meanwhile, at a level at which it could be:
/// `KeEnterCriticalRegion`.
pub(crate) fn in_critical_region<R>(function: impl FnOnce() -> R) -> R {
    if current() > APC_LEVEL {
        return function();
    }
    // SAFETY: left below.
    unsafe { ntddk::KeEnterCriticalRegion() };
    let result = function();
    // SAFETY: entered above.
    unsafe { ntddk::KeLeaveCriticalRegion() };
    result
}

/// Identifies the current thread.
pub(crate) fn thread() -> usize {
    // SAFETY: callable at any level, without arguments (wdm.h, KeGetCurrentThread).
    unsafe { KeGetCurrentThread() }.addr()
}

/// Returns the number of the current process.
pub(crate) fn process_id() -> u32 {
    // SAFETY: callable at or below DISPATCH_LEVEL, without arguments (ntddk.h,
    // PsGetCurrentProcessId).
    let id = unsafe { ntddk::PsGetCurrentProcessId() };
    // A process identifier is a multiple of four below 2^32 that travels as a HANDLE.
    u32::try_from(id.addr()).unwrap_or(u32::MAX)
}
