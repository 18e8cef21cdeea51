//! Copies with a caller's memory on one side or both.

use core::slice;

use usermode_accessors::{Mode, UserSlice, ddi};

use super::{Bulk, Density, Source, kernel::user_slice};
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
                // SAFETY: the kernel side is long enough; the other is checked and guarded.
                unsafe { $call }
            },
        },)+]
    };
}

pub(crate) static FROM_CALLER: [&[Bulk]; 3] = [
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
    },
    &[
        Bulk::pairs(
            "user_reader_read",
            Source::User,
            false,
            |to, from, length| {
                // SAFETY: the kernel side is long enough.
                let to = unsafe { slice::from_raw_parts_mut(bytes_mut(to), length) };
                UserSlice::new(from, length).reader()?.read(to)
            },
        ),
        Bulk::pairs(
            "user_slice_move_to",
            Source::User,
            false,
            |to, from, length| UserSlice::new(from, length).move_to(user_slice(to, length)),
        ),
    ],
];

pub(crate) static TO_CALLER: [&[Bulk]; 3] = [
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
    },
    &[
        Bulk::pairs(
            "user_writer_write",
            Source::Kernel,
            true,
            |to, from, length| {
                // SAFETY: the kernel side is long enough.
                let from = unsafe { slice::from_raw_parts(bytes(from), length) };
                UserSlice::new(to, length).writer()?.write(from)
            },
        ),
        Bulk::pairs(
            "user_slice_move_to",
            Source::Kernel,
            true,
            |to, from, length| user_slice(from, length).move_to(UserSlice::new(to, length)),
        ),
    ],
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
        Bulk::pairs(
            "user_slice_move_to",
            Source::User,
            true,
            |to, from, length| UserSlice::new(from, length).move_to(UserSlice::new(to, length)),
        ),
        Bulk::pairs(
            "user_writer_write_from",
            Source::User,
            true,
            |to, from, length| {
                let mut source = UserSlice::new(from, length).reader()?;
                UserSlice::new(to, length)
                    .writer()?
                    .write_from(&mut source, length)
            },
        ),
    ],
];

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
