//! Lengths of strings that end with a zero.

use crate::{Fault, Mode, UserPtr};

/// `StringLengthFromMode`: the bytes before the first zero byte from `string` on, an address that
/// a caller in `mode` named.
///
/// What lies in the same aligned 16 bytes as the string is read with it; nothing of any other page,
/// and with [`Mode::User`] nothing that is not user memory. The count has no limit: a caller can make it take as long as it has memory mapped, so prefer
/// [`UserPtr::string_length_within`]. The length is what it was during the count and no more;
/// another thread can change the string at once. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the
/// string does not end within user memory; else the exception that the memory raised.
/// [`Fault::copied`] is the number of bytes that were looked at. With [`Mode::Kernel`]: none.
///
/// # Safety
///
/// With [`Mode::Kernel`], `string` is valid kernel memory up to and with its zero: it is neither
/// checked nor guarded.
#[inline]
pub unsafe fn string_length_from_mode(string: *const i8, mode: Mode) -> Result<usize, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { UserPtr::<i8>::for_mode(string.expose_provenance(), mode) }.string_length()
}

/// `StringLengthFromUser`: [`string_length_from_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`string_length_from_mode`].
///
/// # Safety
///
/// No condition: user memory is checked and guarded, and only read.
#[inline]
pub unsafe fn string_length_from_user(string: *const i8) -> Result<usize, Fault> {
    // SAFETY: the mode is not that of the kernel.
    unsafe { string_length_from_mode(string, Mode::User) }
}

/// `WideStringLengthFromMode`: as [`string_length_from_mode`], with characters of two bytes; the
/// answer counts characters, [`Fault::copied`] bytes.
///
/// The string may lie at an odd address; its characters are then read across two words each.
///
/// # Errors
///
/// As for [`string_length_from_mode`].
///
/// # Safety
///
/// As for [`string_length_from_mode`].
#[inline]
pub unsafe fn wide_string_length_from_mode(string: *const u16, mode: Mode) -> Result<usize, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { UserPtr::<u16>::for_mode(string.expose_provenance(), mode) }.string_length()
}

/// `WideStringLengthFromUser`: [`wide_string_length_from_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`string_length_from_mode`].
///
/// # Safety
///
/// No condition: user memory is checked and guarded, and only read.
#[inline]
pub unsafe fn wide_string_length_from_user(string: *const u16) -> Result<usize, Fault> {
    // SAFETY: the mode is not that of the kernel.
    unsafe { wide_string_length_from_mode(string, Mode::User) }
}
