//! Responses that break the protocol are refused and never used, and the client does not panic.

#[path = "simulated/driver/mod.rs"]
mod driver;

use driver::SimulatedDriver;
use proptest::prelude::*;
use ringcopy_client::{
    CallerCopy, Device, DeviceCopy, Error, OpenAccess, ResponseError, Source, Transport, explain,
    protocol::EngineKind,
};

// Offsets in the response to a copy.
const ASKED: usize = 8;
const COPIED: usize = 24;
const ADDRESS: usize = 32;
const HOLE_LENGTH: usize = 48;

fn with_response<R>(
    change_response: impl FnMut(&mut [u8], &mut usize) + 'static,
    ask: impl FnOnce(&mut Device<'_, SimulatedDriver>) -> R,
) -> R {
    let mut driver = SimulatedDriver::changing_responses(change_response);
    let mut device = Device::open(&mut driver, OpenAccess::ReadWrite).unwrap();
    ask(&mut device)
}

fn read(device: &mut Device<'_, SimulatedDriver>) -> Result<u64, Error> {
    let address = device.transport().allocate(64).unwrap();
    let mut target = [0xEE; 64];
    device
        .copy_memory(Source::Virtual(address), EngineKind::Auto, &mut target)
        .map(|report| {
            assert!(report.result.copied <= 64);
            report.result.copied
        })
}

fn reason(result: Result<u64, Error>) -> ResponseError {
    match result {
        Err(error @ Error::Response { reason, .. }) => {
            assert!(explain(&error).contains("makes no sense"));
            reason
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn put(offset: usize, value: u64) -> impl FnMut(&mut [u8], &mut usize) {
    move |output, _| {
        output[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
}

#[test]
fn a_valid_response_is_used() {
    assert_eq!(with_response(|_, _| {}, read).unwrap(), 64);
}

#[test]
fn a_wrong_field_is_refused() {
    let field = ResponseError::Field;
    for (offset, value, expected) in [
        // More copied than asked for.
        (COPIED, 65, field("copied", 65)),
        (COPIED, 1 << 40, field("copied", 1 << 40)),
        (COPIED, u64::MAX, field("copied", u64::MAX)),
        // Success with a byte missing.
        (COPIED, 63, field("copied", 63)),
        // The response to another request.
        (ASKED, 65, field("asked", 65)),
        // An address, although nothing stopped.
        (ADDRESS, 0x1000, field("address", 0x1000)),
        // A hole, although nothing stopped.
        (HOLE_LENGTH, 1, field("hole_length", 1)),
        // Another version, and another size.
        (0, 56 << 32 | 1, ResponseError::Version(1)),
        (0, 48 << 32 | 3, ResponseError::Size(48, 56)),
    ] {
        let read = with_response(put(offset, value), read);
        assert_eq!(reason(read), expected);
    }
}

#[test]
fn a_wrong_number_of_returned_bytes_is_refused() {
    for wrong in [0, 55, 56, 119, 121, usize::MAX] {
        let read = with_response(move |_, returned| *returned = wrong, read);
        assert!(
            matches!(reason(read), ResponseError::Length { returned, .. } if returned == wrong)
        );
    }
}

#[test]
fn a_hole_beyond_the_last_address_is_refused() {
    const HOLE: u64 = 0x9_F000;
    let stopped = |length| {
        with_response(put(HOLE_LENGTH, length), |device| {
            let mut target = [0; 8];
            device
                .copy_memory(Source::Physical(HOLE - 1), EngineKind::Auto, &mut target)
                .map(|report| report.result.hole_length)
        })
    };
    let longest = u64::MAX - HOLE + 1;
    for length in [0, 1, longest] {
        assert_eq!(stopped(length).unwrap(), length);
    }
    for length in [longest + 1, u64::MAX] {
        assert_eq!(
            reason(stopped(length)),
            ResponseError::Field("hole_length", length)
        );
    }
}

proptest! {
    #[test]
    fn no_response_makes_the_client_panic_or_use_wrong_values(
        noise in proptest::collection::vec(any::<u8>(), 56..120),
        keep in proptest::collection::vec(any::<bool>(), 56),
        claimed in prop_oneof![Just(120_usize), Just(56), 0..200_usize, any::<usize>()],
    ) {
        let _ = with_response(
            move |output, returned| {
                for (index, byte) in output.iter_mut().enumerate() {
                    if !keep.get(index).copied().unwrap_or(true) {
                        *byte = noise[index % noise.len()];
                    }
                }
                *returned = claimed;
            },
            |device| {
                let _ = device.information();
                let _ = device.copy_from(CallerCopy::new(0x1_0000, 64));
                let mut target = [0; 64];
                let _ = device.device_copy(DeviceCopy::From { offset: 0, target: &mut target });
                read(device)
            },
        );
    }
}
