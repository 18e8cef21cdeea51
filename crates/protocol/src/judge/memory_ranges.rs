//! [`MemoryRangesRequest`]: a part of the list of RAM.

use core::{mem::size_of, ops::Range};

use super::{Lengths, Request};
use crate::{MemoryRange, MemoryRangesRequest, MemoryRangesResponse, NtStatus};

/// Which part of the list is asked for, and can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryRanges {
    /// The number of the first range, counted from 0: any number.
    pub first: usize,
    /// How many ranges the output has room for.
    pub room: usize,
}

impl MemoryRanges {
    /// Their numbers in a list of `total`: none beyond its end.
    #[must_use]
    pub fn of(self, total: usize) -> Range<usize> {
        let first = self.first.min(total);
        first..first.saturating_add(self.room).min(total)
    }
}

impl Request for MemoryRangesRequest {
    type WellFormed = MemoryRanges;

    /// # Errors
    ///
    /// `STATUS_INVALID_PARAMETER` if the reserved field is not zero.
    fn judge(&self, lengths: Lengths) -> Result<MemoryRanges, NtStatus> {
        if self.reserved != 0 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let room = lengths
            .output
            .saturating_sub(size_of::<MemoryRangesResponse>())
            .checked_div(size_of::<MemoryRange>())
            .unwrap_or(0);
        Ok(MemoryRanges {
            first: self.first as usize,
            room,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RequestKind, judge::tests::judged};

    fn verdict(first: u32, reserved: u32, output: usize) -> Result<MemoryRanges, NtStatus> {
        let request = MemoryRangesRequest {
            header: crate::Header::of::<MemoryRangesRequest>(),
            first,
            reserved,
        };
        judged(RequestKind::MemoryRanges, &request, 0, output)
    }

    #[test]
    fn a_reserved_field_that_is_not_zero() {
        for reserved in [1, 0x8000_0000, u32::MAX] {
            assert_eq!(verdict(0, reserved, 64), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn as_many_as_there_is_room_for() {
        for (output, room) in [(16, 0), (31, 0), (32, 1), (47, 1), (48, 2)] {
            assert_eq!(verdict(7, 0, output), Ok(MemoryRanges { first: 7, room }));
        }
    }

    #[test]
    fn none_beyond_the_end_of_the_list() {
        let wanted = |first, room: usize| verdict(first, 0, 16 + 16 * room).unwrap().of(5);
        assert_eq!(wanted(0, 0), 0..0);
        assert_eq!(wanted(0, 3), 0..3);
        assert_eq!(wanted(3, 3), 3..5);
        assert_eq!(wanted(5, 3), 5..5);
        assert_eq!(wanted(u32::MAX, 3), 5..5);
        assert_eq!(
            MemoryRanges {
                first: 4,
                room: usize::MAX
            }
            .of(5),
            4..5
        );
    }
}
