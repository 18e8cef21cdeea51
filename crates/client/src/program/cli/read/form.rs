//! The formats of images of memory.
//!
//! | form | layout | readers |
//! | --- | --- | --- |
//! | `Ranges` | one range after the other, zeros in the holes | those that are given the offsets |
//! | `Addresses` | each byte at the offset that is its physical address | all that read raw images |
//! | `Lime` | segments with a header, no holes | `LeechCore`, `MemProcFS`, Volatility, memflow |
//!
//! `LiME` was chosen because all of these readers document it, it contains its addresses, and it
//! can be written in one pass. The documentation of `WinPmem` has AFF4 and ELF besides raw images.
//! Volatility 3 lists no layer for AFF4. An ELF core names its segments at its start, before the
//! holes are known. Windows' crash dumps hold the state of the system, which the driver does not
//! have.
//!
//! A segment ends where a hole begins, so that no reader mistakes zeros for memory. `LeechCore`
//! opens only images of whole pages, so no others are written.

use serde::{Deserialize, Serialize};

use crate::{PAGE_LENGTH, cli::range_argument::Range};

/// A format of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::program::cli) enum Form {
    #[default]
    Ranges,
    Addresses,
    Lime,
}

impl Form {
    /// Returns the name in a map.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ranges | Self::Addresses => "raw",
            Self::Lime => "lime",
        }
    }
}

/// Source: "`LiME` Memory Range Header Version 1 Specification", the documentation of `LiME`.
const MAGIC: u32 = 0x4C69_4D45;
const VERSION: u32 = 1;

/// The length of a header in bytes.
pub(super) const HEADER: u64 = 32;

/// The offset of the last address in a header.
pub(super) const LAST: u64 = 16;

/// Returns the header of a segment with these first and last addresses.
pub(super) fn header(first: u64, last: u64) -> [u8; 32] {
    let mut header = [0; 32];
    let fields = [
        MAGIC.to_le_bytes().as_slice(),
        &VERSION.to_le_bytes(),
        &first.to_le_bytes(),
        &last.to_le_bytes(),
    ]
    .concat();
    for (to, from) in header.iter_mut().zip(fields) {
        *to = from;
    }
    header
}

/// Returns the addresses in a header, if it is valid.
pub(super) fn addresses(header: [u8; 32]) -> Option<(u64, u64)> {
    let number = |at: usize| {
        let bytes = header.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    let (first, last) = (number(8)?, number(16)?);
    (header == self::header(first, last) && first <= last).then_some((first, last))
}

/// Refuses ranges that readers of `LiME` images do not take.
pub(in crate::program::cli) fn check_lime(ranges: &[Range]) -> Result<(), String> {
    for range in ranges {
        if !(range.source.address() | range.length).is_multiple_of(PAGE_LENGTH) {
            return Err(format!(
                "{range} does not have whole pages, which readers of LiME images need; use multiples \
                 of {PAGE_LENGTH} for address and length"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_parsed_and_others_are_refused() {
        let header = header(0x1000, 0x9_EFFF);
        assert_eq!(&header[..8], b"EMiL\x01\0\0\0");
        assert_eq!(addresses(header), Some((0x1000, 0x9_EFFF)));
        for byte in [0, 4, 24, 31] {
            let mut broken = header;
            broken[byte] ^= 1;
            assert_eq!(addresses(broken), None, "byte {byte}");
        }
        assert_eq!(addresses(super::header(2, 1)), None);
    }
}
