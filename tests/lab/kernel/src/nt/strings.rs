//! `UNICODE_STRING`: length in bytes, capacity in bytes, address of UTF-16.

use alloc::{string::String, vec::Vec};

use crate::raw;

/// Bytes in the structure.
pub(crate) const SIZE: u64 = 16;

/// Reads a `UNICODE_STRING`; a null pointer is an empty string.
pub(crate) fn read(string: u64) -> String {
    if string == 0 {
        return String::new();
    }
    let (length, buffer) = (raw::read::<u16>(string), raw::read::<u64>(string + 8));
    read_units(buffer, u64::from(length) / 2)
}

pub(crate) fn read_units(buffer: u64, units: u64) -> String {
    let units: Vec<u16> = (0..units)
        .map(|unit| raw::read(buffer + unit * 2))
        .collect();
    String::from_utf16_lossy(&units)
}

/// Returns the number of UTF-16 units before the terminating zero.
pub(crate) fn length_of(buffer: u64) -> u64 {
    let mut units = 0;
    while raw::read::<u16>(buffer + units * 2) != 0 {
        units += 1;
    }
    units
}

/// Writes a `UNICODE_STRING` whose text is at `buffer`.
pub(crate) fn write(string: u64, buffer: u64, length: u16, capacity: u16) {
    raw::write(string, length);
    raw::write(string + 2, capacity);
    raw::write(string + 4, 0_u32);
    raw::write(string + 8, buffer);
}

/// Writes text as UTF-16 with a terminating zero to `buffer`, and a `UNICODE_STRING` for it.
pub(crate) fn place(string: u64, buffer: u64, text: &str) {
    let mut length = 0;
    for unit in text.encode_utf16() {
        raw::write(buffer + u64::from(length), unit);
        length += 2;
    }
    raw::write(buffer + u64::from(length), 0_u16);
    write(string, buffer, length, length + 2);
}

/// Returns the bytes of text as UTF-16 with a terminating zero.
pub(crate) fn terminated(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}

/// Returns the bytes that `place` writes to `buffer`.
pub(crate) fn placed_length(text: &str) -> u64 {
    (text.encode_utf16().count() as u64 + 1) * 2
}

/// Whether two names are equal to NT, which ignores case.
pub(crate) const fn same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
