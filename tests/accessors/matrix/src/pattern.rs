//! What memory holds: a byte that follows from its address, so that neither a byte of a neighbour
//! nor one of another round is taken for it.

/// A prime, so that the pattern is another one on each page.
const PERIOD: usize = 251;

/// The longest run of bytes that is looked at in one go.
pub const LONGEST: usize = 0x2400;

/// What a byte holds that nothing may write: none of the pattern's, nor one that is filled in.
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

/// The byte at an address: never 0, never what is "untouched".
#[must_use]
pub const fn byte(address: usize) -> u8 {
    at_remainder(address % PERIOD)
}

/// The bytes from an address on, at most [`LONGEST`] of them.
#[must_use]
pub fn bytes(address: usize, length: usize) -> &'static [u8] {
    &PATTERN[address % PERIOD..][..length]
}
