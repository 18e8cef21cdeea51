//! `UNICODE_STRING` by value: the descriptor alone, its buffer is not followed.

use super::copy::{copy_from_mode, copy_to_mode};
use crate::{Fault, Mode, UnicodeString};

/// `ReadUnicodeStringFromMode`: reads the descriptor at `source`, an address that a caller in
/// `mode` named.
///
/// Nothing in it is checked, and its buffer remains an untrusted address; to have the characters,
/// [`UserPtr::capture`](crate::UserPtr::capture). It is copied once, but not in one piece: a caller
/// that changes it meanwhile gives a mixture, as bad as any other lie. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// With [`Mode::Kernel`], `source` is valid kernel memory: it is neither checked nor guarded.
#[inline]
pub unsafe fn read_unicode_string_from_mode(
    source: *const UnicodeString,
    mode: Mode,
) -> Result<UnicodeString, Fault> {
    let mut bytes = [0; UnicodeString::SIZE];
    // SAFETY: the array is as long as a descriptor; the caller vouches for the source.
    unsafe { copy_from_mode(bytes.as_mut_ptr(), source.cast(), bytes.len(), mode) }?;
    Ok(UnicodeString::from_bytes(bytes))
}

/// `ReadUnicodeStringFromUser`: [`read_unicode_string_from_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// No condition: user memory is checked and guarded, and only read.
#[inline]
pub unsafe fn read_unicode_string_from_user(
    source: *const UnicodeString,
) -> Result<UnicodeString, Fault> {
    // SAFETY: the mode is not that of the kernel.
    unsafe { read_unicode_string_from_mode(source, Mode::User) }
}

/// `WriteUnicodeStringToMode`: writes the descriptor to `destination`, an address that a caller in
/// `mode` named.
///
/// The buffer goes out as a number like the others, and the four bytes that mean nothing as 0.
/// IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// With [`Mode::Kernel`], `destination` is valid kernel memory: it is neither checked nor guarded.
/// In a process where user memory holds Rust objects, it must be none that is in use.
#[inline]
pub unsafe fn write_unicode_string_to_mode(
    destination: *mut UnicodeString,
    value: UnicodeString,
    mode: Mode,
) -> Result<(), Fault> {
    let bytes = value.to_bytes();
    // SAFETY: the array is as long as a descriptor; the caller vouches for the destination.
    unsafe { copy_to_mode(destination.cast(), bytes.as_ptr(), bytes.len(), mode) }
}

/// `WriteUnicodeStringToUser`: [`write_unicode_string_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// As for [`write_unicode_string_to_mode`].
#[inline]
pub unsafe fn write_unicode_string_to_user(
    destination: *mut UnicodeString,
    value: UnicodeString,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { write_unicode_string_to_mode(destination, value, Mode::User) }
}
