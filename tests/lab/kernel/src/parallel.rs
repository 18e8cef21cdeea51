//! Requests from several processors at once.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::global::Global;
use crate::io::control::{Control, device_control};
use crate::memory::kernel_space;
use crate::memory::user::{self, AccessKind};
use crate::object::{file, process};
use crate::processor::{self, MOST, PerProcessor};
use crate::threads::{self, Waited};
use crate::{clock, cpu, dpc, raw, smp};
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
    /// By another processor. This one repeats until then.
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

/// What one processor is asked to do, and then what it did.
#[derive(Clone, Copy)]
enum Part {
    None,
    Asked(Work),
    Done(Tally),
}

static PARTS: Global<[Part; MOST]> = Global::new([Part::None; MOST]);
/// Processors that have still to come before all start.
static AWAITED: AtomicUsize = AtomicUsize::new(0);
/// Whether several processors may run driver code.
static RUNNING: AtomicBool = AtomicBool::new(false);
/// Processors that run driver code, and may complete the requests of others.
static AT_WORK: PerProcessor<AtomicBool> = PerProcessor([const { AtomicBool::new(false) }; MOST]);
/// Processors that wait for the end of a request of their own.
static WAITING: PerProcessor<AtomicBool> = PerProcessor([const { AtomicBool::new(false) }; MOST]);

/// Polls while all that are at work wait, too, before a wait fails.
pub(crate) const PATIENCE: u32 = 10_000_000;

/// Whether several processors may run driver code.
pub(crate) fn is_running() -> bool {
    RUNNING.load(Ordering::Acquire)
}

/// Sets whether several processors may run driver code.
pub(crate) fn set_running(several: bool) {
    RUNNING.store(several, Ordering::Release);
}

/// Sets whether this processor may complete the requests of others.
pub(crate) fn set_at_work(at_work: bool) {
    AT_WORK.here().store(at_work, Ordering::Release);
}

fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Acquire)
}

/// Whether another processor runs driver code, or waits.
pub(crate) fn is_other_at_work() -> bool {
    AT_WORK.elsewhere().any(is_set)
}

/// Whether another processor runs driver code, and does not wait for a request.
pub(crate) fn is_other_busy() -> bool {
    let mut others = AT_WORK.elsewhere().zip(WAITING.elsewhere());
    others.any(|(works, waits)| is_set(works) && !is_set(waits))
}

/// Waits until `look` finds something, as long as another processor or another thread may cause it.
pub(crate) fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut found = look();
    if found.is_some() {
        return found;
    }
    WAITING.here().store(true, Ordering::Release);
    if processor::number() == 0 {
        let is_found = || {
            found = look();
            found.is_some()
        };
        // What it found says how the wait ended.
        let _: Waited = threads::wait(is_found, None);
    } else {
        found = wait_elsewhere(look);
    }
    WAITING.here().store(false, Ordering::Release);
    found
}

/// As [`wait_for`], on another processor than the first.
fn wait_elsewhere<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut patience = PATIENCE;
    loop {
        dpc::deliver();
        let works = is_other_at_work();
        patience = if is_other_busy() {
            PATIENCE
        } else {
            patience - 1
        };
        // After the load of `works`, so that this sees everything that the others did before they
        // stopped.
        let found = look();
        if found.is_some() || !works || patience == 0 {
            break found;
        }
        core::hint::spin_loop();
    }
}

/// Does the work of as many processors, from the first on, and returns their tallies. The caller is
/// the first.
pub(crate) fn run(works: &[Work]) -> Vec<Tally> {
    set_running(true);
    AWAITED.store(works.len(), Ordering::Release);
    PARTS.with(|parts| {
        for (part, &work) in parts.iter_mut().zip(works) {
            *part = Part::Asked(work);
        }
    });
    smp::wake_others();
    work_if_asked();
    // The requests of the others may need what runs on this processor alone: threads and timers.
    set_at_work(true);
    WAITING.here().store(true, Ordering::Release);
    let take = |number: usize| loop {
        let part = PARTS.with(|parts| parts[number]);
        if let Part::Done(tally) = part {
            break tally;
        }
        if !threads::turn() && !is_other_busy() {
            clock::advance_to_next(u64::MAX);
        }
        core::hint::spin_loop();
    };
    let tallies = (0..works.len()).map(take).collect();
    WAITING.here().store(false, Ordering::Release);
    set_at_work(false);
    PARTS.with(|parts| parts.fill(Part::None));
    set_running(false);
    tallies
}

/// Does the work of another processor than the first, if there is any. Interrupts are off before and
/// after.
pub(crate) fn stand_by() {
    if !PARTS.with(|parts| matches!(parts[processor::number()], Part::Asked(_))) {
        return;
    }
    // This drops old translations.
    kernel_space::system().activate();
    cpu::enable_interrupts();
    work_if_asked();
    cpu::disable_interrupts();
    process::leave_user_half();
}

fn work_if_asked() {
    let own = processor::number();
    let part = PARTS.with(|parts| core::mem::replace(&mut parts[own], Part::None));
    if let Part::Asked(work) = part {
        let tally = carry_out(work);
        PARTS.with(|parts| parts[own] = Part::Done(tally));
    }
}

fn carry_out(work: Work) -> Tally {
    set_at_work(true);
    AWAITED.fetch_sub(1, Ordering::AcqRel);
    while AWAITED.load(Ordering::Acquire) > 0 {
        core::hint::spin_loop();
    }
    let done = process::attached(work.process, || {
        let mut tally = Tally::default();
        let mut reference = None;
        let mut was_cancelled = false;
        while work.closing == Closing::ByOther || tally.sent < work.repetitions {
            let seen = match device_control(work.handle, work.control) {
                // The framework cancels what waits in a queue at the cleanup: the handle is closed.
                Ok(completed)
                    if work.closing == Closing::ByOther
                        && completed.status == NtStatus::CANCELLED
                        && !was_cancelled =>
                {
                    was_cancelled = true;
                    continue;
                }
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
            tally.different += u64::from(was_cancelled || reference != Some(seen));
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
