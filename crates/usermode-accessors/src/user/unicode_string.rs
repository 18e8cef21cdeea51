//! `UNICODE_STRING`, and its safe capture.

use core::mem::{offset_of, size_of};

use super::{pointer::UserPtr, slice::UserSlice};
use crate::{Access, Fault, NtStatus, VolatileSlice};

/// `UNICODE_STRING` of a 64-bit system: a length, a room, and an address, none of them checked.
///
/// What the buffer holds need not end with a zero, nor be valid UTF-16. Coming from a caller, the
/// buffer is an untrusted address; it is a plain number here, and is not followed by anything that
/// moves the descriptor alone.
///
/// Source: `UNICODE_STRING` (`ntdef.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct UnicodeString {
    /// Bytes in use, not characters.
    pub length: u16,
    /// Bytes of room.
    pub maximum_length: u16,
    /// Where the characters are.
    pub buffer: usize,
}

const _: () = assert!(size_of::<UnicodeString>() == 16 && offset_of!(UnicodeString, buffer) == 8);

impl UnicodeString {
    /// Bytes of the descriptor, the four that mean nothing included.
    pub(crate) const SIZE: usize = size_of::<Self>();

    pub(crate) const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let [a, b, c, d, _, _, _, _, buffer @ ..] = bytes;
        Self {
            length: u16::from_le_bytes([a, b]),
            maximum_length: u16::from_le_bytes([c, d]),
            buffer: usize::from_le_bytes(buffer),
        }
    }

    /// The bytes that mean nothing are 0: nothing of the kernel's stack goes out with them.
    pub(crate) const fn to_bytes(self) -> [u8; Self::SIZE] {
        let lengths = self.length as u128 | (self.maximum_length as u128) << 16;
        (lengths | (self.buffer as u128) << 64).to_le_bytes()
    }
}

impl UserPtr<UnicodeString> {
    /// Captures the string: copies the descriptor once, checks the copy, then copies the buffer once.
    /// Returns the part of `destination` that was filled.
    ///
    /// The buffer is user memory if the descriptor is. Its alignment is not looked at, and
    /// `maximum_length` only to be not less than `length`. IRQL: at most `APC_LEVEL`.
    ///
    /// In [`Mode::Kernel`](crate::Mode::Kernel) the promise of [`UserPtr::for_mode`] covers the
    /// buffer, too.
    ///
    /// ```no_run
    /// use usermode_accessors::{Fault, UnicodeString, UserPtr};
    ///
    /// /// Whether the name that a caller gave, in at most 64 characters, is ours.
    /// fn is_ours(address: usize, ours: &[u16]) -> Result<bool, Fault> {
    ///     let mut room = [0; 64];
    ///     let name = UserPtr::<UnicodeString>::new(address).capture(&mut room)?;
    ///     Ok(name == ours)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of reading the descriptor. [`NtStatus::INVALID_PARAMETER`] if the length is odd or
    /// greater than the maximum; [`NtStatus::INVALID_BUFFER_SIZE`] if it is greater than the
    /// destination; in all three [`Fault::copied`] is 0 and the destination untouched. Else the exception that the buffer raised, after
    /// [`Fault::copied`] bytes of the destination.
    pub fn capture(self, destination: &mut [u16]) -> Result<&mut [u16], Fault> {
        let (address, mode) = (self.address(), self.mode());
        let mut bytes = [0; UnicodeString::SIZE];
        self.into_slice()
            .reader()?
            .read(&mut bytes)
            .map_err(|fault| Fault { copied: 0, ..fault })?;
        let UnicodeString {
            length,
            maximum_length,
            buffer,
        } = UnicodeString::from_bytes(bytes);

        let refused = |status| Fault::refused(status, address, Access::Read);
        let characters = usize::from(length >> 1);
        if length & 1 != 0 || length > maximum_length {
            return Err(refused(NtStatus::INVALID_PARAMETER));
        }
        let Some(filled) = destination.get_mut(..characters) else {
            return Err(refused(NtStatus::INVALID_BUFFER_SIZE));
        };
        let length = usize::from(length);
        // SAFETY: the characters are borrowed, and any two bytes are one.
        let room = unsafe { VolatileSlice::from_raw_parts(filled.as_mut_ptr().cast(), length) };
        UserSlice::from_parts(buffer, length, mode)
            .reader()?
            .read_volatile(room)?;
        Ok(filled)
    }
}
