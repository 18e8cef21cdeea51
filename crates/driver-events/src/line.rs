//! Events as lines of a log, of the lab and of the KMDF stand-in.

use super::Raw;

/// What such a line begins with, after whatever a log puts before it.
const START: &str = "ETW event ";

impl Raw {
    /// Reads an event from a line: the provider's identifier, the level, and in hexadecimal the
    /// provider's description, the event's description and the values. `None` if the line is no event.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let (_, event) = line.split_once(START)?;
        let mut words = event.split_ascii_whitespace();
        let mut next = || words.next();
        let event = Self {
            provider: u128::from_str_radix(next()?, 16).ok()?,
            level: next()?.parse().ok()?,
            provider_metadata: bytes(next()?)?,
            event_metadata: bytes(next()?)?,
            // An event without fields has none.
            data: next().map_or(Some(Vec::new()), bytes)?,
        };
        words.next().is_none().then_some(event)
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
