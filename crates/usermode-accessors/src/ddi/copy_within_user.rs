//! Copies from user memory to user memory.

use super::copy::copy;
use crate::{
    Fault, Mode,
    guarded::{self, Route},
};

/// `CopyFromUserToMode`: copies `length` bytes from user memory to `destination`, an address that a
/// caller in `mode` passed. The source is user memory, whatever the mode.
///
/// Both ranges are checked before either is accessed, the source first. If they overlap, the shared
/// bytes end up unspecified. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the source, or in [`Mode::User`]
/// the destination, is not all user memory, and then nothing is accessed; or the exception that the
/// memory raised, after [`Fault::copied`] bytes. [`Fault::access`] shows the side: a read is of the
/// source, a write of the destination.
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
    // SAFETY: the caller's promise is the same.
    unsafe {
        copy(
            (destination, mode),
            (source, Mode::User),
            length,
            Route::Cached,
        )
    }
}

user_forms! {
    "CopyToUserFromUser", safety: "No kernel memory is accessed. In a process where user memory holds Rust objects, the destination must not be one in use."
    pub unsafe fn copy_to_user_from_user(
        destination: *mut u8, source: *const u8, length: usize
    ) -> () => copy_from_user_to_mode(destination, source, length, Mode::User);
}

/// `MoveToUserFromUser`: copies as [`copy_to_user_from_user`] does. The ranges may overlap: the
/// destination then holds the bytes that the source had before the move, if nothing else writes.
///
/// Where [`moves_backward`](crate::moves_backward) returns `true`, the bytes move from the last to the
/// first.
///
/// # Errors
///
/// As for [`copy_from_user_to_mode`]. If the move ran backward, the [`Fault::copied`] bytes are those at
/// the *end* of the range, and the bytes before them are unchanged.
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
