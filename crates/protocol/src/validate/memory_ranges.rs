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
