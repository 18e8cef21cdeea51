//! Event Tracing for Windows, for one provider: it is always enabled, and its events are lines of the
//! log.

use core::{ffi::c_void, fmt};

use nt_status::NtStatus;
use wdk_sys::{NTSTATUS, STATUS_SUCCESS, ULONG};

use crate::{nt::lock::SpinLock, report::report};

/// `ETWENABLECALLBACK`.
type EnableCallback =
    unsafe extern "C" fn(*const c_void, ULONG, u8, u64, u64, *const c_void, *mut c_void);

/// `EVENT_CONTROL_CODE_ENABLE_PROVIDER`.
const ENABLE_PROVIDER: ULONG = 1;
/// `TRACE_LEVEL_VERBOSE`.
const VERBOSE: u8 = 5;
/// The handle of the one provider.
const HANDLE: u64 = 1;

/// A `GUID`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Identifier(u32, u16, u16, [u8; 8]);

/// `EVENT_DESCRIPTOR`, of which the level is used.
#[repr(C)]
pub(super) struct EventDescriptor {
    identity: [u8; 4],
    level: u8,
    rest: [u8; 11],
}

/// `EVENT_DATA_DESCRIPTOR`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct DataDescriptor {
    address: *const u8,
    length: ULONG,
    kind: u8,
    reserved: [u8; 3],
}

/// The kinds of data descriptors, in the order of the line: the provider's description, the event's
/// description, values.
const KINDS: [u8; 3] = [2, 1, 0];

static PROVIDER: SpinLock<Option<Identifier>> = SpinLock::new(None);

/// `EtwRegister`: enables the provider at once. `STATUS_NO_MEMORY` for a second one.
pub(super) unsafe extern "C" fn etw_register(
    provider: *const Identifier,
    callback: Option<EnableCallback>,
    context: *mut c_void,
    handle: *mut u64,
) -> NTSTATUS {
    {
        let mut place = PROVIDER.lock();
        if place.is_some() {
            return NtStatus::NO_MEMORY.as_raw();
        }
        // SAFETY: the driver's promise: a GUID.
        *place = Some(unsafe { provider.read() });
    }
    // SAFETY: the driver's promise: a place for a handle.
    unsafe { handle.write(HANDLE) };
    if let Some(callback) = callback {
        // SAFETY: the driver's own callback, with its own context, at PASSIVE_LEVEL.
        unsafe {
            callback(
                provider.cast(),
                ENABLE_PROVIDER,
                VERBOSE,
                u64::MAX,
                0,
                core::ptr::null(),
                context,
            );
        }
    }
    STATUS_SUCCESS
}

/// `EtwUnregister`.
pub(super) extern "C" fn etw_unregister(handle: u64) -> NTSTATUS {
    if handle == HANDLE {
        *PROVIDER.lock() = None;
    }
    STATUS_SUCCESS
}

/// `EtwSetInformation`: events carry what describes their provider.
pub(super) const extern "C" fn etw_set_information(
    _handle: u64,
    _class: ULONG,
    _information: *const c_void,
    _length: ULONG,
) -> NTSTATUS {
    STATUS_SUCCESS
}

/// `EtwWriteTransfer`, for events that describe themselves. `STATUS_INVALID_HANDLE` if the provider is
/// not registered.
pub(super) unsafe extern "C" fn etw_write_transfer(
    handle: u64,
    event: *const EventDescriptor,
    _activity: *const c_void,
    _related: *const c_void,
    count: ULONG,
    data: *const DataDescriptor,
) -> NTSTATUS {
    let provider = *PROVIDER.lock();
    let Some(Identifier(one, two, three, rest)) = provider.filter(|_| handle == HANDLE) else {
        return NtStatus::INVALID_HANDLE.as_raw();
    };
    // SAFETY: the driver's promise: so many descriptors.
    let data = unsafe { core::slice::from_raw_parts(data, count as usize) };
    // SAFETY: the driver's promise: an event's descriptor.
    let level = unsafe { (*event).level };
    let [traits, description, values] = KINDS.map(|kind| Part { data, kind });
    report!(
        "ETW event {one:08x}{two:04x}{three:04x}{} {level} {traits} {description} {values}",
        Digits(&rest),
    );
    STATUS_SUCCESS
}

/// What the descriptors of one kind describe, in hexadecimal.
struct Part<'a> {
    data: &'a [DataDescriptor],
    kind: u8,
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.data
            .iter()
            .filter(|part| part.kind == self.kind && part.length != 0)
            .try_for_each(|part| {
                // SAFETY: the promise made to `etw_write_transfer`, which the caller's stack frame
                // holds: memory of this length.
                let bytes =
                    unsafe { core::slice::from_raw_parts(part.address, part.length as usize) };
                Digits(bytes).fmt(f)
            })
    }
}

/// Bytes in hexadecimal.
struct Digits<'a>(&'a [u8]);

impl fmt::Display for Digits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
