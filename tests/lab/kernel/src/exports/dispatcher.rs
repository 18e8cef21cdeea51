//! Events, semaphores, mutexes, and waits for these, for timers and for threads.

use alloc::vec::Vec;

use super::ps::PsGetCurrentThread;
use crate::bugcheck::violation;
use crate::dispatcher::{self, kind, replace_state};
use crate::io::KERNEL_MODE;
use crate::irql::{APC_LEVEL, DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::nt::layout::{Header, Mutex, Semaphore, Structure};
use crate::object::handle::{self, Table};
use crate::object::{self, Kind};
use crate::threads::{self, Waited, wait};
use crate::{clock, dpc, locks, raw, timers};
use nt_status::NtStatus;

/// `KeInitializeEvent` function (wdm.h): any IRQL. The kind is `NotificationEvent` (0) or
/// `SynchronizationEvent` (1).
pub(super) extern "win64" fn KeInitializeEvent(event: u64, kind: u32, state: u8) {
    locks::require_nonpaged(event, "an event");
    dispatcher::initialize(event, kind as u8 & 1, Header::SIZE, u32::from(state != 0));
}

/// `KeSetEvent` function (wdm.h): returns the previous state. IRQL <= `DISPATCH_LEVEL`, and <=
/// `APC_LEVEL` if a wait follows.
pub(super) extern "win64" fn KeSetEvent(event: u64, _increment: u32, wait: u8) -> u32 {
    let level = if wait == 0 { DISPATCH_LEVEL } else { APC_LEVEL };
    require_at_most(level, "KeSetEvent");
    replace_state(event, 1)
}

/// `KeResetEvent` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeResetEvent(event: u64) -> u32 {
    require_at_most(DISPATCH_LEVEL, "KeResetEvent");
    replace_state(event, 0)
}

/// `KeClearEvent` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeClearEvent(event: u64) {
    KeResetEvent(event);
}

/// `KeReadStateEvent` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReadStateEvent(event: u64) -> u32 {
    require_at_most(DISPATCH_LEVEL, "KeReadStateEvent");
    Header(event).get(Header::SIGNAL_STATE)
}

/// `KeInitializeSemaphore` function (wdm.h): any IRQL.
pub(super) extern "win64" fn KeInitializeSemaphore(semaphore: u64, count: u32, limit: u32) {
    locks::require_nonpaged(semaphore, "a semaphore");
    dispatcher::initialize(semaphore, kind::SEMAPHORE, Semaphore::SIZE, count);
    Semaphore(semaphore).set(Semaphore::LIMIT, limit);
}

/// `KeReleaseSemaphore` function (wdm.h): returns the previous count. Raises
/// `STATUS_SEMAPHORE_LIMIT_EXCEEDED` above the limit, which ends the run here. IRQL <=
/// `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReleaseSemaphore(
    semaphore: u64,
    _increment: u32,
    adjustment: u32,
    _wait: u8,
) -> u32 {
    require_at_most(DISPATCH_LEVEL, "KeReleaseSemaphore");
    let count = Header(semaphore).get(Header::SIGNAL_STATE);
    let limit = Semaphore(semaphore).get(Semaphore::LIMIT);
    match count.checked_add(adjustment) {
        Some(sum) if sum <= limit => replace_state(semaphore, sum),
        _ => violation!("the semaphore at {semaphore:#x} was released above its limit of {limit}"),
    }
}

/// `KeInitializeMutex` function (wdm.h): any IRQL.
pub(super) extern "win64" fn KeInitializeMutex(mutex: u64, _level: u32) {
    locks::require_nonpaged(mutex, "a mutex");
    dispatcher::initialize(mutex, kind::MUTEX, Mutex::SIZE, 1);
    Mutex(mutex).set(Mutex::OWNER, 0);
}

/// `KeReleaseMutex` function (wdm.h): returns the previous state. Only its owner releases a mutex. IRQL
/// <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReleaseMutex(mutex: u64, _wait: u8) -> u32 {
    require_at_most(DISPATCH_LEVEL, "KeReleaseMutex");
    if Mutex(mutex).get(Mutex::OWNER) != PsGetCurrentThread() {
        violation!("the mutex at {mutex:#x} was released by a thread that does not own it");
    }
    let state = Header(mutex).get(Header::SIGNAL_STATE).wrapping_add(1);
    if state == 1 {
        Mutex(mutex).set(Mutex::OWNER, 0);
    }
    replace_state(mutex, state)
}

/// Returns how long a driver waits at most; `None`: for ever.
fn interval_at(timeout: u64) -> Option<u64> {
    (timeout != 0).then(|| clock::interval(raw::read::<u64>(timeout).cast_signed()))
}

/// Ends the run if a driver may not wait here.
fn require_wait_allowed(function: &str, interval: Option<u64>, mode: u8) {
    let level = if interval == Some(0) {
        DISPATCH_LEVEL
    } else {
        APC_LEVEL
    };
    require_at_most(level, function);
    if mode != KERNEL_MODE {
        violation!("a driver waited in user mode: its stack may be paged out");
    }
}

/// `KeWaitForSingleObject` function (wdm.h). Ends the run if nothing can end the wait. IRQL <=
/// `APC_LEVEL`; <= `DISPATCH_LEVEL` with a timeout of zero.
pub(super) extern "win64" fn KeWaitForSingleObject(
    object: u64,
    _reason: u32,
    mode: u8,
    _alertable: u8,
    timeout: u64,
) -> NtStatus {
    let interval = interval_at(timeout);
    require_wait_allowed("KeWaitForSingleObject", interval, mode);
    let thread = PsGetCurrentThread();
    let take = || dispatcher::is_signaled(object, thread) && dispatcher::take(object, thread);
    match wait(take, interval) {
        Waited::Satisfied => NtStatus::SUCCESS,
        Waited::TimedOut => NtStatus::TIMEOUT,
        Waited::Never => never(object),
    }
}

/// Ends the run because a driver waits for ever.
fn never(object: u64) -> ! {
    let name = dispatcher::name_of(object);
    violation!(
        "a driver waits for the {name} at {object:#x}, which no other thread, timer or request can signal"
    )
}

/// `WaitAll`, of `WAIT_TYPE`.
const ALL: u32 = 0;
/// `THREAD_WAIT_OBJECTS` and `MAXIMUM_WAIT_OBJECTS`: how many need no array of wait blocks, and with one.
const FEW: u32 = 3;
const MANY: u32 = 64;

/// `KeWaitForMultipleObjects` function (wdm.h): `STATUS_WAIT_0` and the position of the object, for a
/// wait for any. IRQL as of `KeWaitForSingleObject`.
pub(super) extern "win64" fn KeWaitForMultipleObjects(
    count: u32,
    objects: u64,
    kind: u32,
    _reason: u32,
    mode: u8,
    _alertable: u8,
    timeout: u64,
    blocks: u64,
) -> NtStatus {
    let interval = interval_at(timeout);
    require_wait_allowed("KeWaitForMultipleObjects", interval, mode);
    let most = if blocks == 0 { FEW } else { MANY };
    if count == 0 || count > most {
        violation!("a driver waits for {count} objects at once; {most} at most are allowed here");
    }
    let objects: Vec<u64> = (0..u64::from(count))
        .map(|position| raw::read(objects + position * 8))
        .collect();
    let thread = PsGetCurrentThread();
    let signaled = |&object: &u64| dispatcher::is_signaled(object, thread);
    let mut position = 0;
    let take = || {
        if kind == ALL {
            return objects.iter().all(signaled)
                && objects
                    .iter()
                    .all(|&object| dispatcher::take(object, thread));
        }
        let found = objects.iter().position(signaled);
        position = found.unwrap_or(0) as u32;
        found.is_some_and(|found| dispatcher::take(objects[found], thread))
    };
    match wait(take, interval) {
        Waited::Satisfied => NtStatus(position),
        Waited::TimedOut => NtStatus::TIMEOUT,
        Waited::Never => never(objects[0]),
    }
}

/// `KeDelayExecutionThread` function (wdm.h): an interval of zero lets other threads run. IRQL <=
/// `APC_LEVEL`.
pub(super) extern "win64" fn KeDelayExecutionThread(
    mode: u8,
    _alertable: u8,
    interval: u64,
) -> NtStatus {
    require_wait_allowed("KeDelayExecutionThread", None, mode);
    let interval = clock::interval(raw::read::<u64>(interval).cast_signed());
    if interval == 0 {
        threads::turn();
    } else {
        wait(|| false, Some(interval));
    }
    NtStatus::SUCCESS
}

/// `KeStallExecutionProcessor` function (wdm.h), in microseconds: the clock moves. Any IRQL.
pub(super) extern "win64" fn KeStallExecutionProcessor(microseconds: u32) {
    clock::advance(clock::now() + u64::from(microseconds) * 10);
    timers::expire();
    dpc::deliver();
}

/// `ZwWaitForSingleObject` function (ntifs.h), for a thread by a kernel handle. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ZwWaitForSingleObject(
    value: u64,
    alertable: u8,
    timeout: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ZwWaitForSingleObject");
    let Some(found) = handle::find(Table::Kernel, value) else {
        return NtStatus::INVALID_HANDLE;
    };
    if object::kind_of(found.object) != Some(Kind::Thread) {
        return NtStatus::OBJECT_TYPE_MISMATCH;
    }
    KeWaitForSingleObject(found.object, 0, KERNEL_MODE, alertable, timeout)
}
