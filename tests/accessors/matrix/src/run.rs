//! Runs the cases: begins each, makes the call, and checks the result.

use core::ops::Range;

use usermode_accessors::{Access, Fault, NtStatus};

use crate::{
    Arena, KernelMemory,
    layout::{self, Need, PAGING_FAILED_BY, State},
    pattern::{self, UNTOUCHED},
    tally::{Check, Checked, Failure, Stop, Tally},
};

/// Bytes before and after a destination that are checked as well.
const MARGIN: usize = 16;

/// The bits of EFLAGS that an access must not change: AC, DF, IF.
const WATCHED: u64 = AC | 1 << 10 | 1 << 9;
const AC: u64 = 1 << 18;

/// Whether a fault counts the bytes that were moved. With the feature `umaccess` it counts none.
pub(crate) const COUNTS: bool = !cfg!(feature = "umaccess");

/// The result of a call: a value, which is 0 where the call returns none, or the fault.
pub(crate) type CallResult = Result<u64, Fault>;

/// The state of a running family.
pub(crate) struct Run<'r, A> {
    pub(crate) arena: &'r A,
    pub(crate) kernel: &'r mut KernelMemory,
    pub(crate) tally: Tally,
    guards: usize,
    paged_out: usize,
    /// AC is set at entry of each call.
    window: bool,
}

/// Where one side of an access lies.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    pub(crate) address: usize,
    /// The addresses that the matrix can access.
    pub(crate) open: Range<usize>,
    pub(crate) user: bool,
}

impl Location {
    /// Returns the address `offset` bytes after the start of the same memory.
    pub(crate) fn at(&self, offset: usize) -> Self {
        Self {
            address: self.open.start + offset,
            ..self.clone()
        }
    }

    /// Returns the address `bytes` bytes before the end of the same memory.
    pub(crate) fn before_end(&self, bytes: usize) -> Self {
        Self {
            address: self.open.end - bytes,
            ..self.clone()
        }
    }

    /// Returns an address without memory.
    pub(crate) const fn nowhere(address: usize) -> Self {
        Self {
            address,
            open: 0..0,
            user: true,
        }
    }

    /// Returns the addresses that are checked for a destination of `length` bytes.
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

/// Returns the fault of a page, or of a refused range.
pub(crate) const fn fault(
    status: NtStatus,
    copied: usize,
    address: usize,
    access: Access,
) -> Fault {
    let mut fault = Fault::new(status, copied, Some(address), access);
    if status.0 == NtStatus::IN_PAGE_ERROR.0 {
        fault.cause = Some(PAGING_FAILED_BY);
    }
    fault
}

/// Returns the fault that a call reports. [`Fault::copied`] of `fault` is the number of bytes that it moved.
pub(crate) const fn reported(mut fault: Fault) -> Fault {
    if !COUNTS {
        fault.copied = 0;
    }
    fault
}

impl<'r, A: Arena> Run<'r, A> {
    pub(crate) fn new(arena: &'r A, kernel: &'r mut KernelMemory) -> Self {
        fill_with_pattern(&mut kernel.source);
        Self {
            arena,
            kernel,
            tally: Tally::EMPTY,
            guards: 0,
            paged_out: 0,
            window: false,
        }
    }

    /// Fills the kernel's destination with the pattern.
    pub(crate) fn refresh_target(&mut self) {
        fill_with_pattern(&mut self.kernel.target);
    }

    /// Begins a case. Returns `false` if the arena cannot arrange it; then it is skipped.
    pub(crate) fn begin(&mut self, name: &str, arguments: [usize; 3], need: Option<Need>) -> bool {
        let window = self.window.then_some(Need::OpenWindow);
        let mut needs = window.into_iter().chain(need);
        if let Some(missing) = needs.find(|need| !self.arena.can(*need)) {
            self.tally.skipped[missing as usize] += 1;
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

    /// Records that the case failed.
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

    /// Checks that two numbers are equal.
    pub(crate) const fn same(&mut self, expected: u64, found: u64) -> Checked {
        if expected == found {
            return Ok(());
        }
        Err(self.fail(Check::Other, [expected, 0, 0, 0], [found, 0, 0, 0]))
    }

    /// Makes the call. Checks that it returns `expected` and keeps EFLAGS.
    pub(crate) fn expect(
        &mut self,
        expected: CallResult,
        call: impl FnOnce() -> CallResult,
    ) -> Checked {
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
        let expected = expected.map_err(reported);
        if found != expected {
            return Err(self.fail(Check::Result, report(expected), report(found)));
        }
        Ok(())
    }

    /// Makes the call, checks that it keeps EFLAGS, and returns its result.
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

    /// Checks that EFLAGS before and after a call are equal, and that AC is as required.
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

    /// Runs `cases` with AC set at entry of each call.
    pub(crate) fn in_window(&mut self, cases: impl FnOnce(&mut Self) -> Checked) -> Checked {
        self.window = true;
        let checked = cases(self);
        self.window = false;
        checked
    }

    /// Returns the open pages between two closed pages, in the caller's memory.
    pub(crate) fn strip(&self, closed: State, for_writing: bool) -> Location {
        let open = layout::strip(self.arena.base(), closed, for_writing);
        Location {
            address: open.start,
            open,
            user: true,
        }
    }

    /// Returns an open page before a page that the case uses up.
    pub(crate) fn pair(&mut self, closed: State) -> Result<Location, Stop> {
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
        Ok(Location {
            address: open.start,
            open,
            user: true,
        })
    }

    /// Returns the kernel's source, which holds the pattern.
    pub(crate) fn kernel_source(&mut self) -> Location {
        kernel(&mut self.kernel.source)
    }

    /// Returns the kernel's destination.
    pub(crate) fn kernel_target(&mut self) -> Location {
        kernel(&mut self.kernel.target)
    }

    /// Marks a destination and the bytes around it as untouched.
    pub(crate) fn paint(&mut self, location: &Location, length: usize) {
        let seen = location.seen(length);
        if location.user {
            self.arena.fill(seen.start, seen.len(), UNTOUCHED);
        } else {
            let offset = seen.start - self.kernel.target.as_ptr().addr();
            self.kernel.target[offset..][..seen.len()].fill(UNTOUCHED);
        }
    }

    /// Fills open pages of the caller with the pattern.
    pub(crate) fn restore(&self, range: Range<usize>) {
        self.arena
            .write(range.start, pattern::bytes(range.start, range.len()));
    }

    /// Checks a destination: its first `moved` bytes are those of `source`, and the rest and the
    /// bytes around it are untouched.
    pub(crate) fn inspect(
        &mut self,
        location: &Location,
        length: usize,
        moved: usize,
        source: Content,
    ) -> Checked {
        let seen = location.seen(length);
        let kernel = &mut *self.kernel;
        let bytes = if location.user {
            let bytes = &mut kernel.scratch[..seen.len()];
            self.arena.read(seen.start, bytes);
            &*bytes
        } else {
            let offset = seen.start - kernel.target.as_ptr().addr();
            &kernel.target[offset..][..seen.len()]
        };
        let untouched = |bytes: &[u8]| bytes.iter().position(|byte| *byte != UNTOUCHED);
        let (before, rest) =
            bytes.split_at(location.address.saturating_sub(seen.start).min(bytes.len()));
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
            let at = (location.address + offset) as u64;
            let report = |byte: u8| [u64::from(byte), at, 0, 0];
            return Err(self.fail(Check::Moved, report(expected), report(found)));
        }
        let beyond = untouched(before)
            .map(|offset| (seen.start + offset, before[offset]))
            .or_else(|| {
                untouched(after).map(|offset| (location.address + moved + offset, after[offset]))
            });
        if let Some((at, found)) = beyond {
            let report = |byte: u8| [u64::from(byte), at as u64, 0, 0];
            return Err(self.fail(Check::Untouched, report(UNTOUCHED), report(found)));
        }
        Ok(())
    }
}

/// The content of the written part of a destination.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// The pattern of this address and the following.
    From(usize),
    /// This byte.
    Byte(u8),
    /// For each byte, the pattern of this address or of the next one, and so on.
    Either(usize),
}

fn fill_with_pattern(bytes: &mut [u8]) {
    let start = bytes.as_ptr().addr();
    for (offset, byte) in bytes.iter_mut().enumerate() {
        *byte = pattern::byte(start + offset);
    }
}

fn kernel(bytes: &mut [u8]) -> Location {
    let length = bytes.len();
    let start = bytes.as_mut_ptr().expose_provenance();
    Location {
        address: start,
        open: start..start + length,
        user: false,
    }
}

fn report(outcome: CallResult) -> [u64; 4] {
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
