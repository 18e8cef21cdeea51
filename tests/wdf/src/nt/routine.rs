//! Kernel routines that may be missing, found by name at run time.

use core::{ffi::c_void, ptr::NonNull};
use wdk_sys::{UNICODE_STRING, ntddk};

/// Characters of the longest name.
const NAME: usize = 48;

/// Returns an export of the kernel as a pointer to a function, or `None` if it does not exist.
///
/// # Safety
///
/// `F` is the type of a pointer to the routine of that name.
pub(crate) unsafe fn find<F: Copy>(name: &str) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<NonNull<c_void>>()) };
    // SAFETY: the address of the export of that name, whose type the caller gives.
    address(name).map(|address| unsafe { core::mem::transmute_copy(&address) })
}

/// Returns the address of an export of the kernel, or `None` if it does not exist.
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
