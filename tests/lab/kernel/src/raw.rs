//! Memory by address: the only access to memory that a driver shares with the lab.
//!
//! No Rust reference is made to such memory; it is read and written by value. An address that is
//! not mapped, or is a user address, faults, and a fault in the lab's code ends the run with a
//! bugcheck, as a bad pointer passed to NT does. These functions are safe to call for that reason.
//! The module's rule: the address is never that of a borrowed Rust object of the lab. Every caller
//! uses addresses from drivers, from page tables or from [`crate::memory`].

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nt_status::NtStatus;

/// Values that any bytes make and that have no padding: integers, and arrays of them.
pub(crate) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for NtStatus {}
impl<T: Plain, const N: usize> Plain for [T; N] {}

pub(crate) fn read<T: Plain>(address: u64) -> T {
    // SAFETY: any bytes make a T; the module's rule holds for the address.
    unsafe { (address as *const T).read_unaligned() }
}

pub(crate) fn write<T: Plain>(address: u64, value: T) {
    // SAFETY: the module's rule holds for the address.
    unsafe { (address as *mut T).write_unaligned(value) }
}

/// Reads in one instruction: for page tables, devices and the mailbox.
pub(crate) fn read_volatile<T: Plain>(address: u64) -> T {
    // SAFETY: as for `read`; callers give naturally aligned addresses.
    unsafe { (address as *const T).read_volatile() }
}

/// Writes in one instruction: for page tables, devices and the mailbox.
pub(crate) fn write_volatile<T: Plain>(address: u64, value: T) {
    // SAFETY: as for `write`; callers give naturally aligned addresses.
    unsafe { (address as *mut T).write_volatile(value) }
}

/// Replaces a value atomically if it is the expected one; otherwise returns the value.
pub(crate) fn compare_exchange(address: u64, expected: u64, value: u64) -> Result<(), u64> {
    // SAFETY: the module's rule holds for the address, which callers give naturally aligned; all
    // other accesses to it are the driver's or go through this module.
    let word = unsafe { AtomicU64::from_ptr(address as *mut u64) };
    word.compare_exchange(expected, value, Ordering::SeqCst, Ordering::SeqCst)
        .map(|_| ())
}

/// As [`compare_exchange`], for 32 bits.
pub(crate) fn compare_exchange32(address: u64, expected: u32, value: u32) -> Result<(), u32> {
    // SAFETY: as for `compare_exchange`.
    let word = unsafe { AtomicU32::from_ptr(address as *mut u32) };
    word.compare_exchange(expected, value, Ordering::SeqCst, Ordering::SeqCst)
        .map(|_| ())
}

/// Memory that nothing writes after this, as a slice.
pub(crate) fn constant(address: u64, length: u64) -> &'static [u8] {
    // SAFETY: the module's rule holds for the range, and the caller gives memory that stays as it
    // is.
    unsafe { core::slice::from_raw_parts(address as *const u8, length as usize) }
}

/// Copies bytes; the ranges may overlap.
pub(crate) fn copy(source: u64, destination: u64, length: u64) {
    // SAFETY: the module's rule holds for both ranges.
    unsafe { core::ptr::copy(source as *const u8, destination as *mut u8, length as usize) }
}

pub(crate) fn copy_in(source: &[u8], destination: u64) {
    copy(source.as_ptr() as u64, destination, source.len() as u64);
}

pub(crate) fn copy_out(source: u64, destination: &mut [u8]) {
    // SAFETY: the module's rule holds for the source; the destination is a live slice, which
    // cannot overlap memory that is reached by address alone.
    unsafe {
        core::ptr::copy_nonoverlapping(
            source as *const u8,
            destination.as_mut_ptr(),
            destination.len(),
        );
    }
}

pub(crate) fn fill(address: u64, byte: u8, length: u64) {
    // SAFETY: the module's rule holds for the range.
    unsafe { core::ptr::write_bytes(address as *mut u8, byte, length as usize) }
}

/// Reads a zero-terminated string of at most `limit` bytes.
pub(crate) fn c_string(address: u64, limit: usize) -> alloc::string::String {
    let mut text = alloc::string::String::new();
    for offset in 0..limit as u64 {
        match read::<u8>(address + offset) {
            0 => break,
            byte => text.push(byte as char),
        }
    }
    text
}
