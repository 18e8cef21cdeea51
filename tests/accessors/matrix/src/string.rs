//! Lengths of strings.
//!
//! | cases | combined with |
//! | --- | --- |
//! | complete | [`lengths`]; 16 misalignments; user memory, and kernel memory for functions with a mode |
//! | complete, up to a closed page | every length to 64 |
//! | without a terminator | [`lengths`] before a closed page; each lasting state; five lengths before a guard page |
//! | without a terminator in user memory | 1 to 260 bytes before its end |
//! | refused addresses | [`REFUSED`]; for bounded functions, bounds of 0 and 5 |
//! | bounded | lengths to 40; bounds of 0, 1, one less, equal, one more, and none; complete, in either mode, and up to a closed page without a terminator |
//! | AC set at entry | complete, and without a terminator |

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, ddi, probe::FOUR_LEVEL_LIMIT};

use crate::{
    Arena,
    bulk::{REFUSED, lengths},
    layout::{Need, PAGE, State},
    pattern,
    pointer::from,
    run::{COUNTS, CallResult, Location, Run, fault},
    tally::Checked,
};

/// A function that counts. Its arguments are address and bound.
pub(crate) struct Scan {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    pub(crate) kernel: bool,
    pub(crate) call: fn(usize, usize) -> Result<u64, Fault>,
}

/// The result of a bounded function that finds no terminator within its bound.
pub(crate) const NONE: u64 = u64::MAX;

macro_rules! scans {
    ($width:literal: $($name:literal $kernel:literal |$string:ident| $call:expr;)+) => {
        [$(Scan {
            name: $name,
            width: $width,
            kernel: $kernel,
            call: |string, _| {
                let $string = from(string);
                // SAFETY: user memory, checked and guarded, or a string of the kernel's own.
                let length = unsafe { $call };
                length.map(|length| length as u64)
            },
        },)+]
    };
}

macro_rules! pointer {
    ($($name:literal $type:ty, $kernel:literal $mode:ident,
        |$string:ident, $maximum:ident| $call:expr;)+) => {
        [$(Scan {
            name: $name,
            width: size_of::<$type>(),
            kernel: $kernel,
            call: |string, $maximum| {
                // SAFETY: user memory, checked and guarded, or a string of the kernel's own.
                let $string = unsafe { UserPtr::<$type>::for_mode(string, Mode::$mode) };
                $call
            },
        },)+]
    };
}

pub(crate) static NARROW: [&[Scan]; 2] = [
    &scans! { 1:
        "string_length_from_user" false |string| ddi::string_length_from_user(string);
        "string_length_from_mode" false |string| ddi::string_length_from_mode(string, Mode::User);
        "string_length_from_mode" true |string| ddi::string_length_from_mode(string, Mode::Kernel);
    },
    &pointer! {
        "user_ptr_string_length" u8, false User, |string, _maximum|
            string.string_length().map(|length| length as u64);
    },
];

pub(crate) static WIDE: [&[Scan]; 2] = [
    &scans! { 2:
        "wide_string_length_from_user" false |string| ddi::wide_string_length_from_user(string);
        "wide_string_length_from_mode" false |string|
            ddi::wide_string_length_from_mode(string, Mode::User);
        "wide_string_length_from_mode" true |string|
            ddi::wide_string_length_from_mode(string, Mode::Kernel);
    },
    &pointer! {
        "user_ptr_string_length" u16, false User, |string, _maximum|
            string.string_length().map(|length| length as u64);
    },
];

fn or_none(length: Option<usize>) -> u64 {
    length.map_or(NONE, |length| length as u64)
}

pub(crate) static BOUNDED: [Scan; 4] = pointer! {
    "user_ptr_string_length_within" i8, false User, |string, maximum|
        string.string_length_within(maximum).map(or_none);
    "user_ptr_string_length_within" i8, true Kernel, |string, maximum|
        string.string_length_within(maximum).map(or_none);
    "user_ptr_string_length_within" u16, false User, |string, maximum|
        string.string_length_within(maximum).map(or_none);
    "user_ptr_string_length_within" u16, true Kernel, |string, maximum|
        string.string_length_within(maximum).map(or_none);
};

/// Runs the cases of each function.
pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>, functions: &[Scan]) -> Checked {
    for function in functions {
        whole(run, function)?;
        if !function.kernel {
            endless(run, function)?;
            refused(run, function)?;
            run.in_window(|run| {
                let open = run.strip(State::Unmapped, true);
                ended(run, function, &open.at(5), (20, usize::MAX), Ok(20))?;
                let (status, at) = (NtStatus::ACCESS_VIOLATION, open.open.end);
                let expected = Err(fault(status, 8, at, Access::Read));
                let need = Some(Need::Exceptions);
                scanned(
                    run,
                    function,
                    &open.before_end(8),
                    usize::MAX,
                    expected,
                    need,
                )
            })?;
        }
    }
    Ok(())
}

/// Returns writable memory that holds the pattern.
fn memory<A: Arena>(run: &mut Run<'_, A>, function: &Scan) -> Location {
    if function.kernel {
        run.refresh_target();
        run.kernel_target()
    } else {
        run.strip(State::Unmapped, true)
    }
}

/// Runs the cases of the bounded functions.
pub(crate) fn bounded<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for function in &BOUNDED {
        if !function.kernel {
            for address in REFUSED {
                let location = Location::nowhere(address);
                let expected = Err(fault(NtStatus::ACCESS_VIOLATION, 0, address, Access::Read));
                scanned(run, function, &location, 5, expected, None)?;
                scanned(run, function, &location, 0, Ok(NONE), None)?;
            }
        }
        let open = memory(run, function);
        for length in 0..=40 {
            let bytes = length * function.width;
            let all = [
                0,
                1,
                length.saturating_sub(1),
                length,
                length + 1,
                usize::MAX,
            ];
            for maximum in all {
                let within = or_none((length < maximum).then_some(length));
                for shift in 0..16 {
                    let location = open.at(64 + shift);
                    ended(run, function, &location, (length, maximum), Ok(within))?;
                }
                if function.kernel {
                    continue;
                }
                // The terminator is the last character before the page.
                let location = open.before_end(bytes + function.width);
                ended(run, function, &location, (length, maximum), Ok(within))?;
                // There is no terminator before the page.
                let location = open.before_end(bytes);
                let expected = if maximum <= length {
                    Ok(NONE)
                } else {
                    let (status, at) = (NtStatus::ACCESS_VIOLATION, open.open.end);
                    Err(fault(status, bytes, at, Access::Read))
                };
                let need = expected.err().map(|_| Need::Exceptions);
                scanned(run, function, &location, maximum, expected, need)?;
            }
        }
    }
    Ok(())
}

fn whole<A: Arena>(run: &mut Run<'_, A>, function: &Scan) -> Checked {
    let open = memory(run, function);
    let lengths = lengths().filter(|length| (length + 1) * function.width <= PAGE * 5 / 2);
    let anywhere = lengths.flat_map(|length| (0..16).map(move |shift| (length, 64 + shift)));
    let before_page = (0..=64)
        .filter(|_| !function.kernel)
        .map(|length| (length, open.open.len() - (length + 1) * function.width));
    for (length, offset) in anywhere.chain(before_page) {
        let string = (length, usize::MAX);
        ended(run, function, &open.at(offset), string, Ok(length as u64))?;
    }
    Ok(())
}

/// Counts a string of `length` characters and a terminator.
fn ended<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scan,
    location: &Location,
    (length, maximum): (usize, usize),
    expected: CallResult,
) -> Checked {
    let end = location.address + length * function.width;
    let around = location.address.saturating_sub(2).max(location.open.start)..end;
    if location.user {
        run.restore(around);
        run.arena.fill(end, function.width, 0);
    } else {
        let offset = end - location.open.start;
        run.kernel.target[offset..][..function.width].fill(0);
    }
    let checked = scanned(run, function, location, maximum, expected, None);
    if location.user {
        run.restore(end..end + function.width);
    } else {
        let offset = end - location.open.start;
        run.kernel.target[offset..][..function.width]
            .copy_from_slice(pattern::bytes(end, function.width));
    }
    checked
}

fn scanned<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scan,
    location: &Location,
    maximum: usize,
    expected: CallResult,
    need: Option<Need>,
) -> Checked {
    let address = location.address;
    if !run.begin(function.name, [function.width, address, maximum], need) {
        return Ok(());
    }
    run.expect(expected, || (function.call)(address, maximum))
}

fn endless<A: Arena>(run: &mut Run<'_, A>, function: &Scan) -> Checked {
    let width = function.width;
    let met = |closed: State, stop: usize, at: usize| {
        let looked_at = stop / width * width;
        closed
            .refusal(false)
            .map(|status| fault(status, looked_at, at, Access::Read))
    };
    for closed in State::LASTING {
        let open = run.strip(closed, false);
        for stop in lengths() {
            // A read-only page can be read, and the string continues in it.
            if let Some(fault) = met(closed, stop, open.open.end) {
                let location = open.before_end(stop);
                let need = closed.need(true);
                scanned(run, function, &location, usize::MAX, Err(fault), need)?;
            }
        }
    }
    for stop in [0, 1, 2, 7, 64] {
        let open = run.pair(State::Guard)?;
        run.restore(open.open.clone());
        if let Some(fault) = met(State::Guard, stop, open.open.end) {
            let location = open.before_end(stop);
            let need = State::Guard.need(true);
            scanned(run, function, &location, usize::MAX, Err(fault), need)?;
        }
    }
    // The last page of user memory holds the pattern, and no terminator.
    for stop in 1..=260 {
        let looked_at = stop / width * width;
        let address = FOUR_LEVEL_LIMIT - stop;
        let status = NtStatus::ACCESS_VIOLATION;
        // The stand-in for Microsoft's functions reads a character across the limit.
        let at = if COUNTS || looked_at == 0 {
            address + looked_at
        } else {
            FOUR_LEVEL_LIMIT
        };
        let expected = fault(status, looked_at, at, Access::Read);
        let location = Location::nowhere(address);
        let need = Some(Need::LastPage);
        scanned(run, function, &location, usize::MAX, Err(expected), need)?;
    }
    Ok(())
}

fn refused<A: Arena>(run: &mut Run<'_, A>, function: &Scan) -> Checked {
    for address in REFUSED {
        let expected = Err(fault(NtStatus::ACCESS_VIOLATION, 0, address, Access::Read));
        let location = Location::nowhere(address);
        scanned(run, function, &location, usize::MAX, expected, None)?;
    }
    Ok(())
}
