//! Addresses and lengths as people write them.

#![forbid(unsafe_code)]

/// Why a text is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNumberError {
    /// There are no digits.
    #[error("no digits; write a number such as 4096, 4KiB or 0x1000")]
    Empty,
    /// A character is not a digit of the base.
    #[error(
        "`{}` does not belong in a number; write 4096, 4KiB, 1_000 or 0x1000 (hexadecimal \
         digits need the 0x)",
        .0.escape_debug()
    )]
    Character(char),
    /// It does not fit in 64 bits.
    #[error("the number does not fit in 64 bits")]
    Overflow,
}

/// Parses a decimal number, or a hexadecimal one after `0x`. Underscores, and the back-quotes that
/// debuggers put into addresses, may stand between digits; `KiB`, `MiB` or `GiB` may follow.
///
/// # Errors
/// A [`ParseNumberError`], whose text says what to write instead.
pub fn parse_number(text: &str) -> Result<u64, ParseNumberError> {
    let (digits, factor) = split_unit(text.trim());
    let (digits, radix) = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .map_or((digits, 10), |digits| (digits, 16));
    let mut value = None;
    for character in digits.chars() {
        if matches!(character, '_' | '`') {
            continue;
        }
        let digit = character
            .to_digit(radix)
            .ok_or(ParseNumberError::Character(character))?;
        value = Some(
            value
                .unwrap_or(0_u64)
                .checked_mul(radix.into())
                .and_then(|value| value.checked_add(digit.into()))
                .ok_or(ParseNumberError::Overflow)?,
        );
    }
    value
        .ok_or(ParseNumberError::Empty)?
        .checked_mul(factor)
        .ok_or(ParseNumberError::Overflow)
}

fn split_unit(text: &str) -> (&str, u64) {
    for (unit, factor) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)] {
        let Some(split) = text.len().checked_sub(unit.len()) else {
            continue;
        };
        if text
            .get(split..)
            .is_some_and(|end| end.eq_ignore_ascii_case(unit))
        {
            return (text[..split].trim_end(), factor);
        }
    }
    (text, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_valid_numbers() {
        for (text, value) in [
            ("0", 0),
            ("4096", 4096),
            ("1_000_000", 1_000_000),
            ("0x1F", 0x1F),
            ("0XfeE0_0000", 0xFEE0_0000),
            ("0xfffff800`12345678", 0xFFFF_F800_1234_5678),
            ("4KiB", 4096),
            ("4 kib", 4096),
            ("0x10MiB", 16 << 20),
            ("3GiB", 3 << 30),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_number(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn refuses_invalid_numbers() {
        for (text, error) in [
            ("", ParseNumberError::Empty),
            ("0x", ParseNumberError::Empty),
            ("__", ParseNumberError::Empty),
            ("MiB", ParseNumberError::Empty),
            ("12 34", ParseNumberError::Character(' ')),
            ("-1", ParseNumberError::Character('-')),
            ("fee0", ParseNumberError::Character('f')),
            ("4KB", ParseNumberError::Character('K')),
            ("0x1_0000_0000_0000_0000", ParseNumberError::Overflow),
            ("18446744073709551616", ParseNumberError::Overflow),
            ("0x4000000000GiB", ParseNumberError::Overflow),
        ] {
            assert_eq!(parse_number(text), Err(error), "{text}");
        }
    }

    #[test]
    fn an_invisible_character_is_shown_by_its_number() {
        let sentence = parse_number("\u{feff}0x1000").unwrap_err().to_string();
        assert!(sentence.starts_with("`\\u{feff}` does not"), "{sentence}");
    }

    proptest! {
        #[test]
        fn every_printed_number_is_parsed(value: u64) {
            prop_assert_eq!(parse_number(&value.to_string()), Ok(value));
            prop_assert_eq!(parse_number(&format!("{value:#x}")), Ok(value));
            prop_assert_eq!(parse_number(&format!("0x{:04X}_{:012x}", value >> 48, value << 16 >> 16)), Ok(value));
        }

        #[test]
        fn units_multiply(value in 0_u64..1 << 30) {
            prop_assert_eq!(parse_number(&format!("{value}KiB")), Ok(value << 10));
            prop_assert_eq!(parse_number(&format!("{value:#x}mib")), Ok(value << 20));
        }

        #[test]
        fn any_text_is_validated(text in ".*") {
            let _ = parse_number(&text);
        }
    }
}
