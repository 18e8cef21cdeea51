//! A signal handler in place of Windows' dispatcher. It uses the same scopes and calls the same filter.

use core::{cell::Cell, ffi::c_void, ptr};
use std::slice;

use super::pages::{PAGE, READ_WRITE};
use crate::NtStatus;
use crate::arch::aarch64::Record;

const ACCESS_VIOLATION: u32 = 0xC000_0005;
pub(super) const GUARDS: [NtStatus; 2] = [NtStatus::GUARD_PAGE_VIOLATION, NtStatus::STACK_OVERFLOW];

std::thread_local! {
    /// The exception code of faults of this thread.
    pub(super) static CODE: Cell<u32> = const { Cell::new(ACCESS_VIOLATION) };
}

/// The part of `ucontext_t` that is used.
#[repr(C)]
pub(super) struct Context {
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
pub(super) fn takes(code: u32, [kind, address]: [usize; 2], registers: [usize; 31]) -> bool {
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

pub(super) unsafe extern "C" fn dispatch(_: i32, _: *const c_void, context: *mut Context) {
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
