//! What the driver and its client say to each other.
//!
//! Every request and every response starts with a [`Header`]. The
//! I/O request itself succeeds when the driver understood it; what became of the copy stands in
//! the response. A request that was not understood fails with the status that names why, and has
//! changed nothing:
//!
//! | the I/O request fails with | because |
//! | --- | --- |
//! | `STATUS_INVALID_DEVICE_REQUEST` | no such control code |
//! | `STATUS_INFO_LENGTH_MISMATCH` | the input is not of the size its code takes, or `size` disagrees |
//! | `STATUS_BUFFER_TOO_SMALL` | the output cannot hold the response |
//! | `STATUS_REVISION_MISMATCH` | `version` is not [`PROTOCOL_VERSION`] |
//! | `STATUS_INVALID_PARAMETER` | a reserved or unused field is not zero, an enumeration has no such value, or parts of the device page overlap |
//! | `STATUS_INVALID_BUFFER_SIZE` | a length is over its limit |
//! | `STATUS_ACCESS_VIOLATION`, `STATUS_DATATYPE_MISALIGNMENT` | the request or response of a `METHOD_NEITHER` code is not 8-aligned user memory |
//! | `STATUS_ACCESS_DENIED` | the handle belongs to another process |
//! | `STATUS_QUOTA_EXCEEDED` | the handle has as many requests under way as it may |
//! | `STATUS_INSUFFICIENT_RESOURCES` | pool ran out |
//!
//! [`judge`] decides all of these that a request's bytes and lengths decide.
//!
//! All fields are little-endian, structures are 8-aligned, and no structure has padding.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(test)]
extern crate std;

mod code;
mod header;
pub mod judge;
mod limits;
mod request;
mod response;

pub use code::{Access, CODES, Code, DEVICE_TYPE, Method, RequestKind};
pub use header::Header;
pub use limits::{
    DEVICE_PAGE_LENGTH, MAXIMUM_ENTRIES, MAXIMUM_HANDLES, MAXIMUM_LENGTH, SESSION_LENGTH,
};
pub use nt_status::NtStatus;
pub use request::{
    BatchEntry, BatchRequest, CallerCopyRequest, CopyMemoryFlags, CopyMemoryRequest,
    CopyThroughRequest, DeviceCopyRequest, DeviceDirection, Engine, InformationRequest,
    MemoryRangesRequest, ModeChoice, ScatterEntry, ScatterRequest,
};
pub use response::{
    BatchResponse, Direction, EntryResult, InformationResponse, MemoryRange, MemoryRangesResponse,
    Reach, TransferFlags, TransferResponse,
};

/// The one version of this protocol; a driver refuses every other with
/// `STATUS_REVISION_MISMATCH`.
pub const PROTOCOL_VERSION: u32 = 2;

/// The device's name in the object manager.
pub const DEVICE_NAME: &str = r"\Device\RingCopy";

/// The symbolic link through which user mode reaches the device.
pub const SYMBOLIC_LINK_NAME: &str = r"\DosDevices\RingCopy";

/// What a Win32 program passes to `CreateFileW`.
pub const WIN32_DEVICE_PATH: &str = r"\\.\RingCopy";

/// Full access for SYSTEM and Administrators, none for anybody else, nothing inherited.
pub const DEVICE_SDDL: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)";

/// The `REG_DWORD` under the service's `Parameters` key that holds [`Reach`] bits.
pub const POLICY_VALUE: &str = "Policy";

/// The `REG_DWORD` under the service's `Parameters` key that holds an [`Engine`]:
/// [`Engine::System`] rules the native engine out for everybody.
pub const ENGINE_VALUE: &str = "Engine";
