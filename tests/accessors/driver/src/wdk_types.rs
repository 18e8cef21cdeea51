//! Types of `wdk-sys` in accesses, by the feature `wdk-sys` of the accessors.

use usermode_accessors::{Fault, UnicodeString, UserPtr};
use wdk_sys::{LARGE_INTEGER, ULARGE_INTEGER, UNICODE_STRING};

/// Copies a `LARGE_INTEGER` and a `ULARGE_INTEGER` to the 16 bytes after them. Returns the members of a
/// `UNICODE_STRING` of 2 and 4 bytes at `address`, and those of the descriptor made from it.
pub(crate) fn convert(address: usize) -> Result<[u64; 6], Fault> {
    let signed = UserPtr::<LARGE_INTEGER>::new(address).read()?;
    let unsigned = UserPtr::<ULARGE_INTEGER>::new(address + 8).read()?;
    UserPtr::<LARGE_INTEGER>::new(address + 16).write(signed)?;
    UserPtr::<ULARGE_INTEGER>::new(address + 24).write(unsigned)?;
    let string = UNICODE_STRING::from(UnicodeString {
        length: 2,
        maximum_length: 4,
        buffer: address,
    });
    let back = UnicodeString::from(string);
    Ok([
        string.Length.into(),
        string.MaximumLength.into(),
        string.Buffer.addr() as u64,
        back.length.into(),
        back.maximum_length.into(),
        back.buffer as u64,
    ])
}
