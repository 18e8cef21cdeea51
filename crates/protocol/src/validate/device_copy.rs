//! [`DeviceCopyRequest`]: a copy to, from or within the uncached device page.

use super::{Lengths, Validate};
use crate::{CopyResponse, DEVICE_PAGE_LENGTH, DeviceCopyRequest, DeviceDirection, NtStatus};

/// A copy whose bytes all lie within the device page. Offsets and lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceCopy {
    /// Copies the `length` bytes after the request to the page.
    #[non_exhaustive]
    ToDevice {
        /// The offset in the page of the first byte to write.
        destination: usize,
        /// The number of bytes.
        length: usize,
    },
    /// Copies bytes of the page to the output, which can hold them after the response.
    #[non_exhaustive]
    FromDevice {
        /// The offset in the page of the first byte to read.
        source: usize,
        /// The number of bytes.
        length: usize,
    },
    /// Copies one part of the page to another. The parts do not overlap.
    #[non_exhaustive]
    Within {
        /// The offset in the page of the first byte to read.
        source: usize,
        /// The offset in the page of the first byte to write.
        destination: usize,
        /// The number of bytes.
        length: usize,
    },
}

impl DeviceCopy {
    /// Returns the number of bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::ToDevice { length, .. }
            | Self::FromDevice { length, .. }
            | Self::Within { length, .. } => length,
        }
    }
}

impl Validate for DeviceCopyRequest {
    type Valid = DeviceCopy;

    /// # Errors
    ///
    /// In this order:
    ///
    /// 1. `STATUS_INVALID_PARAMETER` for an invalid direction, or for an offset that the direction
    ///    does not use and that is not zero;
    /// 2. `STATUS_INFO_LENGTH_MISMATCH` if the input does not hold exactly the bytes to write;
    /// 3. `STATUS_BUFFER_TOO_SMALL` for an output that cannot hold the bytes to read;
    /// 4. `STATUS_INVALID_PARAMETER` for parts of the page that overlap. `RtlCopyDeviceMemory`
    ///    would fail fast, which a caller must not be able to cause;
    /// 5. `STATUS_INVALID_BUFFER_SIZE` for bytes beyond the page.
    fn validate(&self, lengths: Lengths) -> Result<DeviceCopy, NtStatus> {
        let direction =
            DeviceDirection::from_wire(self.direction).ok_or(NtStatus::INVALID_PARAMETER)?;
        let length = self.length as usize;
        let (source, destination) = (
            self.source_offset as usize,
            self.destination_offset as usize,
        );
        let (unused, written, read) = match direction {
            DeviceDirection::ToDevice => (source, length, 0),
            DeviceDirection::FromDevice => (destination, 0, length),
            DeviceDirection::Within => (0, 0, 0),
        };
        if unused != 0 {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if lengths.input.checked_sub(size_of::<Self>()) != Some(written) {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        if lengths.output < size_of::<CopyResponse>().saturating_add(read) {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        if direction == DeviceDirection::Within && source.abs_diff(destination) < length {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        // An unused offset is 0.
        let end = source.max(destination).saturating_add(length);
        if end > DEVICE_PAGE_LENGTH as usize {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        Ok(match direction {
            DeviceDirection::ToDevice => DeviceCopy::ToDevice {
                destination,
                length,
            },
            DeviceDirection::FromDevice => DeviceCopy::FromDevice { source, length },
            DeviceDirection::Within => DeviceCopy::Within {
                source,
                destination,
                length,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use core::iter;

    use super::*;
    use crate::{
        Header, kind,
        validate::tests::{INVALID_VALUES, validated},
    };

    const TO: u32 = 1;
    const FROM: u32 = 2;
    const WITHIN: u32 = 3;

    const fn copy(direction: u32, offsets: (u32, u32), length: u32) -> DeviceCopyRequest {
        DeviceCopyRequest {
            header: Header::of::<DeviceCopyRequest>(),
            direction,
            length,
            source_offset: offsets.0,
            destination_offset: offsets.1,
        }
    }

    /// Validates a request with exactly the payload and the output that it needs.
    fn result_of(request: &DeviceCopyRequest) -> Result<DeviceCopy, NtStatus> {
        let length = request.length as usize;
        match request.direction {
            TO => with(request, length, 56),
            FROM => with(request, 0, 56 + length),
            _ => with(request, 0, 56),
        }
    }

    fn with(
        request: &DeviceCopyRequest,
        payload: usize,
        output: usize,
    ) -> Result<DeviceCopy, NtStatus> {
        validated::<kind::DeviceCopy>(request, payload, output)
    }

    #[test]
    fn every_field_is_kept() {
        let to = DeviceCopy::ToDevice {
            destination: 24,
            length: 5,
        };
        let from = DeviceCopy::FromDevice {
            source: 24,
            length: 5,
        };
        let within = DeviceCopy::Within {
            source: 24,
            destination: 32,
            length: 5,
        };
        assert_eq!(result_of(&copy(TO, (0, 24), 5)), Ok(to));
        assert_eq!(result_of(&copy(FROM, (24, 0), 5)), Ok(from));
        assert_eq!(result_of(&copy(WITHIN, (24, 32), 5)), Ok(within));
        assert!([to, from, within].iter().all(|copy| copy.length() == 5));
    }

    #[test]
    fn an_invalid_direction_is_refused() {
        for direction in iter::once(0).chain(INVALID_VALUES) {
            let request = copy(direction, (0, 0), 0);
            assert_eq!(result_of(&request), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn an_unused_offset_that_is_not_zero_is_refused() {
        for offset in [1, 0x8000_0000, u32::MAX] {
            let to = copy(TO, (offset, 0), 8);
            let from = copy(FROM, (0, offset), 8);
            assert_eq!(result_of(&to), Err(NtStatus::INVALID_PARAMETER));
            assert_eq!(result_of(&from), Err(NtStatus::INVALID_PARAMETER));
        }
    }

    #[test]
    fn a_payload_of_another_length_is_refused() {
        for payload in [0, 7, 9, 4096] {
            let request = copy(TO, (0, 0), 8);
            let result = with(&request, payload, 56);
            assert_eq!(result, Err(NtStatus::INFO_LENGTH_MISMATCH), "{payload}");
        }
        for direction in [FROM, WITHIN] {
            let request = copy(direction, (64, 0), 8);
            for payload in [1, 8] {
                let result = with(&request, payload, 56 + 8);
                assert_eq!(result, Err(NtStatus::INFO_LENGTH_MISMATCH), "{payload}");
            }
        }
    }

    #[test]
    fn an_output_that_cannot_hold_the_bytes_is_refused() {
        for (length, capacity) in [(1, 0), (8, 7), (4096, 4095), (u32::MAX, 4096)] {
            let request = copy(FROM, (0, 0), length);
            let result = with(&request, 0, 56 + capacity);
            assert_eq!(result, Err(NtStatus::BUFFER_TOO_SMALL), "{length}");
        }
    }

    #[test]
    fn parts_that_overlap_are_refused() {
        for (source, destination, length) in [(0, 0, 1), (0, 63, 64), (63, 0, 64), (9, 9, 4096)] {
            let request = copy(WITHIN, (source, destination), length);
            assert_eq!(result_of(&request), Err(NtStatus::INVALID_PARAMETER));
        }
        for (source, destination, length) in [(0, 64, 64), (64, 0, 64), (9, 9, 0), (0, 2048, 2048)]
        {
            assert!(result_of(&copy(WITHIN, (source, destination), length)).is_ok());
        }
    }

    #[test]
    fn bytes_beyond_the_page_are_refused() {
        for (offset, length) in [(0, 4097), (1, 4096), (4096, 1), (4097, 0), (u32::MAX, 1)] {
            let from = copy(FROM, (offset, 0), length);
            assert_eq!(result_of(&from), Err(NtStatus::INVALID_BUFFER_SIZE));
            // A longer payload is refused before.
            if length <= 4096 {
                let to = copy(TO, (0, offset), length);
                assert_eq!(result_of(&to), Err(NtStatus::INVALID_BUFFER_SIZE));
            }
        }
        for offsets in [(0, 4033), (4033, 0), (0, u32::MAX), (u32::MAX, 0)] {
            let within = copy(WITHIN, offsets, 64);
            assert_eq!(result_of(&within), Err(NtStatus::INVALID_BUFFER_SIZE));
        }
        for (offset, length) in [(0, 4096), (4095, 1), (4096, 0)] {
            assert!(result_of(&copy(FROM, (offset, 0), length)).is_ok());
            assert!(result_of(&copy(TO, (0, offset), length)).is_ok());
        }
    }

    #[test]
    fn the_checks_have_a_fixed_order() {
        // Each request fails one check and all that come after it.
        let status = |direction, offsets, length| {
            with(&copy(direction, offsets, length), 1, 56).unwrap_err()
        };
        assert_eq!(status(9, (1, 1), 9000), NtStatus::INVALID_PARAMETER);
        assert_eq!(status(FROM, (1, 1), 9000), NtStatus::INVALID_PARAMETER);
        assert_eq!(status(FROM, (1, 0), 9000), NtStatus::INFO_LENGTH_MISMATCH);
        let from = with(&copy(FROM, (1, 0), 9000), 0, 56);
        assert_eq!(from, Err(NtStatus::BUFFER_TOO_SMALL));
        let overlapping = with(&copy(WITHIN, (1, 1), 9000), 0, 56);
        assert_eq!(overlapping, Err(NtStatus::INVALID_PARAMETER));
    }
}
