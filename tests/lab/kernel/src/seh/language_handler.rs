//! `__C_specific_handler`: the language handler of C's `__try`, and of our assembly.

use super::context::Context;
use super::dispatch::{CONTINUE_SEARCH, DispatcherContext, Record, record_flags, unwind};
use crate::{call, raw};

/// `EXCEPTION_EXECUTE_HANDLER` in place of a filter's address.
const ALWAYS: u32 = 1;
const SCOPE: u64 = 16;

/// `EXCEPTION_POINTERS`.
#[repr(C)]
struct Pointers {
    record: u64,
    context: u64,
}

/// The `__C_specific_handler` function ("winnt.h", Win32 documentation), whose table of scopes is
/// described in "x64 exception handling": a count, then begin, end, handler and target, as RVAs. A
/// scope with a target is `__except`, its handler the filter or 1; one without is `__finally`.
///
/// During a search, `context` is the context of the exception.
pub(crate) extern "win64" fn c_specific_handler(
    record: u64,
    establisher: u64,
    context: u64,
    dispatcher: u64,
) -> u32 {
    // SAFETY: the dispatcher passes its own record, which nothing else uses while this runs.
    let record = unsafe { &mut *(record as *mut Record) };
    // SAFETY: likewise its own dispatcher context.
    let dispatcher = unsafe { &mut *(dispatcher as *mut DispatcherContext) };
    let base = dispatcher.image_base;
    let control = (dispatcher.control - base) as u32;
    let target = dispatcher.target.wrapping_sub(base) as u32;
    let searching = record.flags & record_flags::UNWIND == 0;
    let at_target = record.flags & record_flags::TARGET_UNWIND != 0;

    let count: u32 = raw::read(dispatcher.data);
    while dispatcher.scope < count {
        let scope = dispatcher.data + 4 + u64::from(dispatcher.scope) * SCOPE;
        let [begin, end, handler, jump]: [u32; 4] = read_scope(scope);
        dispatcher.scope += 1;
        if control < begin || control >= end {
            continue;
        }
        let address = base + u64::from(handler);
        if searching {
            if jump == 0 {
                continue;
            }
            let pointers = Pointers {
                record: (&raw mut *record) as u64,
                context,
            };
            let verdict = if handler == ALWAYS {
                1
            } else {
                call::plain(address, [(&raw const pointers) as u64, establisher, 0, 0]) as i32
            };
            if verdict < 0 {
                return 0;
            }
            if verdict > 0 {
                // SAFETY: the dispatcher passes its own context, and waits while this runs.
                let original = unsafe { *(context as *const Context) };
                let code = u64::from(record.code);
                unwind(&original, establisher, base + u64::from(jump), record, code);
            }
        } else {
            // Control stays in the scope of the target, and in those around it.
            if at_target && (jump == target && jump != 0 || (begin..end).contains(&target)) {
                break;
            }
            if jump == 0 {
                call::plain(address, [1, establisher, 0, 0]);
            }
        }
    }
    CONTINUE_SEARCH
}

fn read_scope(address: u64) -> [u32; 4] {
    [0, 4, 8, 12].map(|offset| raw::read(address + offset))
}
