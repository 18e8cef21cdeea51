//! Functions of C's library that the kernel exports: strings that end with a zero.
//!
//! Source: "C runtime library reference", Microsoft C++ documentation.

use crate::raw;

/// Returns the number of characters before the zero, at most `limit`.
fn length<T: raw::Plain + PartialEq + Default>(text: u64, limit: u64) -> u64 {
    let size = size_of::<T>() as u64;
    (0..limit)
        .find(|at| raw::read::<T>(text + at * size) == T::default())
        .unwrap_or(limit)
}

/// Compares two strings, at most `limit` characters: negative, zero or positive.
fn compare<T: raw::Plain + Ord + Default>(one: u64, other: u64, limit: u64) -> i32 {
    let size = size_of::<T>() as u64;
    for at in 0..limit {
        let (left, right): (T, T) = (raw::read(one + at * size), raw::read(other + at * size));
        if left != right || left == T::default() {
            return left.cmp(&right) as i32;
        }
    }
    0
}

pub(super) extern "win64" fn strlen(text: u64) -> u64 {
    length::<u8>(text, u64::MAX)
}

pub(super) extern "win64" fn strnlen(text: u64, limit: u64) -> u64 {
    length::<u8>(text, limit)
}

pub(super) extern "win64" fn strcmp(one: u64, other: u64) -> i32 {
    compare::<u8>(one, other, u64::MAX)
}

pub(super) extern "win64" fn strncmp(one: u64, other: u64, limit: u64) -> i32 {
    compare::<u8>(one, other, limit)
}

pub(super) extern "win64" fn wcslen(text: u64) -> u64 {
    length::<u16>(text, u64::MAX)
}

pub(super) extern "win64" fn wcsnlen(text: u64, limit: u64) -> u64 {
    length::<u16>(text, limit)
}

pub(super) extern "win64" fn wcscmp(one: u64, other: u64) -> i32 {
    compare::<u16>(one, other, u64::MAX)
}
