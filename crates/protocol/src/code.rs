//! Control codes.

use crate::{MAXIMUM_ENTRIES, RequestKind};

/// A device type of the range that Microsoft leaves to vendors: 0x8000 and up.
pub const DEVICE_TYPE: u16 = 0x8C1D;

/// How the I/O manager passes the two buffers.
///
/// Source: "Buffer Descriptions for I/O Control Codes", Windows driver documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Method {
    /// `METHOD_BUFFERED`: both buffers are one buffer in system memory.
    Buffered = 0,
    /// `METHOD_OUT_DIRECT`: the input is in system memory; an MDL describes the locked output.
    OutDirect = 2,
    /// `METHOD_NEITHER`: the caller's own pointers, unchecked.
    Neither = 3,
}

/// The access that the I/O manager requires of the handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequiredAccess {
    /// `FILE_READ_ACCESS`.
    Read = 1,
    /// `FILE_WRITE_ACCESS`.
    Write = 2,
    /// `FILE_READ_ACCESS | FILE_WRITE_ACCESS`.
    ReadWrite = 3,
}

/// What may follow the fixed part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing.
    None,
    /// At most this many bytes.
    Bytes(u64),
    /// At most [`MAXIMUM_ENTRIES`] entries of this many bytes. A request whose count is greater is
    /// refused with `STATUS_INVALID_BUFFER_SIZE`.
    Entries(usize),
}

impl Payload {
    /// Returns the greatest length in bytes.
    #[must_use]
    pub const fn maximum(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Bytes(length) => length,
            Self::Entries(length) => (length as u64).saturating_mul(MAXIMUM_ENTRIES as u64),
        }
    }
}

/// A control code and its properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The request that it stands for.
    pub kind: RequestKind,
    /// The name of the request in listings and messages.
    pub name: &'static str,
    /// The value for `DeviceIoControl`.
    pub value: u32,
    /// How the buffers are passed.
    pub method: Method,
    /// The access that it requires.
    pub access: RequiredAccess,
    /// The length of the fixed part of the input in bytes.
    pub request_length: usize,
    /// The length of the fixed part of the output in bytes.
    pub response_length: usize,
    /// What may follow the fixed part of the input.
    pub payload: Payload,
}

/// Returns the control code: `CTL_CODE`, from the top bit down device type, required access,
/// function and method.
pub const fn control_code(function: u16, method: Method, access: RequiredAccess) -> u32 {
    (DEVICE_TYPE as u32) << 16 | (access as u32) << 14 | (function as u32) << 2 | method as u32
}
