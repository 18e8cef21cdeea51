//! Explains why a request was refused.

use ringcopy_protocol::{
    DEVICE_PAGE_LENGTH, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, NtStatus, PROTOCOL_VERSION, Reach,
    RequestKind, SESSION_LENGTH,
};

use super::{ALIGNMENT, NO_PRIVILEGE, explain_policy, status};
use crate::Operation::{self, Request};

/// Explains why a request was refused, with advice after a semicolon.
pub(super) fn refused(operation: Operation, status: NtStatus) -> String {
    match (operation, status) {
        (Operation::Open, NtStatus::ACCESS_DENIED) => {
            "only SYSTEM and administrators may open the device; start this program as an \
             administrator."
                .into()
        }
        (Request(RequestKind::MemoryRanges), NtStatus::ACCESS_DENIED) => {
            explain_policy(Reach::PHYSICAL)
        }
        (Request(RequestKind::MemoryRanges), NtStatus::PRIVILEGE_NOT_HELD) => NO_PRIVILEGE.into(),
        (_, NtStatus::ACCESS_DENIED) => {
            "the handle was opened by another process, or without the read or write access that \
             this request needs; open the device in this process, for both."
                .into()
        }
        (_, NtStatus::OBJECT_NAME_NOT_FOUND) => {
            "the device does not exist; install the driver with `ringcopy install` and load it with \
             `ringcopy start`, or see what `ringcopy doctor` finds."
                .into()
        }
        (_, NtStatus::INVALID_HANDLE) => {
            "the handle is closed or was never open; open the device first.".into()
        }
        (_, NtStatus::INVALID_DEVICE_REQUEST) => {
            "this driver has no such request; install the driver of this client's release.".into()
        }
        (_, NtStatus::REVISION_MISMATCH) => format!(
            "the driver does not speak version {PROTOCOL_VERSION} of the protocol; install \
             driver and client of the same release."
        ),
        (_, NtStatus::INFO_LENGTH_MISMATCH) => {
            "the request does not have the size that its control code takes; send the structure \
             that the protocol names, and its size in the header."
                .into()
        }
        (_, NtStatus::BUFFER_TOO_SMALL) => {
            "the output buffer cannot hold the response and the bytes asked for; pass a larger one."
                .into()
        }
        (Request(RequestKind::CopyFrom | RequestKind::CopyTo), NtStatus::INVALID_BUFFER_SIZE) => {
            format!(
                "the session buffer has {SESSION_LENGTH} bytes; ask for less, or from a lower offset."
            )
        }
        (Request(RequestKind::DeviceCopy), NtStatus::INVALID_BUFFER_SIZE) => format!(
            "the device page has {DEVICE_PAGE_LENGTH} bytes; ask for less, or from a lower offset."
        ),
        (
            Request(RequestKind::CopyBatch | RequestKind::CopyScatter),
            NtStatus::INVALID_BUFFER_SIZE,
        ) => format!(
            "one request has at most {MAXIMUM_ENTRIES} pieces and {MAXIMUM_LENGTH} bytes in all; \
             split the piece that is longer."
        ),
        (_, NtStatus::INVALID_BUFFER_SIZE) => format!(
            "one request copies at most {MAXIMUM_LENGTH} bytes, and its output is no longer than \
             those and the response; split it into smaller ones."
        ),
        (Request(RequestKind::DeviceCopy), NtStatus::INVALID_PARAMETER) => {
            "source and destination in the device page overlap, or a field holds no value that \
             it may have; move one of them apart."
                .into()
        }
        (
            Request(RequestKind::CopyFrom | RequestKind::CopyTo | RequestKind::CopyThrough),
            NtStatus::INVALID_PARAMETER,
        ) => ALIGNMENT.into(),
        (_, NtStatus::INVALID_PARAMETER) => {
            "a field of the request has an invalid value; use this protocol's enumerations and \
             leave reserved fields zero."
                .into()
        }
        (Request(_), NtStatus::CONFLICTING_ADDRESSES) => {
            "a copy would write over its own response; pass an output buffer apart from the targets."
                .into()
        }
        (_, NtStatus::ACCESS_VIOLATION | NtStatus::DATATYPE_MISALIGNMENT) => {
            "the request or its response is not in valid, 8-aligned memory of the caller's; pass \
             buffers of this process that are mapped and writable."
                .into()
        }
        _ => status::advice(status),
    }
}
