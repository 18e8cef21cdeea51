//! The random numbers of a run: the same sequence for the same seed and episode.

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of an episode, or of another part of a run with a number of its own.
    pub(super) const fn of(seed: u64, part: u64) -> Self {
        let mut random = Self(seed);
        let start = random.next();
        Self(start ^ part.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        let end = if end == 0 { 1 } else { end };
        self.next() % end
    }

    pub(super) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or_default()
    }

    /// True once in `times`, on average.
    pub(super) const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let words = (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes());
        words.take(length).collect()
    }

    /// A number that is likely to be a limit, or next to one.
    pub(super) fn limit(&mut self) -> u64 {
        const LIMITS: [u64; 22] = [
            0,
            1,
            2,
            3,
            16,
            24,
            40,
            64,
            96,
            4096,
            16 << 10,
            64 << 10,
            1 << 26,
            1 << 31,
            u32::MAX as u64,
            1 << 32,
            0x7FFF_FFFF_0000,
            0x8000_0000_0000,
            0xFF_FFFF_FFFF_0000,
            1 << 56,
            1 << 63,
            u64::MAX,
        ];
        let limit = self.pick(&LIMITS);
        match self.below(4) {
            0 => limit.wrapping_sub(1),
            1 => limit.wrapping_add(1),
            _ => limit,
        }
    }
}
