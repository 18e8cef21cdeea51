//! Fills of memory that a caller passed.
//!
//! `Fill…` takes the length first, and `Set…` the byte. Here the two have different types, so swapped
//! arguments do not compile.

use crate::{Fault, Mode, guarded};

/// `FillModeMemory`: sets `length` bytes at `destination`, an address that a caller in `mode` passed,
/// to `fill`.
///
/// The processor may write a location more than once. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the range is
/// not all user memory, and then nothing is accessed; or the exception that the memory raised, after
/// [`Fault::copied`] bytes. With [`Mode::Kernel`]: none.
///
/// # Safety
///
/// With [`Mode::Kernel`], `destination` is valid kernel memory for `length` bytes; it is neither
/// checked nor guarded. In a process where user memory holds Rust objects, the range must not be one in
/// use.
#[inline]
pub unsafe fn fill_mode_memory(
    destination: *mut u8,
    length: usize,
    fill: u8,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::fill(destination.expose_provenance(), fill, length, mode) }
}

/// `SetModeMemory`: [`fill_mode_memory`] with the byte before the length.
///
/// # Errors
///
/// As for [`fill_mode_memory`].
///
/// # Safety
///
/// As for [`fill_mode_memory`].
#[inline]
pub unsafe fn set_mode_memory(
    destination: *mut u8,
    fill: u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { fill_mode_memory(destination, length, fill, mode) }
}

/// `ZeroModeMemory`: [`fill_mode_memory`] with 0.
///
/// # Errors
///
/// As for [`fill_mode_memory`].
///
/// # Safety
///
/// As for [`fill_mode_memory`].
#[inline]
pub unsafe fn zero_mode_memory(
    destination: *mut u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { fill_mode_memory(destination, length, 0, mode) }
}

user_forms! {
    "FillUserMemory", safety: "As for [`fill_mode_memory`]."
    pub unsafe fn fill_user_memory(destination: *mut u8, length: usize, fill: u8) -> ()
        => fill_mode_memory(destination, length, fill, Mode::User);
    "SetUserMemory", safety: "As for [`fill_mode_memory`]."
    pub unsafe fn set_user_memory(destination: *mut u8, fill: u8, length: usize) -> ()
        => set_mode_memory(destination, fill, length, Mode::User);
    "ZeroUserMemory", safety: "As for [`fill_mode_memory`]."
    pub unsafe fn zero_user_memory(destination: *mut u8, length: usize) -> ()
        => zero_mode_memory(destination, length, Mode::User);
}
