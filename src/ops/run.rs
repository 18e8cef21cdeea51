//! Entries of a batch, one after another, that are plain: of one kind of memory. They are read together,
//! with little around each.

use mm_copy::{CopyFlags, Transfer};
use ringcopy_protocol::{
    BatchEntry, CopyResult, EngineKind, NtStatus,
    validate::{self, Entry},
};
use usermode_accessors::VolatileSlice;
use zerocopy::IntoBytes;

use super::{Call, copy_batch::write, entries::Tally, interruption::Interruption};
use crate::{
    engine::{Addresses, Copier, Ended, Memory, Piece, is_in_a_page},
    trace,
};

/// The number of entries that are read together, at most: the IRQL may be raised meanwhile.
const RUN: usize = 128;

/// The number of results that are written at a time.
const RESULTS: usize = 16;

/// The runs of one request.
pub struct Runs<'c, 'a, 'r> {
    call: &'c Call<'a>,
    copier: &'c Copier<'a, 'r>,
    engine: EngineKind,
    /// The result of a complete copy, but for its length.
    complete: [CopyResult; RESULTS],
}

/// Where the next entry is served, in the output.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its number.
    pub number: usize,
    /// The offset of its bytes.
    pub slot: usize,
}

impl Place {
    /// The place after entries of so many bytes together.
    pub const fn after(self, entries: usize, bytes: usize) -> Self {
        Self {
            number: self.number.saturating_add(entries),
            slot: self.slot.saturating_add(bytes),
        }
    }
}

impl<'c, 'a, 'r> Runs<'c, 'a, 'r> {
    /// Returns the runs of a request; `None` if its engine is not available.
    pub fn of(call: &'c Call<'a>, copier: &'c Copier<'a, 'r>) -> Option<Self> {
        let engine = copier.engine()?;
        let complete = CopyResult {
            engine: engine as u32,
            ..CopyResult::of(NtStatus::SUCCESS)
        };
        Some(Self {
            call,
            copier,
            engine,
            complete: [complete; RESULTS],
        })
    }

    /// Serves the first of `entries` as far as they are plain, and one more if that is where the reading
    /// stopped. Returns the place after them: the same if there are none.
    pub fn serve(
        &mut self,
        entries: &[BatchEntry],
        place: Place,
        output: &mut VolatileSlice<'_>,
        interruption: &mut Interruption<'_>,
        tally: &mut Tally,
    ) -> Result<Place, NtStatus> {
        let Some(memory) = entries.first().and_then(|first| self.memory(first)) else {
            return Ok(place);
        };
        let entries = entries.get(..RUN).unwrap_or(entries);
        let (complete, stopped) = self.read(memory, entries, place.slot, output, interruption);
        let (complete, rest) = entries.split_at_checked(complete).unwrap_or_default();
        let next = self.write_complete(complete, place, output, tally)?;
        let (Some(entry), Some(transfer)) = (rest.first(), stopped) else {
            return Ok(next);
        };
        let source = entry.source();
        let target = output
            .reborrow()
            .subslice(next.slot, source.length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let flags = CopyFlags::from_bits_retain(source.flags);
        let result = self
            .copier
            .stopped(self.engine, flags, source.address, target, transfer);
        trace::copied(self.call.code.kind, source.length as u64, &result);
        tally.count(&result);
        write(
            output,
            validate::result_offset(next.number),
            result.as_bytes(),
        )?;
        Ok(next.after(1, source.length))
    }

    /// Returns the kind of memory of an entry, if it is within reach. The session buffer of a handle that
    /// reaches no other system memory is served without runs.
    #[inline]
    fn memory(&self, entry: &BatchEntry) -> Option<Memory> {
        let memory = Memory::of(CopyFlags::from_bits_retain(entry.flags), entry.address)?;
        let in_reach = self.call.file.reach.contains(memory.reach());
        in_reach.then_some(memory)
    }

    /// Reads the bytes of the entries. Returns how many were read whole, and how the next stopped, if it
    /// was begun. A function of its own, so that its loop has the registers to itself.
    #[inline(never)]
    fn read(
        &self,
        memory: Memory,
        entries: &[BatchEntry],
        slot: usize,
        output: &mut VolatileSlice<'_>,
        interruption: &mut Interruption<'_>,
    ) -> (usize, Option<Transfer>) {
        let mut plain = Plain {
            rest: entries,
            addresses: self.copier.addresses(memory),
            flags: memory.flags().bits(),
            last: 0,
            budget: interruption.budget(),
        };
        let length = output.len().saturating_sub(slot);
        let Some(target) = output.reborrow().subslice(slot, length) else {
            return (0, None);
        };
        let by = (self.engine, memory);
        let ended = self.copier.read_pieces(by, target, || plain.next());
        interruption.set_budget(plain.budget);
        let taken = entries.len().saturating_sub(plain.rest.len());
        let begun = taken.saturating_sub(plain.last);
        let (complete, transfer) = match ended {
            Ended::AllRead => return (taken, None),
            Ended::NotBegun => (begun, None),
            // The piece stopped in one of its entries.
            Ended::Stopped(transfer) => {
                let (within, transfer) =
                    whole_entries(entries.get(begun..).unwrap_or_default(), transfer);
                (begun.saturating_add(within), Some(transfer))
            }
        };
        // Those of the last piece that were not reached are served again, and counted then.
        let reached = complete.saturating_add(usize::from(transfer.is_some()));
        let counted = cost(entries.get(begun..taken));
        let refund = counted.saturating_sub(cost(entries.get(begun..reached)));
        interruption.set_budget(plain.budget.saturating_add(refund));
        (complete, transfer)
    }

    /// Writes the results of entries that were read whole, and returns the place after them.
    fn write_complete(
        &mut self,
        entries: &[BatchEntry],
        place: Place,
        output: &mut VolatileSlice<'_>,
        tally: &mut Tally,
    ) -> Result<Place, NtStatus> {
        let mut number = place.number;
        let mut bytes = 0_u64;
        for entries in entries.chunks(RESULTS) {
            for (result, entry) in self.complete.iter_mut().zip(entries) {
                result.copied = entry.length.into();
                bytes = bytes.wrapping_add(result.copied);
            }
            let results = self.complete.get(..entries.len()).unwrap_or_default();
            write(output, validate::result_offset(number), results.as_bytes())?;
            number = number.saturating_add(entries.len());
        }
        tally.count_complete(entries.len(), bytes);
        // The bytes are in the output, whose length is a usize.
        #[expect(clippy::cast_possible_truncation)]
        Ok(place.after(entries.len(), bytes as usize))
    }
}

/// Returns how many entries of a piece were read whole, and how the next one stopped.
fn whole_entries(entries: &[BatchEntry], mut transfer: Transfer) -> (usize, Transfer) {
    let mut whole = 0_usize;
    for entry in entries {
        let Some(copied) = transfer.transferred.checked_sub(entry.length as usize) else {
            break;
        };
        whole = whole.saturating_add(1);
        transfer.transferred = copied;
    }
    (whole, transfer)
}

/// Returns what entries of one piece cost of a budget.
fn cost(entries: Option<&[BatchEntry]>) -> usize {
    let entries = entries.unwrap_or_default();
    let lengths = entries.iter().map(|entry| entry.length as usize);
    Interruption::cost(entries.len(), lengths.fold(0, usize::saturating_add))
}

/// Takes plain entries, one piece after another.
struct Plain<'e> {
    /// Those that are in no piece yet.
    rest: &'e [BatchEntry],
    addresses: Addresses,
    flags: u32,
    /// The number of entries in the last piece.
    last: usize,
    /// As in [`Interruption::budget`].
    budget: usize,
}

impl Plain<'_> {
    /// Returns the next piece: entries that follow each other in a page. They do so in the output, too.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "the loop has its callers' closures in registers"
    )]
    fn next(&mut self) -> Option<Piece> {
        let (first, mut rest) = self.rest.split_first()?;
        let address = first.address;
        if first.flags != self.flags || !self.addresses.hold(address) {
            return None;
        }
        let mut length = u64::from(first.length);
        let count = if let Some(next) = rest.first()
            && next.address == address.wrapping_add(length)
        {
            (length, rest) = join(first, rest);
            self.rest.len().wrapping_sub(rest.len())
        } else {
            1
        };
        if length == 0 {
            return None;
        }
        // Less than 2^32.
        #[expect(clippy::cast_possible_truncation)]
        let length = length as usize;
        // Nor does it go on where it is time to look for an interruption: after 64 KiB at most.
        self.budget = self.budget.checked_sub(Interruption::cost(count, length))?;
        self.last = count;
        self.rest = rest;
        Some(Piece { address, length })
    }
}

/// Returns the bytes of an entry and of those that follow it in its page, and the rest.
#[inline(never)]
fn join<'e>(first: &BatchEntry, mut rest: &'e [BatchEntry]) -> (u64, &'e [BatchEntry]) {
    let mut length = u64::from(first.length);
    while let Some((next, after)) = rest.split_first()
        && next.address == first.address.wrapping_add(length)
        && next.flags == first.flags
        && is_in_a_page(first.address, length.wrapping_add(next.length.into()))
    {
        // Less than 2^33.
        length = length.wrapping_add(next.length.into());
        rest = after;
    }
    (length, rest)
}
