//! The way back of a request.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::bugcheck::{Code, bugcheck, stack_here, violation};
use crate::global::Global;
use crate::irql::{self, DISPATCH_LEVEL};
use crate::memory::layout::USER_LIMIT;
use crate::memory::user::{self, Access};
use crate::nt::layout::{Irp, Mdl, StackLocation, Structure, location_control};
use crate::{call, images, pool, processor, raw};
use nt_status::NtStatus;

use super::{KERNEL_MODE, Outcome, irp, mdl, wants_completion};

/// What is to be done when the request ends, besides freeing it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffers {
    /// The system buffer to free, or 0.
    pub(crate) system: u64,
    /// Where results go from the system buffer, or 0.
    pub(crate) output: u64,
    /// Bytes that fit there.
    pub(crate) output_length: u64,
    /// Whether those are the system's own addresses.
    pub(crate) mode: u8,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// The status that the driver gave.
    pub(crate) driver_status: NtStatus,
    /// Whether the driver had called `IoMarkIrpPending`.
    pub(crate) marked_pending: bool,
}

#[derive(Clone, Copy)]
enum State {
    /// With its buffers, and the processor that sent it.
    Under(Buffers, usize),
    /// Ended by another processor: results have to be delivered in the requestor's context, which
    /// NT does by an APC to the requestor's thread.
    Returned(Buffers, Done),
    Over(Done),
}

/// Requests by address, until the I/O manager has taken their results.
static REQUESTS: Global<BTreeMap<u64, State>> = Global::new(BTreeMap::new());

/// Requests that somebody is about to cancel, and whether they have ended in the meantime: then
/// their memory goes when that is done.
static PINNED: Global<BTreeMap<u64, bool>> = Global::new(BTreeMap::new());

static ENDED_ELSEWHERE: AtomicU64 = AtomicU64::new(0);

pub(super) fn register(request: Irp) {
    set_buffers(request, Buffers::default());
}

/// Says what is to be done when a request of this processor's ends.
pub(super) fn set_buffers(request: Irp, buffers: Buffers) {
    let state = State::Under(buffers, processor::number());
    REQUESTS.with(|requests| requests.insert(request.0, state));
}

/// The results of a request that has ended, for the processor that sent it.
pub(super) fn take(request: Irp) -> Option<Done> {
    let state = REQUESTS.with(|requests| match requests.get(&request.0) {
        Some(State::Over(_) | State::Returned(..)) => requests.remove(&request.0),
        _ => None,
    })?;
    match state {
        State::Under(..) => None,
        State::Over(done) => Some(done),
        State::Returned(buffers, mut done) => {
            done.outcome = hand_over(&buffers, done.outcome);
            Some(done)
        }
    }
}

/// A request that is under way and that nobody cancels yet, to be given back to [`unpin`]: until
/// then it keeps its memory.
pub(crate) fn pin_any() -> Option<Irp> {
    REQUESTS.with(|requests| {
        PINNED.with(|pinned| {
            let (&address, _) = requests.iter().find(|(address, state)| {
                matches!(state, State::Under(..)) && !pinned.contains_key(address)
            })?;
            pinned.insert(address, false);
            Some(Irp(address))
        })
    })
}

/// Lets a request go that was pinned.
pub(crate) fn unpin(request: Irp) {
    if PINNED.with(|pinned| pinned.remove(&request.0)) == Some(true) {
        irp::free(request);
    }
}

/// Frees a request's memory, or leaves that to who cancels it.
fn release(request: Irp) {
    let kept = PINNED.with(|pinned| pinned.get_mut(&request.0).map(|ended| *ended = true));
    if kept.is_none() {
        irp::free(request);
    }
}

/// Gives up a request that was never sent.
pub(super) fn withdraw(request: Irp) {
    REQUESTS.with(|requests| requests.remove(&request.0));
    release(request);
}

/// Requests that the other processor ended than the one that had sent them.
pub(crate) fn ended_elsewhere() -> u64 {
    ENDED_ELSEWHERE.load(Ordering::Relaxed)
}

/// Requests alive.
pub(crate) fn count() -> u64 {
    REQUESTS.with(|requests| requests.len() as u64)
}

/// Requests that nobody completed: a line each.
pub(crate) fn left() -> Vec<String> {
    REQUESTS.with(|requests| {
        requests
            .keys()
            .map(|address| format!("request: the IRP at {address:#x} was not completed"))
            .collect()
    })
}

/// What `IofCompleteRequest` does: calls the completion routines from the current location up, then
/// ends the request.
pub(crate) fn complete(request: Irp) {
    let under = REQUESTS.with(|requests| match requests.get(&request.0) {
        Some(&State::Under(buffers, sender)) => Some((buffers, sender)),
        _ => None,
    });
    let Some((buffers, sender)) = under else {
        bugcheck(
            Code::MULTIPLE_IRP_COMPLETE_REQUESTS,
            [request.0, 0, 0, 0],
            None,
            stack_here(),
        );
    };
    require_completable(request);

    let count = request.get(Irp::STACK_COUNT);
    let mut marked_pending = false;
    while request.get(Irp::CURRENT_LOCATION) <= count {
        let current = request.get(Irp::CURRENT_LOCATION);
        let location = irp::location(request, current);
        let bits = location.get(StackLocation::CONTROL);
        marked_pending = bits & location_control::PENDING_RETURNED != 0;
        request.set(Irp::PENDING_RETURNED, u8::from(marked_pending));
        request.set(Irp::CURRENT_LOCATION, current + 1);
        request.set(
            Irp::CURRENT_STACK_LOCATION,
            location.0 + StackLocation::SIZE,
        );
        let cancelled = request.get(Irp::CANCEL) != 0;
        if wants_completion(bits, request.get(Irp::STATUS), cancelled) {
            let device = if current < count {
                irp::location(request, current + 1).get(StackLocation::DEVICE_OBJECT)
            } else {
                0
            };
            let routine = location.get(StackLocation::COMPLETION_ROUTINE);
            let context = location.get(StackLocation::CONTEXT);
            let verdict = call::driver_status(
                "a completion routine",
                routine,
                [device, request.0, context, 0],
            );
            if verdict == NtStatus::MORE_PROCESSING_REQUIRED {
                return;
            }
        } else if marked_pending && current < count {
            let upper = irp::location(request, current + 1);
            upper.set(
                StackLocation::CONTROL,
                upper.get(StackLocation::CONTROL) | location_control::PENDING_RETURNED,
            );
        }
    }
    finish(request, &buffers, sender, marked_pending);
}

fn require_completable(request: Irp) {
    let level = irql::current();
    if level > DISPATCH_LEVEL {
        violation!("a request was completed at IRQL {level}");
    }
    if !irp::is_plausible(request) {
        violation!("the request at {:#x} was overwritten", request.0);
    }
    if request.get(Irp::STATUS) == NtStatus::PENDING {
        violation!(
            "the request at {:#x} was completed with STATUS_PENDING",
            request.0
        );
    }
    let routine = request.get(Irp::CANCEL_ROUTINE);
    if routine != 0 {
        violation!(
            "the request at {:#x} was completed with the cancel routine {} still set",
            request.0,
            images::Place(routine)
        );
    }
}

/// The end of a request: memory back to the system, and results to the requestor, if this is its
/// context.
fn finish(request: Irp, buffers: &Buffers, sender: usize, marked_pending: bool) {
    let driver_status = request.get(Irp::STATUS);
    let outcome = Outcome {
        status: driver_status,
        information: request.get(Irp::INFORMATION),
        ticks: 0,
    };
    let mut list = Mdl(request.get(Irp::MDL));
    while list.0 != 0 {
        let next = Mdl(list.get(Mdl::NEXT));
        mdl::unlock_for_completion(list);
        mdl::free(list);
        list = next;
    }
    let done = |outcome| Done {
        outcome,
        driver_status,
        marked_pending,
    };
    let state = if sender == processor::number() {
        State::Over(done(hand_over(buffers, outcome)))
    } else {
        ENDED_ELSEWHERE.fetch_add(1, Ordering::Relaxed);
        State::Returned(*buffers, done(outcome))
    };
    // In this order: nobody pins a request whose memory is about to go.
    REQUESTS.with(|requests| requests.insert(request.0, state));
    release(request);
}

/// What the requestor sees of a request's end, in its own context.
fn hand_over(buffers: &Buffers, mut outcome: Outcome) -> Outcome {
    if buffers.system != 0 {
        if buffers.output != 0 && !outcome.status.is_error() {
            outcome.status = deliver(buffers, outcome);
        }
        pool::free(buffers.system, None);
    }
    if outcome.status.is_error() {
        outcome.information = 0;
    }
    outcome
}

/// Copies what the driver put into the system buffer to the requestor. A requestor whose memory
/// went away in the meantime gets the exception's code as the status.
fn deliver(buffers: &Buffers, outcome: Outcome) -> NtStatus {
    if outcome.information > buffers.output_length {
        violation!(
            "a request was completed with {} bytes of information for an output of {} bytes",
            outcome.information,
            buffers.output_length
        );
    }
    // Kernel code may pass a user's addresses on.
    if buffers.mode == KERNEL_MODE && buffers.output >= USER_LIMIT {
        raw::copy(buffers.system, buffers.output, outcome.information);
        return outcome.status;
    }
    match user::copy(
        buffers.output,
        buffers.system,
        outcome.information,
        Access::Write,
    ) {
        Ok(()) => outcome.status,
        Err((status, _)) => status,
    }
}
