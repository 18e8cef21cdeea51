//! Lets a test hold all queues, so that requests wait in them.
//!
//! While the event [`EVENT`] exists and is not set, queues present no requests, which a framework
//! may do at any time. The first request after that also presents the others.

use core::{
    ptr::null_mut,
    sync::atomic::{AtomicBool, Ordering},
};
use wdk_sys::{
    HANDLE, LARGE_INTEGER, NTSTATUS, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES,
    STATUS_SUCCESS, STATUS_TIMEOUT, ULONG, UNICODE_STRING, ntddk,
};

use crate::nt::{routine, text::wide};

/// The event's name. A client calls it `Global\RingCopyQueueHold`.
const EVENT: &[u8; 35] = b"\\BaseNamedObjects\\RingCopyQueueHold";

/// `SYNCHRONIZE`.
const ACCESS: ULONG = 0x0010_0000;

/// Whether the event is looked for: under Wine only.
static ENABLED: AtomicBool = AtomicBool::new(false);

type OpenEvent = unsafe extern "C" fn(*mut HANDLE, ULONG, *mut OBJECT_ATTRIBUTES) -> NTSTATUS;
type Wait = unsafe extern "C" fn(HANDLE, u8, *mut LARGE_INTEGER) -> NTSTATUS;

/// Enables holds: from now on, the event is looked for.
pub(super) fn enable() {
    ENABLED.store(true, Ordering::Release);
}

/// Whether a test holds the queues.
pub(crate) fn is_active() -> bool {
    ENABLED.load(Ordering::Acquire) && is_unset()
}

/// Whether the event exists and is not set.
fn is_unset() -> bool {
    // SAFETY: the type of the routine of that name (wdm.h).
    let open = unsafe { routine::find::<OpenEvent>("ZwOpenEvent") };
    // SAFETY: the type of the routine of that name (ntifs.h).
    let wait = unsafe { routine::find::<Wait>("ZwWaitForSingleObject") };
    let (Some(open), Some(wait)) = (open, wait) else {
        return false;
    };

    let mut characters = wide(EVENT);
    let mut name = UNICODE_STRING {
        Length: BYTES,
        MaximumLength: BYTES,
        Buffer: characters.as_mut_ptr(),
    };
    let mut attributes = OBJECT_ATTRIBUTES {
        Length: 48,
        RootDirectory: null_mut(),
        ObjectName: &raw mut name,
        Attributes: OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
        SecurityDescriptor: null_mut(),
        SecurityQualityOfService: null_mut(),
    };
    let mut event = null_mut();
    // SAFETY: locals that outlive the call; the name describes one of them.
    if unsafe { open(&raw mut event, ACCESS, &raw mut attributes) } != STATUS_SUCCESS {
        return false;
    }
    let mut no_time = LARGE_INTEGER { QuadPart: 0 };
    // SAFETY: a handle of an event, not alertable, and a local for the time.
    let waited = unsafe { wait(event, 0, &raw mut no_time) };
    // SAFETY: opened above, closed once.
    let _ = unsafe { ntddk::ZwClose(event) };
    waited == STATUS_TIMEOUT
}

#[expect(clippy::cast_possible_truncation, reason = "a short name")]
const BYTES: u16 = (EVENT.len() * size_of::<u16>()) as u16;

const _: () = assert!(size_of::<OBJECT_ATTRIBUTES>() == 48);
