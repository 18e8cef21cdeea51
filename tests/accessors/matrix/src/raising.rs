//! Calls of foreign functions that raise.
//!
//! | cases | crossed with |
//! | --- | --- |
//! | calls that return | 0 to 6 arguments, 100 sets of them |
//! | calls that raise | 200 statuses, of memory and of anything else |
//! | `ProbeForWrite` | 1 to 64 bytes and the plan's longer lengths, each ending 0, 1, half, and all but one byte behind a closed page of each lasting state; refused addresses; alignments |
//! | AC set at entry | calls that return, and that raise |

use core::ffi::c_void;

use usermode_accessors::{Access, Fault, NtStatus, raising};

use crate::{
    Arena,
    bulk::{REFUSED, lengths, stops},
    layout::{Need, State},
    run::{Outcome, Run},
    tally::Checked,
};

pub(crate) const CALL: &str = "raising::call";

/// Tells each argument by its place. It raises nothing, so it may be Rust's.
const extern "system" fn weigh(
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> usize {
    let one = first.wrapping_add(second.wrapping_mul(3));
    let two = third.wrapping_mul(5).wrapping_add(fourth.wrapping_mul(7));
    let three = fifth.wrapping_mul(11).wrapping_add(sixth.wrapping_mul(13));
    one.wrapping_add(two).wrapping_add(three)
}

const WEIGHTS: [usize; 6] = [1, 3, 5, 7, 11, 13];

/// Sets of arguments.
const SETS: usize = 100;

/// Statuses that are raised.
const STATUSES: u32 = 200;

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    returns(run)?;
    raises(run)?;
    probes(run)?;
    run.in_window(|run| {
        returns(run)?;
        raises(run)
    })
}

/// What a call comes to, of which a status alone is told.
const fn raised(status: NtStatus) -> Outcome {
    Err(Fault {
        status,
        copied: 0,
        address: None,
        access: Access::Read,
        cause: None,
    })
}

/// # Safety
///
/// As for [`raising::call`].
unsafe fn call<const COUNT: usize>(function: *const c_void, arguments: [usize; COUNT]) -> Outcome {
    // SAFETY: the caller's promise is the same.
    match unsafe { raising::call(function, arguments) } {
        Ok(value) => Ok(value as u64),
        Err(exception) => raised(exception.code),
    }
}

fn returns<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    let mut next = 0x9E37_79B9_7F4A_7C15_usize;
    for _ in 0..SETS {
        let arguments = WEIGHTS.map(|weight| {
            next = next
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(weight);
            next
        });
        passes::<A, 0>(run, &arguments)?;
        passes::<A, 1>(run, &arguments)?;
        passes::<A, 2>(run, &arguments)?;
        passes::<A, 3>(run, &arguments)?;
        passes::<A, 4>(run, &arguments)?;
        passes::<A, 5>(run, &arguments)?;
        passes::<A, 6>(run, &arguments)?;
    }
    Ok(())
}

/// One call with the first of the arguments; those that are not passed are 0.
fn passes<A: Arena, const COUNT: usize>(run: &mut Run<'_, A>, all: &[usize; 6]) -> Checked {
    if !run.begin(CALL, [COUNT, 0, 0], None) {
        return Ok(());
    }
    let mut arguments = [0; COUNT];
    arguments.copy_from_slice(&all[..COUNT]);
    let expected = arguments
        .iter()
        .zip(WEIGHTS)
        .fold(0_usize, |sum, (argument, weight)| {
            sum.wrapping_add(argument.wrapping_mul(weight))
        });
    run.expect(Ok(expected as u64), || {
        // SAFETY: the function takes six integers, and raises nothing.
        unsafe { call(weigh as *const c_void, arguments) }
    })
}

fn raises<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    let of_memory = [0x8000_0001, 0x8000_0002, 0xC000_0005, 0xC000_0006];
    let any = (4..STATUSES).map(|number| 0xC000_0001 + number * 37);
    for status in of_memory.into_iter().chain(any) {
        if !run.begin(CALL, [1, status as usize, 0], None) {
            continue;
        }
        let function = run.arena.raise_status();
        run.expect(raised(NtStatus(status)), || {
            // SAFETY: the system's function takes a status, and raises it.
            unsafe { call(function, [status as usize]) }
        })?;
    }
    Ok(())
}

/// `ProbeForWrite`, if there is one: where it looks, each page raises what an access to it does.
fn probes<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for closed in State::LASTING {
        let open = run.strip(closed, true);
        for length in lengths().filter(|length| *length > 0) {
            for stop in stops(length) {
                let address = open.before_end(stop).address;
                let refusal = closed.refusal(true);
                probe(run, [address, length, 1], closed.need(), refusal)?;
            }
        }
    }
    let address = run.strip(State::Unmapped, true).at(64).address;
    for offset in 0..16 {
        for alignment in [1, 2, 4, 8, 16] {
            let refusal = (offset % alignment != 0).then_some(NtStatus::DATATYPE_MISALIGNMENT);
            probe(run, [address + offset, 64, alignment], None, refusal)?;
        }
    }
    for address in REFUSED {
        probe(run, [address, 1, 1], None, Some(NtStatus::ACCESS_VIOLATION))?;
        probe(run, [address, 0, 1], None, None)?;
    }
    Ok(())
}

/// One probe, of pages that take `pages` to arrange.
fn probe<A: Arena>(
    run: &mut Run<'_, A>,
    arguments: [usize; 3],
    pages: Option<Need>,
    refusal: Option<NtStatus>,
) -> Checked {
    // A case names one need: the probe, or the pages where there is a probe and they are missing.
    let pages = pages.filter(|need| run.arena.can(Need::Probes) && !run.arena.can(*need));
    if !run.begin(CALL, arguments, pages.or(Some(Need::Probes))) {
        return Ok(());
    }
    let Some(function) = run.arena.probe_for_write() else {
        return Ok(());
    };
    run.expect(refusal.map_or(Ok(0), raised), || {
        // SAFETY: the system's function takes an address, a length and an alignment, whatever
        // their values.
        unsafe { call(function, arguments) }.map(|_| 0)
    })
}
