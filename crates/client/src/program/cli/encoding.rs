//! The encodings of text files that editors and shells write.

/// Decodes a text file: UTF-8, or UTF-16 with a byte-order mark, as `>` writes it in Windows
/// PowerShell 5.1. Each line of the result ends with `\n`.
///
/// # Errors
/// What is wrong, as a part of a sentence.
pub(super) fn decode(bytes: &[u8]) -> Result<String, String> {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest)?,
        _ => utf8(bytes)?,
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in text.lines().enumerate() {
        if let Some(control) = line.chars().find(|c| c.is_control() && *c != '\t') {
            return Err(match control {
                '\0' => format!(
                    "line {} has a NUL in it, like binary data or UTF-16 without a byte-order mark",
                    number + 1
                ),
                control => format!(
                    "line {} has the control character {} in it, like binary data",
                    number + 1,
                    control.escape_unicode()
                ),
            });
        }
    }
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let (valid, _) = bytes.split_at(error.valid_up_to());
            let line = valid.split(|&byte| byte == b'\n').count();
            Err(format!("line {line} is not UTF-8"))
        }
    }
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err("it is UTF-16, and ends within a character".into());
    }
    char::decode_utf16(units.iter().map(|&bytes| unit(bytes)))
        .collect::<Result<_, _>>()
        .map_err(|error| {
            format!(
                "it is UTF-16, and has {:#06x} without the other half of its character",
                error.unpaired_surrogate()
            )
        })
}

#[cfg(test)]
mod tests {
    use super::decode;
    use proptest::prelude::*;

    fn utf16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(bytes).collect()
    }

    #[test]
    fn line_ends_of_all_systems_are_accepted() {
        assert_eq!(decode(b"a\nb\r\nc\rd"), Ok("a\nb\nc\nd".into()));
    }

    #[test]
    fn binary_data_is_refused() {
        for (bytes, advice) in [
            (&b"1:2\n\x003:4"[..], "line 2 has a NUL"),
            (&b"1:2\r\n\x7fELF"[..], "line 2 has the control character"),
            (b"1\x002\x00", "UTF-16 without a byte-order mark"),
            (b"\xff\xfe1\x00\r", "ends within a character"),
            (b"\xff\xfe1\x00\x00\x00", "NUL"),
            (b"\xff\xfe\x00\xd81\x00", "0xd800"),
            (b"1:2\ngr\xf6\xdfe", "line 2 is not UTF-8"),
            (b"\xef\xbb\xbf1:2\n\xff", "line 2 is not UTF-8"),
            // UTF-32 has NULs in every encoding.
            (b"\xff\xfe\x00\x001\x00\x00\x00", "NUL"),
        ] {
            let problem = decode(bytes).unwrap_err();
            assert!(problem.contains(advice), "{bytes:x?}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_the_same_in_every_encoding(text in "[^\\p{Cc}\u{feff}]*") {
            prop_assert_eq!(decode(text.as_bytes()), Ok(text.clone()));
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            prop_assert_eq!(decode(&marked), Ok(text.clone()));
            prop_assert_eq!(decode(&utf16(&text, u16::to_le_bytes)), Ok(text.clone()));
            prop_assert_eq!(decode(&utf16(&text, u16::to_be_bytes)), Ok(text));
        }

        #[test]
        fn any_bytes_are_validated(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
