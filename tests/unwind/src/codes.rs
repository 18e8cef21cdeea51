//! Unwind codes: what a prologue does, in the order in which it is undone.

/// A code, which stands for one instruction. Sizes and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `stp x29, lr, [sp, #-size]!`
    SaveFpLrDown {
        /// The change of the stack pointer.
        size: u32,
    },
    /// `stp x29, lr, [sp, #offset]`
    SaveFpLr {
        /// The offset of the pair.
        offset: u32,
    },
    /// `stp first, first + 1, [sp, #offset]`
    SavePair {
        /// The number of the first register.
        first: u32,
        /// The offset of the pair.
        offset: u32,
    },
    /// `sub sp, sp, #size`
    Allocate {
        /// The change of the stack pointer.
        size: u32,
    },
    /// `mov x29, sp`
    SetFp,
    /// `ret` in an epilogue; the end of the codes of a prologue.
    End,
}

/// Decodes the codes from byte `index` on, up to the end code, inclusive.
///
/// # Errors
///
/// Describes bytes that are not a code, or a code that the routines do not use.
pub fn decode(bytes: &[u8], index: usize) -> Result<Vec<Code>, String> {
    let mut codes = Vec::new();
    let mut rest = bytes.get(index..).unwrap_or_default();
    loop {
        let (code, length) = one(rest)?;
        codes.push(code);
        if code == Code::End {
            return Ok(codes);
        }
        rest = &rest[length..];
    }
}

fn one(bytes: &[u8]) -> Result<(Code, usize), String> {
    let first = u32::from(*bytes.first().ok_or("the codes have no end")?);
    let pair = || -> Result<u32, String> {
        let second = bytes.get(1).ok_or("a code is cut off")?;
        Ok(first << 8 | u32::from(*second))
    };
    Ok(match first {
        0x00..=0x1F => (Code::Allocate { size: first * 16 }, 1),
        0x40..=0x7F => (
            Code::SaveFpLr {
                offset: (first & 0x3F) * 8,
            },
            1,
        ),
        0x80..=0xBF => (
            Code::SaveFpLrDown {
                size: ((first & 0x3F) + 1) * 8,
            },
            1,
        ),
        0xC8..=0xCB => {
            let code = pair()?;
            let (first, offset) = (19 + (code >> 6 & 0xF), (code & 0x3F) * 8);
            (Code::SavePair { first, offset }, 2)
        }
        0xE1 => (Code::SetFp, 1),
        0xE4 => (Code::End, 1),
        _ => return Err(format!("unknown code {first:#X}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_to_their_end() {
        let bytes = [0xE1, 0xC8, 0x02, 0x87, 0xE4, 0xE3];
        let all = [
            Code::SetFp,
            Code::SavePair {
                first: 19,
                offset: 16,
            },
            Code::SaveFpLrDown { size: 64 },
            Code::End,
        ];
        assert_eq!(decode(&bytes, 0).unwrap(), all);
        assert_eq!(decode(&bytes, 1).unwrap(), all[1..]);
    }

    #[test]
    fn fields_are_decoded() {
        let pair = Code::SavePair {
            first: 21,
            offset: 32,
        };
        assert_eq!(decode(&[0xC8, 0x84, 0xE4], 0).unwrap()[0], pair);
        let allocated = Code::Allocate { size: 48 };
        assert_eq!(decode(&[0x03, 0xE4], 0).unwrap()[0], allocated);
        let saved = Code::SaveFpLr { offset: 16 };
        assert_eq!(decode(&[0x42, 0xE4], 0).unwrap()[0], saved);
    }

    #[test]
    fn bytes_that_are_not_a_code_are_refused() {
        for bytes in [&[][..], &[0xE1], &[0xC8], &[0xE8, 0xE4], &[0xFF]] {
            assert!(decode(bytes, 0).is_err(), "{bytes:?}");
        }
    }
}
