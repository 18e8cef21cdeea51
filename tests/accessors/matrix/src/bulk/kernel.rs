//! Copies with the kernel on both sides: by mode, volatile, and device memory. Nothing of it is
//! guarded, so every case is whole.

#![allow(
    clippy::unnecessary_wraps,
    reason = "each is one of a table's functions, most of which can fail"
)]

use usermode_accessors::{DeviceSlice, Fault, Mode, VolatileSlice, ddi};

use super::{Bulk, Density, Source};
use crate::pointer::{bytes, bytes_mut};

macro_rules! copies {
    ($density:ident: $($name:ident |$to:ident, $from:ident, $length:ident| $call:expr;)+) => {
        [$(Bulk {
            name: stringify!($name),
            source: Source::Kernel,
            to_user: false,
            density: Density::$density,
            length: None,
            call: |$to, $from, $length| {
                // SAFETY: the plan's kernel memory has the room on both sides.
                let outcome: Result<(), Fault> = unsafe { $call };
                outcome
            },
        },)+]
    };
}

/// An answer is the destination.
fn answers(to: usize, answer: *mut u8) -> Result<(), Fault> {
    assert_eq!(answer.addr(), to, "the destination is the answer");
    Ok(())
}

pub(crate) static KERNEL_MODE: [&[Bulk]; 1] = [&copies! { Pairs:
    copy_from_mode |to, from, length|
        ddi::copy_from_mode(bytes_mut(to), bytes(from), length, Mode::Kernel);
    copy_from_mode_aligned |to, from, length|
        ddi::copy_from_mode_aligned(bytes_mut(to), bytes(from), length, Mode::Kernel, 64);
    copy_from_mode_nontemporal |to, from, length|
        ddi::copy_from_mode_nontemporal(bytes_mut(to), bytes(from), length, Mode::Kernel);
    copy_to_mode |to, from, length|
        ddi::copy_to_mode(bytes_mut(to), bytes(from), length, Mode::Kernel);
    copy_to_mode_nontemporal |to, from, length|
        ddi::copy_to_mode_nontemporal(bytes_mut(to), bytes(from), length, Mode::Kernel);
    read_struct_from_mode_helper |to, from, length|
        ddi::read_struct_from_mode_helper(bytes_mut(to), bytes(from), length, Mode::Kernel);
    write_struct_to_mode_helper |to, from, length|
        ddi::write_struct_to_mode_helper(bytes_mut(to), bytes(from), length, Mode::Kernel);
}];

pub(crate) static COPY_VOLATILE: [&[Bulk]; 2] = [
    &copies! { Every:
        copy_volatile_memory |to, from, length|
            answers(to, ddi::copy_volatile_memory(bytes_mut(to), bytes(from), length));
    },
    &copies! { Pairs:
        move_volatile_memory |to, from, length|
            answers(to, ddi::move_volatile_memory(bytes_mut(to), bytes(from), length));
        volatile_slice_copy_from_volatile |to, from, length| copy_volatile(to, from, length);
    },
];

pub(crate) static DEVICE: [&[Bulk]; 2] = [
    &copies! { Every:
        copy_device_memory |to, from, length|
            answers(to, ddi::copy_device_memory(bytes_mut(to), bytes(from), length));
    },
    &copies! { Pairs:
        device_slice_read |to, from, length| read_device(to, from, length);
        device_slice_write |to, from, length| write_device(to, from, length);
    },
];

/// # Safety
///
/// `to` and `from` are valid for `length` bytes, here and below.
unsafe fn copy_volatile(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    // SAFETY: the caller vouches for the memory.
    let source = unsafe { VolatileSlice::from_raw_parts(bytes_mut(from), length) };
    // SAFETY: as above.
    let mut to = unsafe { VolatileSlice::from_raw_parts(bytes_mut(to), length) };
    let copied = to.copy_from_volatile(&source);
    assert!(copied.is_ok(), "the lengths are equal");
    Ok(())
}

/// # Safety
///
/// As for [`copy_volatile`].
unsafe fn read_device(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    // SAFETY: the caller vouches for the memory.
    let device = unsafe { DeviceSlice::from_raw_parts(bytes_mut(from), length) };
    // SAFETY: as above.
    let to = unsafe { VolatileSlice::from_raw_parts(bytes_mut(to), length) };
    let read = device.read(0, to);
    assert!(read.is_ok(), "all of it is inside");
    Ok(())
}

/// # Safety
///
/// As for [`copy_volatile`].
unsafe fn write_device(to: usize, from: usize, length: usize) -> Result<(), Fault> {
    // SAFETY: the caller vouches for the memory.
    let source = unsafe { VolatileSlice::from_raw_parts(bytes_mut(from), length) };
    // SAFETY: as above.
    let mut device = unsafe { DeviceSlice::from_raw_parts(bytes_mut(to), length) };
    let written = device.write(0, &source);
    assert!(written.is_ok(), "all of it is inside");
    Ok(())
}
