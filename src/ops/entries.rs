//! The entries behind a request, captured once, and the count of how they went.

use core::{marker::PhantomData, mem::size_of};

use ringcopy_protocol::{
    BatchResponse, CopyResult, Header, NtStatus,
    validate::{Entries, Entry},
};
use zerocopy::{FromBytes, Immutable};

use super::Call;
use crate::nt::pool::PoolBuffer;

/// The entries of a request, in memory of the driver's own.
pub struct Captured<E> {
    buffer: PoolBuffer,
    count: u32,
    entries: PhantomData<[E]>,
}

impl<E: Entry + FromBytes + Immutable> Captured<E> {
    /// Reads the entries behind a request, each byte once. From here on the caller's copy does
    /// not matter.
    pub fn of(call: &Call<'_>, judged: &Entries<E>) -> Result<Self, NtStatus> {
        // Pool has no empty allocations.
        let mut buffer = PoolBuffer::allocate(judged.length.max(size_of::<E>()))?;
        let bytes = buffer
            .as_volatile()
            .subslice(0, judged.length)
            .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
        if !bytes.is_empty() {
            call.capture_bytes(call.code.request_length, bytes)?;
        }
        Ok(Self {
            buffer,
            count: judged.count,
            entries: PhantomData,
        })
    }

    /// The entries.
    pub fn as_slice(&self) -> Result<&[E], NtStatus> {
        // The buffer was made for them, and pool is aligned to 16 bytes.
        <[E]>::ref_from_prefix_with_elems(self.buffer.as_slice(), self.count as usize)
            .map(|(entries, _)| entries)
            .map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)
    }
}

/// Counts results into the response that precedes them.
pub struct Tally(BatchResponse);

impl Tally {
    /// Of a request with so many entries, none of which was served yet.
    pub const fn of(count: u32) -> Self {
        Self(BatchResponse {
            header: Header::of::<BatchResponse>(),
            count,
            succeeded: 0,
            copied: 0,
        })
    }

    /// Counts one more.
    pub const fn count(&mut self, result: &CopyResult) {
        let succeeded = (result.status == NtStatus::SUCCESS.0) as u32;
        self.0.succeeded = self.0.succeeded.saturating_add(succeeded);
        self.0.copied = self.0.copied.saturating_add(result.copied);
    }

    /// The response.
    pub const fn response(&self) -> &BatchResponse {
        &self.0
    }
}
