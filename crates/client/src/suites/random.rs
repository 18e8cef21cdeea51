//! Pieces of memory by chance, the same ones for the same seed.

use super::verify::{Place, Places};
use crate::{PAGE_LENGTH, Piece};

/// A sequence of numbers that a seed decides, on every machine and in every release alike.
///
/// The generator is `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014). Nothing here needs numbers that nobody can guess.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ value >> 31
    }

    /// A number below a bound; 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let wide = (self.next() as u128) * (bound as u128);
        (wide >> 64) as u64
    }

    fn pick<'l, I>(&mut self, list: &'l [I]) -> Option<&'l I> {
        let index = self.below(list.len() as u64);
        list.get(usize::try_from(index).unwrap_or_default())
    }

    /// A piece in one of the places; `None` if there are none.
    pub fn piece(&mut self, places: &Places) -> Option<Piece> {
        let place = *self
            .pick(&places.classes)
            .and_then(|class| self.pick(class))?;
        Some(self.piece_of(place))
    }

    /// Half of all pieces are shorter than a cache line, most stay within two pages; half begin
    /// at a multiple of eight.
    fn piece_of(&mut self, place: Place) -> Piece {
        let length = match self.below(8) {
            0..4 => 1 + self.below(64),
            4..6 => 1 + self.below(PAGE_LENGTH),
            6 => PAGE_LENGTH,
            _ => 1 + self.below(3 * PAGE_LENGTH),
        };
        let mut offset = self.below(place.length.max(1));
        if self.below(2) == 0 {
            offset &= !7;
        }
        let address = place.source.address().saturating_add(offset);
        let end = if place.open {
            u64::MAX
        } else {
            place.source.address().saturating_add(place.length)
        };
        // At least the byte that the offset is at.
        let length = length.min(end.saturating_sub(address)).max(1);
        Piece {
            source: place.source.with_address(address),
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
    fn a_seed_decides_the_sequence() {
        let mut random = Random::of(1);
        // The generator's published sequence.
        assert_eq!(random.next(), 0x910A_2DEC_8902_5CC1);
        assert_eq!(random.next(), 0xBEEB_8DA1_658E_EC67);
    }

    proptest! {
        #[test]
        fn pieces_stay_where_they_may(
            seed: u64,
            address: u64,
            length in prop_oneof![1..10_000_u64, any::<u64>()],
            open: bool,
        ) {
            let length = length.min(u64::MAX - address).max(1);
            let source = Source::Physical(address);
            let places = Places {
                classes: vec![vec![Place { source, length, open }]],
                ..Places::default()
            };
            let mut random = Random::of(seed);
            for _ in 0..32 {
                let piece = random.piece(&places).unwrap();
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
