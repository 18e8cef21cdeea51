//! Requests put together by hand, and what the driver makes of them.

use ringcopy_client::{
    RequestError,
    protocol::{NtStatus, TransferResponse},
};
use zerocopy::FromBytes;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request failed.
    Refused(NtStatus),
    /// The request was carried out, and gave so many bytes.
    Done(usize),
}

/// Takes the outcome out of an answer.
///
/// # Panics
/// If the lab is gone: then the request brought it down.
#[must_use]
pub fn outcome(answer: Result<usize, RequestError>) -> Outcome {
    match answer {
        Ok(returned) => Outcome::Done(returned),
        Err(RequestError::Status(status)) => Outcome::Refused(status),
        Err(RequestError::Transport(error)) => panic!("{error}"),
    }
}

/// The status with which a request, or the copy that it asked for, was refused.
///
/// # Panics
/// If a byte was copied, or if the lab is gone.
#[must_use]
pub fn refused(answer: Result<usize, RequestError>, output: &[u8]) -> NtStatus {
    match outcome(answer) {
        Outcome::Refused(status) => status,
        Outcome::Done(_) => {
            let (response, _) = TransferResponse::read_from_prefix(output)
                .unwrap_or_else(|_| panic!("no response in {} bytes", output.len()));
            assert_eq!(response.copied, 0, "{response:?}");
            NtStatus(response.status)
        }
    }
}
