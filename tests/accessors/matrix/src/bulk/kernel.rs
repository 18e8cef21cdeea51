//! Copies with kernel memory on both sides: by mode, of volatile memory, and of device memory. They
//! are not guarded, so every case is complete.

use usermode_accessors::{DeviceSlice, Fault, Mode, UserSlice, VolatileSlice, ddi};

use super::{Bulk, Density, Source};
use crate::pointer::{bytes, bytes_mut, from, to};

macro_rules! copies {
    ($density:ident: $($name:ident |$to:ident, $from:ident, $length:ident| $call:expr;)+) => {
        [$(Bulk {
            name: stringify!($name),
            source: Source::Kernel,
            to_user: false,
            density: Density::$density,
            length: None,
            call: |$to, $from, $length| {
                // SAFETY: the kernel memory is long enough on both sides.
                let outcome: Result<(), Fault> = unsafe { $call };
                outcome
            },
        },)+]
    };
}

/// Checks that a function returned its destination.
#[allow(
    clippy::unnecessary_wraps,
    reason = "it ends a call in a table, where most calls can fail"
)]
pub(super) fn check_returned(to: usize, returned: *mut u8) -> Result<(), Fault> {
    assert_eq!(returned.addr(), to, "the destination is returned");
    Ok(())
}

pub(crate) const fn user_slice(address: usize, length: usize) -> UserSlice {
    // SAFETY: the cases name kernel memory that is long enough.
    unsafe { UserSlice::for_mode(address, length, Mode::Kernel) }
}

pub(super) const fn volatile_slice(address: usize, length: usize) -> VolatileSlice<'static> {
    // SAFETY: as above.
    unsafe { VolatileSlice::from_raw_parts(bytes_mut(address), length) }
}

pub(super) const fn device_slice(address: usize, length: usize) -> DeviceSlice<'static> {
    // SAFETY: as above.
    unsafe { DeviceSlice::from_raw_parts(bytes_mut(address), length) }
}

const fn kernel(name: &'static str, call: fn(usize, usize, usize) -> Result<(), Fault>) -> Bulk {
    Bulk::pairs(name, Source::Kernel, false, call)
}

/// The structure that is copied in kernel mode.
type Structure = [u8; 24];

pub(crate) static KERNEL_MODE: [&[Bulk]; 3] = [
    &copies! { Pairs:
        copy_from_mode |to, from, length|
            ddi::copy_from_mode(bytes_mut(to), bytes(from), length, Mode::Kernel);
        copy_from_mode_aligned |to, from, length|
            ddi::copy_from_mode_aligned(bytes_mut(to), bytes(from), length, Mode::Kernel, 64);
        copy_to_mode |to, from, length|
            ddi::copy_to_mode(bytes_mut(to), bytes(from), length, Mode::Kernel);
        copy_to_mode_nontemporal |to, from, length|
            ddi::copy_to_mode_nontemporal(bytes_mut(to), bytes(from), length, Mode::Kernel);
        read_struct_from_mode_helper |to, from, length|
            ddi::read_struct_from_mode_helper(bytes_mut(to), bytes(from), length, Mode::Kernel);
        write_struct_to_mode_helper |to, from, length|
            ddi::write_struct_to_mode_helper(bytes_mut(to), bytes(from), length, Mode::Kernel);
    },
    &copies! { Every:
        copy_from_mode_nontemporal |to, from, length|
            ddi::copy_from_mode_nontemporal(bytes_mut(to), bytes(from), length, Mode::Kernel);
    },
    &[
        kernel("user_reader_read", |to, from, length| {
            user_slice(from, length)
                .reader()?
                .read_volatile(volatile_slice(to, length))
        }),
        kernel("user_writer_write", |to, from, length| {
            user_slice(to, length)
                .writer()?
                .write_volatile(&volatile_slice(from, length))
        }),
        kernel("user_slice_move_to", |to, from, length| {
            user_slice(from, length).move_to(user_slice(to, length))
        }),
        Bulk {
            length: Some(size_of::<Structure>()),
            ..kernel("read_struct_from_mode", |target, source, _| {
                let target = to::<Structure>(target);
                // SAFETY: both sides are kernel memory that holds a structure.
                unsafe { ddi::read_struct_from_mode(target, from(source), Mode::Kernel) }
            })
        },
        Bulk {
            length: Some(size_of::<Structure>()),
            ..kernel("write_struct_to_mode", |target, source, _| {
                let target = to::<Structure>(target);
                // SAFETY: as above.
                unsafe { ddi::write_struct_to_mode(target, from(source), Mode::Kernel) }
            })
        },
    ],
];

pub(crate) static COPY_VOLATILE: [&[Bulk]; 3] = [
    &copies! { Every:
        copy_volatile_memory |to, from, length|
            check_returned(to, ddi::copy_volatile_memory(bytes_mut(to), bytes(from), length));
    },
    &copies! { Pairs:
        move_volatile_memory |to, from, length|
            check_returned(to, ddi::move_volatile_memory(bytes_mut(to), bytes(from), length));
    },
    &[kernel(
        "volatile_slice_copy_from_volatile",
        |to, from, length| {
            let copied =
                volatile_slice(to, length).copy_from_volatile(&volatile_slice(from, length));
            assert!(copied.is_ok(), "the lengths are equal");
            Ok(())
        },
    )],
];

pub(crate) static DEVICE: [&[Bulk]; 2] = [
    &copies! { Every:
        copy_device_memory |to, from, length|
            check_returned(to, ddi::copy_device_memory(bytes_mut(to), bytes(from), length));
    },
    &[
        kernel("device_slice_read", |to, from, length| {
            let read = device_slice(from, length).read(0, volatile_slice(to, length));
            assert!(read.is_ok(), "the range is inside");
            Ok(())
        }),
        kernel("device_slice_write", |to, from, length| {
            let written = device_slice(to, length).write(0, &volatile_slice(from, length));
            assert!(written.is_ok(), "the range is inside");
            Ok(())
        }),
    ],
];
