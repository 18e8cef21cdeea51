//! Strings for the framework.

use wdk_sys::UNICODE_STRING;

/// Calls a function with a string of these ASCII characters.
pub fn with_text<const N: usize, R>(
    text: &[u8; N],
    function: impl FnOnce(*const UNICODE_STRING) -> R,
) -> R {
    #[expect(clippy::cast_possible_truncation, reason = "short strings")]
    let length = const { size_of::<[u16; N]>() as u16 };
    let mut characters = text.map(u16::from);
    let text = UNICODE_STRING {
        Length: length,
        MaximumLength: length,
        Buffer: characters.as_mut_ptr(),
    };
    function(&raw const text)
}
