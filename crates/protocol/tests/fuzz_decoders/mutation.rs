//! Random mutations of requests.

use super::Case;

/// `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// Returns a number at or near a limit.
    fn number(&mut self) -> u64 {
        const LIMITS: [u64; 16] = [
            0,
            1,
            2,
            3,
            16,
            24,
            40,
            96,
            4096,
            4097,
            1 << 26,
            1 << 31,
            u32::MAX as u64,
            1 << 32,
            1 << 63,
            u64::MAX,
        ];
        let limit = LIMITS[self.below(LIMITS.len())];
        match self.next() % 4 {
            0 => limit.wrapping_sub(1),
            1 => limit.wrapping_add(1),
            _ => limit,
        }
    }

    pub fn mutate(&mut self, case: &mut Case, corpus: &[Case]) {
        let length = case.input.len();
        match self.next() % 9 {
            0 => case.code = self.next(),
            1 => case.output = self.number() % (1 << 40),
            2 => {
                case.output = case
                    .output
                    .wrapping_add(self.next() % 65)
                    .saturating_sub(32);
            }
            3 => {
                let at = self.below(length);
                if let Some(byte) = case.input.get_mut(at) {
                    *byte ^= 1 << (self.0 >> 61);
                }
            }
            4 | 5 => {
                let at = self.below(length) & !3;
                let number = self.number().to_le_bytes();
                for (byte, new) in case.input.iter_mut().skip(at).zip(&number[..4]) {
                    *byte = *new;
                }
            }
            6 => case.input.truncate(self.below(length + 1)),
            7 => {
                let more = self.below(64);
                case.input.resize(length + more, 0);
            }
            _ => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.input.len()) & !7;
                case.input.truncate(self.below(length + 1) & !7);
                case.input
                    .extend(&other.input[from.min(other.input.len())..]);
            }
        }
    }
}
