//! Bugchecks: how the lab ends the run when a driver breaks a rule.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::exit;
use crate::images;
use crate::raw;
use crate::serial::say;
use ringcopy_lab_mailbox::Exit;
use ringcopy_lab_mailbox::rules::{Description, Rule};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        /// Bug check codes. Source: "Bug Check Code Reference", Windows driver documentation.
        #[allow(non_camel_case_types, reason = "the names are Microsoft's")]
        #[allow(dead_code, reason = "drivers use some of them by number")]
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
    TIMER_OR_DPC_INVALID = 0xC7;
    DRIVER_IRQL_NOT_LESS_OR_EQUAL = 0xD1;
    SYSTEM_PTE_MISUSE = 0xDA;
    ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY = 0xFC;
    WDF_VIOLATION = 0x10D;
    KERNEL_SECURITY_CHECK_FAILURE = 0x139;
}

/// Set once the run is ending, so that a fault on the way out does not enter here again.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Bytes of the stack that are searched for return addresses.
const STACK_LIMIT: u64 = 0x6000;
const FRAMES_SHOWN: usize = 16;

/// Ends the run: prints a line for the code, the address of the fault and the stack.
pub(crate) fn bugcheck(code: Code, parameters: [u64; 4], at: Option<u64>, stack: u64) -> ! {
    by_number(code as u32, parameters, at, stack)
}

/// As [`bugcheck`], for a code that a driver gives.
pub(crate) fn by_number(code: u32, parameters: [u64; 4], at: Option<u64>, stack: u64) -> ! {
    if ENDING.swap(true, Ordering::Relaxed) {
        // The other processor is ending the run.
        crate::cpu::halt();
    }
    let [one, two, three, four] = parameters;
    say!(
        "BUGCHECK {code:#X} ({one:#x}, {two:#x}, {three:#x}, {four:#x}) {}",
        name(code)
    );
    if let Some(at) = at {
        say!("  at {}", images::Location(at));
    }
    show_stack(stack);
    exit::end(Exit::Bugcheck)
}

/// Prints every word above the stack pointer that is the address after a call in a loaded image.
/// Calls that have returned may be among them; no caller is missing.
fn show_stack(stack: u64) {
    let tables = crate::memory::paging::Tables::current();
    let mut shown = 0;
    for slot in (stack & !7..stack.saturating_add(STACK_LIMIT)).step_by(8) {
        if shown == FRAMES_SHOWN {
            break;
        }
        // After an overflow, the stack pointer is below the first page of the stack.
        if tables.walk(slot).is_none_or(|translation| translation.user) {
            continue;
        }
        let value: u64 = raw::read(slot);
        if images::is_return_address(value) {
            say!("  from {}", images::Location(value));
            shown += 1;
        }
    }
}

/// Ends the run for a mistake that the lab's own code has found.
pub(crate) fn bugcheck_here(code: Code, parameters: [u64; 4]) -> ! {
    bugcheck(code, parameters, None, stack_here())
}

/// Returns the current stack pointer, roughly.
pub(crate) fn stack_here() -> u64 {
    let marker = 0_u64;
    &raw const marker as u64
}

/// Ends the run because a driver broke a rule: prints a sentence, then uses Driver Verifier's
/// bugcheck.
///
/// A rule of Driver Verifier has its name and its page in the table of
/// [`ringcopy_lab_mailbox::rules`]: [`rule_broken!`].
macro_rules! violation {
    ($($argument:tt)*) => {{
        $crate::serial::say!("VIOLATION: {}", format_args!($($argument)*));
        $crate::bugcheck::bugcheck_here(
            $crate::bugcheck::Code::DRIVER_VERIFIER_DETECTED_VIOLATION,
            [0; 4],
        )
    }};
}
pub(crate) use violation;

/// As [`violation!`], for a rule of Driver Verifier, which the sentence follows.
macro_rules! rule_broken {
    ($rule:ident, $($argument:tt)*) => {{
        $crate::bugcheck::announce(
            ringcopy_lab_mailbox::rules::Rule::$rule,
            format_args!($($argument)*),
        );
        $crate::bugcheck::bugcheck_here(
            $crate::bugcheck::Code::DRIVER_VERIFIER_DETECTED_VIOLATION,
            [0; 4],
        )
    }};
}
pub(crate) use rule_broken;

/// Prints which rule a driver broke, and how. The run ends after that.
pub(crate) fn announce(rule: Rule, text: core::fmt::Arguments<'_>) {
    let Description { name, page, .. } = rule.description();
    say!("VIOLATION of {name} ({page}): {text}");
}

#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    if ENDING.swap(true, Ordering::Relaxed) {
        // A bugcheck was already ending the run.
        exit::end(Exit::Bugcheck);
    }
    say!("PANIC of the lab itself: {information}");
    show_stack(stack_here());
    exit::end(Exit::Panic)
}
