//! Bytes for people to read.

use std::io::{self, Write};

const COLUMNS: usize = 16;

/// Writes lines of sixteen bytes: the address of the first, the bytes in hexadecimal, and those
/// that are printable ASCII as characters.
///
/// # Errors
/// What `out` fails with.
pub fn hexdump(out: &mut dyn Write, address: u64, bytes: &[u8]) -> io::Result<()> {
    for (line, row) in bytes.chunks(COLUMNS).enumerate() {
        let offset = (line * COLUMNS) as u64;
        write!(out, "{:016x} ", address.wrapping_add(offset))?;
        for column in 0..COLUMNS {
            if column == COLUMNS / 2 {
                write!(out, " ")?;
            }
            match row.get(column) {
                Some(byte) => write!(out, " {byte:02x}")?,
                None => write!(out, "   ")?,
            }
        }
        let text: String = row
            .iter()
            .map(|&byte| match byte {
                b' '..=b'~' => char::from(byte),
                _ => '.',
            })
            .collect();
        writeln!(out, "  |{text}|")?;
    }
    Ok(())
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
}
