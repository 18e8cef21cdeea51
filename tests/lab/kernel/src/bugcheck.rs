//! The end that a driver's mistake comes to.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::images;
use crate::outcome::{self, Outcome};
use crate::raw;
use crate::serial::say;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        /// Bug check codes. Source: "Bug Check Code Reference", Windows driver documentation.
        #[allow(non_camel_case_types, reason = "the names are Microsoft's")]
        #[allow(dead_code, reason = "some are only known by name: drivers name them")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum Code {
            $($(#[$doc])* $name = $value,)+
        }

        const fn name(code: u32) -> &'static str {
            match code {
                $($value => stringify!($name),)+
                _ => "(a code of the driver's own)",
            }
        }
    };
}

codes! {
    IRQL_NOT_LESS_OR_EQUAL = 0x0A;
    KMODE_EXCEPTION_NOT_HANDLED = 0x1E;
    MULTIPLE_IRP_COMPLETE_REQUESTS = 0x44;
    PAGE_FAULT_IN_NONPAGED_AREA = 0x50;
    PROCESS_HAS_LOCKED_PAGES = 0x76;
    SYSTEM_THREAD_EXCEPTION_NOT_HANDLED = 0x7E;
    UNEXPECTED_KERNEL_MODE_TRAP = 0x7F;
    NMI_HARDWARE_FAILURE = 0x80;
    ATTEMPTED_WRITE_TO_READONLY_MEMORY = 0xBE;
    SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION = 0xC1;
    BAD_POOL_CALLER = 0xC2;
    DRIVER_VERIFIER_DETECTED_VIOLATION = 0xC4;
    DRIVER_IRQL_NOT_LESS_OR_EQUAL = 0xD1;
    SYSTEM_PTE_MISUSE = 0xDA;
    ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY = 0xFC;
    WDF_VIOLATION = 0x10D;
    KERNEL_SECURITY_CHECK_FAILURE = 0x139;
}

/// Set once the run is ending, so that a fault on the way out does not come back here.
static ENDING: AtomicBool = AtomicBool::new(false);

/// How far up the stack return addresses are looked for.
const STACK_LIMIT: u64 = 0x6000;
const FRAMES_SHOWN: usize = 16;

/// Ends the run: one line for the code, then where it happened.
pub(crate) fn bugcheck(code: Code, parameters: [u64; 4], at: Option<u64>, stack: u64) -> ! {
    by_number(code as u32, parameters, at, stack)
}

/// The same for a code that a driver names.
pub(crate) fn by_number(code: u32, parameters: [u64; 4], at: Option<u64>, stack: u64) -> ! {
    if ENDING.swap(true, Ordering::Relaxed) {
        // The other processor is at it: its end is the machine's.
        crate::cpu::halt();
    }
    let [one, two, three, four] = parameters;
    say!(
        "BUGCHECK {code:#X} ({one:#x}, {two:#x}, {three:#x}, {four:#x}) {}",
        name(code)
    );
    if let Some(at) = at {
        say!("  at {}", images::Place(at));
    }
    show_stack(stack);
    outcome::end(Outcome::Bugcheck)
}

/// Every word above the stack pointer that is an address right behind a call in a loaded image:
/// some may be left over from calls that returned, none is missing.
fn show_stack(stack: u64) {
    let tables = crate::memory::paging::Tables::current();
    let mut shown = 0;
    for slot in (stack & !7..stack.saturating_add(STACK_LIMIT)).step_by(8) {
        if shown == FRAMES_SHOWN {
            break;
        }
        // After an overflow, the stack pointer is below the stack's first page.
        if tables.walk(slot).is_none_or(|leaf| leaf.user) {
            continue;
        }
        let value: u64 = raw::read(slot);
        if images::is_return_address(value) {
            say!("  from {}", images::Place(value));
            shown += 1;
        }
    }
}

/// Where the stack is now, for bugchecks that an export finds.
pub(crate) fn stack_here() -> u64 {
    let marker = 0_u64;
    &raw const marker as u64
}

/// Ends the run for a rule that the lab holds drivers to, as Driver Verifier does: a sentence, then
/// the bugcheck that Driver Verifier uses.
macro_rules! violation {
    ($($argument:tt)*) => {{
        $crate::serial::say!("VIOLATION: {}", format_args!($($argument)*));
        $crate::bugcheck::bugcheck(
            $crate::bugcheck::Code::DRIVER_VERIFIER_DETECTED_VIOLATION,
            [0; 4],
            None,
            $crate::bugcheck::stack_here(),
        )
    }};
}
pub(crate) use violation;

#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    if ENDING.swap(true, Ordering::Relaxed) {
        // On the way out of a bugcheck that came in the middle of something.
        outcome::end(Outcome::Bugcheck);
    }
    say!("PANIC of the lab itself: {information}");
    show_stack(stack_here());
    outcome::end(Outcome::Panic)
}
