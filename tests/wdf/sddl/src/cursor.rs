//! A position in a string of UTF-16.

use crate::Malformed;

/// A position in a string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u16],
    position: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(text: &'a [u16]) -> Self {
        Self {
            rest: text,
            position: 0,
        }
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) const fn malformed(&self) -> Malformed {
        Malformed {
            position: self.position,
        }
    }

    fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or(&[]);
        self.position = self.position.saturating_add(count);
    }

    /// Passes an ASCII text, if it comes next.
    pub(crate) fn take(&mut self, text: &str) -> bool {
        let comes_next = self.rest.len() >= text.len()
            && self
                .rest
                .iter()
                .zip(text.bytes())
                .all(|(unit, byte)| *unit == u16::from(byte));
        if comes_next {
            self.advance(text.len());
        }
        comes_next
    }

    /// Passes an ASCII text.
    pub(crate) fn expect(&mut self, text: &str) -> Result<(), Malformed> {
        if self.take(text) {
            Ok(())
        } else {
            Err(self.malformed())
        }
    }

    /// Passes digits, one at least, of a number up to a maximum.
    pub(crate) fn number(&mut self, radix: u32, maximum: u64) -> Result<u64, Malformed> {
        let mut number: Option<u64> = None;
        while let Some(digit) = self.digit(radix) {
            let grown = number
                .unwrap_or(0)
                .checked_mul(u64::from(radix))
                .and_then(|number| number.checked_add(u64::from(digit)))
                .filter(|number| *number <= maximum)
                .ok_or_else(|| self.malformed())?;
            number = Some(grown);
            self.advance(1);
        }
        number.ok_or_else(|| self.malformed())
    }

    fn digit(&self, radix: u32) -> Option<u32> {
        let unit = self.rest.first()?;
        char::from_u32(u32::from(*unit))?.to_digit(radix)
    }
}
