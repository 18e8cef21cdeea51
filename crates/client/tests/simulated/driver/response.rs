//! Answers as they travel.

use ringcopy_client::protocol::{
    BatchResponse, Direction, EngineKind, EntryResult, Header, NtStatus, TransferFlags,
    TransferResponse,
};
use zerocopy::IntoBytes;

use super::memory::Stop;

/// What a copy came to.
pub(super) fn result(
    copied: u64,
    stop: Option<&Stop>,
    engine: EngineKind,
    fell_back: bool,
) -> EntryResult {
    let (direction, address) = stop
        .and_then(|stop| stop.access)
        .unwrap_or((Direction::None, 0));
    EntryResult {
        status: stop.map_or(NtStatus::SUCCESS, |stop| stop.status).0,
        direction: direction as u32,
        copied,
        address,
        engine: engine as u32,
        flags: if fell_back {
            TransferFlags::FELL_BACK.bits()
        } else {
            0
        },
        hole_length: 0,
    }
}

/// The answer to a request for one copy.
pub(super) fn response(asked: u64, result: EntryResult) -> Vec<u8> {
    TransferResponse::of(asked, result).as_bytes().to_vec()
}

/// The answer to a request for many.
pub(super) fn batch_response(results: &[EntryResult]) -> Vec<u8> {
    let succeeded = |result: &&EntryResult| result.status == NtStatus::SUCCESS.0;
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
