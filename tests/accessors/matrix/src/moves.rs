//! Moves between ranges that overlap.
//!
//! | cases | lengths | crossed with |
//! | --- | --- | --- |
//! | whole | all of the plan's | [`DISTANCES`] and the lengths one less, equal and one more, upwards and downwards |
//! | stopped, upwards and downwards | 1 to 64: every byte; the plan's longer ones: 0, 1, half, and all but one byte from the page | four distances; each lasting state |

use core::ops::Range;

use usermode_accessors::{Access, Fault, UserSlice, ddi};

use crate::{
    Arena,
    bulk::{lengths, stops},
    layout::State,
    pattern,
    pointer::{bytes, bytes_mut},
    run::{Run, fault},
    tally::{Check, Checked},
};

const DISTANCES: [usize; 15] = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100];

/// Lengths at each byte of which a move is stopped.
const EVERY_STOP: usize = 64;

/// A function that moves.
pub(crate) struct Move {
    pub(crate) name: &'static str,
    user: bool,
    call: fn(usize, usize, usize) -> Result<(), Fault>,
}

pub(crate) static MOVES: [Move; 3] = [
    Move {
        name: "move_to_user_from_user",
        user: true,
        call: |to, from, length| {
            // SAFETY: both sides are the arena's, checked and guarded.
            unsafe { ddi::move_to_user_from_user(bytes_mut(to), bytes(from), length) }
        },
    },
    Move {
        name: "user_slice_move_to",
        user: true,
        call: |to, from, length| UserSlice::new(from, length).move_to(UserSlice::new(to, length)),
    },
    Move {
        name: "move_volatile_memory",
        user: false,
        call: |to, from, length| {
            // SAFETY: the plan's kernel memory has the room on both sides.
            unsafe { ddi::move_volatile_memory(bytes_mut(to), bytes(from), length) };
            Ok(())
        },
    },
];

/// Runs the plan for each function.
pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for function in &MOVES {
        whole(run, function)?;
        if function.user {
            stopped(run, function)?;
            run.in_window(|run| {
                let open = run.strip(State::Unmapped, true).open;
                let (low, high) = (open.start + 100, open.start + 103);
                case(run, function, (high, low, 50), None, State::Unmapped)?;
                case(run, function, (low, high, 50), None, State::Unmapped)
            })?;
        }
    }
    Ok(())
}

fn whole<A: Arena>(run: &mut Run<'_, A>, function: &Move) -> Checked {
    let start = if function.user {
        run.strip(State::Unmapped, true).open.start
    } else {
        run.kernel_target().open.start
    };
    for length in lengths() {
        let own = [length.saturating_sub(1), length, length + 1];
        for distance in DISTANCES.into_iter().chain(own) {
            let low = start + 64 + (length + distance) % 16;
            let high = low + distance;
            case(run, function, (high, low, length), None, State::Unmapped)?;
            case(run, function, (low, high, length), None, State::Unmapped)?;
        }
    }
    Ok(())
}

/// What stops a move: the fault, and the part of the destination that was written before it.
type Stopped = (Fault, Range<usize>);

/// One move in memory that holds the pattern. `closed`: of which strip.
fn case<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Move,
    (to, from, length): (usize, usize, usize),
    stopped: Option<Stopped>,
    closed: State,
) -> Checked {
    if !run.begin(function.name, [length, to, from], closed.need()) {
        return Ok(());
    }
    let open = if function.user {
        run.strip(closed, true).open
    } else {
        run.kernel_target().open
    };
    let start = to.min(from).saturating_sub(16).max(open.start);
    let end = (to.max(from) + length + 16).min(open.end);
    let seen = start..end;
    if function.user {
        run.restore(seen.clone());
    } else {
        let offset = start - open.start;
        run.room.target[offset..][..seen.len()].copy_from_slice(pattern::bytes(start, seen.len()));
    }
    let expected = stopped.as_ref().map_or(Ok(0), |(fault, _)| Err(*fault));
    run.expect(expected, || (function.call)(to, from, length).map(|()| 0))?;
    let written = stopped.map_or(0..length, |(_, written)| written);

    let room = &mut *run.room;
    let found = if function.user {
        let found = &mut room.scratch[..seen.len()];
        run.arena.read(start, found);
        &*found
    } else {
        &room.target[start - open.start..][..seen.len()]
    };
    let wrong = (0..seen.len()).find_map(|offset| {
        let address = start + offset;
        let moved = address
            .checked_sub(to)
            .is_some_and(|position| written.contains(&position));
        let expected = if moved {
            pattern::byte(address - to + from)
        } else {
            pattern::byte(address)
        };
        (found[offset] != expected).then_some((address, expected, found[offset]))
    });
    wrong.map_or(Ok(()), |(address, expected, found)| {
        let told = |byte: u8| [u64::from(byte), address as u64, 0, 0];
        Err(run.fail(Check::Moved, told(expected), told(found)))
    })
}

fn stopped<A: Arena>(run: &mut Run<'_, A>, function: &Move) -> Checked {
    for closed in State::LASTING {
        for length in lengths().filter(|length| *length > 0) {
            let every = length <= EVERY_STOP && closed == State::Unmapped;
            for distance in [1, 7, 8, 33].into_iter().filter(|it| *it < length) {
                for stop in (0..length).filter(|_| every) {
                    both_ways(run, function, closed, (length, distance, stop))?;
                }
                for stop in stops(length).filter(|_| !every) {
                    both_ways(run, function, closed, (length, distance, stop))?;
                }
            }
        }
    }
    Ok(())
}

fn both_ways<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Move,
    closed: State,
    (length, distance, stop): (usize, usize, usize),
) -> Checked {
    let open = run.strip(closed, true).open;
    let reads = closed.refusal(false);

    // Downwards in memory, so first byte first: the source runs into the page behind.
    let from = open.end - stop;
    let to = from - distance;
    let written = if reads.is_some() {
        stop
    } else {
        stop + distance
    };
    let stopped = (written < length).then(|| {
        let (status, access) = reads.map_or_else(
            || (closed.refusal(true), Access::Write),
            |status| (Some(status), Access::Read),
        );
        status.map(|status| (fault(status, written, open.end, access), 0..written))
    });
    case(run, function, (to, from, length), stopped.flatten(), closed)?;

    // Upwards, so last byte first: the source begins in the page before.
    let from = open.start + stop - length;
    let to = from + distance;
    let stopped = (written < length).then(|| {
        let (status, access) = reads.map_or_else(
            || (closed.refusal(true), Access::Write),
            |status| (Some(status), Access::Read),
        );
        let at = open.start - 1;
        status.map(|status| (fault(status, written, at, access), length - written..length))
    });
    case(run, function, (to, from, length), stopped.flatten(), closed)
}
