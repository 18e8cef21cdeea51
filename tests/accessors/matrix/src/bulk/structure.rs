//! Copies whose length is that of a type.

use usermode_accessors::{Mode, ddi};

use super::{Bulk, Density, Source};
use crate::pointer::{from, to};

macro_rules! of_sizes {
    ($table:ident, $source:ident, $to_user:literal: $($name:ident |$to:ident, $from:ident| $call:expr;)+) => {
        /// Returns every function with a type of this size.
        const fn $table<const SIZE: usize>() -> [Bulk; 4] {
            type Bytes<const SIZE: usize> = [u8; SIZE];
            [$(Bulk {
                name: stringify!($name),
                source: Source::$source,
                to_user: $to_user,
                density: Density::Pairs,
                length: Some(SIZE),
                call: |$to, $from, _| {
                    let ($to, $from) = (to::<Bytes<SIZE>>($to), from::<Bytes<SIZE>>($from));
                    // SAFETY: the kernel side is long enough; the other is checked and guarded.
                    unsafe { $call }
                },
            },)+]
        }
    };
}

of_sizes! { reads, User, false:
    read_struct_from_mode |to, from| ddi::read_struct_from_mode(to, from, Mode::User);
    read_struct_from_mode_aligned |to, from|
        ddi::read_struct_from_mode_aligned(to, from, Mode::User, 1);
    read_struct_from_user |to, from| ddi::read_struct_from_user(to, from);
    read_struct_from_user_aligned |to, from| ddi::read_struct_from_user_aligned(to, from, 1);
}

of_sizes! { writes, Kernel, true:
    write_struct_to_mode |to, from| ddi::write_struct_to_mode(to, from, Mode::User);
    write_struct_to_mode_aligned |to, from|
        ddi::write_struct_to_mode_aligned(to, from, Mode::User, 1);
    write_struct_to_user |to, from| ddi::write_struct_to_user(to, from);
    write_struct_to_user_aligned |to, from| ddi::write_struct_to_user_aligned(to, from, 1);
}

macro_rules! sizes {
    ($table:ident) => {
        [
            &$table::<0>(),
            &$table::<1>(),
            &$table::<2>(),
            &$table::<3>(),
            &$table::<4>(),
            &$table::<7>(),
            &$table::<8>(),
            &$table::<12>(),
            &$table::<15>(),
            &$table::<16>(),
            &$table::<17>(),
            &$table::<24>(),
            &$table::<31>(),
            &$table::<32>(),
            &$table::<33>(),
            &$table::<48>(),
            &$table::<64>(),
            &$table::<65>(),
            &$table::<100>(),
            &$table::<128>(),
            &$table::<256>(),
            &$table::<257>(),
            &$table::<1000>(),
            &$table::<2048>(),
            &$table::<4096>(),
        ]
    };
}

/// The number of sizes in the tables.
const SIZES: usize = 25;

pub(crate) static READ_STRUCTURE: [&[Bulk]; SIZES] = sizes!(reads);
pub(crate) static WRITE_STRUCTURE: [&[Bulk]; SIZES] = sizes!(writes);
