//! Routines that Wine's kernel lacks, for drivers that are bound under Wine.
//!
//! Wine runs drivers in a process in user mode. Its ntoskrnl.exe has no physical memory. Some
//! routines that a driver needs are missing, or are stubs that end the process. When a driver
//! binds, [`imports`] points the entries of its import table to [`routines`]. A driver that imports
//! a routine which neither has is refused, and the routine is named.
//!
//! [`ram`] is a block of ordinary memory, so Wine proves nothing about physical memory. It lets the
//! rest of a request (the I/O manager's buffers, the framework, the driver's checks, its response)
//! run on an independent implementation of NT. [`etw`] prints a driver's events. In the lab, none of
//! this is used.

mod etw;
mod imports;
pub(crate) mod queue_hold;
mod ram;
mod routines;

use crate::nt::routine;
use wdk_sys::{NTSTATUS, PDRIVER_OBJECT};

/// Whether Wine runs this: its ntoskrnl.exe exports the loop that its driver host calls.
fn is_host() -> bool {
    routine::address("wine_ntoskrnl_main_loop").is_some()
}

/// Supplies a driver with the imports that Wine lacks. Does nothing under another kernel.
///
/// `STATUS_PROCEDURE_NOT_FOUND` for a missing import; `STATUS_INVALID_IMAGE_FORMAT`;
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn supply(driver: PDRIVER_OBJECT) -> Result<(), NTSTATUS> {
    if !is_host() {
        return Ok(());
    }
    queue_hold::enable();
    ram::start()?;
    imports::replace(driver)
}

/// Frees the simulated memory, when no driver is bound.
pub(crate) fn end() {
    ram::end();
}
