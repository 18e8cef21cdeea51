//! What an image of memory looks like as a file.
//!
//! | form | what is where | other readers |
//! | --- | --- | --- |
//! | `Ranges` | one range after the other, zeros in the holes | those that are told the offsets |
//! | `Addresses` | each byte at the offset that is its physical address | all that read raw images |
//! | `Lime` | segments with a header each, no holes | `LeechCore`, `MemProcFS`, Volatility, memflow |
//!
//! `LiME` is the second form because all of these document it, because it says by itself which
//! addresses it has, and because it can be written in one go. The documentation of `WinPmem` offers
//! AFF4 and ELF besides raw images: Volatility 3 lists no layer for AFF4, and an ELF core names its
//! segments at its start, before the holes are known. Windows' own crash dumps hold the state of the
//! system, which the driver does not gather.
//!
//! A segment ends where a hole begins, so that no reader takes zeros for memory. `LeechCore` opens
//! images of whole pages alone, so no others are written.

use serde::{Deserialize, Serialize};

use crate::{PAGE_LENGTH, cli::range_argument::Range};

/// A form of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::program::cli) enum Form {
    #[default]
    Ranges,
    Addresses,
    Lime,
}

impl Form {
    /// Its name, and what a reader of a map has to know of it.
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

/// Bytes in a header.
pub(super) const HEADER: u64 = 32;

/// Where in a header the address of the last byte is.
pub(super) const LAST: u64 = 16;

/// The header of a segment of these addresses, both of which are in it.
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

/// The addresses in a header, if it is one.
pub(super) fn addresses(header: [u8; 32]) -> Option<(u64, u64)> {
    let number = |at: usize| {
        let bytes = header.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    };
    let (first, last) = (number(8)?, number(16)?);
    (header == self::header(first, last) && first <= last).then_some((first, last))
}

/// Refuses ranges that no reader of `LiME` images takes.
pub(in crate::program::cli) fn check_lime(ranges: &[Range]) -> Result<(), String> {
    for range in ranges {
        if !(range.source.address() | range.length).is_multiple_of(PAGE_LENGTH) {
            return Err(format!(
                "{range} is not made of whole pages, and not all readers of LiME images take others; \
                 let address and length be multiples of {PAGE_LENGTH}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_told_from_what_is_none() {
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
