//! WDFSTRING.

use crate::{
    call::Call,
    nt::text::Text,
    object::{Class, Kind},
};
use core::cell::RefCell;
use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PUNICODE_STRING, PWDF_OBJECT_ATTRIBUTES, WDFSTRING};

/// A string.
pub(crate) struct StringObject(RefCell<Text>);

impl StringObject {
    /// Replaces the string.
    pub(crate) fn set(&self, text: Text) {
        *self.0.borrow_mut() = text;
    }
}

impl Class for StringObject {
    const KIND: Kind = Kind::String;
}

/// `WdfStringCreate`. Without a string, the object has an empty one.
///
/// `STATUS_INVALID_PARAMETER` for a malformed string; what "Framework Object Creation Errors" has.
pub(crate) fn create_string(
    call: &Call,
    text: PCUNICODE_STRING,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    string: *mut WDFSTRING,
) -> NTSTATUS {
    call.require_passive();
    call.deliver(string, || {
        let attributes = call.attributes(attributes)?;
        let text = if text.is_null() {
            Text::new(&[])?
        } else {
            Text::new(call.text(text)?)?
        };
        call.create(&attributes, StringObject(RefCell::new(text)))
    })
}

/// `WdfStringGetUnicodeString`. The object keeps the characters.
pub(crate) fn get_unicode_string(call: &Call, string: WDFSTRING, unicode_string: PUNICODE_STRING) {
    call.require_passive();
    let string = call.object::<StringObject>(string);
    call.write(unicode_string, string.0.borrow().descriptor());
}
