//! Counted UTF-16 strings for the kernel.

use core::marker::PhantomData;

use wdk_sys::UNICODE_STRING;

/// The length of the longest name that the driver passes to the kernel, in UTF-16 units.
const LONGEST: usize = 64;

/// An ASCII string as UTF-16, on the stack.
pub struct WideString {
    units: [u16; LONGEST],
    length: usize,
}

/// A `UNICODE_STRING` that points into a [`WideString`].
pub struct UnicodeString<'a> {
    raw: UNICODE_STRING,
    units: PhantomData<&'a WideString>,
}

impl WideString {
    /// Converts a name of the driver, all of which are ASCII and shorter than the buffer.
    pub fn new(text: &str) -> Self {
        let mut units = [0; LONGEST];
        let length = units
            .iter_mut()
            .zip(text.bytes())
            .map(|(unit, byte)| *unit = byte.into())
            .count();
        Self { units, length }
    }

    /// Returns the string as the kernel takes it.
    pub const fn as_unicode(&self) -> UnicodeString<'_> {
        // At most 128 bytes.
        #[expect(clippy::cast_possible_truncation)]
        let bytes = (self.length.saturating_mul(2)) as u16;
        UnicodeString {
            raw: UNICODE_STRING {
                Length: bytes,
                MaximumLength: bytes,
                // The kernel only reads the strings that it is given here.
                Buffer: self.units.as_ptr().cast_mut(),
            },
            units: PhantomData,
        }
    }
}

impl UnicodeString<'_> {
    /// Returns the pointer for a call into the kernel.
    pub const fn as_ptr(&self) -> *const UNICODE_STRING {
        &raw const self.raw
    }
}
