//! What all requests have in common, and what the tests of each one ask with.

use std::vec::Vec;

use zerocopy::IntoBytes;

use super::{Lengths, Request, in_common, request};
use crate::{CODES, CallerCopyRequest, Code, Header, NtStatus, RequestKind};

/// Judges a request with so many bytes behind it, and so many bytes of output.
pub fn judged<R: Request>(
    kind: RequestKind,
    fixed: &R,
    payload: usize,
    output: usize,
) -> Result<R::WellFormed, NtStatus> {
    let lengths = Lengths {
        input: size_of::<R>() + payload,
        output,
    };
    request::<R>(Code::of(kind), fixed.as_bytes(), lengths)
}

/// What all requests have in common, for one of this header and zeros.
fn headed(
    code: &Code,
    version: u32,
    size: usize,
    (input, output): (usize, usize),
) -> Result<(), NtStatus> {
    let size = u32::try_from(size).unwrap();
    let mut fixed = Header { version, size }.as_bytes().to_vec();
    fixed.resize(code.request_length, 0);
    fixed.truncate(input);
    in_common(code, &fixed, Lengths { input, output })
}

#[test]
fn an_input_without_a_header() {
    for code in &CODES {
        for input in 0..8 {
            let verdict = headed(code, 2, code.request_length, (input, 4096));
            assert_eq!(verdict, Err(NtStatus::INFO_LENGTH_MISMATCH), "{code:?}");
        }
    }
}

#[test]
fn another_version_whatever_else_is_wrong() {
    for code in &CODES {
        for version in [0, 1, 3, 0x100, u32::MAX] {
            for lengths in [(code.request_length, 4096), (8, 0), (100_000, 0)] {
                for size in [code.request_length, 0] {
                    let verdict = headed(code, version, size, lengths);
                    assert_eq!(verdict, Err(NtStatus::REVISION_MISMATCH), "{code:?}");
                }
            }
        }
    }
}

#[test]
fn another_size_than_the_code_s() {
    let mismatch = Err(NtStatus::INFO_LENGTH_MISMATCH);
    for code in &CODES {
        let size = code.request_length;
        for other in [0, size - 1, size + 1, u32::MAX as usize] {
            assert_eq!(headed(code, 2, other, (size, 0)), mismatch, "{code:?}");
        }
        for input in 8..size {
            assert_eq!(headed(code, 2, size, (input, 0)), mismatch, "{code:?}");
        }
    }
}

#[test]
fn more_behind_the_fixed_part_than_the_code_takes() {
    for code in &CODES {
        let longest = code.request_length + usize::try_from(code.maximum_payload).unwrap();
        let with = |input| headed(code, 2, code.request_length, (input, 4096));
        assert_eq!(with(longest), Ok(()), "{code:?}");
        // Of entries there may be too many, which is another status.
        let expected = match code.kind {
            RequestKind::CopyBatch | RequestKind::CopyScatter => Ok(()),
            _ => Err(NtStatus::INFO_LENGTH_MISMATCH),
        };
        assert_eq!(with(longest + 1), expected, "{code:?}");
    }
}

#[test]
fn an_output_that_cannot_hold_the_response() {
    for code in &CODES {
        let with = |output| headed(code, 2, code.request_length, (code.request_length, output));
        assert_eq!(with(code.response_length), Ok(()), "{code:?}");
        for output in [0, code.response_length - 1] {
            let verdict = with(output);
            assert_eq!(verdict, Err(NtStatus::BUFFER_TOO_SMALL), "{code:?}");
        }
    }
}

#[test]
fn an_output_that_no_response_fills() {
    for code in &CODES {
        let with = |output| headed(code, 2, code.request_length, (code.request_length, output));
        let longest = code.response_length + 0x400_0000;
        assert_eq!(with(longest), Ok(()), "{code:?}");
        // How many results there are, entries say.
        let expected = match code.kind {
            RequestKind::CopyBatch | RequestKind::CopyScatter => Ok(()),
            _ => Err(NtStatus::INVALID_BUFFER_SIZE),
        };
        for output in [longest + 1, usize::MAX] {
            assert_eq!(with(output), expected, "{code:?}");
        }
    }
}

#[test]
fn fewer_bytes_than_the_lengths_promise() {
    let code = Code::of(RequestKind::CopyFrom);
    let fixed = Header::of::<CallerCopyRequest>().as_bytes().to_vec();
    let lengths = Lengths {
        input: code.request_length,
        output: 56,
    };
    for more in 0..32 {
        let fixed: Vec<u8> = fixed.iter().copied().chain((0..more).map(|_| 0)).collect();
        let verdict = request::<CallerCopyRequest>(code, &fixed, lengths);
        assert_eq!(verdict, Err(NtStatus::INFO_LENGTH_MISMATCH), "{more}");
    }
}
