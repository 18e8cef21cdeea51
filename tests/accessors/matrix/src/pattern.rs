//! The pattern in memory. Each byte follows from its address, so a byte from another address is
//! noticed.

/// A prime, so that the pattern differs from page to page.
const PERIOD: usize = 251;

/// The most bytes that [`bytes`] returns.
pub const LONGEST: usize = 0x2400;

/// The value of a byte that must not be written. It is neither in the pattern nor used by a fill.
pub const UNTOUCHED: u8 = 0xFE;

static PATTERN: [u8; LONGEST + PERIOD] = {
    let mut bytes = [0; LONGEST + PERIOD];
    let mut offset = 0;
    while offset < bytes.len() {
        bytes[offset] = at_remainder(offset % PERIOD);
        offset += 1;
    }
    bytes
};

#[expect(
    clippy::cast_possible_truncation,
    reason = "a remainder is less than the period"
)]
const fn at_remainder(remainder: usize) -> u8 {
    remainder as u8 + 1
}

/// Returns the byte of an address: never 0, never [`UNTOUCHED`].
#[must_use]
pub const fn byte(address: usize) -> u8 {
    at_remainder(address % PERIOD)
}

/// Returns the bytes from an address on, at most [`LONGEST`] of them.
#[must_use]
pub fn bytes(address: usize, length: usize) -> &'static [u8] {
    &PATTERN[address % PERIOD..][..length]
}
