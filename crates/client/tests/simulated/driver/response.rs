//! The layout of responses.

use ringcopy_client::protocol::{
    BatchResponse, CopyResponse, CopyResult, Direction, EngineKind, Header, NtStatus, ResultFlags,
};
use zerocopy::IntoBytes;

use super::memory::Stop;

/// Returns the result of a copy.
pub(super) fn result(
    copied: u64,
    stop: Option<&Stop>,
    engine: EngineKind,
    fell_back: bool,
) -> CopyResult {
    let (direction, address) = stop
        .and_then(|stop| stop.access)
        .unwrap_or((Direction::None, 0));
    CopyResult {
        status: stop.map_or(NtStatus::SUCCESS, |stop| stop.status).0,
        direction: direction as u32,
        copied,
        address,
        engine: engine as u32,
        flags: if fell_back {
            ResultFlags::FELL_BACK.bits()
        } else {
            0
        },
        hole_length: 0,
    }
}

/// Returns the response to a request for one copy.
pub(super) fn response(asked: u64, result: CopyResult) -> Vec<u8> {
    CopyResponse::of(asked, result).as_bytes().to_vec()
}

/// Returns the response to a request for many copies.
pub(super) fn batch_response(results: &[CopyResult]) -> Vec<u8> {
    let succeeded = |result: &&CopyResult| result.status == NtStatus::SUCCESS.0;
    let mut output = BatchResponse {
        header: Header::of::<BatchResponse>(),
        count: results.len() as u32,
        succeeded: results.iter().filter(succeeded).count() as u32,
        copied: results.iter().map(|result| result.copied).sum(),
    }
    .as_bytes()
    .to_vec();
    output.extend_from_slice(results.as_bytes());
    output
}
