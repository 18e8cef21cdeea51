//! Timers.
//!
//! Source: "Timer Objects and DPCs" and `KeSetTimerEx` (wdm.h), Windows driver documentation.

use alloc::collections::BTreeMap;
use alloc::{format, string::String, vec::Vec};
use core::ops::Range;

use crate::global::Global;
use crate::nt::layout::{Dpc, Structure, Timer};
use crate::{clock, dpc, images, threads};

struct Active {
    due: u64,
    /// Units between two expirations; 0: it expires once.
    period: u64,
    /// Earlier ones expire first if they are due at once.
    sequence: u64,
}

#[derive(Default)]
struct Timers {
    active: BTreeMap<Timer, Active>,
    sequence: u64,
}

static TIMERS: Global<Timers> = Global::new(Timers {
    active: BTreeMap::new(),
    sequence: 0,
});

/// Sets a timer, in place of what it was set to. Returns whether it was set.
pub(crate) fn set(timer: Timer, interval: u64, period: u64, call: Dpc) -> bool {
    let due = clock::now().saturating_add(interval);
    timer.set(Timer::SIGNAL_STATE, 0);
    timer.set(Timer::DUE_TIME, due);
    timer.set(Timer::DPC, call.0);
    timer.set(Timer::PERIOD, (period / clock::MILLISECOND) as u32);
    let before = TIMERS.with(|timers| {
        timers.sequence += 1;
        let active = Active {
            due,
            period,
            sequence: timers.sequence,
        };
        timers.active.insert(timer, active)
    });
    expire();
    before.is_some()
}

/// Stops a timer. Returns whether it was set.
pub(crate) fn cancel(timer: Timer) -> bool {
    TIMERS.with(|timers| timers.active.remove(&timer).is_some())
}

/// Returns when the next timer is due.
pub(crate) fn next_due() -> Option<u64> {
    TIMERS.with(|timers| timers.active.values().map(|active| active.due).min())
}

/// Lets all timers expire that are due, and queues their calls.
pub(crate) fn expire() {
    let now = clock::now();
    let take = || {
        TIMERS.with(|timers| {
            let due = timers.active.iter().filter(|(_, active)| active.due <= now);
            let (&timer, _) = due.min_by_key(|(_, active)| (active.due, active.sequence))?;
            let active = timers.active.get_mut(&timer)?;
            if active.period > 0 {
                active.due += active.period;
            } else {
                timers.active.remove(&timer);
            }
            Some(timer)
        })
    };
    while let Some(timer) = take() {
        threads::note_progress();
        timer.set(Timer::SIGNAL_STATE, 1);
        let call = Dpc(timer.get(Timer::DPC));
        if call.0 != 0 {
            let time = clock::system_time();
            dpc::insert(call, [time & u64::from(u32::MAX), time >> 32]);
        }
    }
}

/// Returns a set timer that lies in a range.
pub(crate) fn set_in(memory: &Range<u64>) -> Option<Timer> {
    TIMERS.with(|timers| {
        let mut set = timers.active.keys().copied();
        set.find(|timer| memory.contains(&timer.0))
    })
}

/// Stops all timers, and returns a line for each that was set.
pub(crate) fn left() -> Vec<String> {
    let active = TIMERS.with(|timers| core::mem::take(&mut timers.active));
    let line = |(timer, active): (Timer, Active)| {
        let call = Dpc(timer.get(Timer::DPC));
        let calls = match call.0 {
            0 => String::new(),
            _ => format!(", to call {}", images::Location(call.get(Dpc::ROUTINE))),
        };
        let kind = if active.period > 0 { "periodic " } else { "" };
        format!("timer: the {kind}one at {:#x} is set{calls}", timer.0)
    };
    active.into_iter().map(line).collect()
}
