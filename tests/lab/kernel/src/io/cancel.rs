//! Cancelling requests.
//!
//! Source: "Canceling IRPs", Windows driver documentation, and the pages of `IoCancelIrp` and
//! `IoAcquireCancelSpinLock` (wdm.h).

use core::sync::atomic::{AtomicUsize, Ordering};

use super::completion;
use crate::bugcheck::violation;
use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::layout::{Irp, StackLocation, Structure};
use crate::{call, dpc, locks, parallel, processor, raw};

/// The value of the cancel spin lock while it is free. Otherwise it is the number of the holder
/// plus one.
const FREE: usize = 0;
static LOCK: AtomicUsize = AtomicUsize::new(FREE);

/// Acquires the system's cancel spin lock and returns the previous IRQL.
pub(crate) fn acquire_lock() -> u8 {
    let level = irql::current();
    irql::set(DISPATCH_LEVEL);
    let own = processor::number() + 1;
    locks::before_wait(address());
    while let Err(holder) = LOCK.compare_exchange(FREE, own, Ordering::Acquire, Ordering::Relaxed) {
        if holder == own || !parallel::is_running() {
            violation!("the cancel spin lock was acquired by its owner");
        }
        core::hint::spin_loop();
    }
    locks::acquired(address(), level);
    level
}

/// What the lock is known by.
fn address() -> u64 {
    (&raw const LOCK) as u64
}

/// Releases the cancel spin lock and sets the IRQL.
pub(crate) fn release_lock(level: u8) {
    locks::released(address());
    let own = processor::number() + 1;
    let released = LOCK.compare_exchange(own, FREE, Ordering::Release, Ordering::Relaxed);
    if released.is_err() {
        violation!("the cancel spin lock was released and is not held");
    }
    irql::set(level);
    dpc::deliver();
}

/// Sets a request's cancel bit and calls its cancel routine if there is one, which releases the
/// lock and completes the request now or later. Returns whether there was one.
pub(crate) fn cancel(request: Irp) -> bool {
    let level = acquire_lock();
    request.set(Irp::CANCEL, 1);
    let place = request.place(Irp::CANCEL_ROUTINE);
    let routine = loop {
        let routine = raw::read_volatile(place);
        if raw::compare_exchange(place, routine, 0).is_ok() {
            break routine;
        }
    };
    if routine == 0 {
        release_lock(level);
        return false;
    }
    request.set(Irp::CANCEL_IRQL, level);
    let location = StackLocation(request.get(Irp::CURRENT_STACK_LOCATION));
    let device = location.get(StackLocation::DEVICE_OBJECT);
    call::driver_to_level(
        "a cancel routine",
        routine,
        [device, request.0, 0, 0],
        level,
    );
    true
}

/// Cancels a request in progress, if there is one, as another thread of the requestor's process
/// may.
pub(crate) fn cancel_any() {
    if let Some(request) = completion::pin_any() {
        cancel(request);
        completion::unpin(request);
    }
}
