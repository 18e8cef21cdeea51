//! The copy that mutants are built in is another checkout of the sources: its folder has a name that
//! tools which split at blanks stumble over, and its lines end as Windows ends them. So whatever is
//! built there shows that neither matters, the driver of the second package above all.

use std::{ffi::OsStr, fs, io, path::Path};

/// The folder of sources and builds, under `target/`.
pub const FOLDER: &str = "mutants, in & out, Übung";

/// What a checkout has as text.
const TEXT: [&str; 12] = [
    "c", "def", "h", "inx", "ld", "lock", "md", "rs", "s", "toml", "tsv", "txt",
];

/// A source file's bytes, as they are there.
pub fn bytes_of(source: &Path) -> io::Result<Vec<u8>> {
    let bytes = fs::read(source)?;
    let extension = source.extension().and_then(OsStr::to_str);
    if extension.is_some_and(|extension| TEXT.contains(&extension)) {
        Ok(with_windows_lines(&bytes))
    } else {
        Ok(bytes)
    }
}

fn with_windows_lines(text: &[u8]) -> Vec<u8> {
    let mut other = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (content, end) = line
            .strip_suffix(b"\r\n")
            .or_else(|| line.strip_suffix(b"\n"))
            .map_or((line, b"".as_slice()), |content| (content, b"\r\n"));
        other.extend_from_slice(content);
        other.extend_from_slice(end);
    }
    other
}

#[cfg(test)]
mod tests {
    use super::with_windows_lines;

    #[test]
    fn f2_lines_end_as_windows_ends_them() {
        for (text, other) in [
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\r\nb", "a\r\nb"),
            ("\n\r\n", "\r\n\r\n"),
            ("", ""),
        ] {
            assert_eq!(with_windows_lines(text.as_bytes()), other.as_bytes());
        }
    }
}
