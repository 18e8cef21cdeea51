//! Faults of the guarded routines on Linux, with a signal handler in place of Windows's dispatcher.
//!
//! The handler uses the same scopes and calls the same filter. It overwrites every register that an
//! unwind may overwrite, and continues at the landing pad. So these tests show the code of the routine
//! after a fault; they do not show that Windows gets there. Each test sets the exception code. The fault
//! of a guard page opens the page.

use core::{cell::Cell, ffi::c_void, ptr};
use std::{format, slice, string::String, sync::Once, vec, vec::Vec};

use super::{Record, copy_backward};
use crate::NtStatus;
use crate::arch::{
    Side, Trap, Width, guarded_and, guarded_compare_exchange, guarded_copy, guarded_copy_backward,
    guarded_copy_nontemporal, guarded_fill, guarded_or, guarded_read, guarded_read_acquire,
    guarded_scan, guarded_write, guarded_write_release,
};

const PAGE: usize = 4096;
const ACCESS_VIOLATION: u32 = 0xC000_0005;
const GUARDS: [NtStatus; 2] = [NtStatus::GUARD_PAGE_VIOLATION, NtStatus::STACK_OVERFLOW];

std::thread_local! {
    /// The exception code of faults of this thread.
    static CODE: Cell<u32> = const { Cell::new(ACCESS_VIOLATION) };
}

const NONE: i32 = 0;
const READ: i32 = 1;
const READ_WRITE: i32 = 3;

/// `struct sigaction` of the C library.
#[repr(C)]
struct Action {
    handler: usize,
    mask: [u64; 16],
    flags: i32,
    restorer: usize,
}

/// The part of `ucontext_t` that is used.
#[repr(C)]
struct Context {
    before: [u8; 176],
    fault_address: usize,
    registers: [usize; 31],
    stack_pointer: usize,
    program_counter: usize,
}

/// `EXCEPTION_RECORD`.
#[repr(C)]
struct Exception {
    code: u32,
    flags: u32,
    next: usize,
    address: usize,
    parameters: u32,
    information: [usize; 15],
}

/// The part of Windows' `ARM64_NT_CONTEXT` that is used.
#[repr(C)]
struct WindowsContext {
    flags: [u32; 2],
    registers: [usize; 31],
}

/// `EXCEPTION_POINTERS`.
#[repr(C)]
struct Pointers {
    exception: *const Exception,
    context: *const WindowsContext,
}

/// Returns whether the filter takes an exception in a routine with these registers.
fn takes(code: u32, [kind, address]: [usize; 2], registers: [usize; 31]) -> bool {
    let mut information = [0; 15];
    information[..2].copy_from_slice(&[kind, address]);
    let exception = Exception {
        code,
        flags: 0,
        next: 0,
        address: 0,
        parameters: 2,
        information,
    };
    let context = WindowsContext {
        flags: [0; 2],
        registers,
    };
    let pointers = Pointers {
        exception: &raw const exception,
        context: &raw const context,
    };
    // SAFETY: X0 has the record, which outlives the routine, and X29 the frame.
    unsafe { usermode_accessors_filter(&raw const pointers, registers[29]) == 1 }
}

/// A scope as the routines emit it.
#[repr(C)]
struct Scope {
    begin: usize,
    end: usize,
    target: usize,
}

unsafe extern "C" {
    fn sigaction(signal: i32, action: *const Action, old: *mut Action) -> i32;
    fn mmap(at: *mut c_void, size: usize, access: i32, flags: i32, file: i32, from: i64)
    -> *mut u8;
    fn mprotect(at: *mut u8, size: usize, access: i32) -> i32;
    fn abort() -> !;

    fn usermode_accessors_filter(pointers: *const Pointers, frame: usize) -> i32;

    static __start_usermode_accessors_scopes: Scope;
    static __stop_usermode_accessors_scopes: Scope;
}

fn scopes() -> &'static [Scope] {
    let start = &raw const __start_usermode_accessors_scopes;
    let stop = &raw const __stop_usermode_accessors_scopes;
    let count = (stop.addr() - start.addr()) / size_of::<Scope>();
    // SAFETY: the linker puts these symbols around the scopes of all routines.
    unsafe { slice::from_raw_parts(start, count) }
}

unsafe extern "C" fn dispatch(_: i32, _: *const c_void, context: *mut Context) {
    // SAFETY: the system passes a valid context.
    let context = unsafe { &mut *context };
    let pc = context.program_counter;
    let Some(scope) = scopes()
        .iter()
        .find(|scope| scope.begin <= pc && pc < scope.end)
    else {
        // SAFETY: ends this process: no test expects this fault.
        unsafe { abort() }
    };
    // SAFETY: the instruction that faulted can be read.
    let instruction = unsafe { ptr::with_exposed_provenance::<u32>(pc).read() };
    // In a load or store of one or two general registers, this bit is set in a load.
    let kind = usize::from(instruction >> 22 & 1 == 0);
    let (code, address) = (CODE.get(), context.fault_address);
    if !takes(code, [kind, address], context.registers) {
        // SAFETY: as above.
        unsafe { abort() }
    }
    if GUARDS.contains(&NtStatus(code)) {
        let page = ptr::with_exposed_provenance_mut(address & !(PAGE - 1));
        // SAFETY: a page of the test, which is no longer a guard page.
        unsafe { mprotect(page, PAGE, READ_WRITE) };
    }
    context.registers[..18].fill(0xBAD0_BAD0_BAD0_BAD0);
    context.program_counter = scope.target;
}

/// Three pages, each with an access of its own.
struct Pages(*mut u8);

impl Pages {
    fn new(access: [i32; 3]) -> Self {
        const PRIVATE_ANONYMOUS: i32 = 0x22;
        const SIGSEGV: i32 = 11;
        const SIGINFO: i32 = 4;
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let action = Action {
                handler: dispatch as *const c_void as usize,
                mask: [0; 16],
                flags: SIGINFO,
                restorer: 0,
            };
            // SAFETY: the handler changes only registers and pages of the tests.
            unsafe { sigaction(SIGSEGV, &raw const action, ptr::null_mut()) };
        });
        let size = 3 * PAGE;
        // SAFETY: asks for memory anywhere. It stays until the process ends.
        let start = unsafe { mmap(ptr::null_mut(), size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0) };
        assert_ne!(start.addr(), usize::MAX);
        let pages = Self(start);
        for offset in 0..size {
            // SAFETY: our own memory, writable so far.
            unsafe { pages.at(offset).write(number(offset)) };
        }
        for (page, access) in access.into_iter().enumerate() {
            // SAFETY: changes a page of our own.
            let done = unsafe { mprotect(pages.at(page * PAGE), PAGE, access) };
            assert_eq!(done, 0);
        }
        pages
    }

    const fn at(&self, offset: usize) -> *mut u8 {
        self.0.wrapping_add(offset)
    }

    fn bytes(&self, offset: usize, length: usize) -> Vec<u8> {
        // SAFETY: the test names readable pages.
        unsafe { slice::from_raw_parts(self.at(offset), length) }.to_vec()
    }
}

/// Returns the initial value of a byte: never 0, and different a page or a block later.
fn number(offset: usize) -> u8 {
    u8::try_from(offset % 251 + 1).unwrap()
}

fn numbers(offset: usize, length: usize) -> Vec<u8> {
    (offset..offset + length).map(number).collect()
}

fn stopped(result: Result<(), Trap>, copied: usize, case: &str) {
    let trap = result.expect_err(case);
    assert_eq!(trap.code(), CODE.get(), "{case}");
    assert_eq!(trap.copied(), copied, "{case}");
}

type Copy = unsafe fn(Side, *mut u8, *const u8, usize) -> Result<(), Trap>;

const FORWARD: [(&str, Copy); 2] = [
    ("copy", guarded_copy),
    ("non-temporal", guarded_copy_nontemporal),
];

/// Returns numbers of bytes before the closed page, each with misalignments of the other side.
fn positions() -> impl Iterator<Item = (usize, usize)> {
    (0..=150).flat_map(|before| [0, 1, 7, 8, 13].map(|shift| (before, shift)))
}

const LENGTH: usize = 200;
const UNTOUCHED: u8 = 0xEE;

#[test]
fn a_copy_stops_at_the_byte_that_cannot_be_read() {
    let pages = Pages::new([READ, NONE, READ]);
    for (before, shift) in positions() {
        for (name, copy) in FORWARD {
            let case = format!("{name} {before} {shift}");
            let mut to = [UNTOUCHED; LENGTH + 16];
            let from = PAGE - before;
            // SAFETY: the buffer is long enough; a fault returns.
            let result = unsafe {
                copy(
                    Side::Source,
                    to[shift..].as_mut_ptr(),
                    pages.at(from),
                    LENGTH,
                )
            };
            stopped(result, before, &case);
            assert_eq!(to[shift..shift + before], numbers(from, before), "{case}");
            let rest = to[..shift].iter().chain(&to[shift + before..]);
            assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");
        }
    }
}

#[test]
fn a_copy_and_a_fill_stop_at_the_byte_that_cannot_be_written() {
    for (before, shift) in positions().step_by(3) {
        let from = numbers(1000, LENGTH + 16);
        for (name, copy) in FORWARD {
            let case = format!("{name} {before} {shift}");
            let pages = Pages::new([READ_WRITE, READ, READ]);
            let to = PAGE - before;
            // SAFETY: the buffer is long enough; a fault returns.
            let result = unsafe {
                copy(
                    Side::Destination,
                    pages.at(to),
                    from[shift..].as_ptr(),
                    LENGTH,
                )
            };
            stopped(result, before, &case);
            assert_eq!(pages.bytes(0, to), numbers(0, to), "{case}");
            assert_eq!(
                pages.bytes(to, before),
                from[shift..shift + before],
                "{case}"
            );
            assert_eq!(pages.bytes(PAGE, PAGE), numbers(PAGE, PAGE), "{case}");
        }
        let pages = Pages::new([READ_WRITE, READ, READ]);
        let (to, case) = (PAGE - before, format!("fill {before}"));
        // SAFETY: a fault returns.
        stopped(
            unsafe { guarded_fill(pages.at(to), 0, LENGTH) },
            before,
            &case,
        );
        assert_eq!(pages.bytes(0, to), numbers(0, to), "{case}");
        assert_eq!(pages.bytes(to, before), vec![0; before], "{case}");
    }
}

#[test]
fn a_backward_copy_counts_from_the_end() {
    let pages = Pages::new([NONE, READ_WRITE, READ]);
    for (after, shift) in positions() {
        let case = format!("{after} {shift}");
        let mut to = [UNTOUCHED; LENGTH + 16];
        let from = PAGE + after - LENGTH;
        // SAFETY: the buffer is long enough; a fault returns.
        let result = unsafe {
            guarded_copy_backward(
                Side::Source,
                to[shift..].as_mut_ptr(),
                pages.at(from),
                LENGTH,
            )
        };
        stopped(result, after, &case);
        let end = shift + LENGTH;
        assert_eq!(to[end - after..end], numbers(PAGE, after), "{case}");
        let rest = to[..end - after].iter().chain(&to[end..]);
        assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");
    }
}

#[test]
fn the_filter_takes_the_exceptions_of_memory_and_no_other() {
    let mut record = Record {
        code: 0,
        kind: 0,
        address: 0,
        cause: 0,
    };
    let asked_at = &raw mut record;
    let asked = |code| {
        let mut frame = [0_usize; 8];
        let mut registers: [usize; 31] = core::array::from_fn(|number| number);
        registers[0] = asked_at.expose_provenance();
        registers[29] = (&raw mut frame).expose_provenance();
        // SAFETY: the record is alive.
        unsafe { (*asked_at).code = 0 };
        let taken = takes(code, [1, 0x1234], registers);
        let kept = if taken { code } else { 0 };
        // SAFETY: as above.
        assert_eq!(unsafe { (*asked_at).code }, kept, "{code:#X}");
        let stored = if taken { [registers[0], 1, 3] } else { [0; 3] };
        assert_eq!(frame[4..7], stored, "{code:#X}");
        taken
    };
    for code in [
        0x8000_0001,
        0x8000_0002,
        0xC000_0005,
        0xC000_0006,
        0xC000_00FD,
    ] {
        assert!(asked(code), "{code:#X}");
    }
    for code in [
        0x8000_0003, // STATUS_BREAKPOINT
        0x8000_0004, // STATUS_SINGLE_STEP
        0x8000_00FD, // STATUS_STACK_OVERFLOW, but for its severity
        0xC000_001D, // STATUS_ILLEGAL_INSTRUCTION
        0xC000_00FC, // the codes before and after STATUS_STACK_OVERFLOW
        0xC000_00FE,
    ] {
        assert!(!asked(code), "{code:#X}");
    }
    assert_eq!((record.kind, record.address), (1, 0x1234));
}

#[test]
fn a_guard_page_stops_a_copy_and_a_fill_at_any_byte_and_is_accessed_once() {
    for (guard, (before, shift)) in GUARDS.into_iter().flat_map(|guard| {
        positions()
            .step_by(3)
            .map(move |position| (guard, position))
    }) {
        CODE.set(guard.0);
        let at = PAGE - before;
        let other = numbers(1000, LENGTH + 16);
        for (name, copy) in FORWARD {
            let case = format!("{name} {guard} {before} {shift}");
            let mut to = [UNTOUCHED; LENGTH + 16];
            let pages = Pages::new([READ, NONE, READ]);
            // SAFETY: the buffer is long enough; a fault returns.
            let result =
                unsafe { copy(Side::Source, to[shift..].as_mut_ptr(), pages.at(at), LENGTH) };
            stopped(result, before, &case);
            assert_eq!(to[shift..shift + before], numbers(at, before), "{case}");
            let rest = to[..shift].iter().chain(&to[shift + before..]);
            assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");

            let pages = Pages::new([READ_WRITE, NONE, READ]);
            // SAFETY: the buffer is long enough; a fault returns.
            let result = unsafe {
                copy(
                    Side::Destination,
                    pages.at(at),
                    other[shift..].as_ptr(),
                    LENGTH,
                )
            };
            stopped(result, before, &case);
            let written = pages.bytes(at, before);
            assert_eq!(written, other[shift..shift + before], "{case}");
            assert_eq!(pages.bytes(PAGE, PAGE), numbers(PAGE, PAGE), "{case}");
        }
        let pages = Pages::new([READ_WRITE, NONE, READ]);
        // SAFETY: a fault returns.
        let result = unsafe { guarded_fill(pages.at(at), 0, LENGTH) };
        stopped(result, before, &format!("fill {guard} {before}"));
        assert_eq!(pages.bytes(at, before), vec![0; before]);
        assert_eq!(pages.bytes(PAGE, PAGE), numbers(PAGE, PAGE));
    }
}

#[test]
fn a_guard_page_stops_a_backward_copy_at_any_byte_and_is_accessed_once() {
    for (guard, (after, shift)) in GUARDS.into_iter().flat_map(|guard| {
        positions()
            .step_by(3)
            .map(move |position| (guard, position))
    }) {
        CODE.set(guard.0);
        let case = format!("{guard} {after} {shift}");
        let at = PAGE + after - LENGTH;
        let mut to = [UNTOUCHED; LENGTH + 16];
        let pages = Pages::new([NONE, READ_WRITE, READ]);
        // SAFETY: the buffer is long enough; a fault returns.
        let result = unsafe {
            guarded_copy_backward(Side::Source, to[shift..].as_mut_ptr(), pages.at(at), LENGTH)
        };
        let last = pages.at(PAGE - 1).addr();
        let address = result.as_ref().map_err(|trap| trap.address());
        assert_eq!(address, Err(Some(last)), "{case}");
        stopped(result, after, &case);
        let end = shift + LENGTH;
        assert_eq!(to[end - after..end], numbers(PAGE, after), "{case}");
        let rest = to[..end - after].iter().chain(&to[end..]);
        assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");

        let from = numbers(1000, LENGTH + 16);
        let pages = Pages::new([NONE, READ_WRITE, READ]);
        // SAFETY: the buffer is long enough; a fault returns.
        let result = unsafe {
            guarded_copy_backward(
                Side::Destination,
                pages.at(at),
                from[shift..].as_ptr(),
                LENGTH,
            )
        };
        stopped(result, after, &case);
        assert_eq!(pages.bytes(PAGE, after), from[end - after..end], "{case}");
        assert_eq!(pages.bytes(0, PAGE), numbers(0, PAGE), "{case}");
    }
}

#[test]
fn a_move_that_faults_has_moved_the_bytes_of_before() {
    for distance in (1..=20).chain([31, 32, 33, 48, 63, 64, 65, 100]) {
        for moved in (0..=130).step_by(5) {
            let case = format!("{distance} {moved}");
            let pages = Pages::new([READ_WRITE, READ, READ]);
            let to = PAGE - moved;
            // SAFETY: a fault returns.
            let result = unsafe {
                guarded_copy(
                    Side::Destination,
                    pages.at(to),
                    pages.at(to + distance),
                    LENGTH,
                )
            };
            stopped(result, moved, &case);
            let expected = numbers(to + distance, moved);
            assert_eq!(pages.bytes(to, moved), expected, "down {case}");

            let pages = Pages::new([READ, READ_WRITE, READ_WRITE]);
            let to = PAGE + moved - LENGTH;
            let from = pages.at(to - distance);
            // SAFETY: a fault returns.
            let result = unsafe { guarded_copy_backward(Side::Both, pages.at(to), from, LENGTH) };
            stopped(result, moved, &case);
            let expected = numbers(PAGE - distance, moved);
            assert_eq!(pages.bytes(PAGE, moved), expected, "up {case}");
        }
    }
}

#[test]
fn a_move_without_a_guard_is_right_at_any_distance() {
    for distance in 1..=100 {
        let pages = Pages::new([READ_WRITE; 3]);
        // SAFETY: all of it is ours.
        unsafe { copy_backward(pages.at(distance), pages.at(0), LENGTH) };
        assert_eq!(
            pages.bytes(distance, LENGTH),
            numbers(0, LENGTH),
            "{distance}"
        );
    }
}

#[test]
fn a_string_is_read_up_to_the_closed_page() {
    let pages = Pages::new([READ, NONE, READ]);
    for (before, wide) in [
        (0, false),
        (1, false),
        (9, false),
        (0, true),
        (2, true),
        (8, true),
    ] {
        // SAFETY: a fault returns.
        let result = unsafe { guarded_scan(pages.at(PAGE - before), 100, wide) };
        stopped(result.map(|_| ()), before, &format!("{before} {wide}"));
    }
}

#[test]
fn an_access_of_one_number_returns_from_its_fault() {
    let pages = Pages::new([READ, NONE, READ]);
    let (there, gone) = (pages.at(8), pages.at(PAGE));
    let mut results: Vec<(String, Result<(), Trap>)> = Vec::new();
    for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
        let mut add = |name: &str, result| results.push((format!("{name} {width:?}"), result));
        // SAFETY: a fault returns; so below.
        add("read", unsafe { guarded_read(gone, width) }.map(|_| ()));
        // SAFETY: as above.
        add(
            "acquire",
            unsafe { guarded_read_acquire(gone, width) }.map(|_| ()),
        );
        // SAFETY: as above.
        add("write", unsafe { guarded_write(there, 1, width) });
        // SAFETY: as above.
        add("release", unsafe { guarded_write_release(there, 1, width) });
    }
    for wide in [false, true] {
        for user in [there, gone] {
            let mut add = |name: &str, result: Result<u64, Trap>| {
                results.push((format!("{name} {wide} {user:?}"), result.map(|_| ())));
            };
            // SAFETY: as above.
            add("and", unsafe { guarded_and(user, 0, wide) });
            // SAFETY: as above.
            add("or", unsafe { guarded_or(user, 0, wide) });
            // SAFETY: as above. What is there is not 0, so nothing would be exchanged.
            add("compare", unsafe {
                guarded_compare_exchange(user, 1, 0, wide)
            });
        }
    }
    for (case, result) in results {
        stopped(result, 0, &case);
    }
    assert_eq!(pages.bytes(0, PAGE), numbers(0, PAGE));
}
