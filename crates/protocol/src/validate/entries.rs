//! [`BatchRequest`] and [`ScatterRequest`]: one entry for each copy.

use core::marker::PhantomData;

use super::{Lengths, Source, Validate, check_output_limit};
use crate::{
    BatchEntry, BatchRequest, BatchResponse, CopyResult, EngineKind, MAXIMUM_ENTRIES,
    MAXIMUM_LENGTH, NtStatus, ScatterEntry, ScatterRequest,
};

/// An entry: one piece of memory to copy.
pub trait Entry {
    /// Whether the bytes are copied to the output, after the results.
    const IN_OUTPUT: bool;

    /// Returns the source of the copy.
    fn source(&self) -> Source;
}

impl Entry for BatchEntry {
    const IN_OUTPUT: bool = true;

    fn source(&self) -> Source {
        Source {
            flags: self.flags,
            address: self.address,
            length: self.length as usize,
        }
    }
}

impl Entry for ScatterEntry {
    const IN_OUTPUT: bool = false;

    fn source(&self) -> Source {
        Source {
            flags: self.flags,
            address: self.source,
            length: self.length as usize,
        }
    }
}

/// The number of entries of a request, validated before the entries are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entries<E> {
    /// The number of entries, at most [`MAXIMUM_ENTRIES`].
    pub count: u32,
    /// The length in bytes of all entries, which follow the fixed part: at most 96 KiB.
    pub length: usize,
    /// The engine that copies.
    pub engine: EngineKind,
    /// The length of the output in bytes.
    output: usize,
    entry: PhantomData<E>,
}

impl<E: Entry> Entries<E> {
    fn of<R>(count: u32, engine: u32, lengths: Lengths) -> Result<Self, NtStatus> {
        let engine = EngineKind::from_wire(engine).ok_or(NtStatus::INVALID_PARAMETER)?;
        if count > MAXIMUM_ENTRIES {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let length = (count as usize).saturating_mul(size_of::<E>());
        if lengths.input.checked_sub(size_of::<R>()) != Some(length) {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        if lengths.output < results_end(count as usize) {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        check_output_limit(lengths, results_end(count as usize))?;
        Ok(Self {
            count,
            length,
            engine,
            output: lengths.output,
            entry: PhantomData,
        })
    }

    /// Validates the captured entries, and returns the length of the output in bytes.
    ///
    /// # Errors
    ///
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_LENGTH`] bytes in total,
    /// `STATUS_BUFFER_TOO_SMALL` if they are copied to the output and it cannot hold them.
    pub fn output_length(&self, entries: &[E]) -> Result<usize, NtStatus> {
        let total: u64 = entries.iter().fold(0, |total: u64, entry| {
            total.saturating_add(entry.source().length as u64)
        });
        if total > MAXIMUM_LENGTH {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let results = results_end(self.count as usize);
        if !E::IN_OUTPUT {
            return Ok(results);
        }
        let total = usize::try_from(total).map_err(|_| NtStatus::INVALID_BUFFER_SIZE)?;
        let length = results.saturating_add(total);
        if self.output < length {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        Ok(length)
    }
}

impl Validate for BatchRequest {
    type Valid = Entries<BatchEntry>;

    /// # Errors
    ///
    /// In this order: `STATUS_INVALID_PARAMETER` for an invalid engine,
    /// `STATUS_INVALID_BUFFER_SIZE` for more than [`MAXIMUM_ENTRIES`],
    /// `STATUS_INFO_LENGTH_MISMATCH` if the input does not hold exactly that many,
    /// `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold their results,
    /// `STATUS_INVALID_BUFFER_SIZE` for an output longer than those and [`MAXIMUM_LENGTH`] bytes.
    fn validate(&self, lengths: Lengths) -> Result<Entries<BatchEntry>, NtStatus> {
        Entries::of::<Self>(self.count, self.engine, lengths)
    }
}

impl Validate for ScatterRequest {
    type Valid = Entries<ScatterEntry>;

    /// # Errors
    ///
    /// As for [`BatchRequest`].
    fn validate(&self, lengths: Lengths) -> Result<Entries<ScatterEntry>, NtStatus> {
        Entries::of::<Self>(self.count, self.engine, lengths)
    }
}

/// Returns the offset in the output of the result of the entry with this index.
#[must_use]
pub const fn result_offset(index: usize) -> usize {
    index
        .saturating_mul(size_of::<CopyResult>())
        .saturating_add(size_of::<BatchResponse>())
}

/// Returns the offset in the output of the end of the results of `count` entries.
#[must_use]
pub const fn results_end(count: usize) -> usize {
    result_offset(count)
}

#[cfg(test)]
mod tests {
    use std::{iter, vec, vec::Vec};

    use super::*;
    use crate::{
        Header,
        kind::{CopyBatch, CopyScatter},
        validate::tests::{INVALID_VALUES, validated},
    };

    fn batch(
        count: u32,
        engine: u32,
        payload: usize,
        output: usize,
    ) -> Result<Entries<BatchEntry>, NtStatus> {
        let request = BatchRequest {
            header: Header::of::<BatchRequest>(),
            count,
            engine,
        };
        validated::<CopyBatch>(&request, payload, output)
    }

    fn scatter(
        count: u32,
        engine: u32,
        payload: usize,
        output: usize,
    ) -> Result<Entries<ScatterEntry>, NtStatus> {
        let request = ScatterRequest {
            header: Header::of::<ScatterRequest>(),
            count,
            engine,
        };
        validated::<CopyScatter>(&request, payload, output)
    }

    /// Returns the status that both fail with. The payload exceeds the entries by `more` bytes.
    fn refused(count: u32, engine: u32, more: usize, output: usize) -> NtStatus {
        let of = |entry: usize| count as usize * entry + more;
        let status = batch(count, engine, of(16), output).unwrap_err();
        assert_eq!(scatter(count, engine, of(24), output), Err(status));
        status
    }

    const fn batched(length: u32) -> BatchEntry {
        BatchEntry {
            address: 5,
            length,
            flags: 2,
        }
    }

    const fn scattered(length: u32) -> ScatterEntry {
        ScatterEntry {
            source: 5,
            target: 7,
            length,
            flags: 2,
        }
    }

    #[test]
    fn every_field_is_kept() {
        let batch = batch(3, 2, 48, 144).unwrap();
        assert_eq!((batch.count, batch.length), (3, 48));
        assert_eq!(batch.engine, EngineKind::System);
        let scatter = scatter(3, 1, 72, 144).unwrap();
        assert_eq!((scatter.count, scatter.length), (3, 72));
        assert_eq!(scatter.engine, EngineKind::Native);
        let source = Source {
            flags: 2,
            address: 5,
            length: 9,
        };
        assert_eq!(batched(9).source(), source);
        assert_eq!(scattered(9).source(), source);
    }

    #[test]
    fn an_invalid_engine_is_refused() {
        for engine in iter::once(3).chain(INVALID_VALUES) {
            assert_eq!(refused(1, engine, 0, 4096), NtStatus::INVALID_PARAMETER);
        }
    }

    #[test]
    fn a_count_over_the_limit_is_refused() {
        for count in [4097, 0x1000_0000, u32::MAX] {
            assert_eq!(refused(count, 0, 0, 1 << 20), NtStatus::INVALID_BUFFER_SIZE);
        }
        assert!(batch(4096, 0, 65_536, 1 << 20).is_ok());
        assert_eq!(scatter(4096, 0, 98_304, 1 << 20).unwrap().length, 96 << 10);
    }

    #[test]
    fn a_payload_of_another_length_is_refused() {
        for more in [1, 15, 16, 24] {
            assert_eq!(refused(2, 0, more, 4096), NtStatus::INFO_LENGTH_MISMATCH);
        }
        let mismatch = NtStatus::INFO_LENGTH_MISMATCH;
        assert_eq!(batch(2, 0, 31, 4096), Err(mismatch));
        assert_eq!(scatter(2, 0, 47, 4096), Err(mismatch));
    }

    #[test]
    fn an_output_that_cannot_hold_the_results_is_refused() {
        for (count, output) in [(1, 63), (2, 103), (4096, 24 + 40 * 4096 - 1)] {
            assert_eq!(refused(count, 0, 0, output), NtStatus::BUFFER_TOO_SMALL);
            assert!(batch(count, 0, count as usize * 16, output + 1).is_ok());
        }
        assert!(batch(0, 0, 0, 24).is_ok());
    }

    #[test]
    fn an_output_longer_than_any_response_is_refused() {
        for (count, results) in [(0, 24), (1, 64), (4096, 24 + 40 * 4096)] {
            let longest = results + 0x400_0000;
            assert!(batch(count, 0, count as usize * 16, longest).is_ok());
            for output in [longest + 1, u32::MAX as usize, usize::MAX] {
                assert_eq!(refused(count, 0, 0, output), NtStatus::INVALID_BUFFER_SIZE);
            }
        }
    }

    #[test]
    fn the_checks_have_a_fixed_order() {
        assert_eq!(refused(4097, 3, 1, 24), NtStatus::INVALID_PARAMETER);
        assert_eq!(refused(4097, 0, 1, 24), NtStatus::INVALID_BUFFER_SIZE);
        assert_eq!(refused(4096, 0, 1, 24), NtStatus::INFO_LENGTH_MISMATCH);
        assert_eq!(refused(4096, 0, 0, 24), NtStatus::BUFFER_TOO_SMALL);
    }

    #[test]
    fn a_total_length_over_the_limit_is_refused() {
        let status = Err(NtStatus::INVALID_BUFFER_SIZE);
        for lengths in [
            vec![0x400_0001],
            vec![0x400_0000, 1],
            vec![u32::MAX, u32::MAX],
            vec![0x200_0000, 0x200_0000, 1],
        ] {
            let count = u32::try_from(lengths.len()).unwrap();
            let output = results_end(lengths.len()) + 0x400_0000;
            let batch = batch(count, 0, 16 * lengths.len(), output).unwrap();
            let entries: Vec<_> = lengths.iter().copied().map(batched).collect();
            assert_eq!(batch.output_length(&entries), status);
            let scatter = scatter(count, 0, 24 * lengths.len(), output).unwrap();
            let entries: Vec<_> = lengths.into_iter().map(scattered).collect();
            assert_eq!(scatter.output_length(&entries), status);
        }
    }

    #[test]
    fn an_output_that_cannot_hold_the_bytes_of_a_batch_is_refused() {
        let with_capacity = |capacity: usize| {
            let batch = batch(2, 0, 32, 104 + capacity).unwrap();
            batch.output_length(&[batched(64), batched(3)])
        };
        assert_eq!(with_capacity(66), Err(NtStatus::BUFFER_TOO_SMALL));
        assert_eq!(with_capacity(67), Ok(104 + 67));
        assert_eq!(with_capacity(4096), Ok(104 + 67));
        // The bytes of a scatter request are not copied to the output.
        let scatter = scatter(2, 0, 48, 104).unwrap();
        let entries = [scattered(64), scattered(0x300_0000)];
        assert_eq!(scatter.output_length(&entries), Ok(104));
    }
}
