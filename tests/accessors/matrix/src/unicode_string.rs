//! `UNICODE_STRING`: by value, and captured.
//!
//! | cases | combined with |
//! | --- | --- |
//! | by value | 16 misalignments; every number of bytes before a closed page of each lasting state; refused addresses; user memory, and kernel memory for functions with a mode |
//! | captured | lengths of 0 to 260 bytes, and the greatest two; odd lengths are refused; 16 misalignments of the buffer; a capacity that suffices and one that does not; a maximum that is less; in either mode |
//! | captured, stopped in the buffer | lengths to 64 bytes: at every byte; each lasting state |
//! | captured, stopped in the descriptor | at every byte; each lasting state |
//! | captured, refused addresses | of the buffer, for lengths of 0 and 2; of the descriptor |

use usermode_accessors::{
    Access, Fault, Mode, NtStatus, UnicodeString, UserPtr, ddi, probe::FOUR_LEVEL_LIMIT,
};

use crate::{
    Arena,
    bulk::REFUSED,
    layout::{Need, State},
    pattern::{self, UNTOUCHED},
    pointer::{from, to},
    run::{CallResult, Content, Location, Run, fault},
    scalar::patterned,
    tally::{Check, Checked},
};

/// The size of a descriptor in bytes.
const SIZE: usize = size_of::<UnicodeString>();

/// Returns the descriptor that the pattern forms at an address.
fn patterned_string(address: usize) -> UnicodeString {
    let [a, b, c, d, ..] = patterned(address, 8).to_le_bytes();
    UnicodeString {
        length: u16::from_le_bytes([a, b]),
        maximum_length: u16::from_le_bytes([c, d]),
        buffer: usize::from_le_bytes(patterned(address + 8, 8).to_le_bytes()),
    }
}

type Read = fn(usize) -> Result<UnicodeString, Fault>;
type Write = fn(usize, UnicodeString) -> Result<(), Fault>;

const READS: [(&str, bool, Read); 3] = [
    ("read_unicode_string_from_user", true, |address| {
        // SAFETY: user memory, checked and guarded.
        unsafe { ddi::read_unicode_string_from_user(from(address)) }
    }),
    ("read_unicode_string_from_mode", true, |address| {
        // SAFETY: user memory, checked and guarded.
        unsafe { ddi::read_unicode_string_from_mode(from(address), Mode::User) }
    }),
    ("read_unicode_string_from_mode", false, |address| {
        // SAFETY: the kernel's own source.
        unsafe { ddi::read_unicode_string_from_mode(from(address), Mode::Kernel) }
    }),
];

const WRITES: [(&str, bool, Write); 3] = [
    ("write_unicode_string_to_user", true, |address, value| {
        // SAFETY: the arena's memory, checked and guarded.
        unsafe { ddi::write_unicode_string_to_user(to(address), value) }
    }),
    ("write_unicode_string_to_mode", true, |address, value| {
        // SAFETY: the arena's memory, checked and guarded.
        unsafe { ddi::write_unicode_string_to_mode(to(address), value, Mode::User) }
    }),
    ("write_unicode_string_to_mode", false, |address, value| {
        // SAFETY: the kernel's own destination.
        unsafe { ddi::write_unicode_string_to_mode(to(address), value, Mode::Kernel) }
    }),
];

/// Returns the names of the functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let reads = READS.iter().map(|(name, ..)| *name);
    let writes = WRITES.iter().map(|(name, ..)| *name);
    reads.chain(writes).chain([CAPTURE])
}

const CAPTURE: &str = "user_ptr_capture";

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for (name, user, call) in READS {
        locations(run, user, Access::Read, |run, location, refusal, closed| {
            read(run, name, call, location, refusal, closed)
        })?;
    }
    for (name, user, call) in WRITES {
        locations(
            run,
            user,
            Access::Write,
            |run, location, refusal, closed| write(run, name, call, location, refusal, closed),
        )?;
    }
    captures(run, Mode::User)?;
    captures(run, Mode::Kernel)?;
    captures_stopped(run)
}

/// Runs `case` at each location, with the expected fault and the closed page after the location.
fn locations<A: Arena>(
    run: &mut Run<'_, A>,
    user: bool,
    access: Access,
    mut case: impl FnMut(&mut Run<'_, A>, &Location, Option<Fault>, Option<State>) -> Checked,
) -> Checked {
    let writes = access == Access::Write;
    for shift in 0..16 {
        let location = match (user, writes) {
            (true, _) => run.strip(State::Unmapped, writes),
            (false, false) => run.kernel_source(),
            (false, true) => run.kernel_target(),
        };
        case(run, &location.at(64 + shift), None, None)?;
    }
    if !user {
        return Ok(());
    }
    for closed in State::LASTING {
        let open = run.strip(closed, writes);
        for stop in 0..=SIZE {
            let refusal = closed
                .refusal(writes)
                .filter(|_| stop < SIZE)
                .map(|status| fault(status, stop, open.open.end, access));
            case(run, &open.before_end(stop), refusal, Some(closed))?;
        }
    }
    for address in REFUSED.into_iter().chain([FOUR_LEVEL_LIMIT - 15]) {
        let refusal = fault(NtStatus::ACCESS_VIOLATION, 0, address, access);
        case(run, &Location::nowhere(address), Some(refusal), None)?;
    }
    Ok(())
}

fn read<A: Arena>(
    run: &mut Run<'_, A>,
    name: &str,
    call: Read,
    location: &Location,
    refusal: Option<Fault>,
    closed: Option<State>,
) -> Checked {
    let need = closed.and_then(|closed| closed.need(refusal.is_some()));
    if !run.begin(name, [SIZE, location.address, 0], need) {
        return Ok(());
    }
    let mut found = UnicodeString::default();
    let expected = refusal.map_or(Ok(0), Err);
    run.expect(expected, || {
        found = call(location.address)?;
        Ok(0)
    })?;
    if refusal.is_none() {
        let expected = patterned_string(location.address);
        run.same(expected.length.into(), found.length.into())?;
        run.same(expected.maximum_length.into(), found.maximum_length.into())?;
        run.same(expected.buffer as u64, found.buffer as u64)?;
    }
    Ok(())
}

fn write<A: Arena>(
    run: &mut Run<'_, A>,
    name: &str,
    call: Write,
    location: &Location,
    refusal: Option<Fault>,
    closed: Option<State>,
) -> Checked {
    let need = closed.and_then(|closed| closed.need(refusal.is_some()));
    let address = location.address;
    if !run.begin(name, [SIZE, address, 0], need) {
        return Ok(());
    }
    let value = UnicodeString {
        length: 0x0201,
        maximum_length: 0x0403,
        buffer: 0x0C0B_0A09_0807_0605,
    };
    run.paint(location, SIZE);
    let expected = refusal.map_or(Ok(0), Err);
    run.expect(expected, || call(address, value).map(|()| 0))?;
    if refusal.is_some_and(|fault| fault.copied == 0) {
        return run.inspect(location, SIZE, 0, Content::Byte(0));
    }
    let moved = refusal.map_or(SIZE, |fault| fault.copied);
    // The four bytes of padding are written as zeros.
    let mut expected = [1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12];
    expected[moved..].fill(UNTOUCHED);
    let seen = SIZE.min(location.open.end - address);
    let mut found = [UNTOUCHED; SIZE];
    if location.user {
        run.arena.read(address, &mut found[..seen]);
    } else {
        let offset = address - location.open.start;
        found.copy_from_slice(&run.kernel.target[offset..][..SIZE]);
    }
    if found != expected {
        let report = |bytes: [u8; SIZE]| {
            let (low, high) = bytes.split_at(8);
            let number = |bytes: &[u8]| {
                bytes
                    .iter()
                    .rev()
                    .fold(0, |all, &byte| all << 8 | u64::from(byte))
            };
            [number(low), number(high), 0, 0]
        };
        return Err(run.fail(Check::Other, report(expected), report(found)));
    }
    Ok(())
}

/// Writes a descriptor to memory of the caller or of the kernel, and returns its address.
fn put<A: Arena>(run: &mut Run<'_, A>, mode: Mode, string: UnicodeString) -> usize {
    let mut bytes = [0; SIZE];
    bytes[..2].copy_from_slice(&string.length.to_le_bytes());
    bytes[2..4].copy_from_slice(&string.maximum_length.to_le_bytes());
    bytes[8..].copy_from_slice(&string.buffer.to_le_bytes());
    if mode == Mode::Kernel {
        run.kernel.target[7..][..SIZE].copy_from_slice(&bytes);
        return run.kernel_target().at(7).address;
    }
    let address = run.strip(State::NoAccess, true).at(7).address;
    run.arena.write(address, &bytes);
    address
}

/// The greatest capacity that a capture is given, in characters.
const CAPACITY: usize = 132;

/// Captures `string` into `capacity` characters, of which `moved` bytes are written.
fn capture<A: Arena>(
    run: &mut Run<'_, A>,
    (mode, string, capacity): (Mode, UnicodeString, usize),
    (expected, moved): (impl FnOnce(usize) -> CallResult, usize),
    need: Option<Need>,
) -> Checked {
    let arguments = [string.length.into(), string.buffer, capacity];
    if !run.begin(CAPTURE, arguments, need) {
        return Ok(());
    }
    let address = put(run, mode, string);
    let mut characters = [u16::from_le_bytes([UNTOUCHED; 2]); CAPACITY];
    run.expect(expected(address), || {
        // SAFETY: user memory, checked and guarded, or kernel memory that holds the string.
        let string = unsafe { UserPtr::<UnicodeString>::for_mode(address, mode) };
        let filled = string.capture(&mut characters[..capacity])?;
        Ok(filled.len() as u64)
    })?;
    let mut found = characters.into_iter().flat_map(u16::to_le_bytes);
    for offset in 0..moved {
        let expected = pattern::byte(string.buffer + offset);
        run.same(expected.into(), found.next().unwrap_or(0).into())?;
    }
    run.same(0, u64::from(found.any(|byte| byte != UNTOUCHED)))
}

fn captures<A: Arena>(run: &mut Run<'_, A>, mode: Mode) -> Checked {
    let source = match mode {
        Mode::User => run.strip(State::Unmapped, false),
        Mode::Kernel => run.kernel_source(),
    };
    let refused = |status| move |at| Err(fault(status, 0, at, Access::Read));
    for length in (0..=260_u16).chain([u16::MAX - 1, u16::MAX]) {
        for shift in 0..16 {
            let string = UnicodeString {
                length,
                maximum_length: length.saturating_add(u16::try_from(shift % 3).unwrap_or(0)),
                buffer: source.at(64 + shift).address,
            };
            let (characters, bytes) = (usize::from(length / 2), usize::from(length));
            if length % 2 != 0 || characters > CAPACITY {
                let expected = refused(if length % 2 != 0 {
                    NtStatus::INVALID_PARAMETER
                } else {
                    NtStatus::INVALID_BUFFER_SIZE
                });
                capture(run, (mode, string, CAPACITY), (expected, 0), None)?;
                continue;
            }
            let expected = |_| Ok(characters as u64);
            capture(run, (mode, string, CAPACITY), (expected, bytes), None)?;
            capture(run, (mode, string, characters), (expected, bytes), None)?;
            if length > 0 {
                let expected = refused(NtStatus::INVALID_BUFFER_SIZE);
                capture(run, (mode, string, characters - 1), (expected, 0), None)?;
                let string = UnicodeString {
                    maximum_length: length - 1,
                    ..string
                };
                let expected = refused(NtStatus::INVALID_PARAMETER);
                capture(run, (mode, string, CAPACITY), (expected, 0), None)?;
            }
        }
    }
    Ok(())
}

/// Captures a string whose descriptor is at `address`, which fails.
fn descriptor_fails<A: Arena>(
    run: &mut Run<'_, A>,
    address: usize,
    expected: Fault,
    need: Option<Need>,
) -> Checked {
    if !run.begin(CAPTURE, [SIZE, address, 0], need) {
        return Ok(());
    }
    run.expect(Err(expected), || {
        let mut characters = [0; CAPACITY];
        let filled = UserPtr::<UnicodeString>::new(address).capture(&mut characters)?;
        Ok(filled.len() as u64)
    })
}

fn captures_stopped<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for closed in State::LASTING {
        let open = run.strip(closed, false);
        for length in (2..=64_u16).step_by(2) {
            for stop in 0..usize::from(length) {
                let string = UnicodeString {
                    length,
                    maximum_length: length,
                    buffer: open.before_end(stop).address,
                };
                let outcome = closed.refusal(false).map_or_else(
                    || Ok(u64::from(length / 2)),
                    |status| Err(fault(status, stop, open.open.end, Access::Read)),
                );
                let moved = outcome.map_or(stop, |_| length.into());
                let need = closed.need(outcome.is_err());
                let string = (Mode::User, string, CAPACITY);
                capture(run, string, (|_| outcome, moved), need)?;
            }
        }
        for stop in 0..SIZE {
            if let Some(status) = closed.refusal(false) {
                let expected = fault(status, 0, open.open.end, Access::Read);
                let address = open.before_end(stop).address;
                descriptor_fails(run, address, expected, closed.need(true))?;
            }
        }
    }
    for address in REFUSED {
        let expected = fault(NtStatus::ACCESS_VIOLATION, 0, address, Access::Read);
        descriptor_fails(run, address, expected, None)?;
        // Nothing is checked of a buffer of length 0.
        for (length, outcome) in [(0, Ok(0)), (2, Err(expected))] {
            let string = UnicodeString {
                length,
                maximum_length: 2,
                buffer: address,
            };
            let string = (Mode::User, string, CAPACITY);
            capture(run, string, (|_| outcome, 0), None)?;
        }
    }
    Ok(())
}
