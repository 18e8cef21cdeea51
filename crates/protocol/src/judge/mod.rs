//! Whether a request makes sense, decided from its bytes and lengths alone.
//!
//! The driver captures a request once and then asks here, before it touches or changes anything.
//! What it gets is a value that only a judgement makes, so that no handler ever holds a request
//! that was not judged. Whatever the bytes are, the answer is a judgement: nothing here panics,
//! allocates, or takes longer than one look at each entry.
//!
//! [`request`] judges what all requests have in common, then what is the request's own: one file
//! for each, with its refusals in the order in which they are looked for.
//!
//! Left to whoever copies are questions whose answer is part of the response of a request that was
//! understood: whether an address may be accessed, whether an alignment is a power of two (which
//! nobody asks of an empty copy, or of one in kernel mode), and whether flags are those of
//! `MmCopyMemory` (where an engine copies at all).

mod caller_copy;
mod copy_memory;
mod copy_through;
mod device_copy;
mod entries;
mod information;
mod memory_ranges;

pub use caller_copy::CallerCopy;
pub use copy_memory::{CopyMemory, Source};
pub use copy_through::CopyThrough;
pub use device_copy::DeviceCopy;
pub use entries::{Entries, Entry, result_offset, results_end};
pub use memory_ranges::MemoryRanges;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{Code, Header, MAXIMUM_LENGTH, NtStatus, PROTOCOL_VERSION, RequestKind};

/// Bytes of a request's buffers, as the I/O manager recorded them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of the input.
    pub input: usize,
    /// Of the output.
    pub output: usize,
}

/// The fixed part of a request.
pub trait Request: FromBytes + IntoBytes + Immutable {
    /// What a request becomes by being judged.
    type WellFormed;

    /// Judges what is this request's own; [`request`] has judged what all have in common.
    ///
    /// # Errors
    ///
    /// Those that the implementation names, in that order.
    fn judge(&self, lengths: Lengths) -> Result<Self::WellFormed, NtStatus>;
}

/// Judges a request: `fixed` is the fixed part, as much of it as there is.
///
/// Entries are left to [`Entries::output_length`].
///
/// # Errors
///
/// In this order:
///
/// 1. `STATUS_INFO_LENGTH_MISMATCH` for an input without a header;
/// 2. `STATUS_REVISION_MISMATCH` for another version, which may well be of another size;
/// 3. `STATUS_INFO_LENGTH_MISMATCH` for an input, or a size in the header, that is not the code's;
/// 4. `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold the fixed part of the response;
/// 5. `STATUS_INVALID_BUFFER_SIZE` for an output that is longer than any response of the code's,
///    which would be mapped for nothing; of requests with entries, [`Request::judge`] says so;
/// 6. those of [`Request::judge`].
pub fn request<R: Request>(
    code: &Code,
    fixed: &[u8],
    lengths: Lengths,
) -> Result<R::WellFormed, NtStatus> {
    in_common(code, fixed, lengths)?;
    let (request, _) = R::read_from_prefix(fixed).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
    request.judge(lengths)
}

fn in_common(code: &Code, fixed: &[u8], lengths: Lengths) -> Result<(), NtStatus> {
    let (header, _) =
        Header::read_from_prefix(fixed).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
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
    if has_entries {
        return Ok(());
    }
    output_limit(lengths, code.response_length)
}

/// Refuses an output of more than what precedes the copied bytes, and [`MAXIMUM_LENGTH`] of those.
///
/// # Errors
///
/// `STATUS_INVALID_BUFFER_SIZE`.
const fn output_limit(lengths: Lengths, before: usize) -> Result<(), NtStatus> {
    let bytes = lengths.output.saturating_sub(before);
    if bytes as u64 > MAXIMUM_LENGTH {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    Ok(())
}

/// A virtual address as one of this machine.
///
/// # Errors
///
/// `STATUS_INVALID_PARAMETER` where addresses have fewer bits.
pub fn address(value: u64) -> Result<usize, NtStatus> {
    usize::try_from(value).map_err(|_| NtStatus::INVALID_PARAMETER)
}

/// The length of one copy, in bytes.
///
/// # Errors
///
/// `STATUS_INVALID_BUFFER_SIZE` over [`MAXIMUM_LENGTH`].
fn copy_length(value: u64) -> Result<usize, NtStatus> {
    if value > MAXIMUM_LENGTH {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    usize::try_from(value).map_err(|_| NtStatus::INVALID_BUFFER_SIZE)
}

#[cfg(test)]
mod tests;
