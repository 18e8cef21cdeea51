//! Functions that move or set a range of bytes. The cases are the same for each function.
//!
//! A function of [`Density::Every`] gets all combinations. A function of [`Density::Pairs`] reaches
//! the same instructions under another name, and gets those in brackets. So does each function with the
//! feature `umaccess`, whose instructions are not the crate's.
//!
//! | cases | lengths | combined with |
//! | --- | --- | --- |
//! | complete | [`lengths`] | 16 misalignments of the source and 16 of the destination [16 pairs of them, which depend on the length] |
//! | stopped at a closed page, by the source and by the destination | [`lengths`] | 0, 1, half, and all but one byte before the page [one of them, which depends on the length]; each lasting state of the page |
//! | stopped at every byte | 1 to 40 | every byte; 16 misalignments of the other side [no case] |
//! | stopped by both sides | 24 | 0 to 24 bytes before either page |
//! | guard pages and pages that are paged out | [`SOME`] | 0, 1, half, and all but one byte before the page |
//! | refused addresses | 0, 1, 2, 8, 4097 | [`REFUSED`], and ranges across the end of user memory |
//! | AC set at entry | 1, 8, 64, 300 | complete, and stopped half-way |

mod fill;
mod kernel;
mod structure;
mod user;

use usermode_accessors::{Access, Fault, NtStatus, probe::FOUR_LEVEL_LIMIT};

use crate::{
    Arena,
    layout::{Need, PAGE, State},
    run::{COUNTS, Content, Location, Run, fault},
    tally::Checked,
};

pub(crate) use fill::{FILL, KERNEL_FILL};
pub(crate) use kernel::{COPY_VOLATILE, DEVICE, KERNEL_MODE, user_slice};
pub(crate) use structure::{READ_STRUCTURE, WRITE_STRUCTURE};
pub(crate) use user::{BETWEEN_CALLERS, FROM_CALLER, NON_TEMPORAL, TO_CALLER};

/// Every length up to this one has cases.
const ALL_UP_TO: usize = 260;

/// Longer lengths: around those where a copy may use other instructions, and around whole pages.
const LONGER: [usize; 19] = [
    317, 320, 511, 512, 513, 768, 1021, 1023, 1024, 1025, 1027, 1536, 2047, 2048, 2049, 4095, 4096,
    4097, 8195,
];

/// Lengths for cases that use up one page each.
const SOME: [usize; 15] = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33, 64, 100, 255, 1000];

/// The greatest length for which an access is stopped at every byte.
const EVERY_STOP: usize = 40;

/// Addresses outside user memory.
pub(crate) const REFUSED: [usize; 8] = [
    FOUR_LEVEL_LIMIT,
    FOUR_LEVEL_LIMIT + 0xFFFF,
    // Not canonical.
    0x0000_8000_0000_0000,
    0x1234_5678_9ABC_DEF0,
    0xFFFF_7FFF_FFFF_F000,
    // The upper half, which is the system's.
    0xFFFF_8000_0000_0000,
    0xFFFF_F800_0000_1001,
    usize::MAX,
];

/// The offset in memory at which a side starts, plus its misalignment.
const START: usize = 64;

pub(crate) fn lengths() -> impl Iterator<Item = usize> {
    (0..=ALL_UP_TO).chain(LONGER)
}

/// How many of the combinations a function gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Density {
    Every,
    Pairs,
}

/// Where a function takes its bytes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    User,
    Kernel,
    /// A byte that it sets.
    Byte(u8),
}

/// A function that moves or sets bytes.
pub(crate) struct Bulk {
    pub(crate) name: &'static str,
    pub(crate) source: Source,
    /// The destination is the caller's.
    pub(crate) to_user: bool,
    pub(crate) density: Density,
    /// The only length, if the type determines it.
    pub(crate) length: Option<usize>,
    /// Destination, source, length.
    pub(crate) call: fn(usize, usize, usize) -> Result<(), Fault>,
}

impl Bulk {
    /// A function of any length that needs no `unsafe`.
    const fn pairs(
        name: &'static str,
        source: Source,
        to_user: bool,
        call: fn(usize, usize, usize) -> Result<(), Fault>,
    ) -> Self {
        Self {
            name,
            source,
            to_user,
            density: Density::Pairs,
            length: None,
            call,
        }
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        let only = self.length;
        only.into_iter()
            .chain(lengths().filter(move |_| only.is_none()))
    }

    /// Returns the lengths of `some`, or the only length of the function.
    fn of<const COUNT: usize>(&self, some: [usize; COUNT]) -> impl Iterator<Item = usize> {
        let only = self.length;
        only.into_iter()
            .chain(some.into_iter().filter(move |_| only.is_none()))
    }
}

/// Returns how many bytes of an access lie before a closed page: none, one, half, all but one.
pub(crate) fn stops(length: usize) -> impl Iterator<Item = usize> {
    let all = [0, 1, length / 2, length.saturating_sub(1)];
    (0..all.len())
        .filter(move |&index| all[index] < length && !all[..index].contains(&all[index]))
        .map(move |index| all[index])
}

/// Runs the cases of each function.
pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>, functions: &[Bulk]) -> Checked {
    functions.iter().try_for_each(|function| {
        let mut plan = Plan { run, function };
        plan.whole()?;
        plan.stopped()?;
        plan.stopped_at_every_byte()?;
        plan.stopped_by_both_sides()?;
        plan.used_up_pages()?;
        plan.refused()?;
        plan.in_window()
    })
}

struct Plan<'p, 'r, A> {
    run: &'p mut Run<'r, A>,
    function: &'p Bulk,
}

impl<A: Arena> Plan<'_, '_, A> {
    /// Returns memory that holds the bytes, or the byte itself.
    fn source(&mut self, shift: usize) -> Location {
        match self.function.source {
            Source::User => self.run.strip(State::Unmapped, false).at(START + shift),
            Source::Kernel => self.run.kernel_source().at(START + shift),
            Source::Byte(byte) => Location::nowhere(byte.into()),
        }
    }

    fn destination(&mut self, shift: usize) -> Location {
        if self.function.to_user {
            self.run.strip(State::Unmapped, true).at(START + shift)
        } else {
            self.run.kernel_target().at(START + shift)
        }
    }

    /// Whether the function gets all combinations.
    fn gets_all(&self) -> bool {
        COUNTS && self.function.density == Density::Every
    }

    /// Runs one case.
    fn case(
        &mut self,
        length: usize,
        (destination, source): (&Location, &Location),
        expected: Result<(), Fault>,
        need: Option<Need>,
    ) -> Checked {
        let Bulk { name, call, .. } = *self.function;
        let (to, from) = (destination.address, source.address);
        if !self.run.begin(name, [length, to, from], need) {
            return Ok(());
        }
        self.run.paint(destination, length);
        self.run
            .expect(expected.map(|()| 0), || call(to, from, length).map(|()| 0))?;
        let moved = expected.map_or_else(|fault| fault.copied, |()| length);
        let content = match self.function.source {
            Source::Byte(byte) => Content::Byte(byte),
            _ => Content::From(from),
        };
        self.run.inspect(destination, length, moved, content)
    }

    fn whole(&mut self) -> Checked {
        for length in self.function.lengths() {
            for one in 0..16 {
                let others = if self.gets_all() {
                    0..16
                } else {
                    (one + length) % 16..(one + length) % 16 + 1
                };
                for other in others {
                    let (to, from) = (self.destination(one), self.source(other));
                    self.case(length, (&to, &from), Ok(()), None)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the sides that are the caller's.
    fn sides(&self) -> impl Iterator<Item = Access> + use<A> {
        let reads = self.function.source == Source::User;
        let writes = self.function.to_user;
        [(reads, Access::Read), (writes, Access::Write)]
            .into_iter()
            .filter_map(|(is, side)| is.then_some(side))
    }

    /// Runs a case whose access starts `stop` bytes before the closed page after `open`.
    fn edge(
        &mut self,
        closed: State,
        open: &Location,
        (side, length, stop): (Access, usize, usize),
        other: usize,
    ) -> Checked {
        let near = open.before_end(stop);
        let (to, from) = match side {
            Access::Read => (self.destination(other), near),
            Access::Write => (near, self.source(other)),
        };
        let expected = closed
            .refusal(side == Access::Write)
            .filter(|_| stop < length)
            .map_or(Ok(()), |status| {
                Err(fault(status, stop, open.open.end, side))
            });
        let need = closed.need(expected.is_err());
        self.case(length, (&to, &from), expected, need)
    }

    fn stopped(&mut self) -> Checked {
        for side in self.sides() {
            for closed in State::LASTING {
                let open = self.run.strip(closed, side == Access::Write);
                for length in self.function.lengths() {
                    let every = self.gets_all();
                    for (index, stop) in stops(length).enumerate() {
                        if every || index == length % 4 || length < 4 {
                            self.edge(closed, &open, (side, length, stop), (length + stop) % 16)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn stopped_at_every_byte(&mut self) -> Checked {
        if !self.gets_all() {
            return Ok(());
        }
        for side in self.sides() {
            let open = self.run.strip(State::Unmapped, side == Access::Write);
            for length in 1..=EVERY_STOP {
                for stop in 0..=length {
                    for other in 0..16 {
                        self.edge(State::Unmapped, &open, (side, length, stop), other)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn stopped_by_both_sides(&mut self) -> Checked {
        const LENGTH: usize = 24;
        let both = self.sides().count() == 2 && self.function.length.is_none();
        for readable in (0..=LENGTH).filter(|_| both) {
            for writable in 0..=LENGTH {
                let source = self.run.strip(State::NoAccess, false);
                let target = self.run.strip(State::ReadOnly, true);
                let expected = if readable.min(writable) >= LENGTH {
                    Ok(())
                } else if readable <= writable {
                    let at = source.open.end;
                    Err(fault(
                        NtStatus::ACCESS_VIOLATION,
                        readable,
                        at,
                        Access::Read,
                    ))
                } else {
                    let at = target.open.end;
                    Err(fault(
                        NtStatus::ACCESS_VIOLATION,
                        writable,
                        at,
                        Access::Write,
                    ))
                };
                let locations = (target.before_end(writable), source.before_end(readable));
                let need = expected.err().map(|_| Need::Exceptions);
                self.case(LENGTH, (&locations.0, &locations.1), expected, need)?;
            }
        }
        Ok(())
    }

    fn used_up_pages(&mut self) -> Checked {
        for side in self.sides() {
            for closed in [State::Guard, State::PagedOut] {
                for length in self.function.of(SOME) {
                    let every = self.gets_all();
                    for (index, stop) in stops(length).enumerate() {
                        if length > PAGE / 2 || !(every || index == length % 4) {
                            continue;
                        }
                        let open = self.run.pair(closed)?;
                        if side == Access::Read {
                            self.run.restore(open.open.clone());
                        }
                        self.edge(closed, &open, (side, length, stop), stop % 16)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn refused(&mut self) -> Checked {
        for side in self.sides() {
            for length in self.function.of([0, 1, 2, 8, PAGE + 1]) {
                // And ranges that begin in user memory and end after it.
                let across = [1, 2, length / 2, length]
                    .map(|bytes| FOUR_LEVEL_LIMIT.saturating_sub(bytes))
                    .into_iter()
                    .filter(|start| start + length > FOUR_LEVEL_LIMIT);
                for address in REFUSED.into_iter().chain(across) {
                    let bad = Location::nowhere(address);
                    let (to, from) = match side {
                        Access::Read => (self.destination(0), bad),
                        Access::Write => (bad, self.source(0)),
                    };
                    let expected = if length == 0 {
                        Ok(())
                    } else {
                        Err(fault(NtStatus::ACCESS_VIOLATION, 0, address, side))
                    };
                    self.case(length, (&to, &from), expected, None)?;
                }
            }
        }
        Ok(())
    }

    fn in_window(&mut self) -> Checked {
        self.run.in_window(|run| {
            let mut plan = Plan {
                run,
                function: self.function,
            };
            for length in plan.function.of([1, 8, 64, 300]) {
                let (to, from) = (plan.destination(3), plan.source(5));
                plan.case(length, (&to, &from), Ok(()), None)?;
                for side in plan.sides() {
                    let open = plan.run.strip(State::Unmapped, side == Access::Write);
                    plan.edge(State::Unmapped, &open, (side, length, length / 2), 1)?;
                }
            }
            Ok(())
        })
    }
}
