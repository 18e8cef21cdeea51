//! `UNICODE_STRING`, and its capture.

use core::mem::{offset_of, size_of};

use super::{pointer::UserPtr, slice::UserSlice};
use crate::{Access, Fault, Mode, NtStatus, VolatileSlice};

/// `UNICODE_STRING` of a 64-bit system: a length, a maximum length, and an address, unchecked.
///
/// The characters need not end with a zero, nor be valid UTF-16. The buffer of a caller is an untrusted
/// address, so it is a number here. Functions that copy the descriptor do not access the buffer.
///
/// Source: `UNICODE_STRING` (`ntdef.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct UnicodeString {
    /// The length in bytes, not characters.
    pub length: u16,
    /// The capacity of the buffer in bytes.
    pub maximum_length: u16,
    /// The address of the characters.
    pub buffer: usize,
}

const _: () = assert!(size_of::<UnicodeString>() == 16 && offset_of!(UnicodeString, buffer) == 8);

impl UnicodeString {
    /// The size of the descriptor in bytes, including four bytes of padding.
    pub(crate) const SIZE: usize = size_of::<Self>();

    pub(crate) const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let [a, b, c, d, _, _, _, _, buffer @ ..] = bytes;
        Self {
            length: u16::from_le_bytes([a, b]),
            maximum_length: u16::from_le_bytes([c, d]),
            buffer: usize::from_le_bytes(buffer),
        }
    }

    /// Returns the bytes, with zeros as padding: no bytes of the kernel's stack are written.
    pub(crate) const fn to_bytes(self) -> [u8; Self::SIZE] {
        let lengths = self.length as u128 | (self.maximum_length as u128) << 16;
        (lengths | (self.buffer as u128) << 64).to_le_bytes()
    }
}

/// `UNICODE_STRING32`: what a caller of 32 bits passes where a caller of 64 bits passes a
/// [`UnicodeString`].
///
/// Whether a caller has 32 bits, `IoIs32bitProcess` returns. See
/// [callers of 32 bits](crate::callers_of_32_bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct UnicodeString32 {
    /// The length in bytes, not characters.
    pub length: u16,
    /// The capacity of the buffer in bytes.
    pub maximum_length: u16,
    /// The address of the characters.
    pub buffer: u32,
}

impl UnicodeString32 {
    const SIZE: usize = size_of::<Self>();

    const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let [a, b, c, d, buffer @ ..] = bytes;
        Self {
            length: u16::from_le_bytes([a, b]),
            maximum_length: u16::from_le_bytes([c, d]),
            buffer: u32::from_le_bytes(buffer),
        }
    }
}

/// Extends the address with zeros, as WOW64 does.
impl From<UnicodeString32> for UnicodeString {
    fn from(string: UnicodeString32) -> Self {
        let [a, b, c, d] = string.buffer.to_le_bytes();
        Self {
            length: string.length,
            maximum_length: string.maximum_length,
            buffer: usize::from_le_bytes([a, b, c, d, 0, 0, 0, 0]),
        }
    }
}

impl UserPtr<UnicodeString> {
    /// Captures the string: copies the descriptor once, checks the copy, and copies the buffer once.
    /// Returns the part of `destination` that was filled.
    ///
    /// The buffer has the mode of the descriptor. Its alignment is not checked. IRQL: at most
    /// `APC_LEVEL`.
    ///
    /// In [`Mode::Kernel`](crate::Mode::Kernel) the promise of [`UserPtr::for_mode`] includes the
    /// buffer.
    ///
    /// ```no_run
    /// use usermode_accessors::{Fault, UnicodeString, UserPtr};
    ///
    /// /// Whether the name from a caller, of at most 64 characters, is ours.
    /// fn is_ours(address: usize, ours: &[u16]) -> Result<bool, Fault> {
    ///     let mut characters = [0; 64];
    ///     let name = UserPtr::<UnicodeString>::new(address).capture(&mut characters)?;
    ///     Ok(name == ours)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of a read of the descriptor; [`NtStatus::INVALID_PARAMETER`] if the length is odd or greater
    /// than the maximum length; [`NtStatus::INVALID_BUFFER_SIZE`] if the length is greater than the
    /// destination. In these cases [`Fault::copied`] is 0 and the destination is untouched. Or the
    /// exception that the buffer raised, after [`Fault::copied`] bytes of the destination.
    pub fn capture(self, destination: &mut [u16]) -> Result<&mut [u16], Fault> {
        let (address, mode) = (self.address(), self.mode());
        let string = UnicodeString::from_bytes(self.descriptor()?);
        characters(string, (address, mode), destination)
    }
}

impl UserPtr<UnicodeString32> {
    /// Captures the string of a caller of 32 bits, as [`UserPtr::<UnicodeString>::capture`] does.
    ///
    /// # Errors
    ///
    /// As for [`UserPtr::<UnicodeString>::capture`].
    pub fn capture(self, destination: &mut [u16]) -> Result<&mut [u16], Fault> {
        let (address, mode) = (self.address(), self.mode());
        let string = UnicodeString32::from_bytes(self.descriptor()?);
        characters(string.into(), (address, mode), destination)
    }
}

impl<T> UserPtr<T> {
    /// Copies the bytes of a descriptor. A fault counts none of them.
    fn descriptor<const SIZE: usize>(self) -> Result<[u8; SIZE], Fault> {
        let mut bytes = [0; SIZE];
        self.into_slice()
            .reader()?
            .read(&mut bytes)
            .map_err(|fault| Fault { copied: 0, ..fault })?;
        Ok(bytes)
    }
}

/// Checks a captured descriptor, and copies its buffer. The buffer has the mode of the descriptor.
fn characters(
    string: UnicodeString,
    (address, mode): (usize, Mode),
    destination: &mut [u16],
) -> Result<&mut [u16], Fault> {
    let UnicodeString {
        length,
        maximum_length,
        buffer,
    } = string;
    let refused = |status| Fault::refused(status, address, Access::Read);
    let characters = usize::from(length >> 1);
    if length & 1 != 0 || length > maximum_length {
        return Err(refused(NtStatus::INVALID_PARAMETER));
    }
    let Some(filled) = destination.get_mut(..characters) else {
        return Err(refused(NtStatus::INVALID_BUFFER_SIZE));
    };
    let length = usize::from(length);
    // SAFETY: the characters are borrowed, and any two bytes are a character.
    let bytes = unsafe { VolatileSlice::from_raw_parts(filled.as_mut_ptr().cast(), length) };
    UserSlice::from_parts(buffer, length, mode)
        .reader()?
        .read_volatile(bytes)?;
    Ok(filled)
}
