//! The captured entries of a request, and the totals of their results.

use core::{marker::PhantomData, mem::size_of};

use ringcopy_protocol::{
    BatchResponse, CopyResult, Header, NtStatus,
    validate::{Entries, Entry},
};
use zerocopy::{FromBytes, Immutable};

use super::Call;
use crate::nt::pool::PoolBuffer;

/// The entries of a request, in the driver's memory.
pub struct Captured<E> {
    buffer: PoolBuffer,
    count: u32,
    entries: PhantomData<[E]>,
}

impl<E: Entry + FromBytes + Immutable> Captured<E> {
    /// Reads the entries after a request once. The caller's copy is not read again.
    pub fn of(call: &Call<'_>, request: &Entries<E>) -> Result<Self, NtStatus> {
        // An allocation of pool cannot be empty.
        let mut buffer = PoolBuffer::allocate(request.length.max(size_of::<E>()))?;
        let bytes = buffer
            .as_volatile()
            .subslice(0, request.length)
            .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
        if !bytes.is_empty() {
            call.capture_bytes(call.code.request_length, bytes)?;
        }
        Ok(Self {
            buffer,
            count: request.count,
            entries: PhantomData,
        })
    }

    /// Returns the entries.
    pub fn as_slice(&self) -> Result<&[E], NtStatus> {
        // The buffer has their length, and pool is aligned to 16 bytes.
        <[E]>::ref_from_prefix_with_elems(self.buffer.as_slice(), self.count as usize)
            .map(|(entries, _)| entries)
            .map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)
    }
}

/// The response of a request with entries, which holds the totals of their results.
pub struct Tally(BatchResponse);

impl Tally {
    /// Returns the totals of a request with `count` entries before the first is served.
    pub const fn of(count: u32) -> Self {
        Self(BatchResponse {
            header: Header::of::<BatchResponse>(),
            count,
            succeeded: 0,
            copied: 0,
        })
    }

    /// Adds a result.
    pub const fn count(&mut self, result: &CopyResult) {
        let succeeded = (result.status == NtStatus::SUCCESS.0) as u32;
        self.0.succeeded = self.0.succeeded.saturating_add(succeeded);
        self.0.copied = self.0.copied.saturating_add(result.copied);
    }

    /// Adds results of copies that are complete: how many, and their bytes.
    pub const fn count_complete(&mut self, count: usize, bytes: u64) {
        // No request has more entries than a u32 holds.
        #[expect(clippy::cast_possible_truncation)]
        let count = count as u32;
        self.0.succeeded = self.0.succeeded.saturating_add(count);
        self.0.copied = self.0.copied.saturating_add(bytes);
    }

    /// Returns the response.
    pub const fn response(&self) -> &BatchResponse {
        &self.0
    }
}
