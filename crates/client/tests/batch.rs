//! Many copies in one request, and the list of RAM: valid responses are used, others are refused.

#[path = "simulated/driver/mod.rs"]
mod driver;

use driver::SimulatedDriver;
use ringcopy_client::{
    Batch, Device, Error, OpenAccess, Piece, ResponseError, ScatterPiece, Source, Transport,
    explain,
    protocol::{EngineKind, MAXIMUM_ENTRIES, MemoryRange, NtStatus, RequestKind},
};

const SYSTEM_DATA: u64 = 0xFFFF_F800_0000_0000;
const HOLE: u64 = 0x9_F000;

fn with<R>(
    mut driver: SimulatedDriver,
    ask: impl FnOnce(&mut Device<'_, SimulatedDriver>) -> R,
) -> (R, SimulatedDriver) {
    let mut device = Device::open(&mut driver, OpenAccess::ReadWrite).unwrap();
    let result = ask(&mut device);
    drop(device);
    (result, driver)
}

const fn piece(source: Source, length: u32) -> Piece {
    Piece { source, length }
}

const MIXED: [Piece; 4] = [
    piece(Source::Virtual(SYSTEM_DATA), 16),
    piece(Source::Physical(HOLE - 5), 32),
    piece(Source::Physical(HOLE), 0),
    piece(Source::Virtual(SYSTEM_DATA + 250), 3),
];

fn mixed(driver: SimulatedDriver) -> (Result<Batch, Error>, SimulatedDriver) {
    with(driver, |device| device.copy_batch(&MIXED, EngineKind::Auto))
}

#[test]
fn a_piece_that_fails_changes_nothing_for_the_others() {
    let batch = mixed(SimulatedDriver::default()).0.unwrap();
    let ends: Vec<_> = batch
        .reports
        .iter()
        .map(|report| {
            (
                report.result.status(),
                report.result.copied,
                report.result.stop_address(),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            (NtStatus::SUCCESS, 16, None),
            (NtStatus::INVALID_ADDRESS, 5, Some(HOLE)),
            (NtStatus::SUCCESS, 0, None),
            (NtStatus::SUCCESS, 3, None),
        ]
    );
    assert_eq!(batch.bytes.len(), 51);
    let arrived: Vec<_> = batch.pieces().map(|(_, bytes)| bytes.to_vec()).collect();
    let data = |range: std::ops::Range<u8>| range.map(|byte| byte.wrapping_mul(37)).collect();
    assert_eq!(arrived, [data(0..16), vec![0; 5], vec![], data(250..253)]);
    assert_eq!(batch.bytes[16..48], [0; 32], "a hole is zeros");
}

#[test]
fn more_pieces_than_one_request_takes_are_several_requests() {
    let pieces: Vec<_> = (0..u64::from(2 * MAXIMUM_ENTRIES + 1))
        .map(|index| piece(Source::Virtual(SYSTEM_DATA + index % 256), 1))
        .collect();
    let (batch, driver) = with(SimulatedDriver::default(), |device| {
        device.copy_batch(&pieces, EngineKind::System).unwrap()
    });
    assert_eq!(driver.requests, [RequestKind::CopyBatch; 3]);
    assert_eq!(batch.reports.len(), pieces.len());
    for (piece, byte) in pieces.iter().zip(&batch.bytes) {
        let expected = piece.source.address().to_le_bytes()[0].wrapping_mul(37);
        assert_eq!(*byte, expected);
    }
    let (batch, driver) = with(SimulatedDriver::default(), |device| {
        device.copy_batch(&[], EngineKind::System).unwrap()
    });
    assert_eq!((batch, driver.requests.len()), (Batch::default(), 0));
}

#[test]
fn a_piece_that_no_request_carries_is_refused_with_the_limit() {
    let error = with(SimulatedDriver::default(), |device| {
        device.copy_batch(
            &[piece(Source::Physical(0), (64 << 20) + 1)],
            EngineKind::Auto,
        )
    })
    .0
    .unwrap_err();
    let sentence = explain(&error);
    assert!(
        sentence.contains("STATUS_INVALID_BUFFER_SIZE"),
        "{sentence}"
    );
    assert!(sentence.contains("67108864 bytes"), "{sentence}");
}

#[test]
fn scattered_pieces_arrive_at_their_targets() {
    let ((reports, bytes), driver) = with(SimulatedDriver::default(), |device| {
        let target = device.transport().allocate(4096).unwrap();
        let scatter = |source, target, length| ScatterPiece {
            source,
            target,
            length,
        };
        let reports = device
            .copy_scatter(
                &[
                    scatter(Source::Virtual(SYSTEM_DATA + 1), target + 100, 4),
                    scatter(Source::Virtual(SYSTEM_DATA + 1), SYSTEM_DATA, 4),
                    scatter(Source::Virtual(SYSTEM_DATA + 9), target + 102, 1),
                    scatter(Source::Virtual(SYSTEM_DATA + 1), target + 4094, 4),
                ],
                EngineKind::Auto,
            )
            .unwrap();
        let mut bytes = [0; 4096];
        device.transport().read(target, &mut bytes).unwrap();
        (reports, bytes)
    });
    assert_eq!(driver.requests, [RequestKind::CopyScatter]);
    let copied: Vec<_> = reports.iter().map(|report| report.result.copied).collect();
    assert_eq!(copied, [4, 0, 1, 2]);
    assert_eq!(reports[1].result.status(), NtStatus::ACCESS_VIOLATION);
    assert_eq!(bytes[99..105], [0, 37, 74, 77, 148, 0]);
    assert_eq!(bytes[4094..], [37, 74]);
}

#[test]
fn a_fallback_is_reported() {
    let mut driver = SimulatedDriver::default();
    driver.memory.paged_out.insert(SYSTEM_DATA / 4096);
    let (batch, mut driver) = mixed(driver);
    let reports = batch.unwrap().reports;
    assert_eq!(
        (reports[0].result.engine(), reports[0].result.fell_back()),
        (EngineKind::System, true)
    );
    assert!(!reports[1].result.fell_back());
    assert!(driver.memory.paged_out.is_empty());
    driver.memory.paged_out.insert(SYSTEM_DATA / 4096);
    let native = with(driver, |device| {
        device.copy_batch(&MIXED, EngineKind::Native)
    })
    .0;
    assert_eq!(
        native.unwrap().reports[0].result.status(),
        NtStatus::INVALID_ADDRESS
    );
}

fn reason<R: std::fmt::Debug>(result: Result<R, Error>) -> ResponseError {
    match result {
        Err(Error::Response { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn changing(change: impl Fn(&mut [u8], &mut usize) + 'static) -> SimulatedDriver {
    SimulatedDriver::changing_responses(change)
}

#[test]
fn every_field_of_a_batchs_response_is_checked() {
    // The batch's version, size, count, succeeded and copied; then status, direction, copied, address,
    // engine, flags and hole length of the first entry (complete) and of the second (stopped).
    let first = 24;
    let second = first + 40;
    for (offset, value) in [
        (0, 1),
        (4, 25),
        (8, 3),
        (12, 4),
        (16, 25),
        (first, 0x103),
        (first, 5),
        (first + 4, 1),
        (first + 4, 9),
        (first + 8, 15),
        (first + 8, 17),
        (first + 16, 1),
        (first + 24, 3),
        (first + 28, 1),
        (first + 28, 2),
        (first + 32, 1),
        (second, 0),
        (second + 4, 0),
        (second + 8, 33),
        (second + 8, 4),
        (second + 24, 7),
        (second + 28, 1),
    ] {
        let driver = changing(move |output, _| {
            output[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));
        });
        let result = mixed(driver).0;
        assert!(
            matches!(result, Err(Error::Response { .. })),
            "{value} at {offset} was not refused: {result:?}"
        );
    }
}

#[test]
fn a_response_of_another_length_is_refused() {
    let fixed = 24 + 4 * 40;
    // The last piece's bytes end the output.
    for (returned_bytes, valid) in [
        (0, false),
        (24, false),
        (fixed, false),
        (fixed + 50, false),
        (fixed + 51, true),
        (fixed + 52, false),
        (usize::MAX, false),
    ] {
        let result = mixed(changing(move |_, returned| *returned = returned_bytes)).0;
        assert_eq!(result.is_ok(), valid, "{returned_bytes}: {result:?}");
    }
}

#[test]
fn bytes_written_after_the_copied_ones_are_noticed() {
    let fixed = 24 + 4 * 40;
    for offset in [21, 47] {
        let driver = changing(move |output, _| output[fixed + offset] = 0);
        assert_eq!(reason(mixed(driver).0), ResponseError::AfterCopy(1));
    }
}

#[test]
fn a_response_from_another_engine_is_refused() {
    let driver = changing(|output, _| output[24 + 24] = 2);
    let result = with(driver, |device| {
        device.copy_batch(&MIXED, EngineKind::Native)
    })
    .0;
    assert_eq!(reason(result), ResponseError::Field("engine", 2));
}

fn ranges(driver: SimulatedDriver) -> (Result<Vec<MemoryRange>, Error>, SimulatedDriver) {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's name alone has one lifetime, not any"
    )]
    let result = with(driver, |device| device.memory_ranges());
    result
}

#[test]
fn a_long_list_of_ram_comes_in_several_responses_and_in_order() {
    let many: Vec<_> = (0..700).rev().map(|index| (index << 20, 0x1000)).collect();
    let (list, driver) = ranges(SimulatedDriver::with(|driver| driver.ranges = many));
    let list = list.unwrap();
    assert_eq!(driver.requests, [RequestKind::MemoryRanges; 3]);
    let bases: Vec<_> = list.iter().map(|range| range.base).collect();
    assert_eq!(bases, (0..700).map(|index| index << 20).collect::<Vec<_>>());
    let none = ranges(SimulatedDriver::with(|driver| driver.ranges = Vec::new()));
    assert_eq!(none.0.unwrap(), []);
}

#[test]
fn an_invalid_list_of_ram_is_refused() {
    for (offset, value) in [
        (0, 1),
        (4, 17),
        (8, 1),
        (8, 3),
        (8, 0),
        (12, 1),
        (12, 70_000),
    ] {
        let driver = changing(move |output, _| {
            output[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));
        });
        let result = ranges(driver).0;
        assert!(
            matches!(result, Err(Error::Response { .. })),
            "{value} at {offset} was not refused: {result:?}"
        );
    }
    for list in [
        vec![(0x1000, 0)],
        vec![(u64::MAX, 2)],
        vec![(0x1000, 0x1001), (0x2000, 0x1000)],
        vec![(0x1000, 0x1000), (0x1000, 0x1000)],
    ] {
        let result = ranges(SimulatedDriver::with(|driver| driver.ranges = list));
        assert!(matches!(reason(result.0), ResponseError::Field(..)));
    }
}

#[test]
fn an_endless_list_of_ram_is_refused() {
    let driver = changing(|output, _| {
        output[12..16].copy_from_slice(&u32::to_le_bytes(60_000));
    });
    let (result, driver) = ranges(driver);
    assert_eq!(reason(result), ResponseError::Field("count", 0));
    assert_eq!(driver.requests.len(), 2);
}

#[test]
fn a_refused_list_of_ram_is_explained() {
    let refused = |status| {
        let driver = SimulatedDriver::with(|driver| driver.ranges_status = status);
        explain(&ranges(driver).0.unwrap_err())
    };
    assert!(refused(NtStatus::ACCESS_DENIED).contains("bit 1 (physical memory)"));
    assert!(refused(NtStatus::INVALID_DEVICE_REQUEST).contains("this client's release"));
}
