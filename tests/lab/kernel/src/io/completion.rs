//! Completing requests.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};

use ringcopy_lab_mailbox::rules::Rule;

use crate::bugcheck::{Code, announce, bugcheck_here, rule_broken, violation};
use crate::global::Global;
use crate::irql::{DISPATCH_LEVEL, require_at_most};
use crate::memory::layout::user_limit;
use crate::memory::user::{self, AccessKind};
use crate::nt::layout::{Irp, Mdl, StackLocation, Structure, location_control, major};
use crate::{call, images, pool, processor, raw};
use nt_status::NtStatus;

use super::{Completion, KERNEL_MODE, irp, mdl, wants_completion};

/// The buffers of a request, which its completion copies and frees.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffers {
    /// The system buffer to free, or 0.
    pub(crate) system: u64,
    /// The address that the system buffer's results are copied to, or 0.
    pub(crate) output: u64,
    /// The requestor mode.
    pub(crate) mode: u8,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) completed: Completion,
    /// The driver's status.
    pub(crate) driver_status: NtStatus,
    /// Whether the driver called `IoMarkIrpPending`.
    pub(crate) marked_pending: bool,
}

#[derive(Clone, Copy)]
enum State {
    /// In progress, with its buffers and the processor that sent it.
    InProgress(Buffers, usize),
    /// Completed by another processor. Results are delivered in the requestor's context, which NT
    /// does by an APC to the requestor's thread.
    Returned(Buffers, Done),
    Over(Done),
}

/// Requests by address, until the I/O manager has taken their results.
static REQUESTS: Global<BTreeMap<u64, State>> = Global::new(BTreeMap::new());

/// Requests that are being cancelled, and whether they have ended meanwhile: then [`unpin`] frees
/// their memory.
static PINNED: Global<BTreeMap<u64, bool>> = Global::new(BTreeMap::new());

static ENDED_ELSEWHERE: AtomicU64 = AtomicU64::new(0);

pub(super) fn register(request: Irp) {
    set_buffers(request, Buffers::default());
}

/// Sets the buffers of a request that this processor sends.
pub(super) fn set_buffers(request: Irp, buffers: Buffers) {
    let state = State::InProgress(buffers, processor::number());
    REQUESTS.with(|requests| requests.insert(request.0, state));
}

/// Returns the results of a request that has ended, on the processor that sent it.
pub(super) fn take(request: Irp) -> Option<Done> {
    let state = REQUESTS.with(|requests| match requests.get(&request.0) {
        Some(State::Over(_) | State::Returned(..)) => requests.remove(&request.0),
        _ => None,
    })?;
    match state {
        State::InProgress(..) => None,
        State::Over(done) => Some(done),
        State::Returned(buffers, mut done) => {
            done.completed = hand_over(&buffers, done.completed);
            Some(done)
        }
    }
}

/// Returns a request in progress that is not being cancelled. It keeps its memory until [`unpin`].
pub(crate) fn pin_any() -> Option<Irp> {
    REQUESTS.with(|requests| {
        PINNED.with(|pinned| {
            let (&address, _) = requests.iter().find(|(address, state)| {
                matches!(state, State::InProgress(..)) && !pinned.contains_key(address)
            })?;
            pinned.insert(address, false);
            Some(Irp(address))
        })
    })
}

/// Ends what [`pin_any`] began.
pub(crate) fn unpin(request: Irp) {
    if PINNED.with(|pinned| pinned.remove(&request.0)) == Some(true) {
        irp::free(request);
    }
}

/// Frees a request's memory, or leaves that to [`unpin`].
fn release(request: Irp) {
    let kept = PINNED.with(|pinned| pinned.get_mut(&request.0).map(|ended| *ended = true));
    if kept.is_none() {
        irp::free(request);
    }
}

/// Frees a request that no driver has: one that was never sent, or that a completion routine kept.
pub(crate) fn withdraw(request: Irp) {
    REQUESTS.with(|requests| requests.remove(&request.0));
    release(request);
}

/// Returns the number of requests completed by another processor than the one that sent them.
pub(crate) fn ended_elsewhere() -> u64 {
    ENDED_ELSEWHERE.load(Ordering::Relaxed)
}

/// Returns the number of live requests.
pub(crate) fn count() -> u64 {
    REQUESTS.with(|requests| requests.len() as u64)
}

/// Returns a line for each request that was not completed.
pub(crate) fn left() -> Vec<String> {
    REQUESTS.with(|requests| {
        requests
            .keys()
            .map(|address| format!("request: the IRP at {address:#x} was not completed"))
            .collect()
    })
}

/// Completes a request as `IofCompleteRequest` does: calls the completion routines from the current
/// location up, then ends the request.
pub(crate) fn complete(request: Irp) {
    let in_progress = REQUESTS.with(|requests| match requests.get(&request.0) {
        Some(&State::InProgress(buffers, sender)) => Some((buffers, sender)),
        _ => None,
    });
    let Some((buffers, sender)) = in_progress else {
        announce(
            Rule::CompletedTwice,
            format_args!("the request at {:#x} is not in progress", request.0),
        );
        bugcheck_here(Code::MULTIPLE_IRP_COMPLETE_REQUESTS, [request.0, 0, 0, 0]);
    };
    require_completable(request);
    require_short_enough(request);

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
    require_at_most(DISPATCH_LEVEL, "IoCompleteRequest");
    if !irp::is_plausible(request) {
        violation!("the request at {:#x} was overwritten", request.0);
    }
    let status = request.get(Irp::STATUS);
    if status == NtStatus::PENDING || status == NtStatus(u32::MAX) {
        rule_broken!(
            CompletedStatus,
            "the request at {:#x} was completed with {status}",
            request.0
        );
    }
    let routine = request.get(Irp::CANCEL_ROUTINE);
    if routine != 0 {
        rule_broken!(
            CompletedCancelRoutine,
            "the request at {:#x} was completed with the cancel routine {} still set",
            request.0,
            images::Location(routine)
        );
    }
}

/// Ends the run if a request returns more bytes than its buffer has.
fn require_short_enough(request: Irp) {
    let location = irp::location(request, request.get(Irp::STACK_COUNT));
    let length = match location.get(StackLocation::MAJOR_FUNCTION) {
        major::DEVICE_CONTROL => location.get(StackLocation::OUTPUT_LENGTH),
        major::READ | major::WRITE => location.get(StackLocation::LENGTH),
        _ => return,
    };
    let length = u64::from(length);
    let information = request.get(Irp::INFORMATION);
    if !request.get(Irp::STATUS).is_error() && information > length {
        rule_broken!(
            InformationLength,
            "a request was completed with {information} bytes of information for an output of \
             {length} bytes"
        );
    }
}

/// Ends a request: frees its memory, and delivers its results if this is the requestor's context.
fn finish(request: Irp, buffers: &Buffers, sender: usize, marked_pending: bool) {
    let driver_status = request.get(Irp::STATUS);
    let completed = Completion {
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
    let done = |completed| Done {
        completed,
        driver_status,
        marked_pending,
    };
    let state = if sender == processor::number() {
        State::Over(done(hand_over(buffers, completed)))
    } else {
        ENDED_ELSEWHERE.fetch_add(1, Ordering::Relaxed);
        State::Returned(*buffers, done(completed))
    };
    // In this order, so that no request is pinned whose memory is being freed.
    REQUESTS.with(|requests| requests.insert(request.0, state));
    release(request);
}

/// Delivers the results of a request to the requestor, in its own context.
fn hand_over(buffers: &Buffers, mut completed: Completion) -> Completion {
    if buffers.system != 0 {
        if buffers.output != 0 && !completed.status.is_error() {
            completed.status = deliver(buffers, completed);
        }
        pool::free(buffers.system, None);
    }
    if completed.status.is_error() {
        completed.information = 0;
    }
    completed
}

/// Copies the system buffer to the requestor. If the requestor's memory cannot be written, the
/// exception's code is the status.
fn deliver(buffers: &Buffers, completed: Completion) -> NtStatus {
    // Kernel code may pass on a user's addresses.
    if buffers.mode == KERNEL_MODE && buffers.output >= user_limit() {
        raw::copy(buffers.system, buffers.output, completed.information);
        return completed.status;
    }
    match user::copy(
        buffers.output,
        buffers.system,
        completed.information,
        AccessKind::Write,
    ) {
        Ok(()) => completed.status,
        Err((status, _)) => status,
    }
}
