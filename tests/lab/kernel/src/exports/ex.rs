//! Executive support.

use crate::bugcheck::violation;
use crate::io::{KERNEL_MODE, USER_MODE};
use crate::irql::{self, APC_LEVEL, require_at_most};
use crate::nt::layout::{FastMutex, Structure};
use crate::object::process;
use crate::threads::{self, Waited};
use crate::{locks, raw};

use super::ps::PsGetCurrentThread;

/// `ExGetPreviousMode` function (wdm.h): the mode of the current thread before it entered the
/// kernel, which is user mode except in the system process.
pub(super) extern "win64" fn ExGetPreviousMode() -> u8 {
    if process::current_id() == process::SYSTEM_ID {
        KERNEL_MODE
    } else {
        USER_MODE
    }
}

/// `ExTryToAcquireFastMutex` function (wdm.h): raises to `APC_LEVEL` if it succeeds. IRQL <=
/// `APC_LEVEL`.
pub(super) extern "win64" fn ExTryToAcquireFastMutex(mutex: u64) -> u8 {
    require_at_most(APC_LEVEL, "ExTryToAcquireFastMutex");
    if raw::compare_exchange32(mutex, 1, 0).is_err() {
        return 0;
    }
    FastMutex(mutex).set(FastMutex::OWNER, PsGetCurrentThread());
    FastMutex(mutex).set(FastMutex::OLD_IRQL, irql::current().into());
    locks::acquired(mutex, irql::current());
    irql::set(APC_LEVEL);
    1
}

/// `ExAcquireFastMutex` function (wdm.h): waits while another thread holds the mutex.
pub(super) extern "win64" fn ExAcquireFastMutex(mutex: u64) {
    require_at_most(APC_LEVEL, "ExAcquireFastMutex");
    locks::require_nonpaged(mutex, "a fast mutex");
    locks::before_wait(mutex);
    while ExTryToAcquireFastMutex(mutex) == 0 {
        let own = FastMutex(mutex).get(FastMutex::OWNER) == PsGetCurrentThread();
        let is_free = || FastMutex(mutex).get(FastMutex::COUNT) == 1;
        if own || threads::wait(is_free, None) == Waited::Never {
            violation!(
                "the fast mutex at {mutex:#x} was acquired by its owner, or never initialised"
            );
        }
    }
}

/// `ExReleaseFastMutex` function (wdm.h): called at `APC_LEVEL`; restores the previous IRQL.
pub(super) extern "win64" fn ExReleaseFastMutex(mutex: u64) {
    if irql::current() != APC_LEVEL
        || FastMutex(mutex).get(FastMutex::OWNER) != PsGetCurrentThread()
    {
        violation!("the fast mutex at {mutex:#x} was released and is not held");
    }
    locks::released(mutex);
    let level = FastMutex(mutex).get(FastMutex::OLD_IRQL);
    FastMutex(mutex).set(FastMutex::OWNER, 0);
    FastMutex(mutex).set(FastMutex::COUNT, 1);
    irql::set(level as u8);
    threads::note_progress();
}
