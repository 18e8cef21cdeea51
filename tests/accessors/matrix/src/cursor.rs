//! Readers and writers: ranges of 0 to 64 bytes, used in pieces of 1 to 9. The range lies before a
//! closed page, or the page stops it after 0, 1, half, or all but one byte. At the end one byte more
//! than is left is requested.

use usermode_accessors::{Access, Fault, NtStatus, UserSlice};

use crate::{
    Arena,
    bulk::stops,
    layout::{Need, State},
    run::{COUNTS, Content, Run, fault, reported},
    tally::{Check, Checked},
};

const READER: &str = "user_reader_read, in pieces";
const WRITER: &str = "user_writer_write, in pieces";
const FILLER: &str = "user_writer_fill, in pieces";
const THROUGH: &str = "user_writer_write_from, in pieces";

/// What is done with each piece.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Fill,
    Through,
}

const KINDS: [(&str, Kind); 4] = [
    (READER, Kind::Read),
    (WRITER, Kind::Write),
    (FILLER, Kind::Fill),
    (THROUGH, Kind::Through),
];

const SET: u8 = 0x3C;

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for (name, kind) in KINDS {
        for length in 0..=64 {
            for piece in 1..=9 {
                in_pieces(run, name, kind, (length, piece, length))?;
                for stop in stops(length) {
                    in_pieces(run, name, kind, (length, piece, stop))?;
                }
            }
        }
    }
    Ok(())
}

/// The position of a reader or writer: bytes done, and bytes left.
type Standing = (usize, usize);

fn in_pieces<A: Arena>(
    run: &mut Run<'_, A>,
    name: &str,
    kind: Kind,
    (length, piece, stop): (usize, usize, usize),
) -> Checked {
    let need = (stop < length).then_some(Need::Exceptions);
    if !run.begin(name, [length, piece, stop], need) {
        return Ok(());
    }
    let user = run.strip(State::Unmapped, true).before_end(stop);
    let source = run.strip(State::Unmapped, false).at(64);
    let kernel_source = run.kernel_source().at(64);
    let kernel_target = run.kernel_target().at(64);
    let (target, content) = match kind {
        Kind::Read => {
            run.restore(user.address..user.open.end);
            (kernel_target.clone(), Content::From(user.address))
        }
        Kind::Write => (user.clone(), Content::From(kernel_source.address)),
        Kind::Fill => (user.clone(), Content::Byte(SET)),
        Kind::Through => (user.clone(), Content::From(source.address)),
    };
    run.paint(&target, length);
    let kernel = &mut *run.kernel;
    let offset = kernel_source.address - kernel.source.as_ptr().addr();
    let from = &kernel.source[offset..][..length];
    let offset = kernel_target.address - kernel.target.as_ptr().addr();
    let to = &mut kernel.target[offset..][..length];

    let side = if kind == Kind::Read {
        Access::Read
    } else {
        Access::Write
    };
    let arena = run.arena;
    let mut use_up = || -> Result<(Standing, Result<(), Fault>), Fault> {
        let (mut reader, mut writer) = UserSlice::new(user.address, length).reader_and_writer()?;
        let mut through = UserSlice::new(source.address, length).reader()?;
        let mut met = Ok(());
        let mut next = 0;
        // The last piece is one byte more than is left, and is refused.
        while met.is_ok() && next <= length {
            let count = piece.min(length - next).max(usize::from(next == length));
            let bytes = next..(next + count).min(length);
            let mut excess = [0; 1];
            met = match kind {
                Kind::Read if count > bytes.len() => reader.read(&mut excess),
                Kind::Read => reader.read(&mut to[bytes]),
                Kind::Write if count > bytes.len() => writer.write(&excess),
                Kind::Write => writer.write(&from[bytes]),
                Kind::Fill => writer.fill(SET, count),
                Kind::Through => writer.write_from(&mut through, count),
            };
            next += count;
        }
        let standing = if kind == Kind::Read {
            (reader.position(), reader.remaining())
        } else {
            (writer.position(), writer.remaining())
        };
        if kind == Kind::Through && standing != (through.position(), through.remaining()) {
            return Ok(((usize::MAX, through.position()), met));
        }
        Ok((standing, met))
    };
    let before = arena.flags();
    let found = use_up();
    let after = arena.flags();
    run.flags_kept(before, after)?;
    let moved = stop.min(length);
    let uncounted = if COUNTS || stop >= length {
        0
    } else {
        moved % piece
    };
    let done = moved - uncounted;
    let met = if stop < length {
        let status = NtStatus::ACCESS_VIOLATION;
        reported(fault(status, moved % piece, user.open.end, side))
    } else {
        let (at, side) = match kind {
            // The source is checked first.
            Kind::Through => (source.address + length, Access::Read),
            _ => (user.address + length, side),
        };
        fault(NtStatus::INVALID_BUFFER_SIZE, 0, at, side)
    };
    let expected = Ok(((done, length - done), Err(met)));
    if found != expected {
        let report = |found: Result<(Standing, Result<(), Fault>), Fault>| match found {
            Ok(((done, left), met)) => {
                let met = met.err();
                let copied = met.map_or(u64::MAX, |fault| fault.copied as u64);
                let address = met.and_then(|fault| fault.address).unwrap_or(usize::MAX);
                [done as u64, left as u64, copied, address as u64]
            }
            Err(fault) => [fault.status.0.into(), 0, 0, 0],
        };
        return Err(run.fail(Check::Other, report(expected), report(found)));
    }
    run.inspect(&target, length, moved, content)
}
