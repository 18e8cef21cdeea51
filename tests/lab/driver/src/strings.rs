//! Requests that use strings of NT and of C.

use crate::{
    nt::{self, Irp, Place, Text, address_of},
    services::{checked, output},
};

/// Serves the request: without input it returns numbers, otherwise a text.
pub fn control(irp: Irp) -> u32 {
    if irp.input_length() == 0 {
        return output(irp, numbers());
    }
    match text(irp) {
        Ok(length) => irp.complete(nt::SUCCESS, length),
        Err(status) => irp.complete(status, 0),
    }
}

/// Returns lengths and comparisons of constant strings.
fn numbers() -> [i32; 12] {
    let (narrow, longer) = (address_of(b"lab\0"), address_of(b"label\0"));
    let (wide, capitals) = (
        address_of(nt::units!(b"lab\0")),
        address_of(nt::units!(b"LABEL\0")),
    );
    let (prefix, text) = (Text::of(nt::units!(b"lab")), Text::of(nt::units!(b"LABEL")));
    let (prefix, text) = (address_of(&prefix), address_of(&text));
    [
        nt::strlen(narrow) as i32,
        nt::strnlen(longer, 4) as i32,
        nt::strcmp(narrow, longer),
        nt::strncmp(narrow, longer, 3),
        nt::wcslen(wide) as i32,
        nt::wcsnlen(capitals, 4) as i32,
        nt::wcscmp(wide, capitals),
        nt::RtlPrefixUnicodeString(prefix, text, 0).into(),
        nt::RtlPrefixUnicodeString(prefix, text, 1).into(),
        nt::RtlCompareUnicodeString(prefix, text, 0),
        nt::RtlCompareUnicodeString(prefix, text, 1),
        nt::RtlCompareUnicodeString(text, text, 0),
    ]
}

/// Composes a text in the output: of a constant, a number, the `GUID` at the start of the input and the
/// bytes after it, which end with a zero.
fn text(irp: Irp) -> Result<u64, u32> {
    const GUID: u64 = 16;
    if irp.input_length() <= GUID {
        return Err(nt::BUFFER_TOO_SMALL);
    }
    let input = nt::allocate(irp.input_length() + 1);
    nt::copy(irp.system_buffer(), input, irp.input_length());
    let composed = Place::of(Text::in_buffer(irp.system_buffer(), irp.length() as u16));
    let done = compose(composed.address(), input, input + GUID);
    nt::ExFreePool(input);
    done.map(|()| composed.get().length())
}

fn compose(text: u64, identifier: u64, bytes: u64) -> Result<(), u32> {
    let part = Place::of(Text::in_buffer(0, 0));
    let part = part.address();
    nt::RtlInitUnicodeString(part, address_of(nt::units!(b"Lab\0")));
    nt::RtlCopyUnicodeString(text, part);
    let dash = address_of(nt::units!(b"-\0"));
    checked(nt::RtlAppendUnicodeToString(text, dash))?;
    let digits = Place::of([0_u16; 8]);
    let number = Place::of(Text::in_buffer(digits.address(), 16));
    checked(nt::RtlIntegerToUnicodeString(0xBEEF, 16, number.address()))?;
    checked(nt::RtlAppendUnicodeStringToString(text, number.address()))?;
    checked(nt::RtlStringFromGUID(identifier, part))?;
    append_and_free(text, part)?;
    let narrow = Place::of(Text::in_buffer(0, 0));
    nt::RtlInitAnsiString(narrow.address(), bytes);
    checked(nt::RtlAnsiStringToUnicodeString(part, narrow.address(), 1))?;
    // There and back, over other bytes.
    nt::write(bytes, 0_u8);
    let back = nt::RtlUnicodeStringToAnsiString(narrow.address(), part, 0);
    nt::RtlFreeUnicodeString(part);
    checked(back)?;
    checked(nt::RtlAnsiStringToUnicodeString(part, narrow.address(), 1))?;
    append_and_free(text, part)
}

/// Appends a string that NT allocated.
fn append_and_free(text: u64, part: u64) -> Result<(), u32> {
    let appended = nt::RtlAppendUnicodeStringToString(text, part);
    nt::RtlFreeUnicodeString(part);
    checked(appended)
}
