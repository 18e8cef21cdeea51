//! Between the kernel's `NTSTATUS` and the protocol's.

use ringcopy_protocol::NtStatus;
use usermode_accessors::Status;
use wdk_sys::NTSTATUS;

/// As the kernel takes it.
pub const fn to_nt(status: NtStatus) -> NTSTATUS {
    status.0.cast_signed()
}

/// As the kernel gave it: an error where it is one.
pub const fn from_nt(status: NTSTATUS) -> Result<(), NtStatus> {
    if status >= 0 {
        Ok(())
    } else {
        Err(NtStatus(status.cast_unsigned()))
    }
}

/// As an accessor gave it.
pub const fn from_accessor(status: Status) -> NtStatus {
    NtStatus(status.0)
}
