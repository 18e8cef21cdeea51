//! Lengths of strings.
//!
//! | cases | crossed with |
//! | --- | --- |
//! | whole | every length of the plan; 16 misalignments; user memory, and the kernel's for `Mode` |
//! | whole, up to a closed page | every length to 64 |
//! | without an end | 0 to 260 bytes, and the plan's longer ones, before a closed page; each lasting state; five before a guard page |
//! | without an end in user memory | 1 to 260 bytes before it ends |
//! | refused addresses | all of the plan's |
//! | bounded | lengths to 40; bounds of 0, 1, one less, equal, one more, and none; whole, and up to a closed page without an end |
//! | AC set at entry | whole, and without an end |

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, ddi, probe::USER_LIMIT};

use crate::{
    Arena,
    bulk::{REFUSED, lengths},
    layout::{Need, State},
    pattern,
    pointer::from,
    run::{Outcome, Place, Run, fault},
    tally::Checked,
};

/// A function that counts: address and bound.
pub(crate) struct Scan {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    pub(crate) kernel: bool,
    pub(crate) call: fn(usize, usize) -> Result<u64, Fault>,
}

/// What stands for "no end within the bound".
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
    ($($name:literal $type:ty, |$string:ident, $maximum:ident| $call:expr;)+) => {
        [$(Scan {
            name: $name,
            width: size_of::<$type>(),
            kernel: false,
            call: |string, $maximum| {
                let $string = UserPtr::<$type>::new(string);
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
        "user_ptr_string_length" u8, |string, _maximum|
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
        "user_ptr_string_length" u16, |string, _maximum|
            string.string_length().map(|length| length as u64);
    },
];

fn told(length: Option<usize>) -> u64 {
    length.map_or(NONE, |length| length as u64)
}

pub(crate) static BOUNDED: [Scan; 2] = pointer! {
    "user_ptr_string_length_within" i8, |string, maximum|
        string.string_length_within(maximum).map(told);
    "user_ptr_string_length_within" u16, |string, maximum|
        string.string_length_within(maximum).map(told);
};

/// Runs the plan for each function.
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
                scanned(
                    run,
                    function,
                    &open.before_end(8),
                    usize::MAX,
                    expected,
                    None,
                )
            })?;
        }
    }
    Ok(())
}

/// Runs the plan of the bounded ones.
pub(crate) fn bounded<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for function in &BOUNDED {
        let open = run.strip(State::Unmapped, true);
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
                let within = told((length < maximum).then_some(length));
                for shift in 0..16 {
                    let place = open.at(64 + shift);
                    ended(run, function, &place, (length, maximum), Ok(within))?;
                }
                // The end is the last thing before the page.
                let place = open.before_end(bytes + function.width);
                ended(run, function, &place, (length, maximum), Ok(within))?;
                // There is no end before the page.
                let place = open.before_end(bytes);
                let expected = if maximum <= length {
                    Ok(NONE)
                } else {
                    let (status, at) = (NtStatus::ACCESS_VIOLATION, open.open.end);
                    Err(fault(status, bytes, at, Access::Read))
                };
                scanned(run, function, &place, maximum, expected, None)?;
            }
        }
    }
    Ok(())
}

fn whole<A: Arena>(run: &mut Run<'_, A>, function: &Scan) -> Checked {
    let open = if function.kernel {
        run.refresh_target();
        run.kernel_target()
    } else {
        run.strip(State::Unmapped, true)
    };
    for length in lengths() {
        for shift in 0..16 {
            let place = open.at(64 + shift);
            ended(
                run,
                function,
                &place,
                (length, usize::MAX),
                Ok(length as u64),
            )?;
        }
    }
    for length in (0..=64).filter(|_| !function.kernel) {
        let place = open.before_end((length + 1) * function.width);
        ended(
            run,
            function,
            &place,
            (length, usize::MAX),
            Ok(length as u64),
        )?;
    }
    Ok(())
}

/// A string of so many characters, and an end.
fn ended<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scan,
    place: &Place,
    (length, maximum): (usize, usize),
    expected: Outcome,
) -> Checked {
    let end = place.address + length * function.width;
    let around = place.address.saturating_sub(2).max(place.open.start)..end;
    if place.user {
        run.restore(around);
        run.arena.fill(end, function.width, 0);
    } else {
        let offset = end - place.open.start;
        run.room.target[offset..][..function.width].fill(0);
    }
    let checked = scanned(run, function, place, maximum, expected, None);
    if place.user {
        run.restore(end..end + function.width);
    } else {
        let offset = end - place.open.start;
        run.room.target[offset..][..function.width]
            .copy_from_slice(pattern::bytes(end, function.width));
    }
    checked
}

fn scanned<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scan,
    place: &Place,
    maximum: usize,
    expected: Outcome,
    need: Option<Need>,
) -> Checked {
    let address = place.address;
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
            // A page that is only read-only is read, and the string goes on.
            if let Some(fault) = met(closed, stop, open.open.end) {
                let place = open.before_end(stop);
                scanned(run, function, &place, usize::MAX, Err(fault), closed.need())?;
            }
        }
    }
    for stop in [0, 1, 2, 7, 64] {
        let open = run.pair(State::Guard)?;
        run.restore(open.open.clone());
        if let Some(fault) = met(State::Guard, stop, open.open.end) {
            let place = open.before_end(stop);
            scanned(run, function, &place, usize::MAX, Err(fault), None)?;
        }
    }
    // The last page of user memory holds the pattern, and no end.
    for stop in 1..=260 {
        let looked_at = stop / width * width;
        let address = USER_LIMIT - stop;
        let status = NtStatus::ACCESS_VIOLATION;
        let expected = fault(status, looked_at, address + looked_at, Access::Read);
        let place = Place::nowhere(address);
        let need = Some(Need::LastPage);
        scanned(run, function, &place, usize::MAX, Err(expected), need)?;
    }
    Ok(())
}

fn refused<A: Arena>(run: &mut Run<'_, A>, function: &Scan) -> Checked {
    for address in REFUSED {
        let expected = Err(fault(NtStatus::ACCESS_VIOLATION, 0, address, Access::Read));
        let place = Place::nowhere(address);
        scanned(run, function, &place, usize::MAX, expected, None)?;
    }
    Ok(())
}
