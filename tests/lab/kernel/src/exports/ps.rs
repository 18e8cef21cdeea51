//! Processes and threads. A process has one thread on each processor, whose address lies in the
//! process's object.

use crate::bugcheck::violation;
use crate::object::process;
use crate::processor;

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

/// `PsGetCurrentThread` function (ntddk.h), and `KeGetCurrentThread` (wdm.h).
pub(super) extern "win64" fn PsGetCurrentThread() -> u64 {
    process::current_object() + 8 * processor::number() as u64
}

/// `PsGetCurrentThreadId` function (ntddk.h).
pub(super) extern "win64" fn PsGetCurrentThreadId() -> u64 {
    process::current_id() + 1 + processor::number() as u64
}
