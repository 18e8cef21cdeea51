//! One case after the other: how each is begun, watched and judged.

use core::ops::Range;

use usermode_accessors::{Access, Fault, NtStatus};

use crate::{
    Arena, Room,
    layout::{self, Need, PAGING_FAILED_BY, State},
    pattern::{self, UNTOUCHED},
    tally::{Check, Checked, Failure, Stop, Tally},
};

/// Bytes before and behind a destination that are looked at, too.
const MARGIN: usize = 16;

/// EFLAGS that an access leaves alone: AC, DF, IF.
const WATCHED: u64 = AC | 1 << 10 | 1 << 9;
const AC: u64 = 1 << 18;

/// What a call came to: a value, or 0, or the fault.
pub(crate) type Outcome = Result<u64, Fault>;

/// A family while it runs.
pub(crate) struct Run<'r, A> {
    pub(crate) arena: &'r A,
    pub(crate) room: &'r mut Room,
    pub(crate) tally: Tally,
    guards: usize,
    paged_out: usize,
    /// AC is set at entry.
    window: bool,
}

/// Where one side of an access is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: usize,
    /// What of it can be looked at.
    pub(crate) open: Range<usize>,
    pub(crate) user: bool,
}

impl Place {
    /// The same memory, so far from its start.
    pub(crate) fn at(&self, offset: usize) -> Self {
        Self {
            address: self.open.start + offset,
            ..self.clone()
        }
    }

    /// So many bytes before its end.
    pub(crate) fn before_end(&self, bytes: usize) -> Self {
        Self {
            address: self.open.end - bytes,
            ..self.clone()
        }
    }

    /// A number, with nothing behind it.
    pub(crate) const fn nowhere(address: usize) -> Self {
        Self {
            address,
            open: 0..0,
            user: true,
        }
    }

    /// What is looked at around a destination.
    fn seen(&self, length: usize) -> Range<usize> {
        let start = self.address.saturating_sub(MARGIN).max(self.open.start);
        let end = self
            .address
            .saturating_add(length)
            .saturating_add(MARGIN)
            .min(self.open.end);
        start..end.max(start)
    }
}

/// The fault of a page, or of a refused range.
pub(crate) const fn fault(
    status: NtStatus,
    copied: usize,
    address: usize,
    access: Access,
) -> Fault {
    Fault {
        status,
        copied,
        address: Some(address),
        access,
        cause: if status.0 == NtStatus::IN_PAGE_ERROR.0 {
            Some(PAGING_FAILED_BY)
        } else {
            None
        },
    }
}

impl<'r, A: Arena> Run<'r, A> {
    pub(crate) fn new(arena: &'r A, room: &'r mut Room) -> Self {
        let mut run = Self {
            arena,
            room,
            tally: Tally::EMPTY,
            guards: 0,
            paged_out: 0,
            window: false,
        };
        run.refresh_source();
        run
    }

    /// Puts the pattern into the kernel's source.
    pub(crate) fn refresh_source(&mut self) {
        let start = self.room.source.as_ptr().addr();
        for (offset, byte) in self.room.source.iter_mut().enumerate() {
            *byte = pattern::byte(start + offset);
        }
    }

    /// Puts the pattern into the kernel's destination.
    pub(crate) fn refresh_target(&mut self) {
        let start = self.room.target.as_ptr().addr();
        for (offset, byte) in self.room.target.iter_mut().enumerate() {
            *byte = pattern::byte(start + offset);
        }
    }

    /// A case begins. `false`: it is skipped, for something that it needs is missing.
    pub(crate) fn begin(&mut self, name: &str, arguments: [usize; 3], need: Option<Need>) -> bool {
        let need = need.or_else(|| self.window.then_some(Need::OpenWindow));
        if let Some(need) = need
            && !self.arena.can(need)
        {
            self.tally.skipped[need as usize] += 1;
            return false;
        }
        self.tally.ran += 1;
        let failure = &mut self.tally.failure;
        failure.name = [0; 48];
        let length = name.len().min(failure.name.len());
        failure.name[..length].copy_from_slice(&name.as_bytes()[..length]);
        failure.arguments = arguments.map(|argument| argument as u64);
        true
    }

    /// The case failed.
    pub(crate) const fn fail(&mut self, check: Check, expected: [u64; 4], found: [u64; 4]) -> Stop {
        self.tally.failed = 1;
        self.tally.failure = Failure {
            check: check as u64,
            expected,
            found,
            ..self.tally.failure
        };
        Stop
    }

    /// Two numbers have to be the same.
    pub(crate) const fn same(&mut self, expected: u64, found: u64) -> Checked {
        if expected == found {
            return Ok(());
        }
        Err(self.fail(Check::Other, [expected, 0, 0, 0], [found, 0, 0, 0]))
    }

    /// Makes the call, which has to come to `expected` and to leave EFLAGS as they are.
    pub(crate) fn expect(&mut self, expected: Outcome, call: impl FnOnce() -> Outcome) -> Checked {
        if self.window {
            self.arena.open_window();
        }
        let before = self.arena.flags();
        let found = call();
        let after = self.arena.flags();
        if self.window {
            self.arena.close_window();
        }
        self.flags_kept(before, after)?;
        if found != expected {
            return Err(self.fail(Check::Outcome, told(expected), told(found)));
        }
        Ok(())
    }

    /// What a call comes to that has to leave EFLAGS as they are.
    pub(crate) fn watched<T>(
        &mut self,
        call: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<Result<T, Fault>, Stop> {
        let before = self.arena.flags();
        let outcome = call();
        let after = self.arena.flags();
        self.flags_kept(before, after)?;
        Ok(outcome)
    }

    /// EFLAGS before a call and after it have to be the same, with AC as it was to be.
    pub(crate) fn flags_kept(&mut self, before: u64, after: u64) -> Checked {
        if (before ^ after) & WATCHED == 0 && (before & AC != 0) == self.window {
            return Ok(());
        }
        if after & AC != 0 {
            self.arena.close_window();
        }
        let flags = |flags| [flags & WATCHED, 0, 0, 0];
        Err(self.fail(Check::Flags, flags(before), flags(after)))
    }

    /// What `cases` does is done with AC set at entry of each call.
    pub(crate) fn in_window(&mut self, cases: impl FnOnce(&mut Self) -> Checked) -> Checked {
        self.window = true;
        let checked = cases(self);
        self.window = false;
        checked
    }

    /// The open pages before and behind closed ones, in the caller's memory.
    pub(crate) fn strip(&self, closed: State, for_writing: bool) -> Place {
        let open = layout::strip(self.arena.base(), closed, for_writing);
        Place {
            address: open.start,
            open,
            user: true,
        }
    }

    /// An open page before one that the case will use up.
    pub(crate) fn pair(&mut self, closed: State) -> Result<Place, Stop> {
        let used = if closed == State::Guard {
            &mut self.guards
        } else {
            &mut self.paged_out
        };
        let number = *used;
        *used += 1;
        let Some(open) = layout::pair(self.arena.base(), closed, number) else {
            return Err(self.fail(Check::Exhausted, [number as u64, 0, 0, 0], [0; 4]));
        };
        Ok(Place {
            address: open.start,
            open,
            user: true,
        })
    }

    /// The kernel's own source, which holds the pattern.
    pub(crate) fn kernel_source(&mut self) -> Place {
        kernel(&mut self.room.source)
    }

    /// The kernel's own destination.
    pub(crate) fn kernel_target(&mut self) -> Place {
        kernel(&mut self.room.target)
    }

    /// Marks a destination and what is around it as untouched.
    pub(crate) fn paint(&mut self, place: &Place, length: usize) {
        let seen = place.seen(length);
        if place.user {
            self.arena.fill(seen.start, seen.len(), UNTOUCHED);
        } else {
            let offset = seen.start - self.room.target.as_ptr().addr();
            self.room.target[offset..][..seen.len()].fill(UNTOUCHED);
        }
    }

    /// Puts the pattern back.
    pub(crate) fn restore(&self, range: Range<usize>) {
        self.arena
            .write(range.start, pattern::bytes(range.start, range.len()));
    }

    /// What a destination holds now: the first `moved` bytes are the pattern's from `source` on, or
    /// all `source` if that is a byte, and the rest is untouched.
    pub(crate) fn inspect(
        &mut self,
        place: &Place,
        length: usize,
        moved: usize,
        source: Content,
    ) -> Checked {
        let seen = place.seen(length);
        let room = &mut *self.room;
        let bytes = if place.user {
            let bytes = &mut room.scratch[..seen.len()];
            self.arena.read(seen.start, bytes);
            &*bytes
        } else {
            let offset = seen.start - room.target.as_ptr().addr();
            &room.target[offset..][..seen.len()]
        };
        let untouched = |bytes: &[u8]| bytes.iter().position(|byte| *byte != UNTOUCHED);
        let (before, rest) =
            bytes.split_at(place.address.saturating_sub(seen.start).min(bytes.len()));
        let (written, after) = rest.split_at(moved.min(rest.len()));
        let wrong = match source {
            Content::From(source) => {
                let expected = pattern::bytes(source, written.len());
                if written == expected {
                    None
                } else {
                    (0..written.len()).find(|&offset| written[offset] != expected[offset])
                }
            }
            Content::Byte(byte) => written.iter().position(|found| *found != byte),
            Content::Either(source) => {
                let expected = pattern::bytes(source, written.len() + 1);
                (0..written.len())
                    .find(|&offset| !expected[offset..][..2].contains(&written[offset]))
            }
        };
        if let Some(offset) = wrong {
            let expected = match source {
                Content::From(source) | Content::Either(source) => pattern::byte(source + offset),
                Content::Byte(byte) => byte,
            };
            let found = written[offset];
            let at = (place.address + offset) as u64;
            let told = |byte: u8| [u64::from(byte), at, 0, 0];
            return Err(self.fail(Check::Moved, told(expected), told(found)));
        }
        let beyond = untouched(before)
            .map(|offset| (seen.start + offset, before[offset]))
            .or_else(|| {
                untouched(after).map(|offset| (place.address + moved + offset, after[offset]))
            });
        if let Some((at, found)) = beyond {
            let told = |byte: u8| [u64::from(byte), at as u64, 0, 0];
            return Err(self.fail(Check::Untouched, told(UNTOUCHED), told(found)));
        }
        Ok(())
    }
}

/// What a destination holds as far as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// The pattern from this address on.
    From(usize),
    /// This byte.
    Byte(u8),
    /// Each byte from the pattern's from this address on, or from the next one on.
    Either(usize),
}

fn kernel(bytes: &mut [u8]) -> Place {
    let length = bytes.len();
    let start = bytes.as_mut_ptr().expose_provenance();
    Place {
        address: start,
        open: start..start + length,
        user: false,
    }
}

fn told(outcome: Outcome) -> [u64; 4] {
    match outcome {
        Ok(value) => [0, value, 0, 0],
        Err(fault) => [
            fault.status.0.into(),
            fault.copied as u64,
            fault.address.map_or(u64::MAX, |address| address as u64),
            u64::from(fault.access == Access::Write),
        ],
    }
}
