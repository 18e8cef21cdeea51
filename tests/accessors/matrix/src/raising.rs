//! Calls of foreign functions that raise.
//!
//! | cases | combined with |
//! | --- | --- |
//! | calls that return | 0 to 10 arguments, 100 sets of them |
//! | calls that raise | 200 statuses: those of memory, and others |
//! | `ProbeForWrite` | [`lengths`], with 0, 1, half, and all but one byte before a closed page of each lasting state; refused addresses; alignments |
//! | AC set at entry | calls that return, and calls that raise |

use core::ffi::c_void;

use usermode_accessors::{
    Access, Fault, NtStatus,
    raising::{self, ARGUMENTS},
};

use crate::{
    Arena,
    bulk::{REFUSED, lengths, stops},
    layout::{Need, State},
    run::{CallResult, Run},
    tally::Checked,
};

pub(crate) const CALL: &str = "raising::call";

/// Returns a sum in which each argument has its own weight. It does not raise, so it may be Rust.
const extern "efiapi" fn weighted_sum(
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
    seventh: usize,
    eighth: usize,
    ninth: usize,
    tenth: usize,
) -> usize {
    let one = first.wrapping_add(second.wrapping_mul(3));
    let two = third.wrapping_mul(5).wrapping_add(fourth.wrapping_mul(7));
    let three = fifth.wrapping_mul(11).wrapping_add(sixth.wrapping_mul(13));
    let four = seventh
        .wrapping_mul(17)
        .wrapping_add(eighth.wrapping_mul(19));
    let five = ninth.wrapping_mul(23).wrapping_add(tenth.wrapping_mul(29));
    let last = four.wrapping_add(five);
    one.wrapping_add(two).wrapping_add(three).wrapping_add(last)
}

const WEIGHTS: [usize; ARGUMENTS] = [1, 3, 5, 7, 11, 13, 17, 19, 23, 29];

/// The number of sets of arguments.
const SETS: usize = 100;

/// The number of statuses that are raised.
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

/// Returns the result of a call that raises `status`.
const fn raised(status: NtStatus) -> CallResult {
    Err(Fault::new(status, 0, None, Access::Read))
}

/// # Safety
///
/// As for [`raising::call_at`].
unsafe fn call<const COUNT: usize>(
    function: *const c_void,
    arguments: [usize; COUNT],
) -> CallResult {
    // SAFETY: the caller's promise is the same.
    match unsafe { raising::call_at(function, arguments) } {
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
        passes::<A, 7>(run, &arguments)?;
        passes::<A, 8>(run, &arguments)?;
        passes::<A, 9>(run, &arguments)?;
        passes::<A, 10>(run, &arguments)?;
    }
    Ok(())
}

/// Makes one call with the first `COUNT` arguments. The others are 0.
fn passes<A: Arena, const COUNT: usize>(run: &mut Run<'_, A>, all: &[usize; ARGUMENTS]) -> Checked {
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
        // SAFETY: the function takes ten integers, and does not raise.
        unsafe { call(weighted_sum as *const c_void, arguments) }
    })
}

fn raises<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    let of_memory = [0x8000_0001, 0x8000_0002, 0xC000_0005, 0xC000_0006];
    let any = (4..STATUSES).map(|number| 0xC000_0001 + number * 37);
    for status in of_memory.into_iter().chain(any) {
        if !run.begin(CALL, [1, status as usize, 0], Some(Need::Exceptions)) {
            continue;
        }
        let function = run.arena.raise_status();
        run.expect(raised(NtStatus(status)), || {
            // SAFETY: the system's function takes a status and raises it.
            unsafe { call(function, [status as usize]) }
        })?;
    }
    Ok(())
}

/// Calls `ProbeForWrite`, if there is one. It raises what an access to a page raises.
fn probes<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for closed in State::LASTING {
        let open = run.strip(closed, true);
        for length in lengths().filter(|length| *length > 0) {
            for stop in stops(length) {
                let address = open.before_end(stop).address;
                let refusal = closed.refusal(true);
                let need = closed.need(refusal.is_some());
                probe(run, [address, length, 1], need, refusal)?;
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

/// Makes one call. `pages` is what its pages need.
fn probe<A: Arena>(
    run: &mut Run<'_, A>,
    arguments: [usize; 3],
    pages: Option<Need>,
    refusal: Option<NtStatus>,
) -> Checked {
    // Where there is no probe, that is the need that is counted.
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
