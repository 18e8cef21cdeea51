//! The guard page of a thread's own stack, whose address any caller can pass to a driver. If the stack
//! cannot grow, the guard page raises `STATUS_STACK_OVERFLOW`. Each kind of access meets it on a thread
//! of its own, and the thread continues. (A handler of the standard library runs first, and prints that
//! the thread has overflowed its stack.)
//!
//! Source: "Thread Stack Size", Win32 documentation.
#![cfg(windows)]

use std::{ffi::c_void, hint::black_box, ptr, thread};

use usermode_accessors::{Access, Fault, NtStatus, UserPtr, UserSlice, ddi};

mod pages;
use pages::{PAGE, prepare_process};

const STACK: usize = 128 * 1024;

/// `MEMORY_BASIC_INFORMATION`.
#[repr(C)]
struct Region {
    base: *mut u8,
    allocation_base: *mut u8,
    allocation_protect: u32,
    partition: u16,
    size: usize,
    state: u32,
    protect: u32,
    kind: u32,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn VirtualQuery(address: *const c_void, region: *mut Region, size: usize) -> usize;
}

fn region(address: *const u8) -> Region {
    let mut region = Region {
        base: ptr::null_mut(),
        allocation_base: ptr::null_mut(),
        allocation_protect: 0,
        partition: 0,
        size: 0,
        state: 0,
        protect: 0,
        kind: 0,
    };
    // SAFETY: the function fills the structure, whose size is passed.
    let filled = unsafe { VirtualQuery(address.cast(), &raw mut region, size_of::<Region>()) };
    assert_eq!(filled, size_of::<Region>());
    region
}

/// Returns the end of the guard page of this thread's stack.
fn guard() -> usize {
    const PAGE_GUARD: u32 = 0x100;
    let here = 0_u8;
    let mut at = region(&raw const here).allocation_base.cast_const();
    while at < &raw const here {
        let region = region(at);
        at = region.base.wrapping_add(region.size);
        if region.protect & PAGE_GUARD != 0 {
            return at.expose_provenance();
        }
    }
    panic!("the stack has no guard page");
}

/// Makes the stack grow, so that its end is far below any frame. An access may then write there.
#[inline(never)]
const fn grow() {
    black_box([1_u8; 16 * 1024]);
}

/// An access to the guard page of the stack. Its argument is the end of that page.
type Attempt = fn(usize) -> Result<(), Fault>;

/// Makes the access on a thread of its own, on one page after the other, until the stack cannot grow.
fn overflow(attempt: Attempt) -> (Fault, usize) {
    prepare_process();
    let walk = move || {
        grow();
        loop {
            let end = guard();
            match attempt(end) {
                Ok(()) => assert!(guard() < end, "the guard page was not accessed"),
                Err(fault) => return (fault, end),
            }
        }
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(walk);
    thread.unwrap().join().unwrap()
}

/// Checks that an access is stopped `before_end` bytes before the end of the page, with `copied` bytes
/// moved.
#[track_caller]
fn stops(attempt: Attempt, before_end: usize, copied: usize, access: Access) {
    let (fault, end) = overflow(attempt);
    let address = Some(end - before_end);
    let expected = Fault::new(NtStatus::STACK_OVERFLOW, copied, address, access);
    assert_eq!(fault, expected);
}

fn read<const LENGTH: usize>(address: usize) -> Result<(), Fault> {
    let mut buffer = [0xEE; LENGTH];
    let result = UserSlice::new(address, LENGTH).reader()?.read(&mut buffer);
    assert_eq!(result.is_err(), buffer == [0xEE; LENGTH]);
    result
}

fn write<const LENGTH: usize>(address: usize) -> Result<(), Fault> {
    UserSlice::new(address, LENGTH)
        .writer()?
        .write(&[0x77; LENGTH])
}

fn fill<const LENGTH: usize>(address: usize) -> Result<(), Fault> {
    UserSlice::new(address, LENGTH).writer()?.fill(0x77, LENGTH)
}

#[test]
fn reads_stop_at_the_end_of_the_stack() {
    stops(|end| read::<1>(end - 1), 1, 0, Access::Read);
    stops(|end| read::<8>(end - 8), 8, 0, Access::Read);
    stops(|end| read::<40>(end - 100), 100, 0, Access::Read);
    stops(|end| read::<40>(end - 20), 20, 0, Access::Read);
    stops(|end| read::<300>(end - 1000), 1000, 0, Access::Read);
    stops(|end| read::<2000>(end - PAGE), PAGE, 0, Access::Read);
}

#[test]
fn writes_and_fills_stop_at_the_end_of_the_stack() {
    stops(|end| write::<1>(end - 1), 1, 0, Access::Write);
    stops(|end| write::<8>(end - 8), 8, 0, Access::Write);
    stops(|end| write::<40>(end - 100), 100, 0, Access::Write);
    stops(|end| write::<300>(end - 1000), 1000, 0, Access::Write);
    stops(|end| write::<2000>(end - PAGE), PAGE, 0, Access::Write);
    stops(|end| fill::<40>(end - 100), 100, 0, Access::Write);
    stops(|end| fill::<300>(end - 1000), 1000, 0, Access::Write);
    stops(|end| fill::<2000>(end - PAGE), PAGE, 0, Access::Write);
}

#[test]
fn nontemporal_copies_stop_at_the_end_of_the_stack() {
    let from: Attempt = |end| {
        let mut buffer = [0; 300];
        let source = ptr::with_exposed_provenance(end - 1024);
        // SAFETY: the buffer is this long.
        unsafe { ddi::copy_from_user_nontemporal(buffer.as_mut_ptr(), source, 300) }
    };
    let to: Attempt = |end| {
        let target = ptr::with_exposed_provenance_mut(end - 1024);
        // SAFETY: the source is this long; what is written to is below every frame.
        unsafe { ddi::copy_to_user_nontemporal(target, [0x77; 300].as_ptr(), 300) }
    };
    stops(from, 1024, 0, Access::Read);
    stops(to, 1024, 0, Access::Write);
}

#[test]
fn a_backward_move_stops_at_the_end_of_the_stack_and_counts_what_lies_above() {
    let up: Attempt = |end| {
        let source = ptr::with_exposed_provenance_mut::<u8>(end - 70);
        // SAFETY: what is written to is below every frame.
        unsafe { ddi::move_to_user_from_user(source.wrapping_add(1), source, 100) }
    };
    stops(up, 1, 30, Access::Read);
}

const fn number(end: usize) -> UserPtr<u64> {
    UserPtr::new(end - 8)
}

#[test]
fn numbers_stop_at_the_end_of_the_stack() {
    stops(|end| number(end).read().map(drop), 8, 0, Access::Read);
    stops(
        |end| number(end).read_acquire().map(drop),
        8,
        0,
        Access::Read,
    );
    stops(|end| number(end).write(7), 8, 0, Access::Write);
    stops(|end| number(end).write_release(7), 8, 0, Access::Write);
}

#[test]
fn interlocked_operations_stop_at_the_end_of_the_stack() {
    stops(
        |end| number(end).fetch_and(7).map(drop),
        8,
        0,
        Access::Write,
    );
    stops(|end| number(end).fetch_or(7).map(drop), 8, 0, Access::Write);
    let exchange: Attempt = |end| number(end).compare_exchange(7, 8).map(drop);
    stops(exchange, 8, 0, Access::Write);
}

#[test]
fn strings_stop_at_the_end_of_the_stack() {
    let narrow: Attempt = |end| UserPtr::<u8>::new(end - 33).string_length().map(drop);
    let wide: Attempt = |end| UserPtr::<u16>::new(end - 34).string_length().map(drop);
    stops(narrow, 33, 0, Access::Read);
    stops(wide, 34, 0, Access::Read);
}
