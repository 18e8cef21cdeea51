//! Strings as Windows takes them.

/// UTF-16 with a null at its end. A null within ends it early, as it would in C.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
