//! WDFSPINLOCK and WDFWAITLOCK.
//!
//! Source: "Using Framework Locks", and "Bug Check 0x10D" for what their misuse ends in.

use crate::{
    call::Call,
    nt::irql,
    object::{Class, Kind, Ref},
    report::refuse,
};
use core::{
    cell::{Cell, UnsafeCell},
    sync::atomic::{AtomicUsize, Ordering},
};
use wdk_sys::{
    _EVENT_TYPE as EventType, KEVENT, KIRQL, KSPIN_LOCK, NTSTATUS, PLONGLONG,
    PWDF_OBJECT_ATTRIBUTES, STATUS_SUCCESS, WDFSPINLOCK, WDFWAITLOCK, ntddk,
};

/// The holder of a free lock.
const NO_THREAD: usize = 0;

/// Parameter 3 for a lock that is released by a thread that did not acquire it.
const RELEASED_BY_ANOTHER: usize = 1;

/// The thread that holds a lock, which is used only to check its callers.
struct Holder(AtomicUsize);

impl Holder {
    const fn new() -> Self {
        Self(AtomicUsize::new(NO_THREAD))
    }

    /// Checks that a thread which is about to wait for the lock does not hold it.
    fn before_acquire(&self, call: &Call) {
        if self.0.load(Ordering::Relaxed) == irql::thread() {
            refuse!(call, LockHeld, "the thread holds the lock already");
        }
    }

    fn acquired(&self) {
        self.0.store(irql::thread(), Ordering::Relaxed);
    }

    /// Checks that a thread which releases the lock holds it.
    fn released(&self, call: &Call, handle: usize) {
        if self.0.load(Ordering::Relaxed) != irql::thread() {
            refuse!(
                call,
                Lock,
                [handle, RELEASED_BY_ANOTHER],
                "the thread does not hold the lock"
            );
        }
        self.0.store(NO_THREAD, Ordering::Relaxed);
    }
}

/// A spin lock.
struct SpinLock {
    lock: UnsafeCell<KSPIN_LOCK>,
    /// The IRQL to return to, which only the holder uses.
    irql: Cell<KIRQL>,
    holder: Holder,
}

impl Class for SpinLock {
    const KIND: Kind = Kind::SpinLock;
}

/// `WdfSpinLockCreate`.
pub(crate) fn create_spin_lock(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    lock: *mut WDFSPINLOCK,
) -> NTSTATUS {
    call.deliver(lock, || {
        let attributes = call.attributes(attributes)?;
        let lock = SpinLock {
            lock: UnsafeCell::new(0),
            irql: Cell::new(irql::PASSIVE_LEVEL),
            holder: Holder::new(),
        };
        call.create(&attributes, lock)
    })
}

/// `WdfSpinLockAcquire`.
pub(crate) fn acquire_spin_lock(call: &Call, lock: WDFSPINLOCK) {
    let lock: Ref<SpinLock> = call.object(lock);
    lock.holder.before_acquire(call);
    // SAFETY: a spin lock that this thread does not hold, at or below DISPATCH_LEVEL.
    let irql = unsafe { ntddk::KeAcquireSpinLockRaiseToDpc(lock.lock.get()) };
    lock.irql.set(irql);
    lock.holder.acquired();
}

/// `WdfSpinLockRelease`.
pub(crate) fn release_spin_lock(call: &Call, lock: WDFSPINLOCK) {
    let lock: Ref<SpinLock> = call.object(lock);
    lock.holder.released(call, lock.handle().addr());
    let irql = lock.irql.get();
    // SAFETY: this thread holds the lock, and acquired it at this level.
    unsafe { ntddk::KeReleaseSpinLock(lock.lock.get(), irql) };
}

/// A wait lock: an event that one thread at a time finds signalled.
struct WaitLock {
    event: UnsafeCell<KEVENT>,
    holder: Holder,
}

impl Class for WaitLock {
    const KIND: Kind = Kind::WaitLock;
}

/// `WdfWaitLockCreate`.
pub(crate) fn create_wait_lock(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    lock: *mut WDFWAITLOCK,
) -> NTSTATUS {
    call.deliver(lock, || {
        let attributes = call.attributes(attributes)?;
        let lock = WaitLock {
            event: UnsafeCell::new(KEVENT::default()),
            holder: Holder::new(),
        };
        let made = call.create(&attributes, lock)?;
        // SAFETY: nonpaged memory for an event, where the event will stay.
        unsafe {
            ntddk::KeInitializeEvent(made.event.get(), EventType::SynchronizationEvent, 1);
        };
        Ok(made)
    })
}

/// `WdfWaitLockAcquire`: `STATUS_TIMEOUT` if the time was given and has passed.
pub(crate) fn acquire_wait_lock(call: &Call, lock: WDFWAITLOCK, timeout: PLONGLONG) -> NTSTATUS {
    let lock: Ref<WaitLock> = call.object(lock);
    if call.read_optional(timeout) != Some(0) {
        call.require_irql(irql::APC_LEVEL);
        lock.holder.before_acquire(call);
    }
    // SAFETY: undone below or when the lock is released.
    unsafe { ntddk::KeEnterCriticalRegion() };
    // SAFETY: an initialised event, a driver's timeout or none; the level allows the wait.
    let status =
        unsafe { ntddk::KeWaitForSingleObject(lock.event.get().cast(), 0, 0, 0, timeout.cast()) };
    if status == STATUS_SUCCESS {
        lock.holder.acquired();
    } else {
        // SAFETY: entered above.
        unsafe { ntddk::KeLeaveCriticalRegion() };
    }
    status
}

/// `WdfWaitLockRelease`.
pub(crate) fn release_wait_lock(call: &Call, lock: WDFWAITLOCK) {
    let lock: Ref<WaitLock> = call.object(lock);
    lock.holder.released(call, lock.handle().addr());
    // SAFETY: an initialised event; nothing is waited for after this.
    unsafe { ntddk::KeSetEvent(lock.event.get(), 0, 0) };
    // SAFETY: entered when the lock was acquired.
    unsafe { ntddk::KeLeaveCriticalRegion() };
}

// A timeout is passed on as it is: a LARGE_INTEGER is a LONGLONG in memory.
const _: () = assert!(size_of::<wdk_sys::LARGE_INTEGER>() == size_of::<i64>());
