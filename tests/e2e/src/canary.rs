//! Memory that must not change.

use ringcopy_client::{Transport, protocol::SESSION_LENGTH};
use ringcopy_lab::Process;

/// Bytes of no visible order, another sequence for every seed.
#[must_use]
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// What some memory holds, seen without the driver: a handle's session buffer and ranges of its
/// process's memory.
#[derive(Debug, PartialEq, Eq)]
pub struct Canary {
    session: Vec<u8>,
    ranges: Vec<Vec<u8>>,
}

impl Canary {
    /// Looks at the memory.
    ///
    /// # Panics
    /// If the lab is gone, or the memory is.
    #[must_use]
    pub fn look(process: &mut Process<'_>, session: u64, ranges: &[(u64, usize)]) -> Self {
        let session = process
            .lab()
            .read_system(session, SESSION_LENGTH)
            .unwrap_or_else(|error| panic!("{error}"));
        let ranges = ranges
            .iter()
            .map(|&(address, length)| {
                let mut bytes = vec![0; length];
                process
                    .read(address, &mut bytes)
                    .unwrap_or_else(|error| panic!("{error}"));
                bytes
            })
            .collect();
        Self { session, ranges }
    }
}
