//! Validation of a request, from its bytes and lengths alone.
//!
//! The driver captures a request once, then validates it here before it touches or changes
//! anything. The result is a value that only validation makes, so no handler can hold a request
//! that was not validated. For any input, validation does not panic or allocate, and looks at each
//! entry at most once.
//!
//! [`request`] makes the checks that all requests share, then those of the request itself: one
//! file for each message, with its errors in the order of the checks.
//!
//! Three checks are left to the copy, because their results are part of the response: whether
//! an address is accessible, whether an alignment is a power of two (ignored for an empty copy and
//! in kernel mode), and whether flags are those of `MmCopyMemory`.

mod caller_copy;
mod copy_memory;
mod copy_through;
mod device_copy;
mod entries;
mod header_only;
mod memory_ranges;

pub use caller_copy::CallerCopy;
pub use copy_memory::{CopyMemory, Source};
pub use copy_through::CopyThrough;
pub use device_copy::DeviceCopy;
pub use entries::{Entries, Entry, result_offset, results_end};
pub use memory_ranges::MemoryRanges;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{Code, Header, Kind, MAXIMUM_LENGTH, NtStatus, PROTOCOL_VERSION, Payload};

/// The lengths of a request's buffers in bytes, as the I/O manager recorded them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// The length of the input.
    pub input: usize,
    /// The length of the output.
    pub output: usize,
}

/// The fixed part of a request.
pub trait Validate: FromBytes + IntoBytes + Immutable {
    /// The validated request.
    type Valid;

    /// Makes the checks of this message, after those that [`request`] makes for all.
    ///
    /// # Errors
    ///
    /// Those that the implementation names, in that order.
    fn validate(&self, lengths: Lengths) -> Result<Self::Valid, NtStatus>;
}

/// The validated request of a kind.
pub type Valid<K> = <<K as Kind>::Request as Validate>::Valid;

/// Validates a request whose input begins with `fixed`: the fixed part, or a shorter whole input.
///
/// Entries are validated by [`Entries::output_length`].
///
/// # Errors
///
/// In this order:
///
/// 1. `STATUS_INFO_LENGTH_MISMATCH` for an input without a header;
/// 2. `STATUS_REVISION_MISMATCH` for another version, which may have other sizes;
/// 3. `STATUS_INFO_LENGTH_MISMATCH` if the input or the header's size is not the code's;
/// 4. `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold the fixed part of the response;
/// 5. `STATUS_INVALID_BUFFER_SIZE` for an output longer than any response, which would be mapped in
///    vain; for requests with entries, [`Validate::validate`] makes this check;
/// 6. those of [`Validate::validate`].
pub fn request<K: Kind>(fixed: &[u8], lengths: Lengths) -> Result<Valid<K>, NtStatus> {
    check_shared(Code::of(K::KIND), fixed, lengths)?;
    let (request, _) =
        K::Request::read_from_prefix(fixed).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
    request.validate(lengths)
}

/// Makes the checks that all requests share.
fn check_shared(code: &Code, fixed: &[u8], lengths: Lengths) -> Result<(), NtStatus> {
    let (header, _) =
        Header::read_from_prefix(fixed).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
    if header.version != PROTOCOL_VERSION {
        return Err(NtStatus::REVISION_MISMATCH);
    }
    let payload = lengths
        .input
        .checked_sub(code.request_length)
        .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
    // The request says how many entries follow; a wrong number has its own status.
    let has_entries = matches!(code.payload, Payload::Entries(_));
    if header.size as usize != code.request_length
        || (!has_entries && payload as u64 > code.payload.maximum())
    {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    if lengths.output < code.response_length {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    if has_entries {
        return Ok(());
    }
    check_output_limit(lengths, code.response_length)
}

/// Refuses an output longer than `fixed` bytes and [`MAXIMUM_LENGTH`] copied bytes.
///
/// # Errors
///
/// `STATUS_INVALID_BUFFER_SIZE`.
const fn check_output_limit(lengths: Lengths, fixed: usize) -> Result<(), NtStatus> {
    if lengths.output.saturating_sub(fixed) as u64 > MAXIMUM_LENGTH {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    Ok(())
}

/// Converts a virtual address to this machine's width.
///
/// # Errors
///
/// `STATUS_INVALID_PARAMETER` if addresses have fewer bits.
pub fn address(value: u64) -> Result<usize, NtStatus> {
    usize::try_from(value).map_err(|_| NtStatus::INVALID_PARAMETER)
}

/// Converts the length of one copy in bytes.
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
