//! Calls from the lab into drivers.

use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::bugcheck::{rule_broken, violation};
use crate::cpu::flags;
use crate::memory::layout::is_of_images;
use crate::memory::{PAGE, system};
use crate::processor::{MOST, PerProcessor};
use crate::{images, irql, kernel_state, locks, raw};
use nt_status::NtStatus;

global_asm!(include_str!("saved_registers.s"), include_str!("call.s"));

/// Pages of a kernel stack, as on 64-bit Windows (24 KiB). The page below, its guard page, is never mapped: a
/// push there is a double fault, and another access a page fault.
const STACK_PAGES: u64 = 6;

/// The lowest address of each processor's stack for drivers.
static STACKS: PerProcessor<AtomicU64> = PerProcessor([const { AtomicU64::new(0) }; MOST]);
static IN_SYSTEM_THREAD: PerProcessor<AtomicBool> =
    PerProcessor([const { AtomicBool::new(true) }; MOST]);

/// The contents of unused stack.
const UNTOUCHED: u8 = 0xCC;

pub(crate) fn initialize() {
    // Of all processors: where other memory lies does not depend on how many there are.
    for place in &STACKS.0 {
        place.store(make_stack(), Ordering::Relaxed);
    }
}

/// Allocates a stack for drivers, and returns its lowest address.
pub(crate) fn make_stack() -> u64 {
    let stack = system::allocate_permanent(STACK_PAGES);
    raw::fill(stack, UNTOUCHED, STACK_PAGES * PAGE);
    stack
}

/// Returns the end of a stack.
pub(crate) const fn top_of(stack: u64) -> u64 {
    stack + STACK_PAGES * PAGE
}

/// Returns the stack on which this processor calls drivers.
pub(crate) fn stack() -> u64 {
    STACKS.here().load(Ordering::Relaxed)
}

/// Whether an address lies in the guard page of the stack on which this processor calls drivers.
pub(crate) fn is_in_guard_page(address: u64) -> bool {
    let stack = stack();
    address < stack && stack - address <= PAGE
}

/// Sets the stack on which this processor calls drivers: that of the thread that runs.
pub(crate) fn set_stack(stack: u64) {
    STACKS.here().store(stack, Ordering::Relaxed);
}

/// Returns the most bytes of stack that drivers have used, and the size of the stack.
pub(crate) fn stack_use() -> (u64, u64) {
    let length = STACK_PAGES * PAGE;
    let untouched = STACKS
        .0
        .iter()
        .map(|place| {
            let bottom = place.load(Ordering::Relaxed);
            (0..length)
                .take_while(|&offset| raw::read::<u8>(bottom + offset) == UNTOUCHED)
                .count() as u64
        })
        .fold(length, u64::min);
    (length - untouched, length)
}

/// The arguments and results of `call.s`.
#[repr(C)]
struct DriverCall {
    function: u64,
    arguments: [u64; 4],
    result: u64,
    flags: u64,
    /// One bit per register that the callee did not preserve.
    changed: u64,
}

unsafe extern "C" {
    fn call_driver(call: *mut DriverCall, stack: u64);
}

/// The registers of the bits of [`DriverCall::changed`], from the lowest bit up.
const PRESERVED: [&str; 18] = [
    "xmm15", "xmm14", "xmm13", "xmm12", "xmm11", "xmm10", "xmm9", "xmm8", "xmm7", "xmm6", "r15",
    "r14", "r13", "r12", "rdi", "rsi", "rbp", "rbx",
];

/// Returns the words of the stack that may be where drivers' code goes on that has called the lab, the
/// innermost call first; 0 for words that there are not. [`images::is_return_address`] tells which are.
pub(crate) fn possible_callers<const N: usize>() -> [u64; N] {
    let (bottom, top) = (stack(), top_of(stack()));
    let here = crate::bugcheck::stack_here();
    let mut callers = [0; N];
    if !(bottom..top).contains(&here) {
        return callers;
    }
    let words = (here & !7..top).step_by(8).map(raw::read::<u64>);
    let possible = words.filter(|&word| is_of_images(word));
    for (caller, address) in callers.iter_mut().zip(possible) {
        *caller = address;
    }
    callers
}

/// Whether the outermost call into a driver was for the system process rather than for a request.
pub(crate) fn in_system_thread() -> bool {
    IN_SYSTEM_THREAD.here().load(Ordering::Relaxed)
}

/// Sets whether the next calls are for the system process.
pub(crate) fn set_system_thread(system: bool) {
    IN_SYSTEM_THREAD.here().store(system, Ordering::Relaxed);
}

/// Calls a driver's routine as NT does, and checks what NT expects when it returns: the same IRQL,
/// the same depth of critical regions, all preserved registers, and no access to user memory.
pub(crate) fn driver(what: &str, function: u64, arguments: [u64; 4]) -> u64 {
    driver_to_level(what, function, arguments, irql::current())
}

/// Calls a driver's routine that returns an `NTSTATUS`, as [`driver`] does.
pub(crate) fn driver_status(what: &str, function: u64, arguments: [u64; 4]) -> NtStatus {
    NtStatus(driver(what, function, arguments) as u32)
}

/// As [`driver`], for a routine that returns at another IRQL: a cancel routine releases the lock
/// that it is called with.
pub(crate) fn driver_to_level(what: &str, function: u64, arguments: [u64; 4], level: u8) -> u64 {
    if !images::is_driver_code(function) {
        violation!("{what} lies at {function:#x}, outside of all images");
    }
    let regions = kernel_state::critical_regions();
    let held = locks::held();
    let bottom = stack();
    let top = top_of(bottom);
    let nested = (bottom..top).contains(&crate::bugcheck::stack_here());
    let mut call = DriverCall {
        function,
        arguments,
        result: 0,
        flags: 0,
        changed: 0,
    };
    // SAFETY: the function is in a loaded image's range, and takes up to four arguments in
    // registers; the stack is the driver's own, or the current one when that is in use already.
    unsafe { call_driver(&raw mut call, if nested { 0 } else { top }) };

    let place = images::Location(function);
    for (bit, register) in PRESERVED.iter().enumerate() {
        if call.changed >> bit & 1 != 0 {
            violation!("{what} ({place}) did not preserve {register}");
        }
    }
    if call.flags & flags::ALIGNMENT_CHECK != 0 {
        violation!("{what} ({place}) returned with access to user memory open (STAC without CLAC)");
    }
    if call.flags & flags::DIRECTION != 0 {
        violation!("{what} ({place}) returned with the direction flag set");
    }
    if call.flags & flags::INTERRUPT == 0 {
        violation!("{what} ({place}) returned with interrupts off");
    }
    locks::require_released(held, what);
    require_level(level, what, &place);
    if kernel_state::critical_regions() != regions {
        rule_broken!(
            CriticalRegions,
            "{what} ({place}) returned inside of a critical region"
        );
    }
    call.result
}

/// Calls the callback with which a provider of events learns of a session, on the driver's stack:
/// `ETWENABLECALLBACK`.
pub(crate) fn enable_callback(function: u64, arguments: [u64; 7]) {
    type Callback = extern "win64" fn(u64, u64, u64, u64, u64, u64, u64);
    if !images::is_driver_code(function) {
        violation!("the callback of a provider lies at {function:#x}, outside of all images");
    }
    let level = irql::current();
    let place = images::Location(function);
    let function = function as *const ();
    // SAFETY: the address is in a loaded image, of a routine of this signature: the driver says so,
    // and narrower arguments are passed in whole registers and slots.
    let function = unsafe { core::mem::transmute::<*const (), Callback>(function) };
    let [one, two, three, four, five, six, seven] = arguments;
    function(one, two, three, four, five, six, seven);
    require_level(level, "the callback of a provider", &place);
}

/// Ends the run if a routine has returned at another IRQL.
pub(crate) fn require_level(level: u8, what: &str, place: &images::Location) {
    let now = irql::current();
    if now != level {
        rule_broken!(
            IrqlReturn,
            "{what} ({place}) should have returned at IRQL {level} and returned at {now}"
        );
    }
}

/// Calls a routine that the exception dispatcher found in an image's tables, on the current stack
/// and without checks.
pub(crate) fn plain(function: u64, arguments: [u64; 4]) -> u64 {
    let function = function as *const ();
    // SAFETY: exception tables name functions of this signature; RDX and so on are ignored by
    // those that take fewer arguments.
    let function = unsafe {
        core::mem::transmute::<*const (), extern "win64" fn(u64, u64, u64, u64) -> u64>(function)
    };
    let [one, two, three, four] = arguments;
    function(one, two, three, four)
}
