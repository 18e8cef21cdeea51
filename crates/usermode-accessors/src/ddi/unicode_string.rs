//! `UNICODE_STRING` by value: only the descriptor, not its buffer.

use super::copy::{copy_from_mode, copy_to_mode};
use crate::{Fault, Mode, UnicodeString};

/// `ReadUnicodeStringFromMode`: reads the descriptor at `source`, an address that a caller in `mode`
/// passed.
///
/// Nothing in it is checked, and its buffer remains an untrusted address.
/// [`UserPtr::capture`](crate::UserPtr::capture) copies the characters. The descriptor is copied once,
/// but not atomically: if it changes meanwhile, the result is a mixture. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// With [`Mode::Kernel`], `source` is valid kernel memory; it is neither checked nor guarded.
#[inline]
pub unsafe fn read_unicode_string_from_mode(
    source: *const UnicodeString,
    mode: Mode,
) -> Result<UnicodeString, Fault> {
    let mut bytes = [0; UnicodeString::SIZE];
    // SAFETY: the array is as long as a descriptor; the caller guarantees the source.
    unsafe { copy_from_mode(bytes.as_mut_ptr(), source.cast(), bytes.len(), mode) }?;
    Ok(UnicodeString::from_bytes(bytes))
}

/// `WriteUnicodeStringToMode`: writes the descriptor to `destination`, an address that a caller in
/// `mode` passed.
///
/// The buffer is written as a number, and the four bytes of padding as 0. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// With [`Mode::Kernel`], `destination` is valid kernel memory; it is neither checked nor guarded. In a
/// process where user memory holds Rust objects, it must not be one in use.
#[inline]
pub unsafe fn write_unicode_string_to_mode(
    destination: *mut UnicodeString,
    value: UnicodeString,
    mode: Mode,
) -> Result<(), Fault> {
    let bytes = value.to_bytes();
    // SAFETY: the array is as long as a descriptor; the caller guarantees the destination.
    unsafe { copy_to_mode(destination.cast(), bytes.as_ptr(), bytes.len(), mode) }
}

user_forms! {
    "ReadUnicodeStringFromUser", safety: "No condition: user memory is checked and guarded, and only read."
    pub unsafe fn read_unicode_string_from_user(source: *const UnicodeString) -> UnicodeString
        => read_unicode_string_from_mode(source, Mode::User);
    "WriteUnicodeStringToUser", safety: "As for [`write_unicode_string_to_mode`]."
    pub unsafe fn write_unicode_string_to_user(
        destination: *mut UnicodeString, value: UnicodeString
    ) -> () => write_unicode_string_to_mode(destination, value, Mode::User);
}
