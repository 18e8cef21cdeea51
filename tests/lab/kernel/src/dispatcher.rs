//! Dispatcher objects: what threads wait for.
//!
//! Source: "Introduction to Kernel Dispatcher Objects", Windows driver documentation.

use crate::bugcheck::violation;
use crate::nt::layout::{Header, Mutex, Structure};
use crate::{raw, threads};

/// The kinds that a header names.
pub(crate) mod kind {
    pub(crate) const NOTIFICATION_EVENT: u8 = 0;
    pub(crate) const SYNCHRONIZATION_EVENT: u8 = 1;
    pub(crate) const MUTEX: u8 = 2;
    pub(crate) const SEMAPHORE: u8 = 5;
    pub(crate) const NOTIFICATION_TIMER: u8 = 8;
    pub(crate) const SYNCHRONIZATION_TIMER: u8 = 9;
}

/// Writes a header.
pub(crate) fn initialize(object: u64, kind: u8, size: u64, state: u32) {
    let header = Header(object);
    header.set(Header::KIND, kind);
    header.set(Header::LENGTH, (size / 4) as u8);
    header.set(Header::SIGNAL_STATE, state);
    let list = header.place(Header::WAIT_LIST);
    header.set(Header::WAIT_LIST, [list, list]);
}

/// Replaces the state of an object, and returns the state from before.
pub(crate) fn replace_state(object: u64, state: u32) -> u32 {
    let before = Header(object).get(Header::SIGNAL_STATE);
    Header(object).set(Header::SIGNAL_STATE, state);
    threads::note_progress();
    before
}

/// Whether a wait of a thread for an object would end now.
pub(crate) fn is_signaled(object: u64, thread: u64) -> bool {
    let state = Header(object).get(Header::SIGNAL_STATE).cast_signed();
    let is_owner = Header(object).get(Header::KIND) == kind::MUTEX
        && Mutex(object).get(Mutex::OWNER) == thread;
    state > 0 || is_owner
}

/// Ends a wait for an object that is signaled: takes what the object gives to one thread alone. Returns
/// `false` if another processor was quicker.
pub(crate) fn take(object: u64, thread: u64) -> bool {
    let place = Header(object).place(Header::SIGNAL_STATE);
    match Header(object).get(Header::KIND) {
        kind::NOTIFICATION_EVENT | kind::NOTIFICATION_TIMER | threads::THREAD => {
            raw::read::<u32>(place) != 0
        }
        kind::SYNCHRONIZATION_EVENT | kind::SYNCHRONIZATION_TIMER => {
            raw::compare_exchange32(place, 1, 0).is_ok()
        }
        kind::SEMAPHORE => {
            let count = raw::read::<u32>(place);
            count > 0 && raw::compare_exchange32(place, count, count - 1).is_ok()
        }
        kind::MUTEX => {
            let state = raw::read::<u32>(place);
            let taken = raw::compare_exchange32(place, state, state.wrapping_sub(1)).is_ok();
            if taken {
                Mutex(object).set(Mutex::OWNER, thread);
            }
            taken
        }
        kind => violation!(
            "a driver waits for {object:#x}, which is no object that can be waited for (kind {kind})"
        ),
    }
}

/// Returns the name of an object's kind, for reports.
pub(crate) fn name_of(object: u64) -> &'static str {
    match Header(object).get(Header::KIND) {
        kind::NOTIFICATION_EVENT | kind::SYNCHRONIZATION_EVENT => "event",
        kind::MUTEX => "mutex",
        kind::SEMAPHORE => "semaphore",
        threads::THREAD => "thread",
        kind::NOTIFICATION_TIMER | kind::SYNCHRONIZATION_TIMER => "timer",
        _ => "object",
    }
}
