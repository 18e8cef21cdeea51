//! The hardware ID of the device that a driver with `AddDevice` gets.

use std::{fmt, str::FromStr};

/// A hardware ID, as an INF file names it, such as `Root\Echo`.
///
/// Source: "Hardware ID", and the operation of "`IRP_MN_QUERY_ID`": Windows stops at an identifier that breaks
/// these rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardwareId(String);

/// What a hardware ID may not be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HardwareIdError {
    /// It is empty.
    #[error("a hardware ID has at least one character")]
    Empty,
    /// It has this many characters, and too many.
    #[error("a hardware ID has fewer than {MAX_DEVICE_ID_LEN} characters, and this one has {0}")]
    Length(usize),
    /// It has this character.
    #[error(
        "a hardware ID has no spaces, commas, control characters or characters beyond ASCII, and this one has {0:?}"
    )]
    Character(char),
}

/// The constant of `cfgmgr32.h`.
const MAX_DEVICE_ID_LEN: usize = 200;

impl FromStr for HardwareId {
    type Err = HardwareIdError;

    fn from_str(text: &str) -> Result<Self, HardwareIdError> {
        let is_illegal = |character: char| !('!'..='\x7F').contains(&character) || character == ',';
        if text.is_empty() {
            return Err(HardwareIdError::Empty);
        }
        if let Some(character) = text.chars().find(|&character| is_illegal(character)) {
            return Err(HardwareIdError::Character(character));
        }
        if text.len() >= MAX_DEVICE_ID_LEN {
            return Err(HardwareIdError::Length(text.len()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for HardwareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_stops_at_is_refused() {
        let parse = |text: &str| text.parse::<HardwareId>().map(|id| id.to_string());
        let longest = "x".repeat(199);
        for text in [r"Root\Echo", "*PNP0F08", r"PCI\VEN_1000&DEV_0001", &longest] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
        assert_eq!(parse(""), Err(HardwareIdError::Empty));
        assert_eq!(parse(&"x".repeat(200)), Err(HardwareIdError::Length(200)));
        for character in [' ', ',', '\n', '\u{1f}', '\u{80}', '\u{e9}'] {
            let refused = Err(HardwareIdError::Character(character));
            assert_eq!(parse(&format!(r"Root\A{character}")), refused);
        }
    }
}
