//! Strings for Windows.

/// Returns UTF-16 with a null at its end. A null within the text ends it early, as in C.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
