//! The fence after streaming stores. A processor that stops after each instruction shows it.

use core::{
    arch::asm,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};
use std::sync::Once;

use super::{
    routines::LONGEST,
    smap::{Context, processor_alone},
};
use crate::arch::{Side, guarded_copy_nontemporal, x86_64::copy_nontemporal};
use crate::pages::{AddVectoredExceptionHandler, Pointers};

static STEPPING: AtomicBool = AtomicBool::new(false);
/// The number of streaming stores since the last fence.
static STREAMED: AtomicUsize = AtomicUsize::new(0);
static FENCES: AtomicUsize = AtomicUsize::new(0);
/// RFLAGS.TF: an exception after each instruction.
const EFLAGS_TF: u32 = 1 << 8;

/// Counts streaming stores and fences before each is executed.
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
    // SAFETY: code is about to be fetched from there.
    match unsafe { *context.rip } {
        [0x66, 0x0F, 0xE7, _] => {
            STREAMED.fetch_add(1, SeqCst); // MOVNTDQ
        }
        [0x0F, 0xAE, 0xF8, _] => {
            STREAMED.store(0, SeqCst); // SFENCE
            FENCES.fetch_add(1, SeqCst);
        }
        _ => {}
    }
    if STEPPING.load(SeqCst) {
        context.flags |= EFLAGS_TF;
    } else {
        context.flags &= !EFLAGS_TF;
    }
    EXCEPTION_CONTINUE_EXECUTION
}

#[test]
fn a_fence_follows_the_streaming_stores() {
    static INSTALLED: Once = Once::new();
    let _alone = processor_alone(false);
    INSTALLED.call_once(|| {
        // SAFETY: the handler changes only the counters and TF.
        unsafe { AddVectoredExceptionHandler(1, single_step) };
    });
    let (mut to, from) = ([0_u8; LONGEST], [1_u8; LONGEST]);
    for guarded in [true, false] {
        STREAMED.store(0, SeqCst);
        FENCES.store(0, SeqCst);
        STEPPING.store(true, SeqCst);
        // SAFETY: sets TF alone; the handler clears it.
        unsafe {
            asm!("pushfq", "or dword ptr [rsp], {tf}", "popfq", tf = const EFLAGS_TF);
        }
        let result = if guarded {
            // SAFETY: both arrays are this long.
            unsafe { guarded_copy_nontemporal(Side::Both, to.as_mut_ptr(), from.as_ptr(), LONGEST) }
        } else {
            // SAFETY: as above.
            unsafe { copy_nontemporal(to.as_mut_ptr(), from.as_ptr(), LONGEST) };
            Ok(())
        };
        STEPPING.store(false, SeqCst);
        assert!(result.is_ok());
        assert_eq!(to, from);
        assert_eq!((STREAMED.load(SeqCst), FENCES.load(SeqCst)), (0, 1));
    }
}
