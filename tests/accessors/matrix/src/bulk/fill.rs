//! Functions that set bytes. The source of such a case is the byte.

#![allow(
    clippy::unnecessary_wraps,
    reason = "each is one of a table's functions, most of which can fail"
)]

use usermode_accessors::{DeviceSlice, Fault, Mode, UserSlice, VolatileSlice, ddi};

use super::{Bulk, Density, Source};
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
                // SAFETY: the plan's kernel side has the room; the other is checked and guarded.
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
    &[Bulk {
        name: "user_writer_fill",
        source: Source::Byte(SET),
        to_user: true,
        density: Density::Pairs,
        length: None,
        call: |to, _, length| UserSlice::new(to, length).writer()?.fill(SET, length),
    }],
];

/// An answer is the destination.
fn answers(to: usize, answer: *mut u8) -> Result<(), Fault> {
    assert_eq!(answer.addr(), to, "the destination is the answer");
    Ok(())
}

pub(crate) static KERNEL_FILL: [&[Bulk]; 2] = [
    &fills! { SET, false, Pairs:
        fill_mode_memory |to, length|
            ddi::fill_mode_memory(bytes_mut(to), length, SET, Mode::Kernel);
        set_mode_memory |to, length|
            ddi::set_mode_memory(bytes_mut(to), SET, length, Mode::Kernel);
        fill_volatile_memory |to, length|
            answers(to, ddi::fill_volatile_memory(bytes_mut(to), length, SET));
        set_volatile_memory |to, length|
            answers(to, ddi::set_volatile_memory(bytes_mut(to), SET, length));
        fill_device_memory |to, length|
            answers(to, ddi::fill_device_memory(bytes_mut(to), length, SET));
        volatile_slice_fill |to, length| {
            VolatileSlice::from_raw_parts(bytes_mut(to), length).fill(SET);
            Ok(())
        };
        device_slice_fill |to, length| {
            let filled = DeviceSlice::from_raw_parts(bytes_mut(to), length).fill(0, length, SET);
            assert!(filled.is_ok(), "all of it is inside");
            Ok(())
        };
    },
    &fills! { 0, false, Pairs:
        zero_mode_memory |to, length| ddi::zero_mode_memory(bytes_mut(to), length, Mode::Kernel);
        zero_volatile_memory |to, length|
            answers(to, ddi::zero_volatile_memory(bytes_mut(to), length));
        secure_zero_memory2 |to, length|
            answers(to, ddi::secure_zero_memory2(bytes_mut(to), length));
        zero_device_memory |to, length|
            answers(to, ddi::zero_device_memory(bytes_mut(to), length));
    },
];
