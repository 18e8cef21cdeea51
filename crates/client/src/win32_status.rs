//! The status for a Win32 error.
//!
//! The I/O manager uses `NTSTATUS`, which Win32 translates: several statuses become one error. The
//! status of a request that reached the driver is known. This table is for opens, and for requests
//! that the I/O manager refused; each error gets the status that these have.

use ringcopy_protocol::NtStatus;

/// Codes: [MS-ERREF] section 2.2. Statuses: section 2.3.1.
const TABLE: [(u32, NtStatus); 31] = [
    (1, NtStatus::INVALID_DEVICE_REQUEST),
    (2, NtStatus::OBJECT_NAME_NOT_FOUND),
    (3, NtStatus::OBJECT_NAME_NOT_FOUND),
    (4, NtStatus::TOO_MANY_OPENED_FILES),
    (5, NtStatus::ACCESS_DENIED),
    (6, NtStatus::INVALID_HANDLE),
    (8, NtStatus::NO_MEMORY),
    (14, NtStatus::NO_MEMORY),
    (21, NtStatus::DEVICE_NOT_READY),
    (24, NtStatus::INFO_LENGTH_MISMATCH),
    (31, NtStatus::UNSUCCESSFUL),
    (32, NtStatus::SHARING_VIOLATION),
    (50, NtStatus::NOT_SUPPORTED),
    (87, NtStatus::INVALID_PARAMETER),
    (121, NtStatus::IO_TIMEOUT),
    (122, NtStatus::BUFFER_TOO_SMALL),
    (234, NtStatus::BUFFER_OVERFLOW),
    (299, NtStatus::PARTIAL_COPY),
    (487, NtStatus::INVALID_ADDRESS),
    (995, NtStatus::CANCELLED),
    (998, NtStatus::ACCESS_VIOLATION),
    (999, NtStatus::IN_PAGE_ERROR),
    (1167, NtStatus::DEVICE_NOT_CONNECTED),
    (1168, NtStatus::NOT_FOUND),
    (1306, NtStatus::REVISION_MISMATCH),
    (1314, NtStatus::PRIVILEGE_NOT_HELD),
    (1450, NtStatus::INSUFFICIENT_RESOURCES),
    (1453, NtStatus::WORKING_SET_QUOTA),
    (1454, NtStatus::PAGEFILE_QUOTA),
    (1455, NtStatus::COMMITMENT_LIMIT),
    (1816, NtStatus::QUOTA_EXCEEDED),
];

/// Returns the status for an error. An error that is not in the table becomes the `NTSTATUS` that
/// contains it (facility 7).
pub(crate) fn status_of(error: u32) -> NtStatus {
    TABLE
        .iter()
        .find(|(code, _)| *code == error)
        .map_or(NtStatus(0xC007_0000 | error & 0xFFFF), |(_, status)| {
            *status
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_one_status() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{pair:?}");
        }
        assert_eq!(status_of(5), NtStatus::ACCESS_DENIED);
        assert_eq!(status_of(995), NtStatus::CANCELLED);
    }

    #[test]
    fn an_unknown_error_is_contained_in_the_status() {
        assert_eq!(status_of(1223), NtStatus(0xC007_04C7));
    }
}
