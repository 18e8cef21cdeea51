//! What Wine's kernel lacks, supplied to the drivers that are bound under Wine.
//!
//! Wine runs drivers in a process in user mode. Its ntoskrnl.exe has no physical memory, and either
//! no export or a stub that ends the process for some routines that a driver needs. So when a
//! driver binds, [`imports`] looks through its import table: an entry of a routine that [`routines`]
//! has is pointed there, and a routine that nobody has is named, and the driver refused, instead of
//! ending the process on its first call.
//!
//! What is simulated proves nothing about the driver's way with physical memory: [`ram`] is a block
//! of ordinary memory. It is there so that all the rest of a request (the I/O manager's buffers, the
//! framework, the driver's checks, its answer) runs on an implementation of NT that nobody here
//! wrote. In the lab, and on Windows, none of this is used.

pub(crate) mod gate;
mod imports;
mod ram;
mod routines;

use crate::nt::routine;
use wdk_sys::{NTSTATUS, PDRIVER_OBJECT};

/// Whether Wine runs this: its ntoskrnl.exe exports the loop that its driver host calls.
fn is_host() -> bool {
    routine::address("wine_ntoskrnl_main_loop").is_some()
}

/// Gives a driver what it imports and Wine lacks. Under another kernel, nothing happens.
///
/// # Errors
///
/// `STATUS_PROCEDURE_NOT_FOUND` for an import that nobody has; `STATUS_INVALID_IMAGE_FORMAT`;
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn supply(driver: PDRIVER_OBJECT) -> Result<(), NTSTATUS> {
    if !is_host() {
        return Ok(());
    }
    gate::put_up();
    ram::start()?;
    imports::replace(driver)
}

/// Once no driver is bound any more.
pub(crate) fn end() {
    ram::end();
}
