//! Interlocked operations.
//!
//! | cases | combined with |
//! | --- | --- |
//! | complete | every multiple of the width in 64 bytes; 6 values in memory, 6 operands; comparisons that succeed, that fail in the low half, and that fail in the high half; user memory, and kernel memory for functions with a mode |
//! | misaligned | every offset that is no multiple, in user memory, outside it, and in kernel memory for functions with a mode |
//! | at a closed page | the last value before it and the first in it; each lasting state; a guard page; a page that is paged out; comparisons that succeed and that fail |
//! | refused addresses | the aligned ones of [`REFUSED`] |
//! | AC set at entry | complete, and at a closed page |

#![allow(
    clippy::cast_lossless,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the low bits are the value, whatever the type"
)]

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, ddi};

use crate::{
    Arena,
    bulk::REFUSED,
    layout::State,
    pattern::UNTOUCHED,
    pointer::to,
    run::{Content, Location, Run, fault},
    scalar::{masked, patterned},
    tally::{Check, Checked},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    And,
    Or,
    CompareExchange,
}

/// An interlocked operation. Its arguments are address, value, comperand.
pub(crate) struct Locked {
    pub(crate) name: &'static str,
    pub(crate) width: usize,
    pub(crate) kernel: bool,
    pub(crate) operation: Operation,
    pub(crate) call: fn(usize, u64, u64) -> Result<u64, Fault>,
}

macro_rules! locked {
    ($operation:ident: $($name:literal $type:ty, $kernel:literal,
        |$to:ident, $value:ident, $comperand:ident| $call:expr;)+) => {
        [$(Locked {
            name: $name,
            width: size_of::<$type>(),
            kernel: $kernel,
            operation: Operation::$operation,
            call: |$to, value, comperand| {
                let ($value, $comperand) = (value as $type, comperand as $type);
                let _: $type = $comperand;
                // SAFETY: the arena's memory, checked and guarded, or the kernel's own.
                let original: Result<$type, Fault> = unsafe { $call };
                original.map(|original| masked(original as u64, size_of::<$type>()))
            },
        },)+]
    };
}

macro_rules! pointer {
    ($operation:ident: $name:literal $($type:ty)+,
        |$to:ident, $value:ident, $comperand:ident| $call:expr) => {
        [$(
            pointer!(@ $operation $name $type, false, Mode::User,
                |$to, $value, $comperand| $call),
            pointer!(@ $operation $name $type, true, Mode::Kernel,
                |$to, $value, $comperand| $call),
        )+]
    };
    (@ $operation:ident $name:literal $type:ty, $kernel:literal, $mode:expr,
        |$to:ident, $value:ident, $comperand:ident| $call:expr) => {
        Locked {
            name: $name,
            width: size_of::<$type>(),
            kernel: $kernel,
            operation: Operation::$operation,
            call: |to, value, comperand| {
                // SAFETY: the arena's memory, checked and guarded, or the kernel's own.
                let $to = unsafe { UserPtr::<$type>::for_mode(to, $mode) };
                let ($value, $comperand) = (value as $type, comperand as $type);
                let _: $type = $comperand;
                let original: Result<$type, Fault> = $call;
                original.map(|original| masked(original as u64, size_of::<$type>()))
            },
        }
    };
}

pub(crate) static AND: [&[Locked]; 2] = [
    &locked! { And:
        "interlocked_and_to_user" i32, false, |at, value, _none|
            ddi::interlocked_and_to_user(to(at), value);
        "interlocked_and_to_mode" i32, false, |at, value, _none|
            ddi::interlocked_and_to_mode(to(at), value, Mode::User);
        "interlocked_and_to_mode" i32, true, |at, value, _none|
            ddi::interlocked_and_to_mode(to(at), value, Mode::Kernel);
        "interlocked_and64_to_user" i64, false, |at, value, _none|
            ddi::interlocked_and64_to_user(to(at), value);
        "interlocked_and64_to_mode" i64, false, |at, value, _none|
            ddi::interlocked_and64_to_mode(to(at), value, Mode::User);
        "interlocked_and64_to_mode" i64, true, |at, value, _none|
            ddi::interlocked_and64_to_mode(to(at), value, Mode::Kernel);
    },
    &pointer!(And: "user_ptr_fetch_and" u32 i32 u64 i64, |at, value, _none| at.fetch_and(value)),
];

pub(crate) static OR: [&[Locked]; 2] = [
    &locked! { Or:
        "interlocked_or_to_user" i32, false, |at, value, _none|
            ddi::interlocked_or_to_user(to(at), value);
        "interlocked_or_to_mode" i32, false, |at, value, _none|
            ddi::interlocked_or_to_mode(to(at), value, Mode::User);
        "interlocked_or_to_mode" i32, true, |at, value, _none|
            ddi::interlocked_or_to_mode(to(at), value, Mode::Kernel);
        "interlocked_or64_to_user" i64, false, |at, value, _none|
            ddi::interlocked_or64_to_user(to(at), value);
        "interlocked_or64_to_mode" i64, false, |at, value, _none|
            ddi::interlocked_or64_to_mode(to(at), value, Mode::User);
        "interlocked_or64_to_mode" i64, true, |at, value, _none|
            ddi::interlocked_or64_to_mode(to(at), value, Mode::Kernel);
    },
    &pointer!(Or: "user_ptr_fetch_or" u32 i32 u64 i64, |at, value, _none| at.fetch_or(value)),
];

pub(crate) static COMPARE_EXCHANGE: [&[Locked]; 2] = [
    &locked! { CompareExchange:
        "interlocked_compare_exchange_to_user" i32, false, |at, value, comperand|
            ddi::interlocked_compare_exchange_to_user(to(at), value, comperand);
        "interlocked_compare_exchange_to_mode" i32, false, |at, value, comperand|
            ddi::interlocked_compare_exchange_to_mode(to(at), value, comperand, Mode::User);
        "interlocked_compare_exchange_to_mode" i32, true, |at, value, comperand|
            ddi::interlocked_compare_exchange_to_mode(to(at), value, comperand, Mode::Kernel);
        "interlocked_compare_exchange64_to_user" i64, false, |at, value, comperand|
            ddi::interlocked_compare_exchange64_to_user(to(at), value, comperand);
        "interlocked_compare_exchange64_to_mode" i64, false, |at, value, comperand|
            ddi::interlocked_compare_exchange64_to_mode(to(at), value, comperand, Mode::User);
        "interlocked_compare_exchange64_to_mode" i64, true, |at, value, comperand|
            ddi::interlocked_compare_exchange64_to_mode(to(at), value, comperand, Mode::Kernel);
    },
    &pointer!(CompareExchange: "user_ptr_compare_exchange" u32 i32 u64 i64,
        |at, value, comperand| at.compare_exchange(comperand, value)),
];

const VALUES: [u64; 6] = [
    0,
    u64::MAX,
    0x8000_0000_8000_0000,
    0x0123_4567_89AB_CDEF,
    1,
    0x5555_5555_AAAA_AAAA,
];

/// Bytes before and after the value that are checked as well.
const AROUND: usize = 8;

/// By which bits the comperand differs from the value in memory: none, one in the low half, one in
/// the high half.
const DIFFERENCES: [u64; 3] = [0, 0x100, 0x100_0000_0000];

/// Runs the cases of each function.
pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>, functions: &[Locked]) -> Checked {
    for function in functions {
        whole(run, function)?;
        misaligned(run, function)?;
        if !function.kernel {
            at_pages(run, function)?;
            run.in_window(|run| {
                let open = run.strip(State::Unmapped, true);
                operate(run, function, &open.at(64), VALUES[3], VALUES[5], 0)?;
                refuse(run, function, &open.before_end(0), State::Unmapped)
            })?;
        }
    }
    Ok(())
}

fn whole<A: Arena>(run: &mut Run<'_, A>, function: &Locked) -> Checked {
    for offset in (0..64).step_by(function.width) {
        let location = if function.kernel {
            run.kernel_target()
        } else {
            run.strip(State::Unmapped, true)
        };
        for there in VALUES {
            for value in VALUES {
                let differences = match (function.operation, function.width) {
                    (Operation::CompareExchange, 8) => &DIFFERENCES[..],
                    (Operation::CompareExchange, _) => &DIFFERENCES[..2],
                    _ => &DIFFERENCES[..1],
                };
                for difference in differences {
                    let location = location.at(64 + offset);
                    operate(run, function, &location, there, value, *difference)?;
                }
            }
        }
    }
    Ok(())
}

/// Runs one operation on memory that holds `there`. The comperand differs by `difference`.
fn operate<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Locked,
    location: &Location,
    there: u64,
    value: u64,
    difference: u64,
) -> Checked {
    let (address, width) = (location.address, function.width);
    if !run.begin(function.name, [width, address, 0], None) {
        return Ok(());
    }
    let there = masked(there, width);
    let comperand = there ^ difference;
    let mut bytes = [UNTOUCHED; 8 + 2 * AROUND];
    let bytes = &mut bytes[..width + 2 * AROUND];
    bytes[AROUND..][..width].copy_from_slice(&there.to_le_bytes()[..width]);
    put(run, location, bytes);
    run.expect(Ok(there), || (function.call)(address, value, comperand))?;
    let after = match function.operation {
        Operation::And => there & value,
        Operation::Or => there | value,
        Operation::CompareExchange if difference == 0 => value,
        Operation::CompareExchange => there,
    };
    bytes[AROUND..][..width].copy_from_slice(&after.to_le_bytes()[..width]);
    let mut found = [0; 8 + 2 * AROUND];
    let found = &mut found[..bytes.len()];
    get(run, location, found);
    if found != bytes {
        let value = |bytes: &[u8]| {
            let mut value = [0; 8];
            value[..width].copy_from_slice(&bytes[AROUND..][..width]);
            [u64::from_le_bytes(value), 0, 0, 0]
        };
        return Err(run.fail(Check::Other, value(bytes), value(found)));
    }
    Ok(())
}

fn put<A: Arena>(run: &mut Run<'_, A>, location: &Location, bytes: &[u8]) {
    let start = location.address - AROUND;
    if location.user {
        run.arena.write(start, bytes);
    } else {
        let offset = start - location.open.start;
        run.kernel.target[offset..][..bytes.len()].copy_from_slice(bytes);
    }
}

fn get<A: Arena>(run: &Run<'_, A>, location: &Location, bytes: &mut [u8]) {
    let start = location.address - AROUND;
    if location.user {
        run.arena.read(start, bytes);
    } else {
        let offset = start - location.open.start;
        bytes.copy_from_slice(&run.kernel.target[offset..][..bytes.len()]);
    }
}

fn misaligned<A: Arena>(run: &mut Run<'_, A>, function: &Locked) -> Checked {
    for offset in (0..64).filter(|offset| offset % function.width != 0) {
        let locations = if function.kernel {
            [Some(run.kernel_target().at(64 + offset)), None, None]
        } else {
            [
                Some(run.strip(State::Unmapped, true).at(64 + offset)),
                Some(Location::nowhere(REFUSED[0] + offset)),
                Some(Location::nowhere(REFUSED[5] + offset)),
            ]
        };
        for location in locations.into_iter().flatten() {
            let (address, width) = (location.address, function.width);
            if !run.begin(function.name, [width, address, 0], None) {
                continue;
            }
            run.paint(&location, width);
            let status = NtStatus::DATATYPE_MISALIGNMENT;
            let expected = Err(fault(status, 0, address, Access::Write));
            run.expect(expected, || (function.call)(address, 0, u64::MAX))?;
            run.inspect(&location, width, 0, Content::Byte(0))?;
        }
    }
    Ok(())
}

fn at_pages<A: Arena>(run: &mut Run<'_, A>, function: &Locked) -> Checked {
    for closed in State::LASTING {
        let open = run.strip(closed, true);
        let last = Location {
            // The bytes that are checked after it must be open.
            address: open.open.end - 2 * AROUND,
            ..open.clone()
        };
        operate(run, function, &last, VALUES[2], VALUES[4], 0)?;
        refuse(run, function, &open.before_end(0), closed)?;
    }
    for closed in [State::Guard, State::PagedOut] {
        let open = run.pair(closed)?;
        refuse(run, function, &open.before_end(0), closed)?;
    }
    for address in REFUSED {
        if address.is_multiple_of(function.width)
            && run.begin(function.name, [function.width, address, 0], None)
        {
            let expected = Err(fault(NtStatus::ACCESS_VIOLATION, 0, address, Access::Write));
            run.expect(expected, || (function.call)(address, 0, 0))?;
        }
    }
    Ok(())
}

/// Runs an operation on the first bytes of a closed page. It does not change an open page.
fn refuse<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Locked,
    location: &Location,
    closed: State,
) -> Checked {
    let (address, width) = (location.address, function.width);
    // A page that is paged out holds the pattern. The first case brings it in.
    let there = patterned(address, width);
    for (round, comperand) in [there ^ 1, there].into_iter().enumerate() {
        let compares = function.operation == Operation::CompareExchange;
        if round > 0 && (!compares || closed == State::Guard) {
            break;
        }
        let need = closed.need(closed.refusal(true).is_some());
        if !run.begin(function.name, [width, address, 0], need) {
            continue;
        }
        run.paint(location, 0);
        // A value that changes nothing: the next family relies on the pattern in this page.
        let value = match function.operation {
            Operation::And => u64::MAX,
            Operation::Or => 0,
            Operation::CompareExchange => there,
        };
        let expected = closed.refusal(true).map_or(Ok(there), |status| {
            Err(fault(status, 0, address, Access::Write))
        });
        run.expect(expected, || (function.call)(address, value, comperand))?;
        run.inspect(location, 0, 0, Content::Byte(0))?;
    }
    Ok(())
}
