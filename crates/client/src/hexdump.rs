//! Bytes for people to read.

use std::io::{self, Write};

const COLUMNS: usize = 16;

/// Writes lines of sixteen bytes: the address of the first, the bytes in hexadecimal, and those
/// that are printable ASCII as characters.
///
/// # Errors
/// What `out` fails with.
///
/// ```
/// let mut out = Vec::new();
/// ringcopy_client::hexdump(&mut out, 0x1000, b"MZ\x90\0")?;
/// assert_eq!(
///     String::from_utf8_lossy(&out),
///     "0000000000001000  4d 5a 90 00                                       |MZ..|\n"
/// );
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn hexdump(out: &mut dyn Write, address: u64, bytes: &[u8]) -> io::Result<()> {
    let mut dump = HexDump::at(address);
    dump.bytes(out, bytes)?;
    dump.finish(out)
}

/// The lines of [`hexdump()`] for bytes that come bit by bit, with holes between them.
///
/// A byte that is missing is shown as `??`. Each hole has a line that says how long it is and why,
/// and stands for all those of the hole's lines that would show nothing else.
#[derive(Debug)]
pub struct HexDump {
    /// Of the row's first byte.
    address: u64,
    row: Vec<Option<u8>>,
    /// What is to be said once the row is written.
    remarks: Vec<String>,
}

impl HexDump {
    /// Starts at an address, with a row of its own.
    #[must_use]
    pub const fn at(address: u64) -> Self {
        Self {
            address,
            row: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn bytes(&mut self, out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
        for &byte in bytes {
            self.put(out, Some(byte))?;
        }
        Ok(())
    }

    /// Takes a hole of so many bytes.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn hole(&mut self, out: &mut dyn Write, length: u64, reason: &str) -> io::Result<()> {
        let first = self.address.wrapping_add(self.row.len() as u64);
        let remark = format!("{first:016x}  ?? {length} bytes: {reason}");
        let started = !self.row.is_empty();
        let mut left = length;
        if started {
            self.remarks.push(remark);
            while left > 0 && !self.row.is_empty() {
                self.put(out, None)?;
                left -= 1;
            }
        } else {
            writeln!(out, "{remark}")?;
        }
        let columns = COLUMNS as u64;
        self.address = self.address.wrapping_add(left / columns * columns);
        for _ in 0..left % columns {
            self.put(out, None)?;
        }
        Ok(())
    }

    /// Writes what is left of the last row.
    ///
    /// # Errors
    /// What `out` fails with.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        self.flush(out)
    }

    fn put(&mut self, out: &mut dyn Write, byte: Option<u8>) -> io::Result<()> {
        self.row.push(byte);
        if self.row.len() == COLUMNS {
            self.flush(out)?;
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
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
        self.address = self.address.wrapping_add(self.row.len() as u64);
        self.row.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bytes_a_line_with_address_and_text() {
        let mut out = Vec::new();
        hexdump(&mut out, 0xFF8, b"ring 0 to ring 3\x00\xFF~").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "0000000000000ff8  72 69 6e 67 20 30 20 74  6f 20 72 69 6e 67 20 33  |ring 0 to ring 3|\n\
             0000000000001008  00 ff 7e                                          |..~|\n"
        );
    }

    #[test]
    fn the_last_address_wraps_and_does_not_panic() {
        let mut out = Vec::new();
        hexdump(&mut out, u64::MAX, &[0; 17]).unwrap();
        assert!(
            String::from_utf8(out)
                .unwrap()
                .contains("\n000000000000000f ")
        );
    }

    fn dump(parts: &[Result<&[u8], u64>]) -> String {
        let mut out = Vec::new();
        let mut dump = HexDump::at(0x1000);
        for part in parts {
            match part {
                Ok(bytes) => dump.bytes(&mut out, bytes).unwrap(),
                Err(length) => dump.hole(&mut out, *length, "gone").unwrap(),
            }
        }
        dump.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_hole_is_a_hole() {
        assert_eq!(
            dump(&[Ok(b"head"), Err(14 + 32), Ok(b"tail")]),
            "0000000000001000  68 65 61 64 ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  |head            |\n\
             0000000000001004  ?? 46 bytes: gone\n\
             0000000000001030  ?? ?? 74 61 69 6c                                 |  tail|\n"
        );
        assert_eq!(
            dump(&[Err(32), Ok(b"x")]),
            "0000000000001000  ?? 32 bytes: gone\n\
             0000000000001020  78                                                |x|\n"
        );
        assert_eq!(dump(&[Err(3)]), "0000000000001000  ?? 3 bytes: gone\n");
        assert_eq!(
            dump(&[Ok(b"x"), Err(1), Ok(b"y"), Err(1 << 40)]),
            "0000000000001000  78 ?? 79 ?? ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  |x y             |\n\
             0000000000001001  ?? 1 bytes: gone\n\
             0000000000001003  ?? 1099511627776 bytes: gone\n"
        );
    }
}
