//! Accesses to a page that is rewritten meanwhile, with two contents in turn.
//!
//! An aligned value is of one content, never a mixture; an interlocked operation finds such a value.
//! Each byte of a copy is of one content or the other. The length of a string is that of one of the
//! contents. A captured `UNICODE_STRING` has the length of one descriptor, characters of one buffer,
//! and nothing after them.
//!
//! A [race](crate::race) makes these accesses while another thread writes. A
//! [family](crate::alternating) makes them on a page that changes after each instruction.

use usermode_accessors::{Access, Fault, NtStatus, UnicodeString, UserPtr};

use crate::{
    Arena, Race,
    bulk::{self, Bulk},
    interlocked::{self, Locked, Operation},
    layout::PAGE,
    pattern::{self, UNTOUCHED},
    run::{Content, Run, fault},
    scalar::{self, Scalar, Way, masked, patterned},
    string::{self, Scan},
    tally::{Check, Stop},
};

/// Returns the least number of accesses of a race. Each function is called many times. A capture
/// needs more, for it can fail only if the page changes at one moment.
pub(crate) const fn least(race: Race) -> u64 {
    match race {
        Race::Capture => 300_000,
        _ => 20_000,
    }
}

/// Offsets in the page: of a value that is read; of values that are written, and of values for
/// interlocked operations, one for each width; of the source of copies; of a string; of a
/// descriptor.
const READ: usize = 0x40;
const WRITTEN: usize = 0x80;
const LOCKED: usize = 0x100;
pub(crate) const COPIED: usize = 0x180;
pub(crate) const STRING: usize = 0xB00;
pub(crate) const DESCRIPTOR: usize = 0xC00;

/// Lengths of copies.
pub(crate) const LENGTHS: [usize; 20] = [
    1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 97, 128, 129, 300, 1024, 2048,
];

/// The greatest of them.
const LONGEST: usize = 2048;

/// Where the string ends in the first content, in the second, and in both.
const ENDS: [usize; 3] = [0x40, 0x80, 0xA0];

/// The number of zero bytes at each end: enough for characters at any address.
const END: usize = 4;

/// The bound of a bounded search, in bytes. It excludes the second end.
const BOUND: usize = 0x60;

/// The descriptors: length, maximum length, and offset of the characters in the first page.
const STRINGS: [(u16, u16, usize); 2] = [(8, 8, 64), (16, 24, 512)];

/// The capacity of a capture in characters: more than either string has.
const CAPACITY: usize = 12;

/// Returns the bytes that [`Change::Rewrite`](crate::Change::Rewrite) writes to the page at an
/// address: those of version 0 and of version 1 in turn.
pub fn content(page: usize, version: usize) -> impl Iterator<Item = u8> {
    let descriptor = descriptor(page, version);
    let ends = [ENDS[version % 2], ENDS[2]].map(|end| STRING + end);
    (0..PAGE).map(move |offset| {
        if ends.iter().any(|end| (*end..*end + END).contains(&offset)) {
            return 0;
        }
        let in_descriptor = offset.checked_sub(DESCRIPTOR);
        in_descriptor
            .and_then(|offset| descriptor.get(offset).copied())
            .unwrap_or_else(|| pattern::byte(page + offset + version % 2))
    })
}

fn descriptor(page: usize, version: usize) -> [u8; 16] {
    let (length, maximum_length, buffer) = STRINGS[version % 2];
    let lengths = u64::from(length) | u64::from(maximum_length) << 16;
    let buffer = (page - PAGE + buffer) as u64;
    (u128::from(lengths) | u128::from(buffer) << 64).to_le_bytes()
}

/// Makes the next access of a race. Returns whether it found the first content.
pub(crate) fn round<A: Arena>(
    run: &mut Run<'_, A>,
    race: Race,
    page: usize,
    number: u64,
) -> Result<bool, Stop> {
    let number = usize::try_from(number).unwrap_or(0);
    let found = match race {
        Race::Scalars => turn(scalars, number).map(|function| one_value(run, function, page)),
        Race::Locked => turn(all_locked, number).map(|function| locked(run, function, page)),
        Race::Copies => {
            let length = LENGTHS[number / copies().count() % LENGTHS.len()];
            let source = page + COPIED + number % 16;
            turn(copies, number).map(|function| copy(run, function, source, length))
        }
        Race::Strings => {
            let shift = number / scans().count() % 16;
            turn(scans, number).map(|function| scan(run, function, page + STRING, shift))
        }
        _ => Some(capture(run, page)),
    };
    found.unwrap_or(Ok(true))
}

/// Returns the function with this number, counted cyclically.
fn turn<I: Iterator>(all: fn() -> I, number: usize) -> Option<I::Item> {
    all().nth(number % all().count())
}

pub(crate) fn scalars() -> impl Iterator<Item = &'static Scalar> {
    let all = [scalar::READ, scalar::WRITE, scalar::ORDERED];
    all.into_iter().flatten().copied().flatten()
}

pub(crate) fn all_locked() -> impl Iterator<Item = &'static Locked> {
    let all = [
        interlocked::AND,
        interlocked::OR,
        interlocked::COMPARE_EXCHANGE,
    ];
    all.into_iter()
        .flatten()
        .flatten()
        .filter(|function| !function.kernel)
}

pub(crate) fn copies() -> impl Iterator<Item = &'static Bulk> {
    let of_any_length = bulk::FROM_CALLER.iter().chain(&bulk::NON_TEMPORAL);
    of_any_length
        .chain(&bulk::READ_STRUCTURE)
        .copied()
        .flatten()
        .filter(|function| !function.to_user && function.length.is_none_or(|only| only <= LONGEST))
}

pub(crate) fn scans() -> impl Iterator<Item = &'static Scan> {
    let of_all = string::NARROW.iter().chain(&string::WIDE).copied();
    of_all
        .flatten()
        .chain(&string::BOUNDED)
        .filter(|function| !function.kernel)
}

/// Makes a call that must succeed.
pub(crate) fn whole<A: Arena, T>(
    run: &mut Run<'_, A>,
    call: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, Stop> {
    run.watched(call)?.map_err(|fault| {
        let report = [fault.status.0.into(), fault.copied as u64, 0, 0];
        run.fail(Check::Result, [0; 4], report)
    })
}

/// Returns the index of the value that was found.
fn one_of<A: Arena>(run: &mut Run<'_, A>, values: &[u64], found: u64) -> Result<usize, Stop> {
    let place = values.iter().position(|value| *value == found);
    place.ok_or_else(|| {
        let mut expected = [0; 4];
        for (place, value) in expected.iter_mut().zip(values) {
            *place = *value;
        }
        run.fail(Check::Other, expected, [found, 0, 0, 0])
    })
}

/// Returns the values at an address in the two contents, and a third value.
fn values_at(address: usize, width: usize) -> [u64; 3] {
    [0, 1, 2].map(|version| patterned(address + version, width))
}

pub(crate) fn one_value<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scalar,
    page: usize,
) -> Result<bool, Stop> {
    let width = function.width;
    match function.way {
        Way::Read(call) => {
            let address = page + READ;
            run.begin(function.name, [width, address, 0], None);
            let found = whole(run, || call(address))?;
            let [first, second, _] = values_at(address, width);
            Ok(one_of(run, &[first, second], found)? == 0)
        }
        Way::Write(call) => {
            let address = page + WRITTEN + 8 * width;
            run.begin(function.name, [width, address, 0], None);
            let values = values_at(address, width);
            whole(run, || call(address, values[2]))?;
            let found = whole(run, || match width {
                1 => UserPtr::<u8>::new(address).read().map(u64::from),
                2 => UserPtr::<u16>::new(address).read().map(u64::from),
                4 => UserPtr::<u32>::new(address).read().map(u64::from),
                _ => UserPtr::<u64>::new(address).read(),
            })?;
            Ok(one_of(run, &values, found)? == 0)
        }
    }
}

/// Runs an operation that changes nothing, or changes the first content to the second.
pub(crate) fn locked<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Locked,
    page: usize,
) -> Result<bool, Stop> {
    let width = function.width;
    let address = page + LOCKED + 8 * width;
    run.begin(function.name, [width, address, 0], None);
    let [first, second, _] = values_at(address, width);
    let value = match function.operation {
        Operation::And => masked(u64::MAX, width),
        Operation::Or => 0,
        Operation::CompareExchange => second,
    };
    let found = whole(run, || (function.call)(address, value, first))?;
    Ok(one_of(run, &[first, second], found)? == 0)
}

pub(crate) fn copy<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Bulk,
    source: usize,
    length: usize,
) -> Result<bool, Stop> {
    let length = function.length.unwrap_or(length);
    let target = run.kernel_target().at(64);
    run.begin(function.name, [length, source, target.address], None);
    run.paint(&target, length);
    whole(run, || (function.call)(target.address, source, length))?;
    run.inspect(&target, length, length, Content::Either(source))?;
    Ok(run.kernel.target[64] == pattern::byte(source))
}

pub(crate) fn scan<A: Arena>(
    run: &mut Run<'_, A>,
    function: &Scan,
    string: usize,
    shift: usize,
) -> Result<bool, Stop> {
    let (address, width) = (string + shift, function.width);
    let bounded = string::BOUNDED
        .iter()
        .any(|bounded| bounded.name == function.name);
    let maximum = if bounded { BOUND / width } else { usize::MAX };
    run.begin(function.name, [width, address, maximum], None);
    let found = whole(run, || (function.call)(address, maximum))?;
    let ends = ENDS.map(|end| {
        let length = (end - shift).div_ceil(width);
        if length < maximum {
            length as u64
        } else {
            string::NONE
        }
    });
    // A search that reads one character at a time can read the first zero bytes of an end before they
    // are written, and the others after.
    let late = if cfg!(target_arch = "x86_64") {
        1
    } else {
        END / width
    };
    let is_end = |end: &u64| {
        found
            .checked_sub(*end)
            .is_some_and(|distance| distance < late as u64)
    };
    let found = ends.into_iter().find(is_end).unwrap_or(found);
    Ok(one_of(run, &ends, found)? == 0)
}

pub(crate) fn capture<A: Arena>(run: &mut Run<'_, A>, page: usize) -> Result<bool, Stop> {
    let address = page + DESCRIPTOR;
    run.begin("user_ptr_capture", [0, address, CAPACITY], None);
    let mut characters = [u16::from_le_bytes([UNTOUCHED; 2]); CAPACITY];
    let captured = run.watched(|| {
        let filled = UserPtr::<UnicodeString>::new(address).capture(&mut characters)?;
        Ok(filled.len() * 2)
    })?;
    let mut found = [0; 2 * CAPACITY];
    for (bytes, character) in found.chunks_exact_mut(2).zip(characters) {
        bytes.copy_from_slice(&character.to_le_bytes());
    }
    let lengths = STRINGS.map(|(length, ..)| length.into());
    let length = match captured {
        Ok(length) => length,
        // A mixture: the greater length, and the lesser maximum length.
        Err(met) if met == fault(NtStatus::INVALID_PARAMETER, 0, address, Access::Read) => 0,
        Err(met) => {
            let report = [met.status.0.into(), met.copied as u64, 0, 0];
            return Err(run.fail(Check::Result, lengths_report(lengths), report));
        }
    };
    if captured.is_ok() {
        one_of(run, &lengths, length as u64)?;
    }
    let (string, after) = found.split_at(length);
    let buffers = STRINGS.map(|(.., buffer)| page - PAGE + buffer);
    let source = buffers
        .iter()
        .position(|buffer| string == pattern::bytes(*buffer, length));
    if source.is_none() || after.iter().any(|byte| *byte != UNTOUCHED) {
        let words = [0, 8, 16].map(|at| u64::from_le_bytes(word_at(&found, at)));
        let [one, two, three] = words;
        let report = [length as u64, one, two, three];
        return Err(run.fail(Check::Moved, lengths_report(lengths), report));
    }
    Ok(source == Some(0))
}

const fn lengths_report([one, two]: [u64; 2]) -> [u64; 4] {
    [one, two, 0, 0]
}

fn word_at(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..][..8]);
    word
}
