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
