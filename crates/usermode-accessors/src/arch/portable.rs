//! The accesses in Rust, for Miri, which runs no assembly. A driver has nothing of this file: Miri alone sets
//! `cfg(miri)`. A driver with it would have no guard, and its safe types would work in any ring.
//!
//! Nothing is guarded: what would fault is an error of Miri. Nothing is ordered or atomic either: Miri's
//! tests access the memory from one thread.

#![allow(
    clippy::missing_safety_doc,
    clippy::unnecessary_wraps,
    reason = "the same functions as on a processor, where both are told"
)]

use core::{mem::MaybeUninit, ptr};

use super::{Side, Trap, Width};

/// A byte, which may be uninitialised where it is only moved.
type Byte = MaybeUninit<u8>;

pub(crate) unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    // SAFETY: the caller guarantees both ranges.
    unsafe { ptr::copy(source.cast::<Byte>(), destination.cast(), length) };
}

pub(crate) use self::{copy as copy_backward, copy as copy_nontemporal, copy as copy_upward};

pub(crate) unsafe fn fill(destination: *mut u8, byte: u8, length: usize) {
    // SAFETY: the caller guarantees the range.
    unsafe { ptr::write_bytes(destination, byte, length) };
}

pub(crate) unsafe fn read(source: *const u8, width: Width) -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: the caller guarantees the source; the number has as many bytes or more.
    unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), width as usize) };
    u64::from_le_bytes(bytes)
}

pub(crate) unsafe fn write(destination: *mut u8, value: u64, width: Width) {
    let bytes = value.to_le_bytes();
    // SAFETY: as in `read`.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), destination, width as usize) };
}

pub(crate) use self::{read as read_acquire, write as write_release};

pub(crate) unsafe fn scan(string: *const u8, count: usize, wide: bool) -> usize {
    let (size, width) = if wide {
        (2, Width::Two)
    } else {
        (1, Width::One)
    };
    (0..count)
        // SAFETY: the caller guarantees the string up to its terminator.
        .find(|index| unsafe { read(string.wrapping_add(index.wrapping_mul(size)), width) } == 0)
        .unwrap_or(count)
}

/// Says yes, so that the safe types work.
pub(crate) const fn is_kernel() -> bool {
    true
}

pub(crate) fn fast_fail(code: u32) -> ! {
    panic!("fast fail {code}")
}

/// Defines guarded forms, which succeed.
macro_rules! guarded {
    ($($guarded:ident($($argument:ident: $type:ty),*) -> $result:ty = $direct:expr;)*) => {
        $(
            pub(crate) unsafe fn $guarded($($argument: $type),*) -> Result<$result, Trap> {
                // SAFETY: the caller guarantees the ranges, to Miri.
                Ok(unsafe { $direct })
            }
        )*
    };
}

guarded! {
    guarded_copy(_side: Side, to: *mut u8, from: *const u8, length: usize) -> () = copy(to, from, length);
    guarded_copy_closed(to: *mut u8, from: *const u8, length: usize) -> () = copy(to, from, length);
    guarded_fill(to: *mut u8, byte: u8, length: usize) -> () = fill(to, byte, length);
    guarded_read(from: *const u8, width: Width) -> u64 = read(from, width);
    guarded_write(to: *mut u8, value: u64, width: Width) -> () = write(to, value, width);
    guarded_scan(string: *const u8, count: usize, wide: bool) -> usize = scan(string, count, wide);
    guarded_and(at: *mut u8, value: u64, wide: bool) -> u64 = update(at, wide, |before| before & value);
    guarded_or(at: *mut u8, value: u64, wide: bool) -> u64 = update(at, wide, |before| before | value);
    guarded_compare_exchange(at: *mut u8, exchange: u64, comperand: u64, wide: bool) -> u64 =
        update(at, wide, |before| if before == comperand { exchange } else { before });
}

pub(crate) use self::{
    guarded_copy as guarded_copy_backward, guarded_copy as guarded_copy_nontemporal,
    guarded_copy as guarded_copy_upward, guarded_read as guarded_read_acquire,
    guarded_read as guarded_read_closed, guarded_write as guarded_write_release,
};

/// Replaces a number, and returns the one before.
unsafe fn update(at: *mut u8, wide: bool, change: impl FnOnce(u64) -> u64) -> u64 {
    let width = if wide { Width::Eight } else { Width::Four };
    // SAFETY: the caller guarantees the number.
    let before = unsafe { read(at, width) };
    // SAFETY: as above.
    unsafe { write(at, change(before), width) };
    before
}
