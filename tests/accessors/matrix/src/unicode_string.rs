//! `UNICODE_STRING`: by value, and captured.
//!
//! | cases | crossed with |
//! | --- | --- |
//! | by value | 16 misalignments; every number of bytes before a closed page of each lasting state; refused addresses; user memory, and the kernel's for `Mode` |
//! | captured | lengths of 0 to 260 bytes, odd ones refused; 16 misalignments of the buffer; room that suffices and that does not; a maximum that is less |
//! | captured, stopped in the buffer | lengths to 64 bytes: every byte; each lasting state |

use usermode_accessors::{
    Access, Fault, Mode, NtStatus, UnicodeString, UserPtr, ddi, probe::USER_LIMIT,
};

use crate::{
    Arena,
    bulk::REFUSED,
    layout::State,
    pattern::{self, UNTOUCHED},
    pointer::{from, to},
    run::{Content, Outcome, Place, Run, fault},
    scalar::patterned,
    tally::{Check, Checked},
};

/// Bytes of a descriptor.
const SIZE: usize = size_of::<UnicodeString>();

/// The descriptor that the pattern is at an address.
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

/// Names of what is tried here.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let reads = READS.iter().map(|(name, ..)| *name);
    let writes = WRITES.iter().map(|(name, ..)| *name);
    reads.chain(writes).chain([CAPTURE])
}

const CAPTURE: &str = "user_ptr_capture";

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for (name, user, call) in READS {
        places(run, user, Access::Read, |run, place, refusal, closed| {
            read(run, name, call, place, refusal, closed)
        })?;
    }
    for (name, user, call) in WRITES {
        places(run, user, Access::Write, |run, place, refusal, closed| {
            write(run, name, call, place, refusal, closed)
        })?;
    }
    captures(run)?;
    captures_stopped(run)
}

/// Where a function is tried, in the order of the plan: each place, what is to be met there, and the
/// closed page behind it.
fn places<A: Arena>(
    run: &mut Run<'_, A>,
    user: bool,
    access: Access,
    mut case: impl FnMut(&mut Run<'_, A>, &Place, Option<Fault>, Option<State>) -> Checked,
) -> Checked {
    let writes = access == Access::Write;
    for shift in 0..16 {
        let place = match (user, writes) {
            (true, _) => run.strip(State::Unmapped, writes),
            (false, false) => run.kernel_source(),
            (false, true) => run.kernel_target(),
        };
        case(run, &place.at(64 + shift), None, None)?;
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
    for address in REFUSED.into_iter().chain([USER_LIMIT - 15]) {
        let refusal = fault(NtStatus::ACCESS_VIOLATION, 0, address, access);
        case(run, &Place::nowhere(address), Some(refusal), None)?;
    }
    Ok(())
}

fn read<A: Arena>(
    run: &mut Run<'_, A>,
    name: &str,
    call: Read,
    place: &Place,
    refusal: Option<Fault>,
    closed: Option<State>,
) -> Checked {
    let need = closed.and_then(State::need);
    if !run.begin(name, [SIZE, place.address, 0], need) {
        return Ok(());
    }
    let mut found = UnicodeString::default();
    let expected = refusal.map_or(Ok(0), Err);
    run.expect(expected, || {
        found = call(place.address)?;
        Ok(0)
    })?;
    if refusal.is_none() {
        let expected = patterned_string(place.address);
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
    place: &Place,
    refusal: Option<Fault>,
    closed: Option<State>,
) -> Checked {
    let need = closed.and_then(State::need);
    let address = place.address;
    if !run.begin(name, [SIZE, address, 0], need) {
        return Ok(());
    }
    // All of it is one byte, but for the four that mean nothing and go out as zeros.
    let value = UnicodeString {
        length: 0x5A5A,
        maximum_length: 0x5A5A,
        buffer: 0x5A5A_5A5A_5A5A_5A5A,
    };
    run.paint(place, SIZE);
    let expected = refusal.map_or(Ok(0), Err);
    run.expect(expected, || call(address, value).map(|()| 0))?;
    if refusal.is_some_and(|fault| fault.copied == 0) {
        return run.inspect(place, SIZE, 0, Content::Byte(0));
    }
    let moved = refusal.map_or(SIZE, |fault| fault.copied);
    let mut expected = [0x5A; SIZE];
    expected[4..8].fill(0);
    expected[moved..].fill(UNTOUCHED);
    let seen = SIZE.min(place.open.end - address);
    let mut found = [UNTOUCHED; SIZE];
    if place.user {
        run.arena.read(address, &mut found[..seen]);
    } else {
        let offset = address - place.open.start;
        found.copy_from_slice(&run.room.target[offset..][..SIZE]);
    }
    if found != expected {
        let told = |bytes: [u8; SIZE]| {
            let (low, high) = bytes.split_at(8);
            let number = |bytes: &[u8]| {
                bytes
                    .iter()
                    .rev()
                    .fold(0, |all, &byte| all << 8 | u64::from(byte))
            };
            [number(low), number(high), 0, 0]
        };
        return Err(run.fail(Check::Other, told(expected), told(found)));
    }
    Ok(())
}

/// Puts a descriptor where a capture will find it: returns its address.
fn put<A: Arena>(run: &Run<'_, A>, string: UnicodeString) -> usize {
    let address = run.strip(State::NoAccess, true).at(7).address;
    let mut bytes = [0; SIZE];
    bytes[..2].copy_from_slice(&string.length.to_le_bytes());
    bytes[2..4].copy_from_slice(&string.maximum_length.to_le_bytes());
    bytes[8..].copy_from_slice(&string.buffer.to_le_bytes());
    run.arena.write(address, &bytes);
    address
}

/// Characters of the room that captures are given.
const ROOM: usize = 132;

/// Captures `string` into `room` characters; `moved`: bytes of it that arrive.
fn capture<A: Arena>(
    run: &mut Run<'_, A>,
    string: UnicodeString,
    room: usize,
    (expected, moved): (impl FnOnce(usize) -> Outcome, usize),
    closed: Option<State>,
) -> Checked {
    let need = closed.and_then(State::need);
    let arguments = [string.length.into(), string.buffer, room];
    if !run.begin(CAPTURE, arguments, need) {
        return Ok(());
    }
    let address = put(run, string);
    let mut characters = [u16::from_le_bytes([UNTOUCHED; 2]); ROOM];
    run.expect(expected(address), || {
        let filled = UserPtr::<UnicodeString>::new(address).capture(&mut characters[..room])?;
        Ok(filled.len() as u64)
    })?;
    let mut found = characters.into_iter().flat_map(u16::to_le_bytes);
    for offset in 0..moved {
        let expected = pattern::byte(string.buffer + offset);
        run.same(expected.into(), found.next().unwrap_or(0).into())?;
    }
    run.same(0, u64::from(found.any(|byte| byte != UNTOUCHED)))
}

fn captures<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    let source = run.strip(State::Unmapped, false);
    let refused = |status| move |at| Err(fault(status, 0, at, Access::Read));
    for length in 0..=260_u16 {
        for shift in 0..16 {
            let string = UnicodeString {
                length,
                maximum_length: length + u16::try_from(shift % 3).unwrap_or(0),
                buffer: source.at(64 + shift).address,
            };
            let (characters, bytes) = (usize::from(length / 2), usize::from(length));
            if length % 2 != 0 {
                let expected = refused(NtStatus::INVALID_PARAMETER);
                capture(run, string, ROOM, (expected, 0), None)?;
                continue;
            }
            let expected = |_| Ok(characters as u64);
            capture(run, string, ROOM, (expected, bytes), None)?;
            capture(run, string, characters, (expected, bytes), None)?;
            if length > 0 {
                let expected = refused(NtStatus::INVALID_BUFFER_SIZE);
                capture(run, string, characters - 1, (expected, 0), None)?;
                let string = UnicodeString {
                    maximum_length: length - 1,
                    ..string
                };
                let expected = refused(NtStatus::INVALID_PARAMETER);
                capture(run, string, ROOM, (expected, 0), None)?;
            }
        }
    }
    Ok(())
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
                capture(run, string, ROOM, (|_| outcome, moved), Some(closed))?;
            }
        }
    }
    for buffer in REFUSED {
        let string = UnicodeString {
            length: 2,
            maximum_length: 2,
            buffer,
        };
        let outcome = Err(fault(NtStatus::ACCESS_VIOLATION, 0, buffer, Access::Read));
        capture(run, string, ROOM, (|_| outcome, 0), None)?;
    }
    Ok(())
}
