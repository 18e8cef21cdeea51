//! Timers, deferred procedure calls and work items of the kernel, for objects of the framework.
//!
//! Each calls a routine with the handle of its object, which the routine looks up: an object that is
//! deleted meanwhile is not called.

use super::device::DeviceObject;
use core::{cell::UnsafeCell, ptr::NonNull};
use wdk_sys::{
    _IO_WORKITEM, BOOLEAN, KDPC, KTIMER, LARGE_INTEGER, LONG, PDEVICE_OBJECT, PKDEFERRED_ROUTINE,
    PKDPC, PVOID, ntddk,
};

/// A deferred procedure call, which stays where it is initialised.
pub(crate) struct Dpc(UnsafeCell<KDPC>);

impl Dpc {
    pub(crate) fn new() -> Self {
        Self(UnsafeCell::new(KDPC::default()))
    }

    /// Sets the routine and its context.
    pub(crate) fn initialize(&self, routine: PKDEFERRED_ROUTINE, context: PVOID) {
        // SAFETY: nonpaged memory for a call, in an object that does not move.
        unsafe { ntddk::KeInitializeDpc(self.0.get(), routine, context) };
    }

    /// `KeInsertQueueDpc`: whether the call was not queued before.
    pub(crate) fn enqueue(&self) -> bool {
        let none = core::ptr::null_mut();
        // SAFETY: an initialised call.
        (unsafe { ntddk::KeInsertQueueDpc(self.0.get(), none, none) }) != 0
    }

    /// `KeRemoveQueueDpc`: whether the call was queued.
    pub(crate) fn remove(&self) -> bool {
        // SAFETY: an initialised call.
        (unsafe { ntddk::KeRemoveQueueDpc(self.0.get()) }) != 0
    }

    pub(crate) const fn as_ptr(&self) -> PKDPC {
        self.0.get()
    }
}

/// `KeFlushQueuedDpcs`: waits until the calls that are queued have run. Callable at `PASSIVE_LEVEL`.
pub(crate) fn flush_dpcs() {
    // SAFETY: the level allows the wait.
    unsafe { ntddk::KeFlushQueuedDpcs() };
}

/// A timer, which stays where it is initialised.
pub(crate) struct Timer(UnsafeCell<KTIMER>);

impl Timer {
    pub(crate) fn new() -> Self {
        Self(UnsafeCell::new(KTIMER::default()))
    }

    pub(crate) fn initialize(&self) {
        // SAFETY: nonpaged memory for a timer, in an object that does not move.
        unsafe { ntddk::KeInitializeTimerEx(self.0.get(), NOTIFICATION_TIMER) };
    }

    /// `KeSetTimerEx`: whether the timer was set before. `due` is in units of 100 ns, and `period` in
    /// milliseconds.
    pub(crate) fn set(&self, due: i64, period: LONG, dpc: &Dpc) -> bool {
        let due = LARGE_INTEGER { QuadPart: due };
        // SAFETY: an initialised timer and an initialised call.
        let was_set: BOOLEAN =
            unsafe { ntddk::KeSetTimerEx(self.0.get(), due, period, dpc.as_ptr()) };
        was_set != 0
    }

    /// `KeCancelTimer`: whether the timer was set.
    pub(crate) fn cancel(&self) -> bool {
        // SAFETY: an initialised timer.
        (unsafe { ntddk::KeCancelTimer(self.0.get()) }) != 0
    }
}

/// `NotificationTimer`.
const NOTIFICATION_TIMER: i32 = 0;

/// A work item of a device object, freed when dropped: then it is not queued.
pub(crate) struct WorkItem(NonNull<_IO_WORKITEM>);

impl WorkItem {
    /// `IoAllocateWorkItem`. `None` if there is no memory.
    pub(crate) fn allocate(device: DeviceObject) -> Option<Self> {
        // SAFETY: a device object that exists.
        NonNull::new(unsafe { ntddk::IoAllocateWorkItem(device.as_ptr()) }).map(Self)
    }

    /// `IoQueueWorkItem`. The item is not queued already.
    pub(crate) fn enqueue(
        &self,
        routine: unsafe extern "C" fn(PDEVICE_OBJECT, PVOID),
        context: PVOID,
    ) {
        // SAFETY: an allocated item that is not queued, and a routine of this type.
        unsafe {
            ntddk::IoQueueWorkItem(self.0.as_ptr(), Some(routine), DELAYED_WORK_QUEUE, context);
        };
    }
}

/// `DelayedWorkQueue`.
const DELAYED_WORK_QUEUE: i32 = 1;

impl Drop for WorkItem {
    fn drop(&mut self) {
        // SAFETY: allocated by `allocate`, and not queued (the promise of the type's users).
        unsafe { ntddk::IoFreeWorkItem(self.0.as_ptr()) };
    }
}
