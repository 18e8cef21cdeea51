//! A page of the simulated RAM whose read can be held up, so that tests have a request that is
//! under way for as long as they like.
//!
//! Whoever reads the page while an event of the name [`EVENT`] exists waits until it is set.

use core::ptr::null_mut;
use wdk_sys::{
    HANDLE, LARGE_INTEGER, NTSTATUS, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES,
    STATUS_SUCCESS, ULONG, UNICODE_STRING, ntddk,
};

use crate::nt::routine;

/// The event's name. A client calls it `Global\RingCopyGate`.
const EVENT: &str = "\\BaseNamedObjects\\RingCopyGate";

/// `SYNCHRONIZE`.
const ACCESS: ULONG = 0x0010_0000;

/// Nobody waits longer than a minute: in units of 100 ns, from now.
const PATIENCE: i64 = -60 * 10_000_000;

type OpenEvent = unsafe extern "C" fn(*mut HANDLE, ULONG, *mut OBJECT_ATTRIBUTES) -> NTSTATUS;
type Wait = unsafe extern "C" fn(HANDLE, u8, *mut LARGE_INTEGER) -> NTSTATUS;

/// Waits while a test holds the gate shut.
pub(super) fn pass() {
    let (Some(open), Some(wait)) = (
        routine::address("ZwOpenEvent"),
        routine::address("ZwWaitForSingleObject"),
    ) else {
        return;
    };
    // SAFETY: the export of that name, whose type this is (wdm.h, ZwOpenEvent).
    let open = unsafe { core::mem::transmute::<*mut core::ffi::c_void, OpenEvent>(open.as_ptr()) };
    // SAFETY: the export of that name, whose type this is (ntifs.h, ZwWaitForSingleObject).
    let wait = unsafe { core::mem::transmute::<*mut core::ffi::c_void, Wait>(wait.as_ptr()) };

    let mut characters = [0_u16; EVENT.len()];
    for (character, byte) in characters.iter_mut().zip(EVENT.bytes()) {
        *character = u16::from(byte);
    }
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
        return;
    }
    let mut patience = LARGE_INTEGER { QuadPart: PATIENCE };
    // SAFETY: a handle of an event, not alertable, and a local for the time.
    let _ = unsafe { wait(event, 0, &raw mut patience) };
    // SAFETY: opened above, closed once.
    let _ = unsafe { ntddk::ZwClose(event) };
}

#[expect(clippy::cast_possible_truncation, reason = "a short name")]
const BYTES: u16 = (EVENT.len() * size_of::<u16>()) as u16;

const _: () = assert!(size_of::<OBJECT_ATTRIBUTES>() == 48);
