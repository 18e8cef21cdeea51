//! Unicode strings that the framework keeps.

use super::pool;
use core::{ffi::c_void, ptr::NonNull};
use wdk_sys::{NTSTATUS, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, UNICODE_STRING};

/// Bytes of the null after the characters.
const TERMINATOR: u16 = 2;

/// Converts ASCII characters to UTF-16.
pub(crate) const fn wide<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut characters = [0; N];
    let mut index = 0;
    while index < N {
        characters[index] = text[index] as u16;
        index += 1;
    }
    characters
}

/// A copy of a string in nonpaged pool, with a terminating null that its length does not count.
pub(crate) struct Text {
    characters: NonNull<u16>,
    /// In bytes, with the terminator.
    maximum: u16,
}

impl Text {
    /// Copies characters.
    ///
    /// `STATUS_INVALID_PARAMETER` for more characters than a `UNICODE_STRING` can hold (32766 with
    /// a terminator); `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn new(characters: &[u16]) -> Result<Self, NTSTATUS> {
        Self::concatenate(characters, &[])
    }

    /// Copies characters and appends more.
    ///
    /// As [`Text::new`].
    pub(crate) fn concatenate(first: &[u16], second: &[u16]) -> Result<Self, NTSTATUS> {
        let bytes = (first.len() + second.len()) * size_of::<u16>();
        let maximum =
            u16::try_from(bytes + usize::from(TERMINATOR)).map_err(|_| STATUS_INVALID_PARAMETER)?;
        let block: NonNull<u16> = pool::allocate_zeroed(usize::from(maximum))
            .ok_or(STATUS_INSUFFICIENT_RESOURCES)?
            .cast();
        // SAFETY: the block holds both slices and the terminator.
        unsafe { block.copy_from_nonoverlapping(NonNull::from(first).cast(), first.len()) };
        // SAFETY: within the block, or one past it if nothing is to follow.
        let rest = unsafe { block.add(first.len()) };
        // SAFETY: the block holds both slices and the terminator.
        unsafe { rest.copy_from_nonoverlapping(NonNull::from(second).cast(), second.len()) };
        Ok(Self {
            characters: block,
            maximum,
        })
    }

    /// Returns the descriptor for kernel routines and drivers; valid as long as `self`.
    pub(crate) const fn descriptor(&self) -> UNICODE_STRING {
        UNICODE_STRING {
            Length: self.maximum - TERMINATOR,
            MaximumLength: self.maximum,
            Buffer: self.characters.as_ptr(),
        }
    }

    /// Returns the characters, ended by a null; valid as long as `self`.
    pub(crate) const fn as_ptr(&self) -> *mut u16 {
        self.characters.as_ptr()
    }

    /// Returns the characters without the terminator.
    pub(crate) fn as_slice(&self) -> &[u16] {
        let length = usize::from(self.maximum - TERMINATOR) / size_of::<u16>();
        // SAFETY: `concatenate` filled this many characters; the block lives as long as `self`.
        unsafe { core::slice::from_raw_parts(self.characters.as_ptr(), length) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        let block: NonNull<c_void> = self.characters.cast();
        // SAFETY: `new` allocated the block with this tag, and `self` owned it alone.
        unsafe { pool::free(block, pool::TAG) };
    }
}
