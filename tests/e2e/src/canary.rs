//! Memory that must not change.

use ringcopy_client::{Transport, protocol::SESSION_LENGTH};
use ringcopy_lab::Process;

/// Returns bytes without a visible order, another sequence for every seed.
#[must_use]
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    ringcopy_client::suites::pattern(seed, length as u64)
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
