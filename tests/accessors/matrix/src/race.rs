//! Accesses to a page that changes meanwhile: another thread unmaps and maps it, or makes it read-only
//! and writable, or [rewrites](crate::rewritten) it. The arena has [`RACE_PAGES`] pages; the second
//! one changes. The first page holds the pattern. So does the second, unless it is rewritten.
//!
//! Each access is repeated until it was complete and was stopped often enough. It is exact every
//! time. A copy stops after the first page and before its own end, at the address that it reports,
//! and has moved the bytes that it counts. A single access or an interlocked operation is made or
//! not. EFLAGS are kept.

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, ddi};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{
    Arena, KernelMemory,
    layout::PAGE,
    pointer::{bytes, bytes_mut, from, to},
    rewritten,
    run::{Content, Location, Run, fault as fault_at},
    scalar::patterned,
    tally::{Check, Checked, Failure, Stop},
};

/// The number of pages of an arena for races: one that stays, one that changes, and two with the
/// [contents](crate::rewritten_content) that [`Change::Rewrite`] writes.
pub const RACE_PAGES: usize = 4;

/// Bytes of a copy in the first page. As many are in the second.
const BEFORE: usize = 600;
const LENGTH: usize = 2 * BEFORE;

/// The least number of complete accesses, and of stopped ones.
const ENOUGH: u64 = 20;

/// The greatest number of accesses: far more than both results take.
const MOST: u64 = 20_000_000;

/// The least number of accesses: enough for the page to change during some of them.
const LEAST: u64 = 500;

/// How the page changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is unmapped and mapped.
    Unmap,
    /// It becomes read-only and writable.
    WriteProtect,
    /// The third page and the fourth are copied to it in turn, 8 bytes at a time.
    Rewrite,
}

macro_rules! races {
    ($($(#[$doc:meta])* $name:ident = $function:literal, $changes:expr,)+) => {
        /// An access that races with changes of its page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Race {
            $($(#[$doc])* $name,)+
        }

        impl Race {
            /// All races.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the name of the function.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $function,)+
                }
            }

            /// Returns the changes. Each is one run.
            #[must_use]
            pub const fn changes(self) -> &'static [Change] {
                match self {
                    $(Self::$name => $changes,)+
                }
            }
        }
    };
}

const READER: &[Change] = &[Change::Unmap];
const WRITER: &[Change] = &[Change::Unmap, Change::WriteProtect];
const REWRITTEN: &[Change] = &[Change::Rewrite];

races! {
    /// A copy from the page.
    CopyFrom = "copy_from_user", READER,
    /// A copy to the page.
    CopyTo = "copy_to_user", WRITER,
    /// A non-temporal copy from the page.
    NonTemporalFrom = "copy_from_user_nontemporal", READER,
    /// A non-temporal copy to the page.
    NonTemporalTo = "copy_to_user_nontemporal", WRITER,
    /// A fill.
    Fill = "fill_user_memory", WRITER,
    /// A move of overlapping ranges, from the last byte to the first.
    MoveBackward = "move_to_user_from_user", WRITER,
    /// A read of 8 bytes.
    Read = "read_ulong64_from_user_acquire", READER,
    /// A write of 8 bytes.
    Write = "write_ulong64_to_user_release", WRITER,
    /// A counter that is compared and exchanged.
    CompareExchange = "interlocked_compare_exchange64_to_user", WRITER,
    /// Bits that are set and cleared in turn.
    AndOr = "interlocked_or_to_user and interlocked_and_to_user", WRITER,
    /// The length of a string that ends in the page.
    StringLength = "string_length_from_user", READER,
    /// The length of a wide string that ends in the page.
    WideStringLength = "wide_string_length_from_user", READER,
    /// A read of a structure across the start of the page, with a mode.
    Structure = "read_struct_from_mode", READER,
    /// Every read and write of one value.
    Scalars = "reads and writes of one value", REWRITTEN,
    /// Every interlocked operation.
    Locked = "interlocked operations", REWRITTEN,
    /// Every copy from the page.
    Copies = "copies", REWRITTEN,
    /// Every function for the length of a string.
    Strings = "lengths of strings", REWRITTEN,
    /// A capture of a `UNICODE_STRING`.
    Capture = "user_ptr_capture", REWRITTEN,
}

impl Race {
    /// Returns the race with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let number = usize::try_from(number).ok()?;
        Self::ALL.get(number).copied()
    }
}

/// The result of a race.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RaceResult {
    /// The number of complete accesses; for [`Change::Rewrite`], of those that found the first
    /// content.
    pub complete: u64,
    /// The number of accesses that the page stopped; for [`Change::Rewrite`], of those that found
    /// the second content.
    pub stopped: u64,
    /// 1 if an access was wrong. It ended the race.
    pub failed: u64,
    /// The access that was wrong.
    pub failure: Failure,
}

impl RaceResult {
    /// Returns the access that was wrong.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        (self.failed != 0).then_some(&self.failure)
    }
}

/// What a race keeps between its rounds.
#[derive(Default)]
struct Memory {
    /// The value that must be in the page.
    value: u64,
    round: u64,
}

/// Runs a race. The page changes already.
pub fn run_race<A: Arena>(race: Race, arena: &A, kernel: &mut KernelMemory) -> RaceResult {
    let mut run = Run::new(arena, kernel);
    let (mut complete, mut stopped) = (0, 0);
    let mut memory = Memory::default();
    let least = match race.changes() {
        [Change::Rewrite] => rewritten::least(race),
        _ => LEAST,
    };
    while complete + stopped < MOST
        && (complete + stopped < least || complete < ENOUGH || stopped < ENOUGH)
    {
        run.begin(race.name(), [LENGTH, arena.base(), 0], None);
        match round(&mut run, race, &mut memory) {
            Ok(true) => complete += 1,
            Ok(false) => stopped += 1,
            Err(_) => break,
        }
        memory.round += 1;
    }
    RaceResult {
        complete,
        stopped,
        failed: run.tally.failed,
        failure: run.tally.failure,
    }
}

/// Makes one access. Returns whether it was complete.
#[expect(clippy::too_many_lines, reason = "each race is one arm")]
fn round<A: Arena>(run: &mut Run<'_, A>, race: Race, memory: &mut Memory) -> Result<bool, Stop> {
    let page = run.arena.base() + PAGE;
    let start = page - BEFORE;
    let target = run.kernel_target().at(64);
    let source = run.kernel_source().at(64);
    match race {
        Race::CopyFrom | Race::NonTemporalFrom => {
            run.paint(&target, LENGTH);
            let (into, out_of) = (bytes_mut(target.address), bytes(start));
            let outcome = run.watched(|| {
                if race == Race::CopyFrom {
                    // SAFETY: the target is long enough.
                    unsafe { ddi::copy_from_user(into, out_of, LENGTH) }
                } else {
                    // SAFETY: as above.
                    unsafe { ddi::copy_from_user_nontemporal(into, out_of, LENGTH) }
                }
            })?;
            let copied = forward(run, outcome, start, Access::Read)?;
            run.inspect(&target, LENGTH, copied, Content::From(start))?;
            Ok(outcome.is_ok())
        }
        Race::CopyTo | Race::NonTemporalTo | Race::Fill => {
            // The first page stays, so all bytes in it must be written.
            let stays = Location {
                address: start,
                open: page - PAGE..page,
                user: true,
            };
            run.paint(&stays, BEFORE);
            let (into, out_of) = (bytes_mut(start), bytes(source.address));
            let outcome = run.watched(|| match race {
                // SAFETY: the source has the bytes; the arena is checked and guarded.
                Race::CopyTo => unsafe { ddi::copy_to_user(into, out_of, LENGTH) },
                Race::NonTemporalTo => {
                    // SAFETY: as above.
                    unsafe { ddi::copy_to_user_nontemporal(into, out_of, LENGTH) }
                }
                // SAFETY: as above.
                _ => unsafe { ddi::fill_user_memory(into, LENGTH, 0x77) },
            })?;
            forward(run, outcome, start, Access::Write)?;
            let content = if race == Race::Fill {
                Content::Byte(0x77)
            } else {
                Content::From(source.address)
            };
            run.inspect(&stays, BEFORE, BEFORE, content)?;
            Ok(outcome.is_ok())
        }
        Race::MoveBackward => {
            let (into, out_of) = (bytes_mut(start + 8), bytes(start));
            let outcome = run.watched(|| {
                // SAFETY: the arena, checked and guarded.
                unsafe { ddi::move_to_user_from_user(into, out_of, LENGTH) }
            })?;
            backward(run, outcome, start)?;
            Ok(outcome.is_ok())
        }
        Race::Read => {
            let address = page + 64;
            let outcome = run.watched(|| {
                // SAFETY: the arena, checked and guarded.
                unsafe { ddi::read_ulong64_from_user_acquire(from(address)) }
            })?;
            single(run, outcome, address, Access::Read, patterned(address, 8))
        }
        Race::Write => {
            // If this write fails, the value of the write before is still there.
            let (address, value) = (page + 128, memory.round);
            let outcome = run.watched(|| {
                // SAFETY: the arena, checked and guarded.
                unsafe { ddi::write_ulong64_to_user_release(to(address), value) }
            })?;
            let before = core::mem::replace(&mut memory.value, value);
            if outcome.is_err() {
                memory.value = before;
            }
            let complete = single(run, outcome.map(|()| 0), address, Access::Write, 0)?;
            if memory.round > 0
                && let Ok(found) = UserPtr::<u64>::new(address).read()
                && (complete || found != patterned(address, 8))
            {
                run.same(memory.value, found)?;
            }
            Ok(complete)
        }
        Race::CompareExchange => {
            let (address, old) = (page + 256, memory.value);
            if memory.round == 0 {
                memory.value = patterned(address, 8);
                return Ok(true);
            }
            let outcome = run.watched(|| {
                let to = to(address);
                let old = old.cast_signed();
                // SAFETY: the arena, checked and guarded.
                unsafe { ddi::interlocked_compare_exchange64_to_user(to, old.wrapping_add(1), old) }
            })?;
            if outcome.is_ok() {
                memory.value = old.wrapping_add(1);
            }
            let outcome = outcome.map(i64::cast_unsigned);
            single(run, outcome, address, Access::Write, old)
        }
        Race::AndOr => {
            let (address, old) = (page + 320, memory.value);
            if memory.round == 0 {
                memory.value = patterned(address, 4);
                return Ok(true);
            }
            let bit = 1_u32 << (memory.round / 2 % 32);
            let sets = memory.round.is_multiple_of(2);
            let outcome = run.watched(|| {
                let to = to(address);
                if sets {
                    // SAFETY: the arena, checked and guarded.
                    unsafe { ddi::interlocked_or_to_user(to, bit.cast_signed()) }
                } else {
                    // SAFETY: as above.
                    unsafe { ddi::interlocked_and_to_user(to, (!bit).cast_signed()) }
                }
            })?;
            if outcome.is_ok() {
                let bit = u64::from(bit);
                memory.value = if sets { old | bit } else { old & !bit };
            }
            let outcome = outcome.map(|value| value.cast_unsigned().into());
            single(run, outcome, address, Access::Write, old)
        }
        Race::StringLength | Race::WideStringLength => string(run, race, memory),
        Race::Scalars | Race::Locked | Race::Copies | Race::Strings | Race::Capture => {
            rewritten::round(run, race, page, memory.round)
        }
        Race::Structure => {
            run.paint(&target, 24);
            let (into, out_of) = (to::<[u8; 24]>(target.address), from(page - 12));
            let outcome = run.watched(|| {
                // SAFETY: the target is long enough.
                unsafe { ddi::read_struct_from_mode(into, out_of, Mode::User) }
            })?;
            // The page may change before this short access or during it.
            let copied = match outcome {
                Ok(()) => 24,
                Err(fault) => {
                    stops(run, fault, page - 12 + fault.copied, Access::Read)?;
                    within(run, fault.copied, 12..24)?;
                    fault.copied
                }
            };
            run.inspect(&target, 24, copied, Content::From(page - 12))?;
            Ok(outcome.is_ok())
        }
    }
}

/// The offset in the second page at which the string ends.
const TAIL: usize = 400;

fn string<A: Arena>(run: &mut Run<'_, A>, race: Race, memory: &mut Memory) -> Result<bool, Stop> {
    let page = run.arena.base() + PAGE;
    let (start, end) = (page - BEFORE, page + TAIL);
    if memory.value == 0 {
        // The terminator can be written only while the page is open.
        memory.value = u64::from(UserPtr::<u16>::new(end).write(0).is_ok());
        return Ok(false);
    }
    let wide = race == Race::WideStringLength;
    let outcome = run.watched(|| {
        if wide {
            // SAFETY: the arena, checked and guarded.
            unsafe { ddi::wide_string_length_from_user(from(start)) }
        } else {
            // SAFETY: as above.
            unsafe { ddi::string_length_from_user(from(start)) }
        }
    })?;
    match outcome {
        Ok(length) => {
            let expected = (BEFORE + TAIL) >> u32::from(wide);
            run.same(expected as u64, length as u64)?;
            Ok(true)
        }
        Err(fault) => {
            stops(run, fault, start + fault.copied, Access::Read)?;
            within(run, fault.copied, BEFORE..BEFORE + TAIL + 1)?;
            Ok(false)
        }
    }
}

/// Checks the fault of a closed page.
fn stops<A: Arena>(run: &mut Run<'_, A>, fault: Fault, address: usize, access: Access) -> Checked {
    let expected = fault_at(NtStatus::ACCESS_VIOLATION, fault.copied, address, access);
    if fault == expected {
        return Ok(());
    }
    let report = |fault: Fault| {
        [
            fault.status.0.into(),
            fault.copied as u64,
            fault.address.map_or(u64::MAX, |address| address as u64),
            u64::from(fault.access == Access::Write),
        ]
    };
    Err(run.fail(Check::Result, report(expected), report(fault)))
}

fn within<A: Arena>(
    run: &mut Run<'_, A>,
    copied: usize,
    range: core::ops::Range<usize>,
) -> Checked {
    if range.contains(&copied) {
        return Ok(());
    }
    let expected = [range.start as u64, range.end as u64, 0, 0];
    Err(run.fail(Check::Other, expected, [copied as u64, 0, 0, 0]))
}

/// Checks a copy that runs upwards. Returns the number of copied bytes.
fn forward<A: Arena>(
    run: &mut Run<'_, A>,
    outcome: Result<(), Fault>,
    start: usize,
    access: Access,
) -> Result<usize, Stop> {
    let Err(fault) = outcome else {
        return Ok(LENGTH);
    };
    stops(run, fault, start + fault.copied, access)?;
    within(run, fault.copied, BEFORE..LENGTH)?;
    Ok(fault.copied)
}

/// Checks a move by 8 bytes that runs downwards. It stops at a read, or at a write 8 bytes above.
fn backward<A: Arena>(run: &mut Run<'_, A>, outcome: Result<(), Fault>, start: usize) -> Checked {
    let Err(fault) = outcome else {
        return Ok(());
    };
    let last = start + LENGTH - 1 - fault.copied;
    let address = match fault.access {
        Access::Read => last,
        Access::Write => last + 8,
    };
    stops(run, fault, address, fault.access)?;
    within(run, fault.copied, 0..BEFORE + 8)
}

/// Checks a single access: it returns `expected`, or was not made. Returns whether it was made.
fn single<A: Arena>(
    run: &mut Run<'_, A>,
    outcome: Result<u64, Fault>,
    address: usize,
    access: Access,
    expected: u64,
) -> Result<bool, Stop> {
    match outcome {
        Ok(value) => {
            run.same(expected, value)?;
            Ok(true)
        }
        Err(fault) => {
            stops(run, fault, address, access)?;
            within(run, fault.copied, 0..1)?;
            Ok(false)
        }
    }
}
