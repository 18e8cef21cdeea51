//! Moves between ranges that overlap.
//!
//! | cases | lengths | combined with |
//! | --- | --- | --- |
//! | complete | [`lengths`] | [`DISTANCES`], and distances of the length and one less and more; upwards and downwards |
//! | stopped, upwards and downwards | 1 to 64: at every byte; the others of [`lengths`]: 0, 1, half, and all but one byte from the page | four distances; each lasting state |

use core::ops::Range;

use usermode_accessors::{Access, Fault, UserSlice, ddi};

use crate::{
    Arena,
    bulk::{lengths, stops, user_slice},
    layout::State,
    pattern,
    pointer::{bytes, bytes_mut},
    run::{Run, fault},
    tally::{Check, Checked},
};

const DISTANCES: [usize; 17] = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100];

/// The greatest length for which a move is stopped at every byte.
const EVERY_STOP: usize = 64;

/// A function that moves.
pub(crate) struct MoveFunction {
    pub(crate) name: &'static str,
    user: bool,
    call: fn(usize, usize, usize) -> Result<(), Fault>,
}

pub(crate) static MOVES: [MoveFunction; 4] = [
    MoveFunction {
        name: "move_to_user_from_user",
        user: true,
        call: |to, from, length| {
            // SAFETY: both sides are the arena's, checked and guarded.
            unsafe { ddi::move_to_user_from_user(bytes_mut(to), bytes(from), length) }
        },
    },
    MoveFunction {
        name: "user_slice_move_to",
        user: true,
        call: |to, from, length| UserSlice::new(from, length).move_to(UserSlice::new(to, length)),
    },
    MoveFunction {
        name: "user_slice_move_to",
        user: false,
        call: |to, from, length| user_slice(from, length).move_to(user_slice(to, length)),
    },
    MoveFunction {
        name: "move_volatile_memory",
        user: false,
        call: |to, from, length| {
            // SAFETY: the kernel memory is long enough on both sides.
            unsafe { ddi::move_volatile_memory(bytes_mut(to), bytes(from), length) };
            Ok(())
        },
    },
];

/// Runs the cases of each function.
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

fn whole<A: Arena>(run: &mut Run<'_, A>, function: &MoveFunction) -> Checked {
    let start = if function.user {
        run.strip(State::Unmapped, true).open.start
    } else {
        run.kernel_target().open.start
    };
    for length in lengths() {
        let own = [length.saturating_sub(1), length, length + 1];
        let fits = |distance: &usize| length + distance + 64 < pattern::LONGEST;
        for distance in DISTANCES.into_iter().chain(own).filter(fits) {
            let low = start + 64 + (length + distance) % 16;
            let high = low + distance;
            case(run, function, (high, low, length), None, State::Unmapped)?;
            case(run, function, (low, high, length), None, State::Unmapped)?;
        }
    }
    Ok(())
}

/// How a move stops: the fault, and the part of the destination that was written before it.
type Stopped = (Fault, Range<usize>);

/// Runs one move in memory that holds the pattern, in the strip of `closed`.
fn case<A: Arena>(
    run: &mut Run<'_, A>,
    function: &MoveFunction,
    (to, from, length): (usize, usize, usize),
    stopped: Option<Stopped>,
    closed: State,
) -> Checked {
    let need = closed.need(stopped.is_some());
    if !run.begin(function.name, [length, to, from], need) {
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
        run.kernel.target[offset..][..seen.len()]
            .copy_from_slice(pattern::bytes(start, seen.len()));
    }
    let expected = stopped.as_ref().map_or(Ok(0), |(fault, _)| Err(*fault));
    run.expect(expected, || (function.call)(to, from, length).map(|()| 0))?;
    let written = stopped.map_or(0..length, |(_, written)| written);

    let kernel = &mut *run.kernel;
    let found = if function.user {
        let found = &mut kernel.scratch[..seen.len()];
        run.arena.read(start, found);
        &*found
    } else {
        &kernel.target[start - open.start..][..seen.len()]
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
        let report = |byte: u8| [u64::from(byte), address as u64, 0, 0];
        Err(run.fail(Check::Moved, report(expected), report(found)))
    })
}

fn stopped<A: Arena>(run: &mut Run<'_, A>, function: &MoveFunction) -> Checked {
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
    function: &MoveFunction,
    closed: State,
    (length, distance, stop): (usize, usize, usize),
) -> Checked {
    let open = run.strip(closed, true).open;
    let reads = closed.refusal(false);

    // To a lower address, so from the first byte: the source runs into the page after it.
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

    // To a higher address, so from the last byte: the source begins in the page before.
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
