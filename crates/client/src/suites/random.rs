//! Random numbers, bytes and pieces of memory, which a seed determines.

use super::verify::{Region, Regions};
use crate::{PAGE_LENGTH, Piece};

/// A sequence of numbers that a seed determines, the same on every machine and in every release.
///
/// The generator is `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014). It is not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Returns the sequence of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ value >> 31
    }

    /// Returns a number below a bound; 0 if the bound is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let wide = (self.next() as u128) * (bound as u128);
        (wide >> 64) as u64
    }

    fn pick<'l, I>(&mut self, list: &'l [I]) -> Option<&'l I> {
        let index = self.below(list.len() as u64);
        list.get(usize::try_from(index).unwrap_or_default())
    }

    /// Returns a piece in one of the regions; `None` if there are none.
    pub fn piece(&mut self, regions: &Regions) -> Option<Piece> {
        let region = *self
            .pick(&regions.classes)
            .and_then(|class| self.pick(class))?;
        Some(self.piece_of(region))
    }

    /// Half of the pieces are at most 64 bytes long, and most stay within two pages. Half begin at a
    /// multiple of eight.
    fn piece_of(&mut self, region: Region) -> Piece {
        let length = match self.below(8) {
            0..4 => 1 + self.below(64),
            4..6 => 1 + self.below(PAGE_LENGTH),
            6 => PAGE_LENGTH,
            _ => 1 + self.below(3 * PAGE_LENGTH),
        };
        let mut offset = self.below(region.length.max(1));
        if self.below(2) == 0 {
            offset &= !7;
        }
        let address = region.source.address().saturating_add(offset);
        let end = if region.open {
            u64::MAX
        } else {
            region.source.address().saturating_add(region.length)
        };
        // At least the byte at the offset.
        let length = length.min(end.saturating_sub(address)).max(1);
        Piece {
            source: region.source.with_address(address),
            length: u32::try_from(length).unwrap_or(1),
        }
    }
}

/// Returns bytes without a visible order: the same for the same seed, others for another. So a copy
/// that is shifted, repeated or of another buffer differs.
#[must_use]
pub fn pattern(seed: u64, length: u64) -> Vec<u8> {
    let mut random = Random::of(seed);
    (0..length)
        .map(|_| random.next().to_le_bytes()[0])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;
    use proptest::prelude::*;

    #[test]
    fn a_seed_determines_the_sequence() {
        let mut random = Random::of(1);
        // The generator's published sequence.
        assert_eq!(random.next(), 0x910A_2DEC_8902_5CC1);
        assert_eq!(random.next(), 0xBEEB_8DA1_658E_EC67);
    }

    proptest! {
        #[test]
        fn pieces_stay_in_their_region(
            seed: u64,
            address: u64,
            length in prop_oneof![1..10_000_u64, any::<u64>()],
            open: bool,
        ) {
            let length = length.min(u64::MAX - address).max(1);
            let source = Source::Physical(address);
            let regions = Regions {
                classes: vec![vec![Region { source, length, open }]],
                ..Regions::default()
            };
            let mut random = Random::of(seed);
            for _ in 0..32 {
                let piece = random.piece(&regions).unwrap();
                let first = piece.source.address();
                prop_assert!(first >= address && first - address < length);
                prop_assert!(piece.length > 0 && u64::from(piece.length) <= 3 * PAGE_LENGTH);
                let last = first.checked_add(u64::from(piece.length) - 1);
                prop_assert!(last.is_some());
                prop_assert!(open || last.unwrap() - address < length);
            }
        }
    }
}
