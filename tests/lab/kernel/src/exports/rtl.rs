//! The run-time library's strings, and the version.

use alloc::{format, string::String};

use super::c_library::strnlen;
use crate::irql::{PASSIVE_LEVEL, require_at_most};
use crate::nt::strings;
use crate::pnp::interfaces::class_at;
use crate::pool::{self, Content, Kind};
use crate::raw;
use nt_status::NtStatus;

/// `RtlInitUnicodeString` function (wdm.h): of a string that ends with a zero; an empty string for
/// NULL.
pub(super) extern "win64" fn RtlInitUnicodeString(string: u64, source: u64) {
    if source == 0 {
        strings::write(string, 0, 0, 0);
        return;
    }
    let length = (strings::length_of(source) * 2).min(0xFFFC) as u16;
    strings::write(string, source, length, length + 2);
}

/// `RtlCopyUnicodeString` function (wdm.h): copies as much as fits; NULL makes the destination
/// empty.
pub(super) extern "win64" fn RtlCopyUnicodeString(destination: u64, source: u64) {
    if source == 0 {
        raw::write(destination, 0_u16);
        return;
    }
    let capacity: u16 = raw::read(destination + 2);
    let length = raw::read::<u16>(source).min(capacity);
    let (to, from): (u64, u64) = (raw::read(destination + 8), raw::read(source + 8));
    raw::copy(from, to, u64::from(length));
    raw::write(destination, length);
    if length + 1 < capacity {
        raw::write(to + u64::from(length), 0_u16);
    }
}

/// `RtlFreeUnicodeString` function (wdm.h), and `RtlFreeAnsiString`: of a string that the system
/// allocated. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn RtlFreeUnicodeString(string: u64) {
    require_at_most(PASSIVE_LEVEL, "RtlFreeUnicodeString");
    let buffer: u64 = raw::read(string + 8);
    if buffer != 0 {
        pool::free(buffer, None);
    }
    strings::write(string, 0, 0, 0);
}

/// Reads a string, in capitals if case is to be ignored.
fn read_folded(string: u64, ignore_case: u8) -> String {
    let mut text = strings::read(string);
    if ignore_case != 0 {
        text.make_ascii_uppercase();
    }
    text
}

/// `RtlCompareUnicodeString` function (wdm.h): negative, zero or positive.
pub(super) extern "win64" fn RtlCompareUnicodeString(one: u64, other: u64, ignore_case: u8) -> i32 {
    read_folded(one, ignore_case).cmp(&read_folded(other, ignore_case)) as i32
}

/// `RtlEqualUnicodeString` function (wdm.h).
pub(super) extern "win64" fn RtlEqualUnicodeString(one: u64, other: u64, ignore_case: u8) -> u8 {
    u8::from(RtlCompareUnicodeString(one, other, ignore_case) == 0)
}

/// `RtlGetVersion` function (wdm.h): that of Windows 11, version 24H2. The caller's size selects
/// one of two structures; the other members of the longer one are zero.
pub(super) extern "win64" fn RtlGetVersion(information: u64) -> NtStatus {
    const SHORT: u32 = 276;
    let size: u32 = raw::read(information);
    raw::write(information + 4, 10_u32);
    raw::write(information + 8, 0_u32);
    raw::write(information + 12, 26_100_u32);
    // VER_PLATFORM_WIN32_NT
    raw::write(information + 16, 2_u32);
    raw::write(information + 20, 0_u16);
    if size > SHORT {
        raw::fill(information + u64::from(SHORT), 0, u64::from(size - SHORT));
    }
    NtStatus::SUCCESS
}

/// The tag of strings that a function here allocates.
const TAG: u32 = u32::from_le_bytes(*b"RtlS");

/// `STATUS_BUFFER_TOO_SMALL` for a string that does not fit.
fn append(destination: u64, units: u64, bytes: u64) -> NtStatus {
    let (length, capacity) = (
        raw::read::<u16>(destination),
        raw::read::<u16>(destination + 2),
    );
    let end = u64::from(length) + bytes;
    if end > u64::from(capacity) {
        return NtStatus::BUFFER_TOO_SMALL;
    }
    let buffer: u64 = raw::read(destination + 8);
    raw::copy(units, buffer + u64::from(length), bytes);
    if end + 2 <= u64::from(capacity) {
        raw::write(buffer + end, 0_u16);
    }
    raw::write(destination, end as u16);
    NtStatus::SUCCESS
}

/// `RtlAppendUnicodeStringToString` function (wdm.h): `STATUS_BUFFER_TOO_SMALL` changes nothing.
pub(super) extern "win64" fn RtlAppendUnicodeStringToString(
    destination: u64,
    source: u64,
) -> NtStatus {
    append(
        destination,
        raw::read(source + 8),
        raw::read::<u16>(source).into(),
    )
}

/// `RtlAppendUnicodeToString` function (wdm.h), of a string that ends with a zero; NULL appends nothing.
pub(super) extern "win64" fn RtlAppendUnicodeToString(destination: u64, source: u64) -> NtStatus {
    if source == 0 {
        return NtStatus::SUCCESS;
    }
    append(destination, source, strings::length_of(source) * 2)
}

/// `RtlPrefixUnicodeString` function (ntddk.h): TRUE if the second string starts with the first.
pub(super) extern "win64" fn RtlPrefixUnicodeString(
    prefix: u64,
    string: u64,
    ignore_case: u8,
) -> u8 {
    let prefix = read_folded(prefix, ignore_case);
    read_folded(string, ignore_case).starts_with(&prefix).into()
}

/// `RtlUpcaseUnicodeChar` function (ntifs.h), of the letters of ASCII.
pub(super) const extern "win64" fn RtlUpcaseUnicodeChar(unit: u16) -> u16 {
    match unit {
        0x61..=0x7A => unit - 0x20,
        _ => unit,
    }
}

/// `RtlInitAnsiString` function (wdm.h): of a string that ends with a zero.
pub(super) extern "win64" fn RtlInitAnsiString(string: u64, source: u64) {
    let length = match source {
        0 => 0,
        _ => strnlen(source, 0xFFFE) as u16,
    };
    strings::write(string, source, length, length + u16::from(source != 0));
}

/// Gives a string its buffer: a new one if the caller asks for it. Returns the buffer's address.
fn buffer_of(string: u64, length: u64, zero: u64, allocates: u8) -> Result<u64, NtStatus> {
    if length + zero > u64::from(u16::MAX) {
        return Err(NtStatus::INVALID_PARAMETER_2);
    }
    if allocates == 0 {
        let capacity: u16 = raw::read(string + 2);
        if u64::from(capacity) < length + zero {
            return Err(NtStatus::BUFFER_OVERFLOW);
        }
        raw::write(string, length as u16);
        return Ok(raw::read(string + 8));
    }
    let buffer = pool::allocate_of(Kind::Paged, length + zero, TAG, Content::Zeroed)
        .ok_or(NtStatus::NO_MEMORY)?;
    strings::write(string, buffer, length as u16, (length + zero) as u16);
    Ok(buffer)
}

/// `RtlAnsiStringToUnicodeString` function (wdm.h): each byte is a character. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn RtlAnsiStringToUnicodeString(
    destination: u64,
    source: u64,
    allocates: u8,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "RtlAnsiStringToUnicodeString");
    let length = u64::from(raw::read::<u16>(source));
    let from: u64 = raw::read(source + 8);
    match buffer_of(destination, length * 2, 2, allocates) {
        Ok(buffer) => {
            for at in 0..length {
                raw::write(buffer + at * 2, u16::from(raw::read::<u8>(from + at)));
            }
            raw::write(buffer + length * 2, 0_u16);
            NtStatus::SUCCESS
        }
        Err(status) => status,
    }
}

/// `RtlUnicodeStringToAnsiString` function (wdm.h): a character that has no byte becomes a question mark.
/// IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn RtlUnicodeStringToAnsiString(
    destination: u64,
    source: u64,
    allocates: u8,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "RtlUnicodeStringToAnsiString");
    let length = u64::from(raw::read::<u16>(source)) / 2;
    let from: u64 = raw::read(source + 8);
    match buffer_of(destination, length, 1, allocates) {
        Ok(buffer) => {
            for at in 0..length {
                let unit: u16 = raw::read(from + at * 2);
                raw::write(buffer + at, u8::try_from(unit).unwrap_or(b'?'));
            }
            raw::write(buffer + length, 0_u8);
            NtStatus::SUCCESS
        }
        Err(status) => status,
    }
}

/// `RtlIntegerToUnicodeString` function (wdm.h), in base 2, 8, 10 or 16; 0 stands for 10. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn RtlIntegerToUnicodeString(
    value: u32,
    base: u32,
    string: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "RtlIntegerToUnicodeString");
    let text = match base {
        2 => format!("{value:b}"),
        8 => format!("{value:o}"),
        0 | 10 => format!("{value}"),
        16 => format!("{value:X}"),
        _ => return NtStatus::INVALID_PARAMETER,
    };
    let bytes = text.len() as u64 * 2;
    match buffer_of(string, bytes, 0, 0) {
        Ok(buffer) => {
            for (unit, at) in text.encode_utf16().zip((0..).step_by(2)) {
                raw::write(buffer + at, unit);
            }
            NtStatus::SUCCESS
        }
        Err(status) => status,
    }
}

/// `RtlStringFromGUID` function (wdm.h): in braces, allocated. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn RtlStringFromGUID(identifier: u64, string: u64) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "RtlStringFromGUID");
    let text = class_at(identifier).to_ascii_uppercase();
    match buffer_of(string, text.len() as u64 * 2, 2, 1) {
        Ok(buffer) => {
            strings::place(string, buffer, &text);
            NtStatus::SUCCESS
        }
        Err(status) => status,
    }
}
