//! Whether a request makes sense, decided from its bytes and lengths alone.
//!
//! The driver captures a request once and then asks here, before it touches or changes anything.
//! Whatever the bytes are, the answer is a judgement: nothing here panics, allocates, or takes
//! longer than one look at each entry.

use core::mem::size_of;

use zerocopy::FromBytes;

use crate::{
    BatchEntry, BatchRequest, BatchResponse, Code, Engine, EntryResult, Header, MAXIMUM_ENTRIES,
    MAXIMUM_LENGTH, MemoryRange, MemoryRangesRequest, MemoryRangesResponse, NtStatus,
    PROTOCOL_VERSION, RequestKind, ScatterEntry, ScatterRequest,
};

/// Bytes of a request's buffers, as the I/O manager recorded them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the input.
    pub input: usize,
    /// Of the output.
    pub output: usize,
}

/// Judges what all requests have in common: `request` is the fixed part, as much of it as there
/// is.
///
/// The version comes first: a request of another version may well be of another size. Entries are
/// left to [`Entries::of`].
///
/// # Errors
///
/// `STATUS_INFO_LENGTH_MISMATCH`, `STATUS_REVISION_MISMATCH` or `STATUS_BUFFER_TOO_SMALL`.
pub fn fixed_part(code: &Code, request: &[u8], lengths: Lengths) -> Result<(), NtStatus> {
    let (header, _) =
        Header::read_from_prefix(request).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
    if header.version != PROTOCOL_VERSION {
        return Err(NtStatus::REVISION_MISMATCH);
    }
    let payload = lengths
        .input
        .checked_sub(code.request_length)
        .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
    // How many entries follow is the request's to say, and has a status of its own.
    let has_entries = matches!(code.kind, RequestKind::CopyBatch | RequestKind::CopyScatter);
    if header.size as usize != code.request_length
        || (!has_entries && payload as u64 > code.maximum_payload)
    {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    if lengths.output < code.response_length {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    Ok(())
}

/// A request whose fixed part is followed by entries.
pub trait WithEntries {
    /// What follows it.
    type Entry: Entry;

    /// [`BatchRequest::count`].
    fn count(&self) -> u32;

    /// [`BatchRequest::engine`].
    fn engine(&self) -> u32;
}

/// One piece of memory to copy.
pub trait Entry {
    /// Whether its bytes come behind the results, in the output.
    const IN_OUTPUT: bool;

    /// Bytes.
    fn length(&self) -> u32;
}

impl WithEntries for BatchRequest {
    type Entry = BatchEntry;

    fn count(&self) -> u32 {
        self.count
    }

    fn engine(&self) -> u32 {
        self.engine
    }
}

impl WithEntries for ScatterRequest {
    type Entry = ScatterEntry;

    fn count(&self) -> u32 {
        self.count
    }

    fn engine(&self) -> u32 {
        self.engine
    }
}

impl Entry for BatchEntry {
    const IN_OUTPUT: bool = true;

    fn length(&self) -> u32 {
        self.length
    }
}

impl Entry for ScatterEntry {
    const IN_OUTPUT: bool = false;

    fn length(&self) -> u32 {
        self.length
    }
}

/// How many entries a request has, and who is to copy them: judged before they are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries {
    /// How many.
    pub count: usize,
    /// Bytes of all of them, behind the fixed part: at most 96 KiB.
    pub length: usize,
    /// Who copies.
    pub engine: Engine,
}

impl Entries {
    /// Judges the fixed part, which passed [`fixed_part`].
    ///
    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for an engine that there is not,
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_ENTRIES`],
    /// `STATUS_INFO_LENGTH_MISMATCH` for an input that does not hold just as many,
    /// `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold their results.
    pub fn of<R: WithEntries>(request: &R, lengths: Lengths) -> Result<Self, NtStatus> {
        let engine = Engine::from_wire(request.engine()).ok_or(NtStatus::INVALID_PARAMETER)?;
        if request.count() > MAXIMUM_ENTRIES {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let count = request.count() as usize;
        let length = count.saturating_mul(size_of::<R::Entry>());
        if lengths.input.checked_sub(size_of::<R>()) != Some(length) {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        if lengths.output < results_end(count) {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        Ok(Self {
            count,
            length,
            engine,
        })
    }

    /// Judges the captured entries; gives the bytes of output that the request takes.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_LENGTH`] bytes in all,
    /// `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold them, if that is where they go.
    pub fn output_length<E: Entry>(
        self,
        entries: &[E],
        lengths: Lengths,
    ) -> Result<usize, NtStatus> {
        let total: u64 = entries.iter().fold(0, |total: u64, entry| {
            total.saturating_add(entry.length().into())
        });
        if total > MAXIMUM_LENGTH {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let results = results_end(self.count);
        if !E::IN_OUTPUT {
            return Ok(results);
        }
        let total = usize::try_from(total).map_err(|_| NtStatus::INVALID_BUFFER_SIZE)?;
        let length = results.saturating_add(total);
        if lengths.output < length {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        Ok(length)
    }
}

/// Where in the output the result of the entry with this number begins.
#[must_use]
pub const fn result_offset(number: usize) -> usize {
    number
        .saturating_mul(size_of::<EntryResult>())
        .saturating_add(size_of::<BatchResponse>())
}

/// Where in the output the results of so many entries end.
#[must_use]
pub const fn results_end(count: usize) -> usize {
    result_offset(count)
}

/// Which of `total` ranges a request for the list of RAM gets, in an output of this length that
/// passed [`fixed_part`].
///
/// # Errors
///
/// `STATUS_INVALID_PARAMETER` if the reserved field is not zero.
pub fn ranges_wanted(
    request: &MemoryRangesRequest,
    total: usize,
    output: usize,
) -> Result<core::ops::Range<usize>, NtStatus> {
    if request.reserved != 0 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let first = (request.first as usize).min(total);
    let room = output
        .saturating_sub(size_of::<MemoryRangesResponse>())
        .checked_div(size_of::<MemoryRange>())
        .unwrap_or(0);
    Ok(first..first.saturating_add(room).min(total))
}
