//! Tests of the checks that all requests share. Each request's own are in `tests/fuzz_decoders`.

use std::vec::Vec;

use zerocopy::IntoBytes;

use super::{Lengths, Valid, check_shared, request};
use crate::{
    CODES, CallerCopyRequest, Code, Header, Kind, NtStatus, Payload, RequestKind, kind::CopyFrom,
};

/// Values that no enumeration of the protocol has.
pub const INVALID_VALUES: [u32; 4] = [4, 0x8000_0000, 0x8000_0001, u32::MAX];

/// Validates a request with `payload` bytes after it and `output` bytes of output.
pub fn validated<K: Kind>(
    fixed: &K::Request,
    payload: usize,
    output: usize,
) -> Result<Valid<K>, NtStatus> {
    let input = size_of::<K::Request>() + payload;
    request::<K>(fixed.as_bytes(), Lengths { input, output })
}

/// Makes the shared checks for a request that consists of a header and zeros.
fn checked(
    code: &Code,
    version: u32,
    size: usize,
    (input, output): (usize, usize),
) -> Result<(), NtStatus> {
    let size = u32::try_from(size).unwrap();
    let mut fixed = Header { version, size }.as_bytes().to_vec();
    fixed.resize(code.request_length, 0);
    fixed.truncate(input);
    check_shared(code, &fixed, Lengths { input, output })
}

/// Makes them for a valid header and these lengths.
fn checked_lengths(code: &Code, input: usize, output: usize) -> Result<(), NtStatus> {
    checked(code, 3, code.request_length, (input, output))
}

#[test]
fn an_input_without_a_header_is_refused() {
    for code in &CODES {
        for input in 0..8 {
            let result = checked_lengths(code, input, 4096);
            assert_eq!(result, Err(NtStatus::INFO_LENGTH_MISMATCH), "{code:?}");
        }
    }
}

#[test]
fn another_version_is_refused_before_other_errors() {
    for code in &CODES {
        for version in [0, 1, 2, 4, 0x100, u32::MAX] {
            for lengths in [(code.request_length, 4096), (8, 0), (100_000, 0)] {
                for size in [code.request_length, 0] {
                    let result = checked(code, version, size, lengths);
                    assert_eq!(result, Err(NtStatus::REVISION_MISMATCH), "{code:?}");
                }
            }
        }
    }
}

#[test]
fn another_size_than_the_codes_is_refused() {
    let mismatch = Err(NtStatus::INFO_LENGTH_MISMATCH);
    for code in &CODES {
        let size = code.request_length;
        for other in [0, size - 1, size + 1, u32::MAX as usize] {
            assert_eq!(checked(code, 3, other, (size, 0)), mismatch, "{code:?}");
        }
        for input in 8..size {
            assert_eq!(checked_lengths(code, input, 0), mismatch, "{code:?}");
        }
    }
}

/// Checks that a limit is `error` for codes without entries. Entries have their own checks.
fn assert_over_limit(code: &Code, result: Result<(), NtStatus>, error: NtStatus) {
    let expected = match code.payload {
        Payload::Entries(_) => Ok(()),
        Payload::None | Payload::Bytes(_) => Err(error),
    };
    assert_eq!(result, expected, "{code:?}");
}

#[test]
fn a_payload_longer_than_the_codes_is_refused() {
    for code in &CODES {
        let longest = code.request_length + usize::try_from(code.payload.maximum()).unwrap();
        assert_eq!(checked_lengths(code, longest, 4096), Ok(()), "{code:?}");
        let longer = checked_lengths(code, longest + 1, 4096);
        assert_over_limit(code, longer, NtStatus::INFO_LENGTH_MISMATCH);
    }
}

#[test]
fn an_output_that_cannot_hold_the_response_is_refused() {
    for code in &CODES {
        let with = |output| checked_lengths(code, code.request_length, output);
        assert_eq!(with(code.response_length), Ok(()), "{code:?}");
        for output in [0, code.response_length - 1] {
            assert_eq!(with(output), Err(NtStatus::BUFFER_TOO_SMALL), "{code:?}");
        }
    }
}

#[test]
fn an_output_longer_than_any_response_is_refused() {
    for code in &CODES {
        let with = |output| checked_lengths(code, code.request_length, output);
        let longest = code.response_length + 0x400_0000;
        assert_eq!(with(longest), Ok(()), "{code:?}");
        for output in [longest + 1, usize::MAX] {
            assert_over_limit(code, with(output), NtStatus::INVALID_BUFFER_SIZE);
        }
    }
}

#[test]
fn fewer_bytes_than_the_recorded_length_are_refused() {
    let header = Header::of::<CallerCopyRequest>();
    let lengths = Lengths {
        input: Code::of(RequestKind::CopyFrom).request_length,
        output: 56,
    };
    for more in 0..32 {
        let zeros = std::vec![0; more];
        let fixed: Vec<u8> = [header.as_bytes(), &zeros].concat();
        let result = request::<CopyFrom>(&fixed, lengths);
        assert_eq!(result, Err(NtStatus::INFO_LENGTH_MISMATCH), "{more}");
    }
}
