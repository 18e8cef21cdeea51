//! Copies from user memory to user memory.

use crate::{
    Fault, Mode,
    guarded::{self, Route},
};

/// `CopyFromUserToMode`: copies `length` bytes from user memory to `destination`, an address that
/// a caller in `mode` named. The source is user memory whatever the mode.
///
/// Both ranges are checked before either is touched, the source first. If they overlap, the bytes
/// that both share end up unspecified. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the source, or in
/// [`Mode::User`] the destination, is not all user memory, with nothing touched; else the
/// exception that the memory raised, after [`Fault::copied`] bytes. [`Fault::access`] tells the
/// side: a read was of the source, a write to the destination.
///
/// # Safety
///
/// With [`Mode::Kernel`], `destination` is valid kernel memory for `length` bytes.
#[inline]
pub unsafe fn copy_from_user_to_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    let destination = (destination.expose_provenance(), mode);
    let source = (source.expose_provenance(), Mode::User);
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::copy(destination, source, length, Route::Cached) }
}

/// `CopyToUserFromUser`: copies `length` bytes from user memory to user memory:
/// [`copy_from_user_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_from_user_to_mode`].
///
/// # Safety
///
/// No kernel memory is touched. In a process where user memory holds Rust objects, the
/// destination must be none that is in use.
#[inline]
pub unsafe fn copy_to_user_from_user(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    // SAFETY: both sides are user memory.
    unsafe { copy_from_user_to_mode(destination, source, length, Mode::User) }
}

/// `MoveToUserFromUser`: as [`copy_to_user_from_user`], and the ranges may overlap: every byte
/// arrives as it was before the move, if nobody else writes.
///
/// Where [`moves_backward`](crate::moves_backward) says so, the bytes move from the last to the
/// first.
///
/// # Errors
///
/// As for [`copy_from_user_to_mode`]. If the move ran backward, the [`Fault::copied`] bytes that
/// were moved are those at the *end* of the range, and the bytes in front of them are as they
/// were.
///
/// # Safety
///
/// As for [`copy_to_user_from_user`].
#[inline]
pub unsafe fn move_to_user_from_user(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    let destination = (destination.expose_provenance(), Mode::User);
    let source = (source.expose_provenance(), Mode::User);
    // SAFETY: both sides are user memory.
    unsafe { guarded::move_bytes(destination, source, length) }
}
