//! A stand-in for SMAP in ring 3, where STAC and CLAC are illegal instructions. A vectored handler counts
//! them, skips them, and keeps a flag in place of AC.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::arch::x86_64::processor::{self, FEATURES};
use crate::pages::{AddVectoredExceptionHandler, Pointers, prepare_process};

/// The part of `CONTEXT` that is used.
#[repr(C)]
pub(super) struct Context {
    before: [u8; 0x44],
    pub(super) flags: u32,
    between: [u8; 0xB0],
    pub(super) rip: *const [u8; 4],
}

pub(super) static STAC_COUNT: AtomicU32 = AtomicU32::new(0);
pub(super) static CLAC_COUNT: AtomicU32 = AtomicU32::new(0);
pub(super) static OPEN: AtomicBool = AtomicBool::new(false);
/// The thread whose exceptions are counted. Other tests raise exceptions meanwhile.
static HOLDER: AtomicU32 = AtomicU32::new(0);
/// The number of faults while [`OPEN`] was not set.
pub(super) static FAULTS_WHILE_CLOSED: AtomicUsize = AtomicUsize::new(0);

fn this_thread() -> u32 {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        safe fn GetCurrentThreadId() -> u32;
    }
    GetCurrentThreadId()
}

/// Executes STAC and CLAC.
unsafe extern "system" fn execute(pointers: *mut Pointers) -> i32 {
    const EXCEPTION_CONTINUE_EXECUTION: i32 = -1;
    const EXCEPTION_CONTINUE_SEARCH: i32 = 0;
    let counted = HOLDER.load(SeqCst) == this_thread();
    // SAFETY: the system passes valid pointers.
    let pointers = unsafe { &*pointers };
    // SAFETY: as above.
    match unsafe { (*pointers.record).code } {
        0xC000_001D => {}
        0xC000_0005 if counted => {
            // A dispatcher may leave it closed.
            if !OPEN.swap(false, SeqCst) {
                FAULTS_WHILE_CLOSED.fetch_add(1, SeqCst);
            }
            return EXCEPTION_CONTINUE_SEARCH;
        }
        _ => return EXCEPTION_CONTINUE_SEARCH,
    }
    // SAFETY: as above.
    let context = unsafe { &mut *pointers.context.cast::<Context>() };
    // SAFETY: code was just fetched from there.
    match unsafe { *context.rip } {
        // Other tests find SMAP on as well, while one test has set it.
        [0x0F, 0x01, 0xCA | 0xCB, _] if !counted => {}
        [0x0F, 0x01, 0xCB, _] => {
            STAC_COUNT.fetch_add(1, SeqCst);
            OPEN.store(true, SeqCst);
        }
        [0x0F, 0x01, 0xCA, _] => {
            CLAC_COUNT.fetch_add(1, SeqCst);
            OPEN.store(false, SeqCst);
        }
        _ => return EXCEPTION_CONTINUE_SEARCH,
    }
    context.rip = context.rip.wrapping_byte_add(3);
    EXCEPTION_CONTINUE_EXECUTION
}

/// Has the counters for one test, and SMAP on or off.
pub(super) struct Alone {
    features: u32,
    _lock: MutexGuard<'static, ()>,
}

impl Alone {
    /// Turns SMAP on.
    pub(super) fn with_smap(self) -> Self {
        FEATURES.store(self.features | processor::SMAP, SeqCst);
        self
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        FEATURES.store(self.features, SeqCst);
    }
}

/// Locks the counters for one test, and resets them.
pub(super) fn processor_alone(open: bool) -> Alone {
    static ALONE: Mutex<()> = Mutex::new(());
    static INSTALLED: Once = Once::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    INSTALLED.call_once(|| {
        prepare_process();
        // SAFETY: the handler changes only the counters and RIP.
        unsafe { AddVectoredExceptionHandler(1, execute) };
    });
    STAC_COUNT.store(0, SeqCst);
    CLAC_COUNT.store(0, SeqCst);
    FAULTS_WHILE_CLOSED.store(0, SeqCst);
    OPEN.store(open, SeqCst);
    HOLDER.store(this_thread(), SeqCst);
    Alone {
        features: processor::features(),
        _lock: alone,
    }
}
