//! The protocol between the driver and its clients.
//!
//! Every request and every response starts with a [`Header`]. The I/O request succeeds if the
//! request is valid; the response then holds the result of the copy. An invalid request fails with
//! one of these statuses and changes nothing:
//!
//! | the I/O request fails with | because |
//! | --- | --- |
//! | `STATUS_INVALID_DEVICE_REQUEST` | there is no such control code |
//! | `STATUS_INFO_LENGTH_MISMATCH` | the input or the header's `size` is not the size of the code's request |
//! | `STATUS_BUFFER_TOO_SMALL` | the output cannot hold the response |
//! | `STATUS_REVISION_MISMATCH` | `version` is not [`PROTOCOL_VERSION`] |
//! | `STATUS_INVALID_PARAMETER` | a reserved or unused field is not zero, an enumeration has no such value, or parts of the device page overlap |
//! | `STATUS_INVALID_BUFFER_SIZE` | a length is over its limit |
//! | `STATUS_CONFLICTING_ADDRESSES` | the copy would write over its own response |
//! | `STATUS_ACCESS_VIOLATION`, `STATUS_DATATYPE_MISALIGNMENT` | the request or response of a `METHOD_NEITHER` code is not 8-aligned user memory |
//! | `STATUS_ACCESS_DENIED` | the handle belongs to another process |
//! | `STATUS_QUOTA_EXCEEDED` | the handle has as many requests under way as it may |
//! | `STATUS_INSUFFICIENT_RESOURCES` | pool ran out |
//!
//! A request that copies more than 64 KiB looks, once for each 64 KiB, whether it is cancelled or the
//! thread that sent it is ending. Then its response says `STATUS_CANCELLED` and the exact count, and
//! nothing after the counted bytes is written. The further entries of a batch or scatter request end
//! with the same status.
//!
//! [`validate`] makes every check that depends on the bytes and lengths of a request alone.
//!
//! All fields are little-endian. Structures are aligned to 8 bytes and have no padding.

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
mod copy_result;
mod header;
pub mod kind;
mod limits;
mod request;
mod response;
mod settings;
pub mod validate;
mod wire;

pub use code::{Code, DEVICE_TYPE, Method, Payload, RequiredAccess};
pub use copy_result::{CopyResponse, CopyResult, Direction, ResultFlags};
pub use header::Header;
pub use kind::{CODES, Kind, RequestKind};
pub use limits::{
    DEVICE_PAGE_LENGTH, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, SESSION_LENGTH, SESSION_PAGES,
};
pub use nt_status::NtStatus;
pub use request::*;
pub use response::*;
pub use settings::{
    ENGINE_VALUE, HANDLE_LIMITS, MAXIMUM_HANDLES_VALUE, NATIVE_VALUE, POLICY_VALUE, Settings,
    Stored,
};

/// The version of this protocol. The driver refuses every other one with
/// `STATUS_REVISION_MISMATCH`.
pub const PROTOCOL_VERSION: u32 = 3;

/// The name of the device in the object manager.
pub const DEVICE_NAME: &str = r"\Device\RingCopy";

/// The symbolic link by which user mode opens the device. It is the global one, whichever session loads
/// the driver: "Local and Global MS-DOS Device Names", Windows driver documentation.
pub const SYMBOLIC_LINK_NAME: &str = r"\DosDevices\Global\RingCopy";

/// The path that a Win32 program passes to `CreateFileW`.
pub const WIN32_DEVICE_PATH: &str = r"\\.\RingCopy";

/// The security descriptor: full access for SYSTEM and Administrators, no access for others,
/// nothing inherited.
///
/// It has no mandatory label of high integrity: "SDDL for Device Objects" gives the form `D:P` and
/// entries `(A;;…;;;…)` as all that a driver's device may have, and a list of labels is not part of it.
/// Administrators without their full rights (UAC) are not admitted all the same: their token has the
/// group for denial only.
pub const DEVICE_SDDL: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)";
