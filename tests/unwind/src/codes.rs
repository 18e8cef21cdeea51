//! Unwind codes: what a prologue did, in the order of undoing it.

/// One code, for the one instruction that it stands for. Sizes and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `stp x29, lr, [sp, #-size]!`
    SaveFpLrDown {
        /// By how much the stack pointer moves.
        size: u32,
    },
    /// `stp x29, lr, [sp, #offset]`
    SaveFpLr {
        /// Where the pair is.
        offset: u32,
    },
    /// `stp first, first + 1, [sp, #offset]`
    SavePair {
        /// The register's number.
        first: u32,
        /// Where the pair is.
        offset: u32,
    },
    /// `sub sp, sp, #size`
    Allocate {
        /// By how much the stack pointer moves.
        size: u32,
    },
    /// `mov x29, sp`
    SetFp,
    /// `ret`, in an epilogue; the end of the prologue's codes.
    End,
}

/// The codes from byte `index` on, to the end code and with it.
///
/// # Errors
///
/// What was met that is no code, or none that a routine of ours has a use for.
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
        _ => return Err(format!("a code that is not known here: {first:#X}")),
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
    fn fields_are_where_the_table_has_them() {
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
    fn what_is_no_code_is_refused() {
        for bytes in [&[][..], &[0xE1], &[0xC8], &[0xE8, 0xE4], &[0xFF]] {
            assert!(decode(bytes, 0).is_err(), "{bytes:?}");
        }
    }
}
