//! The control codes, as one table: the driver dispatches by it, tests are generated from it.

use core::mem::size_of;

use crate::{
    BatchEntry, BatchRequest, BatchResponse, CallerCopyRequest, CopyMemoryRequest,
    CopyThroughRequest, DeviceCopyRequest, InformationRequest, InformationResponse,
    MemoryRangesRequest, MemoryRangesResponse, ScatterEntry, ScatterRequest, TransferResponse,
};

/// A device type of the range that Microsoft leaves to vendors (0x8000 and up).
pub const DEVICE_TYPE: u16 = 0x8C1D;

/// How the I/O manager hands the two buffers over.
///
/// Source: "Buffer Descriptions for I/O Control Codes", Windows driver documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Method {
    /// `METHOD_BUFFERED`: both buffers are the same copy in system memory.
    Buffered = 0,
    /// `METHOD_OUT_DIRECT`: input as buffered; output locked and described by an MDL.
    OutDirect = 2,
    /// `METHOD_NEITHER`: the caller's own pointers, unchecked.
    Neither = 3,
}

/// The access that the handle must have been opened with, as the I/O manager enforces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Access {
    /// `FILE_READ_ACCESS`.
    Read = 1,
    /// `FILE_WRITE_ACCESS`.
    Write = 2,
    /// `FILE_READ_ACCESS | FILE_WRITE_ACCESS`.
    ReadWrite = 3,
}

/// Which request a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// [`InformationRequest`] to [`InformationResponse`]: what the driver is and may reach.
    Information,
    /// [`CallerCopyRequest`]: caller's memory to session buffer, by `CopyFromModeAligned`.
    CopyFrom,
    /// [`CallerCopyRequest`]: session buffer to caller's memory, by `CopyToMode`.
    CopyTo,
    /// [`CopyThroughRequest`]: caller's memory to caller's memory, through the driver.
    CopyThrough,
    /// [`DeviceCopyRequest`]: to, from or within the uncached test page, by
    /// `RtlCopyDeviceMemory`.
    DeviceCopy,
    /// [`CopyMemoryRequest`]: virtual or physical memory, as `MmCopyMemory` copies it.
    CopyMemory,
    /// [`BatchRequest`]: many pieces of memory, behind one another in the output.
    CopyBatch,
    /// [`ScatterRequest`]: many pieces of memory, each to a place of its own in the caller's.
    CopyScatter,
    /// [`MemoryRangesRequest`]: which physical memory is RAM.
    MemoryRanges,
}

/// One control code and all that is fixed about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The request that it stands for.
    pub kind: RequestKind,
    /// Its name in listings and messages.
    pub name: &'static str,
    /// The value for `DeviceIoControl`.
    pub value: u32,
    /// How its buffers travel.
    pub method: Method,
    /// What access it needs.
    pub access: Access,
    /// Bytes of the fixed part of the input.
    pub request_length: usize,
    /// Bytes of the fixed part of the output.
    pub response_length: usize,
    /// Bytes that may follow the fixed part of the input. Where entries follow, a request that
    /// says it has more of them is refused with `STATUS_INVALID_BUFFER_SIZE`.
    pub maximum_payload: u64,
}

const fn code(
    kind: RequestKind,
    name: &'static str,
    function: u16,
    (method, access): (Method, Access),
    (request_length, response_length): (usize, usize),
    maximum_payload: u64,
) -> Code {
    // CTL_CODE: device type, required access, function, method from the top bit down.
    let value =
        (DEVICE_TYPE as u32) << 16 | (access as u32) << 14 | (function as u32) << 2 | method as u32;
    Code {
        kind,
        name,
        value,
        method,
        access,
        request_length,
        response_length,
        maximum_payload,
    }
}

/// Every control code that the driver serves. Functions from 0x800 up are the vendor's.
pub const CODES: [Code; 9] = [
    code(
        RequestKind::Information,
        "information",
        0x800,
        (Method::Buffered, Access::Read),
        (
            size_of::<InformationRequest>(),
            size_of::<InformationResponse>(),
        ),
        0,
    ),
    code(
        RequestKind::CopyFrom,
        "copy from",
        0x801,
        (Method::Neither, Access::Write),
        (
            size_of::<CallerCopyRequest>(),
            size_of::<TransferResponse>(),
        ),
        0,
    ),
    code(
        RequestKind::CopyTo,
        "copy to",
        0x802,
        (Method::Neither, Access::Read),
        (
            size_of::<CallerCopyRequest>(),
            size_of::<TransferResponse>(),
        ),
        0,
    ),
    code(
        RequestKind::CopyThrough,
        "copy through",
        0x803,
        (Method::Neither, Access::ReadWrite),
        (
            size_of::<CopyThroughRequest>(),
            size_of::<TransferResponse>(),
        ),
        0,
    ),
    code(
        RequestKind::DeviceCopy,
        "device copy",
        0x804,
        (Method::Buffered, Access::ReadWrite),
        (
            size_of::<DeviceCopyRequest>(),
            size_of::<TransferResponse>(),
        ),
        crate::DEVICE_PAGE_LENGTH as u64,
    ),
    code(
        RequestKind::CopyMemory,
        "copy memory",
        0x805,
        (Method::OutDirect, Access::Read),
        (
            size_of::<CopyMemoryRequest>(),
            size_of::<TransferResponse>(),
        ),
        0,
    ),
    code(
        RequestKind::CopyBatch,
        "copy batch",
        0x806,
        (Method::OutDirect, Access::Read),
        (size_of::<BatchRequest>(), size_of::<BatchResponse>()),
        (crate::MAXIMUM_ENTRIES as u64) * size_of::<BatchEntry>() as u64,
    ),
    code(
        RequestKind::CopyScatter,
        "copy scatter",
        0x807,
        (Method::Neither, Access::Read),
        (size_of::<ScatterRequest>(), size_of::<BatchResponse>()),
        (crate::MAXIMUM_ENTRIES as u64) * size_of::<ScatterEntry>() as u64,
    ),
    code(
        RequestKind::MemoryRanges,
        "memory ranges",
        0x808,
        (Method::Buffered, Access::Read),
        (
            size_of::<MemoryRangesRequest>(),
            size_of::<MemoryRangesResponse>(),
        ),
        0,
    ),
];

impl Code {
    /// The code of a kind of request.
    #[must_use]
    pub const fn of(kind: RequestKind) -> &'static Self {
        match kind {
            RequestKind::Information => &CODES[0],
            RequestKind::CopyFrom => &CODES[1],
            RequestKind::CopyTo => &CODES[2],
            RequestKind::CopyThrough => &CODES[3],
            RequestKind::DeviceCopy => &CODES[4],
            RequestKind::CopyMemory => &CODES[5],
            RequestKind::CopyBatch => &CODES[6],
            RequestKind::CopyScatter => &CODES[7],
            RequestKind::MemoryRanges => &CODES[8],
        }
    }

    /// The table's row for a control code, if it is one of ours.
    #[must_use]
    pub fn from_value(value: u32) -> Option<&'static Self> {
        CODES.iter().find(|code| code.value == value)
    }
}

const _: () = {
    assert!(Code::of_is_ordered());
};

impl Code {
    /// `of` names rows by position: each must hold the kind that it is asked for.
    const fn of_is_ordered() -> bool {
        matches!(CODES[0].kind, RequestKind::Information)
            && matches!(CODES[1].kind, RequestKind::CopyFrom)
            && matches!(CODES[2].kind, RequestKind::CopyTo)
            && matches!(CODES[3].kind, RequestKind::CopyThrough)
            && matches!(CODES[4].kind, RequestKind::DeviceCopy)
            && matches!(CODES[5].kind, RequestKind::CopyMemory)
            && matches!(CODES[6].kind, RequestKind::CopyBatch)
            && matches!(CODES[7].kind, RequestKind::CopyScatter)
            && matches!(CODES[8].kind, RequestKind::MemoryRanges)
    }
}
