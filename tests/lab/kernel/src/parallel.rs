//! The same kind of request from both processors at once.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::global::Global;
use crate::io::control::{Control, device_control};
use crate::memory::kernel_space;
use crate::memory::user::{self, Access};
use crate::nt::status::Status;
use crate::object::process;
use crate::{cpu, raw, smp};

/// What one processor does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) process: u64,
    pub(crate) handle: u64,
    pub(crate) control: Control,
    pub(crate) repetitions: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// The first request's status and bytes of information.
    pub(crate) status: Status,
    pub(crate) information: u64,
    /// Requests whose status, information or output was another.
    pub(crate) different: u64,
}

/// The second processor's work, and then its tally.
static ASKED: Global<Option<Work>> = Global::new(None);
static TALLY: Global<Option<Tally>> = Global::new(None);
/// Processors that have come to the start.
static READY: AtomicU32 = AtomicU32::new(0);

/// Whether the other processor runs driver code, or is about to.
pub(crate) fn is_running() -> bool {
    READY.load(Ordering::Acquire) > 0
}

/// Does both processors' work; gives their tallies.
pub(crate) fn run(first: Work, second: Work) -> [Tally; 2] {
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
    [own, other]
}

/// The second processor's part. Interrupts are off before and after.
pub(crate) fn work_if_asked() {
    let Some(work) = ASKED.with(Option::take) else {
        return;
    };
    READY.store(2, Ordering::Release);
    // Translations from before are dropped.
    kernel_space::system().activate();
    cpu::enable_interrupts();
    let tally = carry_out(work);
    cpu::disable_interrupts();
    process::leave_user_half();
    TALLY.with(|place| *place = Some(tally));
}

fn carry_out(work: Work) -> Tally {
    while READY.load(Ordering::Acquire) < 2 {
        core::hint::spin_loop();
    }
    let done = process::attached(work.process, || {
        let mut tally = Tally::default();
        let mut reference = None;
        for _ in 0..work.repetitions {
            let seen = match device_control(work.handle, work.control) {
                Ok(outcome) => (outcome.status, outcome.information, digest(work.control)),
                Err(status) => (status, 0, 0),
            };
            let (status, information, _) = *reference.get_or_insert(seen);
            (tally.status, tally.information) = (status, information);
            tally.different += u64::from(reference != Some(seen));
        }
        tally
    });
    done.unwrap_or_else(|status| Tally {
        status,
        ..Tally::default()
    })
}

/// A number that differs where the output's bytes do. Function: FNV-1a, by 64-bit words.
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
        if user::copy(at, place, count, Access::Read).is_err() {
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
