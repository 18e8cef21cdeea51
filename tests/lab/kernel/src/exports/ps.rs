//! Processes and threads. A process has one thread on each processor, whose address lies in the
//! process's object. System threads have objects of their own.

use crate::bugcheck::violation;
use crate::irql::{DISPATCH_LEVEL, require_at_most};
use crate::object::{self, Kind, process};
use crate::{processor, threads};

/// `PsGetCurrentProcess`, which `IoGetCurrentProcess` (wdm.h) is too: no reference is taken.
pub(super) extern "win64" fn PsGetCurrentProcess() -> u64 {
    process::current_object()
}

/// `PsGetCurrentProcessId` function (ntddk.h).
pub(super) extern "win64" fn PsGetCurrentProcessId() -> u64 {
    process::current_id()
}

/// `PsGetProcessId` function (ntddk.h).
pub(super) extern "win64" fn PsGetProcessId(object: u64) -> u64 {
    let Some(id) = process::id_of(object) else {
        violation!("PsGetProcessId was given {object:#x}, which is no process");
    };
    id
}

/// `PsGetProcessStartKey` function (ntddk.h): a number that no other process has. IRQL <=
/// `DISPATCH_LEVEL`.
pub(super) extern "win64" fn PsGetProcessStartKey(object: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "PsGetProcessStartKey");
    let Some(key) = process::start_key(object) else {
        violation!("PsGetProcessStartKey was given {object:#x}, which is no process");
    };
    key
}

/// `PsIsThreadTerminating` function (ntifs.h). IRQL <= `DISPATCH_LEVEL`. The thread of a request has
/// the address of its process.
pub(super) extern "win64" fn PsIsThreadTerminating(thread: u64) -> u8 {
    require_at_most(DISPATCH_LEVEL, "PsIsThreadTerminating");
    if object::kind_of(thread) == Some(Kind::Thread) {
        return 0;
    }
    let Some(ending) = process::is_thread_ending(thread) else {
        violation!("PsIsThreadTerminating was given {thread:#x}, which is no thread");
    };
    ending.into()
}

/// `PsGetCurrentThread` function (ntddk.h), and `KeGetCurrentThread` (wdm.h).
pub(super) extern "win64" fn PsGetCurrentThread() -> u64 {
    threads::current_object()
        .unwrap_or_else(|| process::current_object() + 8 * processor::number() as u64)
}

/// `PsGetCurrentThreadId` function (ntddk.h).
pub(super) extern "win64" fn PsGetCurrentThreadId() -> u64 {
    process::current_id() + 1 + processor::number() as u64
}
