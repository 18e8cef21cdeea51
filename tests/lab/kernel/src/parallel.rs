//! Requests from both processors at once.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::global::Global;
use crate::io::control::{Control, device_control};
use crate::memory::kernel_space;
use crate::memory::user::{self, AccessKind};
use crate::object::{file, process};
use crate::{cpu, processor, raw, smp};
use nt_status::NtStatus;

/// The work of one processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) process: u64,
    pub(crate) handle: u64,
    pub(crate) control: Control,
    pub(crate) repetitions: u64,
    /// Whether and when the handle is closed.
    pub(crate) closing: Closing,
}

/// Whether and when the handle is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Never,
    /// By this processor, when it is done.
    ByThis,
    /// By the other processor. This one repeats until then.
    ByOther,
}

/// The results of the work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// The first request's status and bytes of information.
    pub(crate) status: NtStatus,
    pub(crate) information: u64,
    /// Requests with another status, information or output.
    pub(crate) different: u64,
    /// Requests sent, without the one whose handle was invalid.
    pub(crate) sent: u64,
}

/// The second processor's work, and then its tally.
static ASKED: Global<Option<Work>> = Global::new(None);
static TALLY: Global<Option<Tally>> = Global::new(None);
/// Processors that are ready to start.
static READY: AtomicU32 = AtomicU32::new(0);
/// Whether both processors may run driver code.
static BOTH: AtomicBool = AtomicBool::new(false);
/// Processors that run driver code, and may complete the other one's requests.
static AT_WORK: [AtomicBool; processor::COUNT] =
    [const { AtomicBool::new(false) }; processor::COUNT];
/// Processors that wait for the end of a request of their own.
static WAITING: [AtomicBool; processor::COUNT] =
    [const { AtomicBool::new(false) }; processor::COUNT];

/// Polls while both processors wait, before the wait fails.
const PATIENCE: u32 = 10_000_000;

/// Whether both processors may run driver code.
pub(crate) fn is_running() -> bool {
    BOTH.load(Ordering::Acquire)
}

/// Sets whether both processors may run driver code.
pub(crate) fn set_running(both: bool) {
    BOTH.store(both, Ordering::Release);
}

/// Sets whether this processor may complete the other one's requests.
pub(crate) fn set_at_work(at_work: bool) {
    AT_WORK[processor::number()].store(at_work, Ordering::Release);
}

/// Waits until `look` finds something, as long as the other processor may cause it.
pub(crate) fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    if let Some(found) = look() {
        return Some(found);
    }
    let own = processor::number();
    WAITING[own].store(true, Ordering::Release);
    let mut patience = PATIENCE;
    let found = loop {
        let other = 1 - own;
        let works = AT_WORK[other].load(Ordering::Acquire);
        if WAITING[other].load(Ordering::Acquire) {
            patience -= 1;
        } else {
            patience = PATIENCE;
        }
        // After the load of `works`, so that this sees everything that the other did before it
        // stopped.
        let found = look();
        if found.is_some() || !works || patience == 0 {
            break found;
        }
        core::hint::spin_loop();
    };
    WAITING[own].store(false, Ordering::Release);
    found
}

/// Does the work of both processors and returns their tallies.
pub(crate) fn run(first: Work, second: Work) -> [Tally; 2] {
    set_running(true);
    READY.store(1, Ordering::Release);
    ASKED.with(|asked| *asked = Some(second));
    smp::wake_other();
    let own = carry_out(first);
    let other = loop {
        if let Some(tally) = TALLY.with(Option::take) {
            break tally;
        }
        core::hint::spin_loop();
    };
    READY.store(0, Ordering::Release);
    set_running(false);
    [own, other]
}

/// The second processor's part. Interrupts are off before and after.
pub(crate) fn work_if_asked() {
    let Some(work) = ASKED.with(Option::take) else {
        return;
    };
    READY.store(2, Ordering::Release);
    // This drops old translations.
    kernel_space::system().activate();
    cpu::enable_interrupts();
    let tally = carry_out(work);
    cpu::disable_interrupts();
    process::leave_user_half();
    TALLY.with(|place| *place = Some(tally));
}

fn carry_out(work: Work) -> Tally {
    set_at_work(true);
    while READY.load(Ordering::Acquire) < 2 {
        core::hint::spin_loop();
    }
    let done = process::attached(work.process, || {
        let mut tally = Tally::default();
        let mut reference = None;
        while work.closing == Closing::ByOther || tally.sent < work.repetitions {
            let seen = match device_control(work.handle, work.control) {
                Ok(completed) => (
                    completed.status,
                    completed.information,
                    digest(work.control),
                ),
                Err(NtStatus::INVALID_HANDLE) if work.closing == Closing::ByOther => break,
                Err(status) => (status, 0, 0),
            };
            let (status, information, _) = *reference.get_or_insert(seen);
            (tally.status, tally.information) = (status, information);
            tally.different += u64::from(reference != Some(seen));
            tally.sent += 1;
        }
        if work.closing == Closing::ByThis
            && let Err(status) = file::close_handle(work.process, work.handle)
        {
            tally.status = status;
        }
        tally
    });
    set_at_work(false);
    done.unwrap_or_else(|status| Tally {
        status,
        ..Tally::default()
    })
}

/// Returns a hash of the output. Function: FNV-1a, by 64-bit words.
fn digest(control: Control) -> u64 {
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x100_0000_01B3;
    let mut digest = BASIS;
    let mut buffer = [0_u64; 64];
    let (mut at, mut left) = (control.output, u64::from(control.output_length));
    while left > 0 {
        let count = left.min(size_of_val(&buffer) as u64);
        buffer.fill(0);
        let place = buffer.as_mut_ptr() as u64;
        if user::copy(at, place, count, AccessKind::Read).is_err() {
            break;
        }
        for position in 0..buffer.len() as u64 {
            digest = (digest ^ raw::read::<u64>(place + position * 8)).wrapping_mul(PRIME);
        }
        at += count;
        left -= count;
    }
    digest
}
