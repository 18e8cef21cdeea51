//! Statuses as results, and the framework's own codes (`wdfstatus.h`), which the kernel's headers
//! do not have.

use nt_status::NtStatus;
use wdk_sys::{NTSTATUS, STATUS_SUCCESS};

/// Turns every status but `STATUS_SUCCESS` into an error.
pub(crate) const fn check(status: NTSTATUS) -> Result<(), NTSTATUS> {
    match status {
        STATUS_SUCCESS => Ok(()),
        status => Err(status),
    }
}

macro_rules! framework_codes {
    ($($constant:ident = $name:ident;)+) => {
        $(pub(crate) const $constant: NTSTATUS = NtStatus::$name.as_raw();)+
    };
}

framework_codes! {
    STATUS_WDF_INTERNAL_ERROR = WDF_INTERNAL_ERROR;
    STATUS_WDF_PAUSED = WDF_PAUSED;
    STATUS_WDF_BUSY = WDF_BUSY;
    STATUS_WDF_OBJECT_ATTRIBUTES_INVALID = WDF_OBJECT_ATTRIBUTES_INVALID;
    STATUS_WDF_NO_CALLBACK = WDF_NO_CALLBACK;
    STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED = WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
    STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID = WDF_SYNCHRONIZATION_SCOPE_INVALID;
    STATUS_WDF_EXECUTION_LEVEL_INVALID = WDF_EXECUTION_LEVEL_INVALID;
    STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL = WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    STATUS_WDF_REQUEST_INVALID_STATE = WDF_REQUEST_INVALID_STATE;
    STATUS_WDF_PARENT_NOT_SPECIFIED = WDF_PARENT_NOT_SPECIFIED;
}
