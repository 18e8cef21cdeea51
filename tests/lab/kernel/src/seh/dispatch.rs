//! The search for a handler, and the unwinding to it.

use core::sync::atomic::{AtomicU64, Ordering};

use super::context::{Context, register};
use super::unwind::{EXCEPTION_HANDLER, Frame, UNWIND_HANDLER, step};
use crate::bugcheck::{Code, bugcheck, violation};
use crate::serial::say;
use crate::{call, images, options};
use nt_status::NtStatus;

/// `EXCEPTION_RECORD` of x64.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Record {
    pub(super) code: u32,
    pub(super) flags: u32,
    next: u64,
    address: u64,
    count: u32,
    padding: u32,
    information: [u64; 15],
}

/// `DISPATCHER_CONTEXT` of x64.
#[repr(C)]
pub(super) struct DispatcherContext {
    pub(super) control: u64,
    pub(super) image_base: u64,
    function: u64,
    establisher: u64,
    pub(super) target: u64,
    context: u64,
    handler: u64,
    pub(super) data: u64,
    history: u64,
    pub(super) scope: u32,
    fill: u32,
}

const _: () = assert!(size_of::<Record>() == 0x98 && size_of::<DispatcherContext>() == 0x50);

/// Bits of a record's flags.
pub(super) mod record_flags {
    pub(in crate::seh) const UNWINDING: u32 = 2;
    pub(in crate::seh) const TARGET_UNWIND: u32 = 0x20;
    /// Any of the bits of an unwind: this is no search.
    pub(in crate::seh) const UNWIND: u32 = 0x66;
}

/// `ExceptionContinueExecution`.
const CONTINUE_EXECUTION: u32 = 0;
/// `ExceptionContinueSearch`.
pub(super) const CONTINUE_SEARCH: u32 = 1;

/// The most frames between an exception and its handler. If there are more, the stack is broken.
const DEEPEST: u32 = 256;

static DISPATCHED: AtomicU64 = AtomicU64::new(0);

/// Returns the number of exceptions dispatched since boot.
pub(crate) fn count() -> u64 {
    DISPATCHED.load(Ordering::Relaxed)
}

/// An exception.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exception {
    pub(crate) code: NtStatus,
    /// The record's parameters, and their number.
    pub(crate) information: [u64; 3],
    pub(crate) count: u32,
}

impl Exception {
    pub(crate) const fn plain(code: NtStatus) -> Self {
        Self {
            code,
            information: [0; 3],
            count: 0,
        }
    }
}

unsafe extern "C" {
    /// In `trap.s`: continues at a context.
    fn restore_context(context: *const Context) -> !;
}

pub(super) fn resume(context: &Context) -> ! {
    // SAFETY: the context was captured on this stack, or unwound from one that was; the frames
    // below it are given up.
    unsafe { restore_context(context) }
}

impl Frame {
    /// Calls the frame's language handler.
    fn call_handler(&self, record: &mut Record, context: &mut Context, target: u64) -> Option<u32> {
        let (handler, data) = self.handler?;
        let mut dispatcher = DispatcherContext {
            control: self.instruction,
            image_base: self.image.base,
            function: self.function,
            establisher: self.establisher,
            target,
            context: context.address(),
            handler,
            data,
            history: 0,
            scope: 0,
            fill: 0,
        };
        let arguments = [
            (&raw mut *record) as u64,
            self.establisher,
            context.address(),
            (&raw mut dispatcher) as u64,
        ];
        Some(call::plain(handler, arguments) as u32)
    }
}

/// Searches a handler for an exception at `context` and continues there. Ends the run if there is
/// none.
///
/// The search ends at the first frame that is not a driver's: the lab has no handlers, and NT's own
/// handler would be the last one.
pub(crate) fn raise(context: &mut Context, exception: Exception) -> ! {
    DISPATCHED.fetch_add(1, Ordering::Relaxed);
    let mut record = Record {
        code: exception.code.0,
        flags: 0,
        next: 0,
        address: context.instruction(),
        count: exception.count,
        padding: 0,
        information: [0; 15],
    };
    record.information[..3].copy_from_slice(&exception.information);
    if options::get().debug {
        let [kind, address, _] = exception.information;
        say!(
            "exception {} ({kind:#x}, {address:#x}) at {}",
            exception.code,
            images::Location(record.address)
        );
    }

    let mut walked = *context;
    for depth in 0..DEEPEST {
        // Only the innermost frame can be at an address without code.
        if depth > 0 && !images::is_driver_code(walked.instruction()) {
            break;
        }
        let Some(frame) = step(&mut walked, EXCEPTION_HANDLER) else {
            continue;
        };
        if frame.call_handler(&mut record, context, 0) == Some(CONTINUE_EXECUTION) {
            resume(context);
        }
    }
    unhandled(&record, context)
}

fn unhandled(record: &Record, context: &Context) -> ! {
    let code = if call::in_system_thread() {
        Code::SYSTEM_THREAD_EXCEPTION_NOT_HANDLED
    } else {
        Code::KMODE_EXCEPTION_NOT_HANDLED
    };
    let parameters = [
        u64::from(record.code),
        record.address,
        record.information[0],
        record.information[1],
    ];
    bugcheck(code, parameters, Some(record.address), context.stack())
}

/// Unwinds from the exception to the frame `establisher`, calls the termination handlers on the
/// way, and continues at `target` with `value` in RAX, as `RtlUnwindEx` does.
pub(super) fn unwind(
    original: &Context,
    establisher: u64,
    target: u64,
    record: &mut Record,
    value: u64,
) -> ! {
    let mut current = *original;
    record.flags |= record_flags::UNWINDING;
    for depth in 0..DEEPEST {
        if depth > 0 && !images::is_driver_code(current.instruction()) {
            break;
        }
        let mut caller = current;
        let Some(frame) = step(&mut caller, UNWIND_HANDLER) else {
            current = caller;
            continue;
        };
        let is_target = frame.establisher == establisher;
        if is_target {
            record.flags |= record_flags::TARGET_UNWIND;
        }
        // A termination handler decides nothing.
        let _ = frame.call_handler(record, &mut current, target);
        if is_target {
            current.set_instruction(target);
            current.poison_volatile();
            current.close_user_memory();
            current.set_general(register::RAX, value);
            resume(&current);
        }
        current = caller;
    }
    violation!("unwinding did not find the frame {establisher:#x}: the stack is broken")
}
