//! Copies with a caller on one side or both.

use core::slice;

use usermode_accessors::{Fault, Mode, UserSlice, ddi};

use super::{Bulk, Density, Source};
use crate::pointer::{bytes, bytes_mut};

macro_rules! copies {
    (
        $source:ident, $to_user:literal, $density:ident:
        $($name:ident |$to:ident, $from:ident, $length:ident| $call:expr;)+
    ) => {
        [$(Bulk {
            name: stringify!($name),
            source: Source::$source,
            to_user: $to_user,
            density: Density::$density,
            length: None,
            call: |$to, $from, $length| {
                // SAFETY: the plan's kernel side has the room; the other is checked and guarded.
                unsafe { $call }
            },
        },)+]
    };
}

pub(crate) static FROM_CALLER: [&[Bulk]; 2] = [
    &copies! { User, false, Every:
        copy_from_user |to, from, length| ddi::copy_from_user(bytes_mut(to), bytes(from), length);
    },
    &copies! { User, false, Pairs:
        copy_from_mode |to, from, length|
            ddi::copy_from_mode(bytes_mut(to), bytes(from), length, Mode::User);
        copy_from_mode_aligned |to, from, length|
            ddi::copy_from_mode_aligned(bytes_mut(to), bytes(from), length, Mode::User, 1);
        copy_from_user_aligned |to, from, length|
            ddi::copy_from_user_aligned(bytes_mut(to), bytes(from), length, 1);
        copy_from_user_to_mode |to, from, length|
            ddi::copy_from_user_to_mode(bytes_mut(to), bytes(from), length, Mode::Kernel);
        read_struct_from_mode_helper |to, from, length|
            ddi::read_struct_from_mode_helper(bytes_mut(to), bytes(from), length, Mode::User);
        read_struct_from_user_helper |to, from, length|
            ddi::read_struct_from_user_helper(bytes_mut(to), bytes(from), length);
        user_reader_read |to, from, length| read(to, from, length);
    },
];

pub(crate) static TO_CALLER: [&[Bulk]; 2] = [
    &copies! { Kernel, true, Every:
        copy_to_user |to, from, length| ddi::copy_to_user(bytes_mut(to), bytes(from), length);
    },
    &copies! { Kernel, true, Pairs:
        copy_to_mode |to, from, length|
            ddi::copy_to_mode(bytes_mut(to), bytes(from), length, Mode::User);
        write_struct_to_mode_helper |to, from, length|
            ddi::write_struct_to_mode_helper(bytes_mut(to), bytes(from), length, Mode::User);
        write_struct_to_user_helper |to, from, length|
            ddi::write_struct_to_user_helper(bytes_mut(to), bytes(from), length);
        user_writer_write |to, from, length| write(to, from, length);
    },
];

pub(crate) static BETWEEN_CALLERS: [&[Bulk]; 3] = [
    &copies! { User, true, Every:
        copy_to_user_from_user |to, from, length|
            ddi::copy_to_user_from_user(bytes_mut(to), bytes(from), length);
    },
    &copies! { User, true, Pairs:
        copy_from_user_to_mode |to, from, length|
            ddi::copy_from_user_to_mode(bytes_mut(to), bytes(from), length, Mode::User);
        move_to_user_from_user |to, from, length|
            ddi::move_to_user_from_user(bytes_mut(to), bytes(from), length);
    },
    &[
        between("user_slice_move_to", move_to),
        between("user_writer_write_from", write_from),
    ],
];

const fn between(name: &'static str, call: fn(usize, usize, usize) -> Result<(), Fault>) -> Bulk {
    Bulk {
        name,
        source: Source::User,
        to_user: true,
        density: Density::Pairs,
        length: None,
        call,
    }
}

pub(crate) static NON_TEMPORAL: [&[Bulk]; 4] = [
    &copies! { User, false, Every:
        copy_from_user_nontemporal |to, from, length|
            ddi::copy_from_user_nontemporal(bytes_mut(to), bytes(from), length);
    },
    &copies! { User, false, Pairs:
        copy_from_mode_nontemporal |to, from, length|
            ddi::copy_from_mode_nontemporal(bytes_mut(to), bytes(from), length, Mode::User);
    },
    &copies! { Kernel, true, Every:
        copy_to_user_nontemporal |to, from, length|
            ddi::copy_to_user_nontemporal(bytes_mut(to), bytes(from), length);
    },
    &copies! { Kernel, true, Pairs:
        copy_to_mode_nontemporal |to, from, length|
            ddi::copy_to_mode_nontemporal(bytes_mut(to), bytes(from), length, Mode::User);
    },
];

/// # Safety
///
/// `to` is valid for `length` bytes.
unsafe fn read(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    // SAFETY: the caller vouches for the memory.
    let to = unsafe { slice::from_raw_parts_mut(bytes_mut(to), length) };
    UserSlice::new(from, length).reader()?.read(to)
}

/// # Safety
///
/// `from` is valid for `length` bytes.
unsafe fn write(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    // SAFETY: the caller vouches for the memory.
    let from = unsafe { slice::from_raw_parts(bytes(from), length) };
    UserSlice::new(to, length).writer()?.write(from)
}

fn move_to(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    UserSlice::new(from, length).move_to(UserSlice::new(to, length))
}

fn write_from(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    let mut source = UserSlice::new(from, length).reader()?;
    UserSlice::new(to, length)
        .writer()?
        .write_from(&mut source, length)
}
