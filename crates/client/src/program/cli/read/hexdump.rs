//! A hexadecimal dump of ranges of memory, with the holes marked.

use std::io::{self, Write};

use super::holes::Hole;
use crate::explain_hole;

const COLUMNS: usize = 16;

/// A dump of lines of sixteen bytes: the address of the first one, the bytes in hexadecimal, and
/// those that are printable ASCII as characters.
///
/// A missing byte is shown as `??`. Each hole has one line with its length and the reason; lines
/// that would show nothing but a hole are left out. Where the addresses are not contiguous, a new
/// line begins.
#[derive(Default)]
pub(super) struct HexDump {
    /// The address of the row's first byte.
    address: u64,
    row: Vec<Option<u8>>,
    /// Lines to write after the row.
    remarks: Vec<String>,
}

impl HexDump {
    /// Adds bytes.
    pub(super) fn bytes(
        &mut self,
        out: &mut dyn Write,
        address: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        self.go_to(out, address)?;
        for &byte in bytes {
            self.put(out, Some(byte))?;
        }
        Ok(())
    }

    /// Adds a hole.
    pub(super) fn hole(&mut self, out: &mut dyn Write, hole: &Hole) -> io::Result<()> {
        let address = hole.source.address();
        self.go_to(out, address)?;
        let remark = format!(
            "{address:016x}  ?? {} bytes: {} ({})",
            hole.length,
            hole.status,
            explain_hole(hole.status)
        );
        let mut left = hole.length;
        if self.row.is_empty() {
            writeln!(out, "{remark}")?;
        } else {
            self.remarks.push(remark);
            while left > 0 && !self.row.is_empty() {
                self.put(out, None)?;
                left -= 1;
            }
        }
        let columns = COLUMNS as u64;
        self.address = self.address.wrapping_add(left / columns * columns);
        for _ in 0..left % columns {
            self.put(out, None)?;
        }
        Ok(())
    }

    /// Writes what is left of the last row.
    pub(super) fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.row.iter().any(Option::is_some) {
            write!(out, "{:016x} ", self.address)?;
            for column in 0..COLUMNS {
                if column == COLUMNS / 2 {
                    write!(out, " ")?;
                }
                match self.row.get(column) {
                    Some(Some(byte)) => write!(out, " {byte:02x}")?,
                    Some(None) => write!(out, " ??")?,
                    None => write!(out, "   ")?,
                }
            }
            let text: String = self
                .row
                .iter()
                .map(|byte| match byte {
                    Some(byte @ b' '..=b'~') => char::from(*byte),
                    Some(_) => '.',
                    None => ' ',
                })
                .collect();
            writeln!(out, "  |{text}|")?;
        }
        for remark in self.remarks.drain(..) {
            writeln!(out, "{remark}")?;
        }
        self.address = self.next();
        self.row.clear();
        Ok(())
    }

    const fn next(&self) -> u64 {
        self.address.wrapping_add(self.row.len() as u64)
    }

    fn go_to(&mut self, out: &mut dyn Write, address: u64) -> io::Result<()> {
        if address != self.next() {
            self.finish(out)?;
            self.address = address;
        }
        Ok(())
    }

    fn put(&mut self, out: &mut dyn Write, byte: Option<u8>) -> io::Result<()> {
        self.row.push(byte);
        if self.row.len() == COLUMNS {
            self.finish(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ringcopy_protocol::NtStatus;

    use super::*;
    use crate::Source;

    /// Dumps bytes, and holes of these lengths.
    fn dump(mut address: u64, parts: &[Result<&[u8], u64>]) -> String {
        let mut out = Vec::new();
        let mut dump = HexDump::default();
        for part in parts {
            match *part {
                Ok(bytes) => {
                    dump.bytes(&mut out, address, bytes).unwrap();
                    address = address.wrapping_add(bytes.len() as u64);
                }
                Err(length) => {
                    let hole = Hole {
                        source: Source::Physical(address),
                        length,
                        status: NtStatus::UNSUCCESSFUL,
                    };
                    dump.hole(&mut out, &hole).unwrap();
                    address += length;
                }
            }
        }
        dump.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        text.replace("STATUS_UNSUCCESSFUL (not read)", "gone")
    }

    #[test]
    fn sixteen_bytes_a_line_with_address_and_text() {
        assert_eq!(
            dump(0xFF8, &[Ok(b"ring 0 to ring 3\x00\xFF~")]),
            "0000000000000ff8  72 69 6e 67 20 30 20 74  6f 20 72 69 6e 67 20 33  |ring 0 to ring 3|\n\
             0000000000001008  00 ff 7e                                          |..~|\n"
        );
    }

    #[test]
    fn the_last_address_wraps_and_does_not_panic() {
        assert!(dump(u64::MAX, &[Ok(&[0; 17])]).contains("\n000000000000000f "));
    }

    #[test]
    fn a_hole_is_marked() {
        assert_eq!(
            dump(0x1000, &[Ok(b"head"), Err(14 + 32), Ok(b"tail")]),
            "0000000000001000  68 65 61 64 ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  |head            |\n\
             0000000000001004  ?? 46 bytes: gone\n\
             0000000000001030  ?? ?? 74 61 69 6c                                 |  tail|\n"
        );
        assert_eq!(
            dump(0x1000, &[Err(32), Ok(b"x")]),
            "0000000000001000  ?? 32 bytes: gone\n\
             0000000000001020  78                                                |x|\n"
        );
        assert_eq!(
            dump(0x1000, &[Err(3)]),
            "0000000000001000  ?? 3 bytes: gone\n"
        );
        assert_eq!(
            dump(0x1000, &[Ok(b"x"), Err(1), Ok(b"y"), Err(1 << 40)]),
            "0000000000001000  78 ?? 79 ?? ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  |x y             |\n\
             0000000000001001  ?? 1 bytes: gone\n\
             0000000000001003  ?? 1099511627776 bytes: gone\n"
        );
    }
}
