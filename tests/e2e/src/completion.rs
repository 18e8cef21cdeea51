//! How requests ended, and what their output says.

use ringcopy_client::{
    RequestError,
    protocol::{BatchResponse, Code, CopyResponse, CopyResult, NtStatus, RequestKind, validate},
};
use zerocopy::FromBytes;

/// What a request gave, or the status that it failed with.
///
/// # Errors
/// The status of the request.
///
/// # Panics
/// If the lab is gone: then the request brought it down.
pub fn completion<T>(result: Result<T, RequestError>) -> Result<T, NtStatus> {
    result.map_err(|error| match error {
        RequestError::Status(status) => status,
        RequestError::Transport(error) => panic!("{error}"),
    })
}

/// The output of a batch or scatter request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOutput {
    /// The response at its start.
    pub response: BatchResponse,
    /// The result of each entry.
    pub results: Vec<CopyResult>,
    /// The offset of the bytes that were read.
    pub bytes_at: usize,
}

impl BatchOutput {
    /// Takes an output apart.
    ///
    /// # Panics
    /// If it is too short, or its response does not add up its results.
    #[must_use]
    pub fn read(output: &[u8]) -> Self {
        let (response, rest) = BatchResponse::read_from_prefix(output)
            .unwrap_or_else(|_| panic!("no response in {} bytes", output.len()));
        let count = response.count as usize;
        let (results, _) = <[CopyResult]>::ref_from_prefix_with_elems(rest, count)
            .unwrap_or_else(|_| panic!("no {count} results in {} bytes", output.len()));
        let succeeded = results.iter().filter(|result| result.status == 0).count();
        assert_eq!(response.succeeded as usize, succeeded, "{response:?}");
        let copied: u64 = results.iter().map(|result| result.copied).sum();
        assert_eq!(response.copied, copied, "{response:?}");
        Self {
            response,
            results: results.to_vec(),
            bytes_at: validate::results_end(count),
        }
    }
}

/// The status with which a request, or all of its copies, were refused.
///
/// # Panics
/// If a byte was copied, or entries were refused differently.
#[must_use]
pub fn refused(code: u32, result: Result<usize, NtStatus>, output: &[u8]) -> NtStatus {
    if let Err(status) = result {
        return status;
    }
    let kind = Code::from_value(code).map(|code| code.kind);
    if let Some(RequestKind::CopyBatch | RequestKind::CopyScatter) = kind {
        let batch = BatchOutput::read(output);
        assert_eq!(batch.response.copied, 0, "{batch:?}");
        let [first, rest @ ..] = &batch.results[..] else {
            panic!("no entries");
        };
        assert!(rest.iter().all(|result| result.status == first.status));
        // A caller who may not read memory does not learn which of it is there.
        assert!(batch.results.iter().all(|result| result.hole_length == 0));
        return first.status();
    }
    let (response, _) = CopyResponse::read_from_prefix(output)
        .unwrap_or_else(|_| panic!("no response in {} bytes", output.len()));
    assert_eq!(response.result.copied, 0, "{response:?}");
    assert_eq!(response.result.hole_length, 0, "{response:?}");
    response.result.status()
}
