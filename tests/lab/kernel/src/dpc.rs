//! Deferred procedure calls.
//!
//! Source: "Introduction to DPC Objects" and `KeInsertQueueDpc` (wdm.h), Windows driver documentation. A
//! queued call runs at `DISPATCH_LEVEL` on the processor that queued it, as soon as the IRQL is below
//! that.

use alloc::collections::VecDeque;
use alloc::{format, string::String, vec::Vec};
use core::ops::Range;

use crate::global::Global;
use crate::irql::{self, DISPATCH_LEVEL};
use crate::nt::layout::{Dpc, Structure};
use crate::{call, images, processor, threads};

struct Queued {
    dpc: Dpc,
    processor: usize,
}

static QUEUE: Global<VecDeque<Queued>> = Global::new(VecDeque::new());

/// Queues a call with two arguments. Returns `false` if it is in the queue already.
pub(crate) fn insert(dpc: Dpc, arguments: [u64; 2]) -> bool {
    let processor = processor::number();
    QUEUE.with(|queue| {
        let is_new = queue.iter().all(|queued| queued.dpc != dpc);
        if is_new {
            dpc.set(Dpc::ARGUMENTS, arguments);
            queue.push_back(Queued { dpc, processor });
        }
        is_new
    })
}

/// Takes a call out of the queue. Returns whether it was in it.
pub(crate) fn remove(dpc: Dpc) -> bool {
    QUEUE.with(|queue| {
        let before = queue.len();
        queue.retain(|queued| queued.dpc != dpc);
        queue.len() < before
    })
}

/// Runs the calls that this processor has queued, if the IRQL is low enough.
pub(crate) fn deliver() {
    let level = irql::current();
    if level >= DISPATCH_LEVEL {
        return;
    }
    let own = processor::number();
    let take = || {
        QUEUE.with(|queue| {
            let position = queue.iter().position(|queued| queued.processor == own)?;
            queue.remove(position)
        })
    };
    while let Some(Queued { dpc, .. }) = take() {
        threads::note_progress();
        let [one, two] = dpc.get(Dpc::ARGUMENTS);
        irql::set(DISPATCH_LEVEL);
        call::driver(
            "a deferred procedure call",
            dpc.get(Dpc::ROUTINE),
            [dpc.0, dpc.get(Dpc::CONTEXT), one, two],
        );
        irql::set(level);
    }
}

/// Returns a queued call whose object lies in a range.
pub(crate) fn queued_in(memory: &Range<u64>) -> Option<Dpc> {
    let find = |queue: &mut VecDeque<Queued>| {
        let mut queued = queue.iter().map(|queued| queued.dpc);
        queued.find(|dpc| memory.contains(&dpc.0))
    };
    QUEUE.with(find)
}

/// Empties the queue, and returns a line for each call that was in it.
pub(crate) fn left() -> Vec<String> {
    QUEUE
        .with(core::mem::take)
        .into_iter()
        .map(|Queued { dpc, .. }| {
            let routine = images::Location(dpc.get(Dpc::ROUTINE));
            format!("DPC: the one at {:#x} is queued, for {routine}", dpc.0)
        })
        .collect()
}
