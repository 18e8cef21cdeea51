//! Event Tracing for Windows: a session that writes one provider's events to a file, and the events of
//! such a file.
//!
//! Sources: "`StartTraceW` function", "`EnableTraceEx2` function", "`ControlTraceW` function",
//! "`OpenTraceW` function", "`ProcessTrace` function", Windows documentation.

use crate::{Win32Error, wide::wide};
use std::{
    ffi::c_void,
    mem::offset_of,
    os::windows::ffi::OsStrExt,
    path::Path,
    ptr::{null, null_mut},
    slice,
};
use windows_sys::{
    Win32::{
        Foundation::{ERROR_FILENAME_EXCED_RANGE, ERROR_SUCCESS},
        System::Diagnostics::Etw::{
            CONTROLTRACE_HANDLE, CloseTrace, ControlTraceW, EVENT_CONTROL_CODE_ENABLE_PROVIDER,
            EVENT_HEADER_EXT_TYPE_EVENT_SCHEMA_TL, EVENT_HEADER_EXT_TYPE_PROV_TRAITS, EVENT_RECORD,
            EVENT_TRACE_CONTROL_STOP, EVENT_TRACE_FILE_MODE_CIRCULAR, EVENT_TRACE_LOGFILEW,
            EVENT_TRACE_LOGFILEW_0, EVENT_TRACE_LOGFILEW_1, EVENT_TRACE_PROPERTIES, EnableTraceEx2,
            OpenTraceW, PROCESS_TRACE_MODE_EVENT_RECORD, ProcessTrace, StartTraceW,
            WNODE_FLAG_TRACED_GUID,
        },
    },
    core::GUID,
};

/// Characters of the longest path and of the longest name of a session, with the null.
const LONGEST: usize = 1024;

/// The size of a file in MiB, after which the oldest events are overwritten.
const FILE_MEBIBYTES: u32 = 64;

/// The clock of a session whose times are compared with those of other machines' logs: the system
/// time. `WNODE_HEADER`.
const SYSTEM_TIME: u32 = 2;

/// `INVALID_PROCESSTRACE_HANDLE`.
const INVALID_HANDLE: u64 = u64::MAX;

/// The properties of a session, with the two texts that follow them.
#[repr(C)]
struct Properties {
    fixed: EVENT_TRACE_PROPERTIES,
    file: [u16; LONGEST],
    session: [u16; LONGEST],
}

#[expect(clippy::cast_possible_truncation, reason = "a few KiB")]
impl Properties {
    fn new() -> Box<Self> {
        let mut fixed = EVENT_TRACE_PROPERTIES::default();
        fixed.Wnode.BufferSize = size_of::<Self>() as u32;
        fixed.Wnode.Flags = WNODE_FLAG_TRACED_GUID;
        fixed.Wnode.ClientContext = SYSTEM_TIME;
        fixed.LogFileNameOffset = offset_of!(Self, file) as u32;
        fixed.LoggerNameOffset = offset_of!(Self, session) as u32;
        Box::new(Self {
            fixed,
            file: [0; LONGEST],
            session: [0; LONGEST],
        })
    }

    /// Returns the pointer for a call, which reads and writes all of this.
    const fn as_mut_ptr(&mut self) -> *mut EVENT_TRACE_PROPERTIES {
        (&raw mut *self).cast()
    }
}

/// What a session that was stopped has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The path of its file.
    pub file: String,
    /// Events that found no free buffer.
    pub lost: u32,
}

/// An event of a file.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// The time in units of 100 ns since 1601, UTC.
    pub time: i64,
    /// The process that the event was written in.
    pub process: u32,
    /// The thread.
    pub thread: u32,
    /// The provider's identifier.
    pub provider: u128,
    /// `TRACE_LEVEL_…`.
    pub level: u8,
    /// What describes the provider; empty if nothing does.
    pub provider_metadata: &'r [u8],
    /// What describes the event; empty if nothing does.
    pub event_metadata: &'r [u8],
    /// The values of its fields.
    pub data: &'r [u8],
}

/// Starts a session that writes the events of one provider to a file, which is replaced. When the file
/// has 64 MiB, the oldest events are overwritten.
///
/// # Errors
/// What `StartTraceW` and `EnableTraceEx2` fail with: `ERROR_ALREADY_EXISTS` if the session runs.
/// `ERROR_FILENAME_EXCED_RANGE` if the path is too long. Then there is no session.
pub fn start(session: &str, file: &Path, provider: u128, level: u8) -> Result<(), Win32Error> {
    let mut properties = Properties::new();
    properties.fixed.LogFileMode = EVENT_TRACE_FILE_MODE_CIRCULAR;
    properties.fixed.MaximumFileSize = FILE_MEBIBYTES;
    let mut place = properties.file.iter_mut();
    for unit in file.as_os_str().encode_wide().chain([0]) {
        *place.next().ok_or(Win32Error(ERROR_FILENAME_EXCED_RANGE))? = unit;
    }
    let name = wide(session);
    let mut handle = CONTROLTRACE_HANDLE::default();
    // SAFETY: a local, a string that ends with a null, and properties that say their own size and where
    // their texts are.
    let started = unsafe { StartTraceW(&raw mut handle, name.as_ptr(), properties.as_mut_ptr()) };
    succeeded(started)?;
    let provider = GUID::from_u128(provider);
    // SAFETY: a running session, and a GUID that outlives the call. No filters are passed.
    let enabled = unsafe {
        EnableTraceEx2(
            handle,
            &raw const provider,
            EVENT_CONTROL_CODE_ENABLE_PROVIDER,
            level,
            0,
            0,
            0,
            null(),
        )
    };
    succeeded(enabled).inspect_err(|_| {
        // The failure is reported; a session that collects nothing is of no use.
        drop(stop(session));
    })
}

/// Stops a session.
///
/// # Errors
/// What `ControlTraceW` fails with: `ERROR_WMI_INSTANCE_NOT_FOUND` if there is no such session.
pub fn stop(session: &str) -> Result<Stopped, Win32Error> {
    let mut properties = Properties::new();
    let name = wide(session);
    // SAFETY: no handle, so the name counts: a string that ends with a null; and properties that say
    // their own size and where their texts go.
    let stopped = unsafe {
        ControlTraceW(
            CONTROLTRACE_HANDLE::default(),
            name.as_ptr(),
            properties.as_mut_ptr(),
            EVENT_TRACE_CONTROL_STOP,
        )
    };
    succeeded(stopped)?;
    let file = properties.file.split(|unit| *unit == 0).next();
    Ok(Stopped {
        file: String::from_utf16_lossy(file.unwrap_or_default()),
        lost: properties.fixed.EventsLost,
    })
}

/// Calls `each` with every event of a file, in the order of their times. A panic of `each` ends the
/// process.
///
/// # Errors
/// What `OpenTraceW` and `ProcessTrace` fail with.
pub fn read(file: &Path, mut each: impl FnMut(Record<'_>)) -> Result<(), Win32Error> {
    let mut name: Vec<u16> = file.as_os_str().encode_wide().chain([0]).collect();
    let mut each: &mut dyn FnMut(Record<'_>) = &mut each;
    let mut opening = EVENT_TRACE_LOGFILEW {
        LogFileName: name.as_mut_ptr(),
        Anonymous1: EVENT_TRACE_LOGFILEW_0 {
            ProcessTraceMode: PROCESS_TRACE_MODE_EVENT_RECORD,
        },
        Anonymous2: EVENT_TRACE_LOGFILEW_1 {
            EventRecordCallback: Some(deliver),
        },
        Context: (&raw mut each).cast::<c_void>(),
        LoggerName: null_mut(),
        ..EVENT_TRACE_LOGFILEW::default()
    };
    // SAFETY: a local whose name ends with a null. The callback gets the context that it expects.
    let handle = unsafe { OpenTraceW(&raw mut opening) };
    if handle.Value == INVALID_HANDLE {
        return Err(Win32Error::last());
    }
    // SAFETY: one open handle. It calls `deliver` on this thread, while `each` is borrowed by nothing
    // else.
    let processed = unsafe { ProcessTrace(&raw const handle, 1, null(), null()) };
    // SAFETY: opened above, and closed once.
    let _closed = unsafe { CloseTrace(handle) };
    succeeded(processed)
}

/// `PEVENT_RECORD_CALLBACK`.
unsafe extern "system" fn deliver(record: *mut EVENT_RECORD) {
    // SAFETY: the system passes an event that lives until this returns, and that it does not change.
    let record = unsafe { &*record };
    let each = record.UserContext.cast::<&mut dyn FnMut(Record<'_>)>();
    // SAFETY: the context that `read` passed, which waits for this thread.
    let each = unsafe { &mut *each };
    let header = &record.EventHeader;
    each(Record {
        time: header.TimeStamp,
        process: header.ProcessId,
        thread: header.ThreadId,
        provider: number(&header.ProviderId),
        level: header.EventDescriptor.Level,
        provider_metadata: extension(record, EVENT_HEADER_EXT_TYPE_PROV_TRAITS),
        event_metadata: extension(record, EVENT_HEADER_EXT_TYPE_EVENT_SCHEMA_TL),
        // SAFETY: the event's data, of this length.
        data: unsafe { bytes(record.UserData.cast(), record.UserDataLength.into()) },
    });
}

/// Returns a part of the event that is beside its data; empty if it has none of this type.
fn extension(record: &EVENT_RECORD, kind: u32) -> &[u8] {
    let count = usize::from(record.ExtendedDataCount);
    if count == 0 || record.ExtendedData.is_null() {
        return &[];
    }
    // SAFETY: the event's array of this length, which lives as long as the event.
    let items = unsafe { slice::from_raw_parts(record.ExtendedData, count) };
    items
        .iter()
        .find(|item| u32::from(item.ExtType) == kind)
        .map_or(&[], |item| {
            let address = std::ptr::with_exposed_provenance(
                usize::try_from(item.DataPtr).unwrap_or_default(),
            );
            // SAFETY: the part's bytes, which live as long as the event.
            unsafe { bytes(address, item.DataSize.into()) }
        })
}

/// Returns memory as a slice, which is empty for a null pointer.
///
/// # Safety
///
/// It is null, or memory of this length that lives for `'a` and does not change.
const unsafe fn bytes<'a>(address: *const u8, length: usize) -> &'a [u8] {
    if address.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(address, length) }
}

const fn number(guid: &GUID) -> u128 {
    (guid.data1 as u128) << 96
        | (guid.data2 as u128) << 80
        | (guid.data3 as u128) << 64
        | u64::from_be_bytes(guid.data4) as u128
}

const fn succeeded(code: u32) -> Result<(), Win32Error> {
    if code == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(Win32Error(code))
    }
}
