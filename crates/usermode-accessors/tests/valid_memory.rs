//! Accesses to memory that is there: the right bytes move, and no others.

use std::slice;

use usermode_accessors::{
    DeviceSlice, Fault, LengthMismatch, Mode, NtStatus, Scalar, UserPtr, UserSlice, VolatileSlice,
    ddi,
};

mod room;
use room::{LARGEST, MISALIGNMENTS, Room, UNTOUCHED, copies};

#[test]
fn copy_from_user() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_from_mode(destination, source, length, Mode::User) }.unwrap();
    });
}

#[test]
fn copy_from_kernel() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_from_mode(destination, source, length, Mode::Kernel) }.unwrap();
    });
}

#[test]
fn copy_to_user() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_to_mode(destination, source, length, Mode::User) }.unwrap();
    });
}

#[test]
fn copy_to_kernel() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_to_mode(destination, source, length, Mode::Kernel) }.unwrap();
    });
}

#[test]
fn copy_volatile() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        let returned = unsafe { ddi::copy_volatile_memory(destination, source, length) };
        assert_eq!(returned, destination);
    });
}

#[test]
fn copy_device() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        let returned = unsafe { ddi::copy_device_memory(destination, source, length) };
        assert_eq!(returned, destination);
    });
}

#[test]
fn read_and_write_user_slices() {
    copies(|destination, source, length| {
        let mut reader = UserSlice::new(source.expose_provenance(), length)
            .reader()
            .unwrap();
        // SAFETY: inside its room, which nobody looks at meanwhile.
        let destination = unsafe { VolatileSlice::from_raw_parts(destination, length) };
        reader.read_volatile(destination).unwrap();
        assert_eq!((reader.position(), reader.remaining()), (length, 0));
    });
    copies(|destination, source, length| {
        let mut writer = UserSlice::new(destination.expose_provenance(), length)
            .writer()
            .unwrap();
        // SAFETY: inside its room, which nobody writes meanwhile.
        writer
            .write(unsafe { slice::from_raw_parts(source, length) })
            .unwrap();
        assert_eq!((writer.position(), writer.remaining()), (length, 0));
    });
}

#[test]
fn fill() {
    let mut room = Room::new();
    for mode in [Mode::User, Mode::Kernel] {
        for start in 0..MISALIGNMENTS {
            for length in 0..=LARGEST {
                room.clear();
                let address = room.address(start);
                // SAFETY: the range is inside the room.
                let slice = unsafe { UserSlice::for_mode(address, length, mode) };
                slice.writer().unwrap().fill(0xA5, length).unwrap();
                let (before, rest) = room.bytes().split_at(start);
                let (filled, after) = rest.split_at(length);
                assert!(filled.iter().all(|byte| *byte == 0xA5), "{start} {length}");
                assert!(before.iter().all(|byte| *byte == UNTOUCHED));
                assert!(after.iter().all(|byte| *byte == UNTOUCHED));
            }
        }
    }
}

/// Reads and writes `value` at every misalignment, in both modes.
fn scalar<T: Scalar + PartialEq + core::fmt::Debug>(value: T, bytes: &[u8]) {
    let mut room = Room::new();
    for mode in [Mode::User, Mode::Kernel] {
        for start in 0..MISALIGNMENTS {
            room.clear();
            let address = room.address(start);
            // SAFETY: the value is inside the room.
            let place = || unsafe { UserPtr::<T>::for_mode(address, mode) };
            place().write(value).unwrap();
            let (before, rest) = room.bytes().split_at(start);
            let (written, after) = rest.split_at(bytes.len());
            assert_eq!(written, bytes);
            assert!(before.iter().all(|byte| *byte == UNTOUCHED));
            assert!(after.iter().all(|byte| *byte == UNTOUCHED));
            assert_eq!(place().read(), Ok(value));
            assert_eq!(place().into_slice().len(), bytes.len());
        }
    }
}

#[test]
fn scalars() {
    scalar(0x81_u8, &[0x81]);
    scalar(-2_i8, &[0xFE]);
    scalar(0x8102_u16, &[0x02, 0x81]);
    scalar(-2_i16, &[0xFE, 0xFF]);
    scalar(0x8102_0304_u32, &[0x04, 0x03, 0x02, 0x81]);
    scalar(-2_i32, &[0xFE, 0xFF, 0xFF, 0xFF]);
    let bytes = [0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x81];
    scalar(0x8102_0304_0506_0708_u64, &bytes);
    scalar(0x8102_0304_0506_0708_usize, &bytes);
    scalar(-2_i64, &(-2_i64).to_le_bytes());
    scalar(-2_isize, &(-2_i64).to_le_bytes());
}

#[test]
fn a_structure_is_read_whole() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Header {
        length: u32,
        flags: u16,
        kind: u16,
        address: u64,
    }
    let given = Box::new(Header {
        length: 16,
        flags: 0x8001,
        kind: 3,
        address: u64::MAX,
    });
    for mode in [Mode::User, Mode::Kernel] {
        let mut read = Header {
            length: 0,
            flags: 0,
            kind: 0,
            address: 0,
        };
        // SAFETY: both are headers, and every pattern of bytes is one.
        unsafe { ddi::read_struct_from_mode_aligned(&raw mut read, &raw const *given, mode, 8) }
            .unwrap();
        assert_eq!(read, *given);
    }
}

#[test]
fn a_reader_goes_on_where_it_was_and_never_past_its_end() {
    let mut room = Room::new();
    room.number();
    let mut reader = UserSlice::new(room.address(0), 10).reader().unwrap();
    let mut piece = [UNTOUCHED; 4];
    reader.read(&mut piece).unwrap();
    assert_eq!(piece, [0, 1, 2, 3]);
    reader.read(&mut piece).unwrap();
    assert_eq!(piece, [4, 5, 6, 7]);
    assert_eq!((reader.position(), reader.remaining()), (8, 2));

    let Fault { status, copied, .. } = reader.read(&mut piece).unwrap_err();
    assert_eq!((status, copied), (NtStatus::INVALID_BUFFER_SIZE, 0));
    assert_eq!(piece, [4, 5, 6, 7]);
    assert_eq!((reader.position(), reader.remaining()), (8, 2));

    reader.read(&mut piece[..2]).unwrap();
    assert_eq!(piece, [8, 9, 6, 7]);
    reader.read(&mut []).unwrap();
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn a_writer_goes_on_where_it_was_and_never_past_its_end() {
    let mut room = Room::new();
    let mut writer = UserSlice::new(room.address(1), 8).writer().unwrap();
    writer.write(&[1, 2, 3]).unwrap();
    let mut shared = [4, 5];
    writer
        .write_volatile(&VolatileSlice::from(&mut shared))
        .unwrap();
    writer.fill(6, 2).unwrap();
    for outcome in [writer.write(&[9, 9]), writer.fill(9, 2)] {
        let Fault { status, copied, .. } = outcome.unwrap_err();
        assert_eq!((status, copied), (NtStatus::INVALID_BUFFER_SIZE, 0));
    }
    assert_eq!((writer.position(), writer.remaining()), (7, 1));
    let expected = [UNTOUCHED, 1, 2, 3, 4, 5, 6, 6, UNTOUCHED];
    assert_eq!(room.bytes()[..9], expected);
}

#[test]
fn one_check_serves_a_reader_and_a_writer() {
    let mut room = Room::new();
    room.number();
    let (mut reader, mut writer) = UserSlice::new(room.address(0), 4)
        .reader_and_writer()
        .unwrap();
    let mut read = [0; 4];
    reader.read(&mut read).unwrap();
    writer.write(&read.map(|byte| byte + 100)).unwrap();
    assert_eq!(room.bytes()[..5], [100, 101, 102, 103, 4]);
}

#[test]
fn volatile_slices_split_and_copy_within_their_bounds() {
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
    let mismatch = LengthMismatch {
        destination: 3,
        source: 2,
    };
    assert_eq!(middle.copy_from_slice(&[9, 9]), Err(mismatch));
    assert_eq!(
        middle.copy_to_slice(&mut out[..2]),
        Err(LengthMismatch {
            destination: 2,
            source: 3
        })
    );
    assert_eq!(NtStatus::from(mismatch), NtStatus::INVALID_BUFFER_SIZE);

    let (mut head, mut tail) = whole.split_at_checked(5).unwrap();
    tail.fill(9);
    assert_eq!(
        head.copy_from_volatile(&tail),
        Err(LengthMismatch {
            destination: 5,
            source: 3
        })
    );
    head.subslice(0, 3)
        .unwrap()
        .copy_from_volatile(&tail)
        .unwrap();
    assert_eq!(memory, [9, 9, 9, 30, 40, 9, 9, 9]);
}

#[test]
fn device_slices_copy_within_their_bounds() {
    let mut memory = [0, 1, 2, 3, 4, 5, 6, 7];
    // SAFETY: the array is used through this value alone until the last assertion.
    let mut device = unsafe { DeviceSlice::from_raw_parts(memory.as_mut_ptr(), 8) };
    let mut out = [UNTOUCHED; 3];
    assert_eq!(
        device.read(6, (&mut out).into()),
        Err(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(
        device.write(usize::MAX, &(&mut out).into()),
        Err(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(out, [UNTOUCHED; 3]);
    device.read(5, (&mut out).into()).unwrap();
    assert_eq!(out, [5, 6, 7]);
    device.write(0, &(&mut out).into()).unwrap();

    assert_eq!(
        device.copy_within(1, 0, 2),
        Err(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(
        device.copy_within(0, 7, 2),
        Err(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(
        device.copy_within(7, 0, 2),
        Err(NtStatus::INVALID_PARAMETER)
    );
    device.copy_within(3, 3, 0).unwrap();
    device.copy_within(3, 0, 3).unwrap();
    assert_eq!((device.len(), device.is_empty()), (8, false));
    assert_eq!(memory, [5, 6, 7, 5, 6, 7, 6, 7]);
}
