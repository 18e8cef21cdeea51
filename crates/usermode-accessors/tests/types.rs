//! The safe types: positions, bounds, and lengths. The matrix of accessors tests what the accesses
//! move.

use usermode_accessors::{
    DeviceSlice, Fault, LengthMismatch, NtStatus, UserSlice, VolatileSlice, moves_backward,
    overlaps,
};

const UNTOUCHED: u8 = 0xEE;

fn slice(bytes: &mut [u8]) -> UserSlice {
    // SAFETY: each test uses the array only after the access.
    unsafe { usermode_accessors::allow_in_user_mode() };
    UserSlice::new(bytes.as_mut_ptr().expose_provenance(), bytes.len())
}

#[track_caller]
fn is_too_long(result: Result<(), Fault>) {
    let Fault { status, copied, .. } = result.unwrap_err();
    assert_eq!((status, copied), (NtStatus::INVALID_BUFFER_SIZE, 0));
}

#[test]
fn a_reader_continues_at_its_position_and_never_passes_its_end() {
    let mut memory = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, UNTOUCHED];
    let mut reader = slice(&mut memory[..10]).reader().unwrap();
    let mut piece = [UNTOUCHED; 4];
    reader.read(&mut piece).unwrap();
    assert_eq!(piece, [0, 1, 2, 3]);
    reader.read(&mut piece).unwrap();
    assert_eq!(piece, [4, 5, 6, 7]);
    assert_eq!((reader.position(), reader.remaining()), (8, 2));

    is_too_long(reader.read(&mut piece));
    assert_eq!(piece, [4, 5, 6, 7]);
    assert_eq!((reader.position(), reader.remaining()), (8, 2));

    reader.read(&mut piece[..2]).unwrap();
    assert_eq!(piece, [8, 9, 6, 7]);
    reader.read(&mut []).unwrap();
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn a_writer_continues_at_its_position_and_never_passes_its_end() {
    let mut memory = [UNTOUCHED; 10];
    let mut writer = slice(&mut memory[1..9]).writer().unwrap();
    writer.write(&[1, 2, 3]).unwrap();
    let mut shared = [4, 5];
    writer
        .write_volatile(&VolatileSlice::from(&mut shared))
        .unwrap();
    writer.fill(6, 2).unwrap();
    is_too_long(writer.write(&[9, 9]));
    is_too_long(writer.fill(9, 2));
    assert_eq!((writer.position(), writer.remaining()), (7, 1));
    let expected = [UNTOUCHED, 1, 2, 3, 4, 5, 6, 6, UNTOUCHED, UNTOUCHED];
    assert_eq!(memory, expected);
}

#[test]
fn a_slice_is_split_into_a_reader_and_a_writer() {
    let mut memory = [0, 1, 2, 3, 4];
    let (mut reader, mut writer) = slice(&mut memory[..4]).reader_and_writer().unwrap();
    let mut read = [0; 4];
    reader.read(&mut read).unwrap();
    writer.write(&read.map(|byte| byte + 100)).unwrap();
    assert_eq!(memory, [100, 101, 102, 103, 4]);
}

#[test]
fn a_copy_between_a_reader_and_a_writer_must_fit_both() {
    let (mut from, mut to) = ([0, 1, 2, 3], [UNTOUCHED; 8]);
    let mut reader = slice(&mut from).reader().unwrap();
    let mut writer = slice(&mut to).writer().unwrap();
    let mut short = slice(&mut [0; 2]).writer().unwrap();
    is_too_long(writer.write_from(&mut reader, 5));
    is_too_long(short.write_from(&mut reader, 3));
    assert_eq!((reader.position(), short.position()), (0, 0));
    writer.write_from(&mut reader, 3).unwrap();
    assert_eq!((reader.remaining(), writer.remaining()), (1, 5));
    assert_eq!(to[..4], [0, 1, 2, UNTOUCHED]);
}

#[test]
fn a_move_needs_equal_lengths() {
    let (mut from, mut to) = ([1; 4], [UNTOUCHED; 5]);
    is_too_long(slice(&mut from).move_to(slice(&mut to)));
    assert_eq!(to, [UNTOUCHED; 5]);
}

#[test]
fn a_move_runs_backward_only_where_forward_would_lose_bytes() {
    for destination in 0..12_usize {
        for source in 0..12_usize {
            for length in 0..6_usize {
                let expected = overlaps(destination, source, length) && destination > source;
                assert_eq!(moves_backward(destination, source, length), expected);
            }
        }
    }
}

#[test]
fn volatile_slices_split_and_copy_within_their_bounds() {
    let mismatch = |destination, source| {
        Err(LengthMismatch {
            destination,
            source,
        })
    };
    let mut memory = [0, 1, 2, 3, 4, 5, 6, 7];
    let mut whole = VolatileSlice::from(&mut memory);
    assert_eq!(whole.len(), 8);
    assert!(whole.reborrow().subslice(0, 9).is_none());
    assert!(whole.reborrow().subslice(9, 0).is_none());
    assert!(whole.reborrow().subslice(1, usize::MAX).is_none());
    assert!(whole.reborrow().subslice(8, 0).unwrap().is_empty());
    assert!(whole.reborrow().split_at_checked(9).is_none());

    let mut middle = whole.reborrow().subslice(2, 3).unwrap();
    let mut out = [0; 3];
    middle.copy_to_slice(&mut out).unwrap();
    assert_eq!(out, [2, 3, 4]);
    middle.copy_from_slice(&[20, 30, 40]).unwrap();
    assert_eq!(middle.copy_from_slice(&[9, 9]), mismatch(3, 2));
    assert_eq!(middle.copy_to_slice(&mut out[..2]), mismatch(2, 3));
    let status = mismatch(3, 2).map_err(NtStatus::from);
    assert_eq!(status, Err(NtStatus::INVALID_BUFFER_SIZE));

    let (mut head, mut tail) = whole.split_at_checked(5).unwrap();
    tail.fill(9);
    assert_eq!(head.copy_from_volatile(&tail), mismatch(5, 3));
    let mut start = head.subslice(0, 3).unwrap();
    start.copy_from_volatile(&tail).unwrap();
    assert_eq!(memory, [9, 9, 9, 30, 40, 9, 9, 9]);
}

#[test]
fn device_slices_access_only_their_range() {
    const OUTSIDE: NtStatus = NtStatus::INVALID_PARAMETER;
    let mut memory = [0, 1, 2, 3, 4, 5, 6, 7];
    // SAFETY: only this value accesses the array until the last assertion.
    let mut device = unsafe { DeviceSlice::from_raw_parts(memory.as_mut_ptr(), 8) };
    assert_eq!((device.len(), device.is_empty()), (8, false));
    let mut out = [UNTOUCHED; 3];
    assert_eq!(device.read(6, (&mut out).into()), Err(OUTSIDE));
    assert_eq!(device.write(usize::MAX, &(&mut out).into()), Err(OUTSIDE));
    assert_eq!(out, [UNTOUCHED; 3]);
    device.read(5, (&mut out).into()).unwrap();
    assert_eq!(out, [5, 6, 7]);
    device.write(0, &(&mut out).into()).unwrap();

    for (destination, source, length) in [(1, 0, 2), (0, 7, 2), (7, 0, 2)] {
        let result = device.copy_within(destination, source, length);
        assert_eq!(result, Err(OUTSIDE));
    }
    device.copy_within(3, 3, 0).unwrap();
    device.copy_within(3, 0, 3).unwrap();

    assert_eq!(device.fill(7, 2, 9), Err(OUTSIDE));
    assert_eq!(device.fill(9, 0, 9), Err(OUTSIDE));
    device.fill(6, 2, 9).unwrap();
    let mut expected = [6, 7, 9, 8];
    let expected = VolatileSlice::from(&mut expected);
    assert_eq!(device.compare(4, &expected), Ok(3));
    assert_eq!(device.compare(5, &expected), Err(OUTSIDE));
    assert_eq!(memory, [5, 6, 7, 5, 6, 7, 9, 9]);
}
