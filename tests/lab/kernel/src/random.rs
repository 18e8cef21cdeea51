//! Random numbers from the seed on the command line. The same seed makes the same machine.

use crate::global::Global;

static STATE: Global<u64> = Global::new(0);

pub(crate) fn seed(value: u64) {
    STATE.with(|state| *state = value);
}

/// Returns the next number. Generator: `SplitMix64` (Steele, Lea, Flood 2014).
pub(crate) fn next() -> u64 {
    STATE.with(|state| {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// Returns a number below `limit`.
pub(crate) fn below(limit: u64) -> u64 {
    next() % limit
}
