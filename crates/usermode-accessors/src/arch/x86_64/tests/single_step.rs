//! A processor that stops before each instruction.

use core::{
    arch::asm,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use super::smap::Context;
use crate::pages::{AddVectoredExceptionHandler, Pointers};

/// RFLAGS.TF: an exception after each instruction.
const EFLAGS_TF: u32 = 1 << 8;

/// Looks at an instruction before it is executed. Returns whether to stop before the next one, too.
type Before = fn(&Context) -> bool;

/// Not locked while instructions are stepped, but by the handler.
static BEFORE: Mutex<Before> = Mutex::new(|_| false);
static STEPPING: AtomicBool = AtomicBool::new(false);

fn before() -> MutexGuard<'static, Before> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "system" fn single_step(pointers: *mut Pointers) -> i32 {
    const STATUS_SINGLE_STEP: u32 = 0x8000_0004;
    const EXCEPTION_CONTINUE_EXECUTION: i32 = -1;
    const EXCEPTION_CONTINUE_SEARCH: i32 = 0;
    // SAFETY: the system passes valid pointers.
    let pointers = unsafe { &*pointers };
    // SAFETY: as above.
    if unsafe { (*pointers.record).code } != STATUS_SINGLE_STEP {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    // SAFETY: as above.
    let context = unsafe { &mut *pointers.context.cast::<Context>() };
    if STEPPING.load(SeqCst) && before()(context) {
        context.flags |= EFLAGS_TF;
    } else {
        context.flags &= !EFLAGS_TF;
    }
    EXCEPTION_CONTINUE_EXECUTION
}

/// Calls `look` before each instruction of `work`, until it returns `false`. One test at a time calls this.
pub(super) fn stepped<R>(look: Before, work: impl FnOnce() -> R) -> R {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: the handler changes only TF.
        unsafe { AddVectoredExceptionHandler(1, single_step) };
    });
    *before() = look;
    STEPPING.store(true, SeqCst);
    // SAFETY: sets TF alone; the handler clears it.
    unsafe {
        asm!("pushfq", "or dword ptr [rsp], {tf}", "popfq", tf = const EFLAGS_TF);
    }
    let result = work();
    STEPPING.store(false, SeqCst);
    result
}
