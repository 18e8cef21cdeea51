//! Timers and deferred procedure calls.

use crate::bugcheck::violation;
use crate::dispatcher::{self, kind};
use crate::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::nt::layout::{Dpc, Structure, Timer};
use crate::{clock, dpc, images, locks, raw, timers};

/// `DpcObject` of a `KDPC`'s type.
const DPC: u8 = 0x13;

/// `KeInitializeDpc` function (wdm.h): any IRQL.
pub(super) extern "win64" fn KeInitializeDpc(call: u64, routine: u64, context: u64) {
    locks::require_nonpaged(call, "a DPC");
    if !images::is_driver_code(routine) {
        violation!("the routine of a DPC lies at {routine:#x}, outside of all images");
    }
    raw::fill(call, 0, Dpc::SIZE);
    raw::write(call, DPC);
    Dpc(call).set(Dpc::ROUTINE, routine);
    Dpc(call).set(Dpc::CONTEXT, context);
}

/// `KeInsertQueueDpc` function (wdm.h): FALSE if it is queued already. Any IRQL.
pub(super) extern "win64" fn KeInsertQueueDpc(call: u64, one: u64, two: u64) -> u8 {
    let inserted = dpc::insert(Dpc(call), [one, two]);
    dpc::deliver();
    inserted.into()
}

/// `KeRemoveQueueDpc` function (wdm.h): TRUE if it was queued. Any IRQL.
pub(super) extern "win64" fn KeRemoveQueueDpc(call: u64) -> u8 {
    dpc::remove(Dpc(call)).into()
}

/// `KeFlushQueuedDpcs` function (wdm.h): returns after all queued calls have. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn KeFlushQueuedDpcs() {
    require_at_most(PASSIVE_LEVEL, "KeFlushQueuedDpcs");
    dpc::deliver();
}

/// `KeSetImportanceDpc` function (wdm.h): of no effect here. Any IRQL.
pub(super) const extern "win64" fn KeSetImportanceDpc(_call: u64, _importance: u32) {}

/// `KeInitializeTimer` function (wdm.h): a notification timer. Any IRQL.
pub(super) extern "win64" fn KeInitializeTimer(timer: u64) {
    KeInitializeTimerEx(timer, 0);
}

/// `KeInitializeTimerEx` function (wdm.h): a `NotificationTimer` (0) or a `SynchronizationTimer` (1). Any
/// IRQL.
pub(super) extern "win64" fn KeInitializeTimerEx(timer: u64, kind: u32) {
    locks::require_nonpaged(timer, "a timer");
    if timers::set_in(&(timer..timer + 1)).is_some() {
        violation!("the timer at {timer:#x} was initialised while it is set");
    }
    raw::fill(timer, 0, Timer::SIZE);
    let kind = if kind == 0 {
        kind::NOTIFICATION_TIMER
    } else {
        kind::SYNCHRONIZATION_TIMER
    };
    dispatcher::initialize(timer, kind, Timer::SIZE, 0);
}

/// `KeSetTimer` function (wdm.h): TRUE if the timer was set. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeSetTimer(timer: u64, due: i64, call: u64) -> u8 {
    KeSetTimerEx(timer, due, 0, call)
}

/// `KeSetTimerEx` function (wdm.h): the period is in milliseconds. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeSetTimerEx(timer: u64, due: i64, period: u32, call: u64) -> u8 {
    require_at_most(DISPATCH_LEVEL, "KeSetTimerEx");
    let period = u64::from(period) * clock::MILLISECOND;
    let was_set = timers::set(Timer(timer), clock::interval(due), period, Dpc(call));
    dpc::deliver();
    was_set.into()
}

/// `KeCancelTimer` function (wdm.h): TRUE if the timer was set. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeCancelTimer(timer: u64) -> u8 {
    require_at_most(DISPATCH_LEVEL, "KeCancelTimer");
    timers::cancel(Timer(timer)).into()
}

/// `KeReadStateTimer` function (wdm.h): TRUE if it is signaled. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn KeReadStateTimer(timer: u64) -> u8 {
    require_at_most(DISPATCH_LEVEL, "KeReadStateTimer");
    u8::from(Timer(timer).get(Timer::SIGNAL_STATE) != 0)
}

/// `KeQuerySystemTimePrecise` function (wdm.h): in units of 100 ns since 1601. Any IRQL.
pub(super) extern "win64" fn KeQuerySystemTimePrecise(result: u64) {
    raw::write(result, clock::system_time());
}

/// `KeQueryPerformanceCounter` function (wdm.h): a count and its frequency, ten million a second. Any
/// IRQL.
pub(super) extern "win64" fn KeQueryPerformanceCounter(frequency: u64) -> u64 {
    const FREQUENCY: u64 = 10_000_000;
    if frequency != 0 {
        raw::write(frequency, FREQUENCY);
    }
    clock::now()
}

/// `ExSystemTimeToLocalTime` function (wdm.h): the lab is in Greenwich. Any IRQL.
pub(super) extern "win64" fn ExSystemTimeToLocalTime(system: u64, local: u64) {
    raw::write(local, raw::read::<u64>(system));
}
