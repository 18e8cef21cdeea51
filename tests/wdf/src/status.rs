//! Statuses as results, and the framework's own NTSTATUS values (wdfstatus.h), which the kernel's
//! headers do not have.

use wdk_sys::{NTSTATUS, STATUS_SUCCESS};

/// Turns every status but `STATUS_SUCCESS` into an error.
pub(crate) const fn check(status: NTSTATUS) -> Result<(), NTSTATUS> {
    match status {
        STATUS_SUCCESS => Ok(()),
        status => Err(status),
    }
}

/// The queue is stopped.
pub(crate) const STATUS_WDF_PAUSED: NTSTATUS = 0xC020_0203_u32.cast_signed();
/// The queue is not accepting requests.
pub(crate) const STATUS_WDF_BUSY: NTSTATUS = 0xC020_0204_u32.cast_signed();
/// The object attributes contradict each other, or a value is out of range.
pub(crate) const STATUS_WDF_OBJECT_ATTRIBUTES_INVALID: NTSTATUS = 0xC020_0209_u32.cast_signed();
/// The queue has no callback to present requests to.
pub(crate) const STATUS_WDF_NO_CALLBACK: NTSTATUS = 0xC020_020B_u32.cast_signed();
/// Objects of this kind have the parent that the framework chooses.
pub(crate) const STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED: NTSTATUS = 0xC020_020F_u32.cast_signed();
/// Objects of this kind have no such synchronization scope.
pub(crate) const STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID: NTSTATUS = 0xC020_0210_u32.cast_signed();
/// Objects of this kind have no such execution level.
pub(crate) const STATUS_WDF_EXECUTION_LEVEL_INVALID: NTSTATUS = 0xC020_0211_u32.cast_signed();
