//! The fence after streaming stores. A processor that stops after each instruction shows it.

use core::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::{
    routines::LONGEST,
    single_step::stepped,
    smap::{Context, processor_alone},
};
use crate::arch::{Side, guarded_copy_nontemporal, x86_64::copy_nontemporal};

/// The number of streaming stores since the last fence.
static STREAMED: AtomicUsize = AtomicUsize::new(0);
static FENCES: AtomicUsize = AtomicUsize::new(0);

/// Counts streaming stores and fences.
fn count(context: &Context) -> bool {
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
    true
}

#[test]
fn a_fence_follows_the_streaming_stores() {
    let _alone = processor_alone(false);
    let (mut to, from) = ([0_u8; LONGEST], [1_u8; LONGEST]);
    for guarded in [true, false] {
        STREAMED.store(0, SeqCst);
        FENCES.store(0, SeqCst);
        let result = stepped(count, || {
            if guarded {
                // SAFETY: both arrays are this long.
                unsafe {
                    guarded_copy_nontemporal(Side::Both, to.as_mut_ptr(), from.as_ptr(), LONGEST)
                }
            } else {
                // SAFETY: as above.
                unsafe { copy_nontemporal(to.as_mut_ptr(), from.as_ptr(), LONGEST) };
                Ok(())
            }
        });
        assert!(result.is_ok());
        assert_eq!(to, from);
        assert_eq!((STREAMED.load(SeqCst), FENCES.load(SeqCst)), (0, 1));
    }
}
