//! The run-time library's strings, and the version.

use crate::irql::{PASSIVE_LEVEL, require_at_most};
use crate::nt::strings;
use crate::{pool, raw};
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

/// `RtlFreeUnicodeString` function (wdm.h): of a string that the system allocated. IRQL =
/// `PASSIVE_LEVEL`.
pub(super) extern "win64" fn RtlFreeUnicodeString(string: u64) {
    require_at_most(PASSIVE_LEVEL, "RtlFreeUnicodeString");
    let buffer: u64 = raw::read(string + 8);
    if buffer != 0 {
        pool::free(buffer, None);
    }
    strings::write(string, 0, 0, 0);
}

/// `RtlCompareUnicodeString` function (wdm.h): negative, zero or positive.
pub(super) extern "win64" fn RtlCompareUnicodeString(one: u64, other: u64, ignore_case: u8) -> i32 {
    let (mut one, mut other) = (strings::read(one), strings::read(other));
    if ignore_case != 0 {
        one.make_ascii_uppercase();
        other.make_ascii_uppercase();
    }
    one.cmp(&other) as i32
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
