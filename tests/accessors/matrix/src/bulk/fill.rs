//! Functions that set bytes. The source of such a case is the byte.

use usermode_accessors::{Fault, Mode, UserSlice, ddi};

use super::{
    Bulk, Density, Source,
    kernel::{check_returned, device_slice, user_slice, volatile_slice},
};
use crate::pointer::bytes_mut;

const SET: u8 = 0xA7;

macro_rules! fills {
    (
        $byte:expr, $to_user:literal, $density:ident:
        $($name:ident |$to:ident, $length:ident| $call:expr;)+
    ) => {
        [$(Bulk {
            name: stringify!($name),
            source: Source::Byte($byte),
            to_user: $to_user,
            density: Density::$density,
            length: None,
            call: |$to, _, $length| {
                // SAFETY: the kernel side is long enough; the other is checked and guarded.
                let outcome: Result<(), Fault> = unsafe { $call };
                outcome
            },
        },)+]
    };
}

pub(crate) static FILL: [&[Bulk]; 4] = [
    &fills! { SET, true, Every:
        fill_user_memory |to, length| ddi::fill_user_memory(bytes_mut(to), length, SET);
    },
    &fills! { SET, true, Pairs:
        fill_mode_memory |to, length|
            ddi::fill_mode_memory(bytes_mut(to), length, SET, Mode::User);
        set_user_memory |to, length| ddi::set_user_memory(bytes_mut(to), SET, length);
        set_mode_memory |to, length| ddi::set_mode_memory(bytes_mut(to), SET, length, Mode::User);
    },
    &fills! { 0, true, Pairs:
        zero_user_memory |to, length| ddi::zero_user_memory(bytes_mut(to), length);
        zero_mode_memory |to, length| ddi::zero_mode_memory(bytes_mut(to), length, Mode::User);
    },
    &[Bulk::pairs(
        "user_writer_fill",
        Source::Byte(SET),
        true,
        |to, _, length| UserSlice::new(to, length).writer()?.fill(SET, length),
    )],
];

const fn kernel(name: &'static str, call: fn(usize, usize, usize) -> Result<(), Fault>) -> Bulk {
    Bulk::pairs(name, Source::Byte(SET), false, call)
}

pub(crate) static KERNEL_FILL: [&[Bulk]; 3] = [
    &fills! { SET, false, Pairs:
        fill_mode_memory |to, length|
            ddi::fill_mode_memory(bytes_mut(to), length, SET, Mode::Kernel);
        set_mode_memory |to, length|
            ddi::set_mode_memory(bytes_mut(to), SET, length, Mode::Kernel);
        fill_volatile_memory |to, length|
            check_returned(to, ddi::fill_volatile_memory(bytes_mut(to), length, SET));
        set_volatile_memory |to, length|
            check_returned(to, ddi::set_volatile_memory(bytes_mut(to), SET, length));
        fill_device_memory |to, length|
            check_returned(to, ddi::fill_device_memory(bytes_mut(to), length, SET));
    },
    &[
        kernel("user_writer_fill", |to, _, length| {
            user_slice(to, length).writer()?.fill(SET, length)
        }),
        kernel("volatile_slice_fill", |to, _, length| {
            volatile_slice(to, length).fill(SET);
            Ok(())
        }),
        kernel("device_slice_fill", |to, _, length| {
            let filled = device_slice(to, length).fill(0, length, SET);
            assert!(filled.is_ok(), "the range is inside");
            Ok(())
        }),
    ],
    &fills! { 0, false, Pairs:
        zero_mode_memory |to, length| ddi::zero_mode_memory(bytes_mut(to), length, Mode::Kernel);
        zero_volatile_memory |to, length|
            check_returned(to, ddi::zero_volatile_memory(bytes_mut(to), length));
        secure_zero_memory2 |to, length|
            check_returned(to, ddi::secure_zero_memory2(bytes_mut(to), length));
        zero_device_memory |to, length|
            check_returned(to, ddi::zero_device_memory(bytes_mut(to), length));
    },
];
