//! Requests put together by hand, and what the driver makes of them.

use ringcopy_client::{
    RequestError,
    protocol::{BatchResponse, Code, EntryResult, NtStatus, RequestKind, TransferResponse, judge},
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

/// What the output of a batch or scatter request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// How the request went.
    pub response: BatchResponse,
    /// How its entries went.
    pub results: Vec<EntryResult>,
    /// Where the bytes begin.
    pub bytes_at: usize,
}

impl Served {
    /// Takes an output apart.
    ///
    /// # Panics
    /// If it does not hold what it says, or adds up wrongly.
    #[must_use]
    pub fn read(output: &[u8]) -> Self {
        let (response, rest) = BatchResponse::read_from_prefix(output)
            .unwrap_or_else(|_| panic!("no response in {} bytes", output.len()));
        let count = response.count as usize;
        let (results, _) = <[EntryResult]>::ref_from_prefix_with_elems(rest, count)
            .unwrap_or_else(|_| panic!("no {count} results in {} bytes", output.len()));
        let succeeded = results.iter().filter(|result| result.status == 0).count();
        assert_eq!(response.succeeded as usize, succeeded, "{response:?}");
        let copied: u64 = results.iter().map(|result| result.copied).sum();
        assert_eq!(response.copied, copied, "{response:?}");
        Self {
            response,
            results: results.to_vec(),
            bytes_at: judge::results_end(count),
        }
    }
}

/// The status with which a request, or the copies that it asked for, were refused.
///
/// # Panics
/// If a byte was copied, if entries were refused differently, or if the lab is gone.
#[must_use]
pub fn refused(code: u32, answer: Result<usize, RequestError>, output: &[u8]) -> NtStatus {
    let kind = Code::from_value(code).map(|code| code.kind);
    match (outcome(answer), kind) {
        (Outcome::Refused(status), _) => status,
        (Outcome::Done(_), Some(RequestKind::CopyBatch | RequestKind::CopyScatter)) => {
            let served = Served::read(output);
            assert_eq!(served.response.copied, 0, "{served:?}");
            let [first, rest @ ..] = &served.results[..] else {
                panic!("no entries");
            };
            assert!(rest.iter().all(|result| result.status == first.status));
            // Who may not read memory does not learn what of it is there.
            assert!(served.results.iter().all(|result| result.hole_length == 0));
            NtStatus(first.status)
        }
        (Outcome::Done(_), _) => {
            let (response, _) = TransferResponse::read_from_prefix(output)
                .unwrap_or_else(|_| panic!("no response in {} bytes", output.len()));
            assert_eq!(response.copied, 0, "{response:?}");
            assert_eq!(response.hole_length, 0, "{response:?}");
            NtStatus(response.status)
        }
    }
}
