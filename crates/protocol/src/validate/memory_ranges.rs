//! [`MemoryRangesRequest`]: a part of the list of RAM ranges.

use core::ops::Range;

use super::{Lengths, Validate};
use crate::{MemoryRange, MemoryRangesRequest, MemoryRangesResponse, NtStatus};

/// The part of the list that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryRanges {
    /// The index of the first range: any number.
    pub first: usize,
    /// The number of ranges that the output can hold.
    pub capacity: usize,
}

impl MemoryRanges {
    /// Returns the indices in a list of `total` ranges: none beyond its end.
    #[must_use]
    pub fn of(self, total: usize) -> Range<usize> {
        let first = self.first.min(total);
        first..first.saturating_add(self.capacity).min(total)
    }
}

impl Validate for MemoryRangesRequest {
    type Valid = MemoryRanges;

    /// # Errors
    ///
    /// `STATUS_INVALID_PARAMETER` if the reserved field is not zero.
    fn validate(&self, lengths: Lengths) -> Result<MemoryRanges, NtStatus> {
        if self.reserved != 0 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let capacity = lengths
            .output
            .saturating_sub(size_of::<MemoryRangesResponse>())
            .checked_div(size_of::<MemoryRange>())
            .unwrap_or(0);
        Ok(MemoryRanges {
            first: self.first as usize,
            capacity,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Header, kind, validate::tests::validated};

    fn result_of(first: u32, reserved: u32, output: usize) -> Result<MemoryRanges, NtStatus> {
        let request = MemoryRangesRequest {
            header: Header::of::<MemoryRangesRequest>(),
            first,
            reserved,
        };
        validated::<kind::MemoryRanges>(&request, 0, output)
    }

    #[test]
    fn a_reserved_field_that_is_not_zero_is_refused() {
        for reserved in [1, 0x8000_0000, u32::MAX] {
            assert_eq!(result_of(0, reserved, 64), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn the_output_limits_the_number_of_ranges() {
        for (output, capacity) in [(16, 0), (31, 0), (32, 1), (47, 1), (48, 2)] {
            let ranges = MemoryRanges { first: 7, capacity };
            assert_eq!(result_of(7, 0, output), Ok(ranges));
        }
    }

    #[test]
    fn no_index_is_beyond_the_end_of_the_list() {
        for (first, capacity, indices) in [
            (0, 0, 0..0),
            (0, 3, 0..3),
            (3, 3, 3..5),
            (5, 3, 5..5),
            (u32::MAX as usize, 3, 5..5),
            (4, usize::MAX, 4..5),
        ] {
            assert_eq!(MemoryRanges { first, capacity }.of(5), indices);
        }
    }
}
