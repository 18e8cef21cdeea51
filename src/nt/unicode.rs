//! Counted UTF-16 strings for the kernel.

use core::marker::PhantomData;

use wdk_sys::UNICODE_STRING;

/// The longest name that the driver passes to the kernel, in UTF-16 units.
const LONGEST: usize = 64;

/// An ASCII string of the driver's own, as UTF-16 on the stack.
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
    /// Takes the string's ASCII part; names of the driver's own are all ASCII, and shorter than
    /// the buffer.
    pub fn new(text: &str) -> Self {
        let mut units = [0; LONGEST];
        let length = units
            .iter_mut()
            .zip(text.bytes())
            .map(|(unit, byte)| *unit = byte.into())
            .count();
        Self { units, length }
    }

    /// What the kernel takes.
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
    /// For one call into the kernel.
    pub const fn as_ptr(&self) -> *const UNICODE_STRING {
        &raw const self.raw
    }
}
