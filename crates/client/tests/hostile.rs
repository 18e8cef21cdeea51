//! Answers that no honest driver gives are refused, and never believed or panicked over.

#[path = "simulated/driver/mod.rs"]
mod driver;

use driver::SimulatedDriver;
use proptest::prelude::*;
use ringcopy_client::{
    CallerCopy, Device, DeviceCopy, Error, OpenAccess, ResponseError, Source, Transport, explain,
    protocol::EngineKind,
};

fn with_answer<R>(
    tamper: impl FnMut(&mut [u8], &mut usize) + 'static,
    ask: impl FnOnce(&mut Device<'_, SimulatedDriver>) -> R,
) -> R {
    let mut model = SimulatedDriver {
        tamper: Some(Box::new(tamper)),
        ..SimulatedDriver::default()
    };
    let mut device = Device::open(&mut model, OpenAccess::ReadWrite).unwrap();
    ask(&mut device)
}

fn read(device: &mut Device<'_, SimulatedDriver>) -> Result<u64, Error> {
    let address = device.transport().allocate(64).unwrap();
    let mut target = [0xEE; 64];
    device
        .copy_memory(Source::Virtual(address), EngineKind::Auto, &mut target)
        .map(|transfer| {
            assert!(transfer.copied <= 64);
            transfer.copied
        })
}

fn reason(result: Result<u64, Error>) -> ResponseError {
    match result {
        Err(error @ Error::Response { reason, .. }) => {
            assert!(explain(&error).contains("makes no sense"));
            reason
        }
        other => panic!("believed: {other:?}"),
    }
}

fn put(offset: usize, value: u64) -> impl FnMut(&mut [u8], &mut usize) {
    move |output, _| {
        output[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
    }
}

#[test]
fn an_honest_answer_is_believed() {
    assert_eq!(with_answer(|_, _| {}, read).unwrap(), 64);
}

#[test]
fn more_copied_than_asked_is_refused() {
    for copied in [65, 1 << 40, u64::MAX] {
        assert_eq!(
            reason(with_answer(put(16, copied), read)),
            ResponseError::Field("copied", copied)
        );
    }
}

#[test]
fn success_with_bytes_missing_is_refused() {
    assert_eq!(
        reason(with_answer(put(16, 63), read)),
        ResponseError::Field("copied", 63)
    );
}

#[test]
fn an_answer_to_another_question_is_refused() {
    assert_eq!(
        reason(with_answer(put(24, 65), read)),
        ResponseError::Field("asked", 65)
    );
}

#[test]
fn more_returned_than_there_was_room_for_is_refused() {
    for returned in [0, 55, 56, 119, 121, usize::MAX] {
        let answer = with_answer(move |_, claimed| *claimed = returned, read);
        assert!(
            matches!(reason(answer), ResponseError::Length { returned: found, .. } if found == returned)
        );
    }
}

#[test]
fn an_address_that_stopped_nothing_is_refused() {
    assert_eq!(
        reason(with_answer(put(32, 0x1000), read)),
        ResponseError::Field("address", 0x1000)
    );
}

/// What was copied whole has no hole, nor does a user's page say how far one reaches.
#[test]
fn a_hole_where_nothing_stopped_is_refused() {
    assert_eq!(
        reason(with_answer(put(48, 1), read)),
        ResponseError::Field("hole_length", 1)
    );
}

#[test]
fn f8_a_hole_beyond_the_last_address_is_refused() {
    const HOLE: u64 = 0x9_F000;
    let stopped = |length| {
        with_answer(put(48, length), |device| {
            let mut target = [0; 8];
            device
                .copy_memory(Source::Physical(HOLE - 1), EngineKind::Auto, &mut target)
                .map(|transfer| transfer.hole_length)
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

#[test]
fn versions_and_sizes_of_other_protocols_are_refused() {
    assert_eq!(
        reason(with_answer(put(0, 56 << 32 | 1), read)),
        ResponseError::Version(1)
    );
    assert_eq!(
        reason(with_answer(put(0, 48 << 32 | 2), read)),
        ResponseError::Size(48, 56)
    );
}

proptest! {
    #[test]
    fn no_answer_makes_the_client_panic_or_believe_too_much(
        noise in proptest::collection::vec(any::<u8>(), 56..120),
        keep in proptest::collection::vec(any::<bool>(), 56),
        claimed in prop_oneof![Just(120_usize), Just(56), 0..200_usize, any::<usize>()],
    ) {
        let _ = with_answer(
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
                let _ = device.copy_from(CallerCopy {
                    address: 0x1_0000,
                    length: 64,
                    session_offset: 0,
                    alignment: 1,
                });
                let mut target = [0; 64];
                let _ = device.device_copy(DeviceCopy::From { offset: 0, target: &mut target });
                read(device)
            },
        );
    }
}
