//! Lengths of strings that end with a zero.

#[allow(unused_imports, reason = "the documentation links it")]
use crate::UserPtr;
use crate::{Fault, Mode, guarded};

/// `StringLengthFromMode`: returns the number of bytes before the first zero byte from `string` on, an
/// address that a caller in `mode` passed.
///
/// The function reads aligned blocks of 16 bytes, so it reads bytes around the string. It reads no
/// other page than the string, and with [`Mode::User`] only user memory. The count has no bound: a
/// caller can make it take as long as memory is mapped. [`UserPtr::string_length_within`] has a bound.
/// The length is that of the moment; another thread can change the string at once. IRQL: at most
/// `APC_LEVEL`.
///
/// # Errors
///
/// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the string does
/// not end within user memory; or the exception that the memory raised. [`Fault::copied`] is the number
/// of bytes that were read. With [`Mode::Kernel`]: none.
///
/// # Safety
///
/// With [`Mode::Kernel`], `string` is valid kernel memory up to its zero, inclusive; it is neither
/// checked nor guarded.
#[inline]
pub unsafe fn string_length_from_mode(string: *const i8, mode: Mode) -> Result<usize, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::unbounded_string_length::<i8>(string.expose_provenance(), mode) }
}

/// `WideStringLengthFromMode`: counts as [`string_length_from_mode`] does, with characters of two
/// bytes. The result is a number of characters, [`Fault::copied`] one of bytes.
///
/// The string may be at an odd address.
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
    unsafe { guarded::unbounded_string_length::<u16>(string.expose_provenance(), mode) }
}

user_forms! {
    "StringLengthFromUser", safety: "No condition: user memory is checked and guarded, and only read."
    pub unsafe fn string_length_from_user(string: *const i8) -> usize
        => string_length_from_mode(string, Mode::User);
    "WideStringLengthFromUser", safety: "No condition: user memory is checked and guarded, and only read."
    pub unsafe fn wide_string_length_from_user(string: *const u16) -> usize
        => wide_string_length_from_mode(string, Mode::User);
}
