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

macro_rules! of_characters {
    ($character:ty: $length:ident $limited_length:ident $compare:ident) => {
        pub(super) extern "win64" fn $length(text: u64) -> u64 {
            length::<$character>(text, u64::MAX)
        }

        pub(super) extern "win64" fn $limited_length(text: u64, limit: u64) -> u64 {
            length::<$character>(text, limit)
        }

        pub(super) extern "win64" fn $compare(one: u64, other: u64) -> i32 {
            compare::<$character>(one, other, u64::MAX)
        }
    };
}

of_characters!(u8: strlen strnlen strcmp);
of_characters!(u16: wcslen wcsnlen wcscmp);

pub(super) extern "win64" fn strncmp(one: u64, other: u64, limit: u64) -> i32 {
    compare::<u8>(one, other, limit)
}
