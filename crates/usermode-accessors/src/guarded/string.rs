//! String lengths on behalf of a mode.

use super::user_pointer;
use crate::{
    Access, Character, Fault, Mode, NtStatus,
    arch::{self, Width},
    probe,
};

/// Counts the characters before the terminator. Returns `None` if it is not among the first `maximum`.
///
/// A user string is read only below the user limit. If it does not end there, the fault is an access
/// violation at the limit, and counts the bytes that were read.
///
/// # Safety
///
/// If `mode` is [`Mode::Kernel`], `string` is valid up to its terminator, or for `maximum`
/// characters.
pub(crate) unsafe fn string_length<T: Character>(
    string: usize,
    maximum: usize,
    mode: Mode,
) -> Result<Option<usize>, Fault> {
    let wide = T::WIDTH == Width::Two;
    let size = T::WIDTH as usize;
    let found = |length| (length < maximum).then_some(length);
    if mode == Mode::Kernel {
        // SAFETY: the caller guarantees the string.
        return Ok(found(unsafe {
            arch::scan(user_pointer(string), maximum, wide)
        }));
    }
    let within = probe::user_limit().saturating_sub(string) >> u32::from(wide);
    let count = maximum.min(within);
    #[cfg(feature = "umaccess")]
    let length =
        crate::umaccess::string_length::<T>(user_pointer(string), count, maximum != usize::MAX)?;
    #[cfg(not(feature = "umaccess"))]
    // SAFETY: `count` characters end below the limit.
    let length = unsafe { arch::guarded_scan(user_pointer(string), count, wide) }
        .map_err(|trap| Fault::from_trap(trap, Access::Read))?;
    if length < count || count == maximum {
        return Ok(found(length));
    }
    let copied = count.wrapping_mul(size);
    Err(Fault {
        copied,
        ..Fault::refused(
            NtStatus::ACCESS_VIOLATION,
            string.wrapping_add(copied),
            Access::Read,
        )
    })
}

/// Counts the characters before the terminator, without a bound.
///
/// # Safety
///
/// As for [`string_length`].
#[inline]
pub(crate) unsafe fn unbounded_string_length<T: Character>(
    string: usize,
    mode: Mode,
) -> Result<usize, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { string_length::<T>(string, usize::MAX, mode) }
        .map(|length| length.unwrap_or(usize::MAX))
}
