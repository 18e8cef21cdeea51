//! Kernel routines that may be missing, found by name at run time.

use core::{ffi::c_void, ptr::NonNull};
use wdk_sys::{UNICODE_STRING, ntddk};

/// The longest name that is looked for.
const NAME: usize = 48;

/// The address of an export of the kernel, or `None` if it has no such export.
///
/// Callable at `PASSIVE_LEVEL`. Source: wdm.h, `MmGetSystemRoutineAddress`.
pub(crate) fn address(name: &str) -> Option<NonNull<c_void>> {
    let mut characters = [0_u16; NAME];
    for (character, byte) in characters.iter_mut().zip(name.bytes()) {
        *character = u16::from(byte);
    }
    let bytes = u16::try_from(name.len().min(NAME) * size_of::<u16>()).ok()?;
    let mut name = UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: characters.as_mut_ptr(),
    };
    // SAFETY: the string describes a local buffer that outlives the call, which only reads it.
    NonNull::new(unsafe { ntddk::MmGetSystemRoutineAddress(&raw mut name) })
}
