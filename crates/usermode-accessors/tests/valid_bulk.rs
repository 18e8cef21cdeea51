//! Fills, structures, and copies of the unusual kinds, on memory that is there: the right bytes
//! move, and no others.
#![allow(
    clippy::cast_ptr_alignment,
    reason = "what a caller names may lie anywhere, and is never made a reference"
)]

use usermode_accessors::{
    Access, DeviceSlice, Fault, Mode, NtStatus, UnicodeString, UserSlice, VolatileSlice, ddi,
    moves_backward, overlaps,
};

mod room;
use room::{LARGEST, MISALIGNMENTS, Room, UNTOUCHED, copies};

const MODES: [Mode; 2] = [Mode::User, Mode::Kernel];

#[test]
fn copies_for_user_memory() {
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_from_user(destination, source, length) }.unwrap();
    });
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_from_user_aligned(destination, source, length, 1) }.unwrap();
    });
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_to_user(destination, source, length) }.unwrap();
    });
}

#[test]
fn copies_around_the_cache() {
    for mode in MODES {
        copies(|destination, source, length| {
            // SAFETY: both ranges are inside their rooms.
            unsafe { ddi::copy_from_mode_nontemporal(destination, source, length, mode) }.unwrap();
        });
        copies(|destination, source, length| {
            // SAFETY: both ranges are inside their rooms.
            unsafe { ddi::copy_to_mode_nontemporal(destination, source, length, mode) }.unwrap();
        });
    }
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_from_user_nontemporal(destination, source, length) }.unwrap();
    });
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_to_user_nontemporal(destination, source, length) }.unwrap();
    });
}

#[test]
fn copies_from_user_memory_to_user_memory() {
    for mode in MODES {
        copies(|destination, source, length| {
            // SAFETY: both ranges are inside their rooms.
            unsafe { ddi::copy_from_user_to_mode(destination, source, length, mode) }.unwrap();
        });
    }
    copies(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::copy_to_user_from_user(destination, source, length) }.unwrap();
    });
    copies(|destination, source, length| {
        let slice = |pointer: *const u8| UserSlice::new(pointer.expose_provenance(), length);
        let mut reader = slice(source).reader().unwrap();
        let mut writer = slice(destination).writer().unwrap();
        let first = length / 3;
        writer.write_from(&mut reader, first).unwrap();
        writer.write_from(&mut reader, length - first).unwrap();
        assert_eq!((reader.remaining(), writer.remaining()), (0, 0));
        let refused = writer.write_from(&mut reader, 1).unwrap_err();
        assert_eq!(refused.status, NtStatus::INVALID_BUFFER_SIZE);
    });
}

#[test]
fn both_sides_of_a_copy_between_callers_are_checked() {
    type Copy = unsafe fn(*mut u8, *const u8, usize) -> Result<(), Fault>;
    let mut room = Room::new();
    let own = room.pointer(0);
    // Non-canonical addresses: a processor that met one could not tell which it was.
    for address in [0x8000_0000_0000, 0x8000_0000_0000_0000] {
        let other = std::ptr::without_provenance_mut::<u8>(address);
        let refused = |access| {
            Err(Fault {
                status: NtStatus::ACCESS_VIOLATION,
                copied: 0,
                address: Some(address),
                access,
                cause: None,
            })
        };
        let each: [Copy; 2] = [ddi::copy_to_user_from_user, ddi::move_to_user_from_user];
        for copy in each {
            // SAFETY: refused; so below.
            assert_eq!(unsafe { copy(other, own, 8) }, refused(Access::Write));
            // SAFETY: as above.
            assert_eq!(unsafe { copy(own, other, 8) }, refused(Access::Read));
        }
        // SAFETY: as above.
        let outcome = unsafe { ddi::copy_to_user_nontemporal(other, own, 8) };
        assert_eq!(outcome, refused(Access::Write));
        // SAFETY: as above.
        let outcome = unsafe { ddi::copy_from_user_to_mode(own, other, 8, Mode::Kernel) };
        assert_eq!(outcome, refused(Access::Read));
        // SAFETY: as above.
        let outcome = unsafe { ddi::zero_user_memory(other, 8) };
        assert_eq!(outcome, refused(Access::Write));
    }
    assert!(room.bytes().iter().all(|byte| *byte == UNTOUCHED));
}

#[test]
fn a_copy_between_cursors_needs_room_on_both_sides() {
    let mut room = Room::new();
    room.number();
    let mut reader = UserSlice::new(room.address(0), 4).reader().unwrap();
    let mut writer = UserSlice::new(room.address(16), 8).writer().unwrap();
    let refused = writer.write_from(&mut reader, 5).unwrap_err();
    assert_eq!(refused.status, NtStatus::INVALID_BUFFER_SIZE);
    let mut writer_of_2 = UserSlice::new(room.address(16), 2).writer().unwrap();
    let refused = writer_of_2.write_from(&mut reader, 3).unwrap_err();
    assert_eq!(refused.status, NtStatus::INVALID_BUFFER_SIZE);
    assert_eq!((reader.position(), writer_of_2.position()), (0, 0));
    writer.write_from(&mut reader, 3).unwrap();
    assert_eq!((reader.remaining(), writer.remaining()), (1, 5));
    assert_eq!(room.bytes()[16..20], [0, 1, 2, 19]);
}

/// Moves ranges of one room over one another in every way.
fn moves(move_bytes: impl Fn(*mut u8, *const u8, usize)) {
    const SPAN: usize = 40;
    copies(&move_bytes);
    let mut room = Room::new();
    for source in 0..SPAN {
        for destination in 0..SPAN {
            for length in 0..SPAN {
                room.number();
                let mut expected = room.bytes().to_vec();
                expected.copy_within(source..source + length, destination);
                let start = room.pointer(0);
                move_bytes(
                    start.wrapping_add(destination),
                    start.wrapping_add(source),
                    length,
                );
                assert_eq!(room.bytes(), expected, "{source} {destination} {length}");
            }
        }
    }
}

#[test]
fn moves_of_overlapping_ranges() {
    moves(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        unsafe { ddi::move_to_user_from_user(destination, source, length) }.unwrap();
    });
    moves(|destination, source, length| {
        // SAFETY: both ranges are inside their rooms.
        let returned = unsafe { ddi::move_volatile_memory(destination, source, length) };
        assert_eq!(returned, destination);
    });
    for (from, to) in [
        (Mode::User, Mode::User),
        (Mode::User, Mode::Kernel),
        (Mode::Kernel, Mode::User),
        (Mode::Kernel, Mode::Kernel),
    ] {
        moves(|destination, source, length| {
            let (destination, source) =
                (destination.expose_provenance(), source.expose_provenance());
            // SAFETY: inside its room.
            let destination = unsafe { UserSlice::for_mode(destination, length, to) };
            // SAFETY: as above.
            let source = unsafe { UserSlice::for_mode(source, length, from) };
            source.move_to(destination).unwrap();
        });
    }
}

#[test]
fn a_move_needs_equal_lengths() {
    let mut room = Room::new();
    room.number();
    let (source, destination) = (room.address(0), room.address(8));
    let refused = UserSlice::new(source, 4)
        .move_to(UserSlice::new(destination, 5))
        .unwrap_err();
    assert_eq!(refused.status, NtStatus::INVALID_BUFFER_SIZE);
    assert_eq!(room.bytes()[8], 8);
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

/// Runs `fill(destination, length)` over lengths and misalignments.
fn fills(byte: u8, fill: impl Fn(*mut u8, usize)) {
    let mut room = Room::new();
    for start in 0..MISALIGNMENTS {
        for length in 0..=LARGEST {
            room.clear();
            fill(room.pointer(start), length);
            let (before, rest) = room.bytes().split_at(start);
            let (filled, after) = rest.split_at(length);
            assert!(filled.iter().all(|at| *at == byte), "{start} {length}");
            assert!(before.iter().all(|at| *at == UNTOUCHED), "{start} {length}");
            assert!(after.iter().all(|at| *at == UNTOUCHED), "{start} {length}");
        }
    }
}

/// A call as a closure of the two names before it.
macro_rules! with {
    ($a:ident, $b:ident => $call:expr) => {
        |$a, $b| {
            // SAFETY: each test that uses this passes memory of its own, as long as it says.
            unsafe { $call }
        }
    };
}

#[test]
fn fills_for_a_caller() {
    type Fill = fn(*mut u8, usize) -> Result<(), Fault>;
    let each: [(u8, Fill); 9] = [
        (
            0xA5,
            with!(at, length => ddi::fill_mode_memory(at, length, 0xA5, Mode::User)),
        ),
        (
            0xA5,
            with!(at, length => ddi::fill_mode_memory(at, length, 0xA5, Mode::Kernel)),
        ),
        (
            0xA5,
            with!(at, length => ddi::set_mode_memory(at, 0xA5, length, Mode::User)),
        ),
        (
            0xA5,
            with!(at, length => ddi::set_mode_memory(at, 0xA5, length, Mode::Kernel)),
        ),
        (
            0,
            with!(at, length => ddi::zero_mode_memory(at, length, Mode::User)),
        ),
        (
            0,
            with!(at, length => ddi::zero_mode_memory(at, length, Mode::Kernel)),
        ),
        (
            0xA5,
            with!(at, length => ddi::fill_user_memory(at, length, 0xA5)),
        ),
        (
            0xA5,
            with!(at, length => ddi::set_user_memory(at, 0xA5, length)),
        ),
        (0, with!(at, length => ddi::zero_user_memory(at, length))),
    ];
    for (byte, fill) in each {
        fills(byte, |at, length| fill(at, length).unwrap());
    }
}

#[test]
fn fills_of_volatile_and_device_memory() {
    type Fill = fn(*mut u8, usize) -> *mut u8;
    let each: [(u8, Fill); 6] = [
        (
            0xA5,
            with!(at, length => ddi::fill_volatile_memory(at, length, 0xA5)),
        ),
        (
            0xA5,
            with!(at, length => ddi::set_volatile_memory(at, 0xA5, length)),
        ),
        (
            0xA5,
            with!(at, length => ddi::fill_device_memory(at, length, 0xA5)),
        ),
        (
            0,
            with!(at, length => ddi::zero_volatile_memory(at, length)),
        ),
        (0, with!(at, length => ddi::secure_zero_memory2(at, length))),
        (0, with!(at, length => ddi::zero_device_memory(at, length))),
    ];
    for (byte, fill) in each {
        fills(byte, |at, length| assert_eq!(fill(at, length), at));
    }
}

#[test]
fn comparisons_of_device_memory() {
    for one in 0..9 {
        for other in 0..9 {
            for length in 0..40 {
                for differs in 0..=length {
                    let (mut left, mut right) = (Room::new(), Room::new());
                    left.bytes()[one..one + length].fill(7);
                    right.bytes()[other..other + length].fill(7);
                    // Beyond the range they differ anyhow.
                    right.bytes()[other + differs] ^= 0x80;
                    let (a, b) = (left.pointer(one), right.pointer(other));
                    // SAFETY: both ranges are inside their rooms.
                    let count = unsafe { ddi::compare_device_memory(a, b, length) };
                    assert_eq!(count, differs, "{one} {other} {length}");
                    // SAFETY: as above.
                    let equal = unsafe { ddi::equal_device_memory(a, b, length) };
                    assert_eq!(equal, differs == length, "{one} {other} {length}");
                }
            }
        }
    }
}

#[test]
fn device_slices_fill_and_compare_within_their_bounds() {
    let mut memory = [0, 1, 2, 3, 4, 5, 6, 7];
    // SAFETY: the array is used through this value alone until the last assertion.
    let mut device = unsafe { DeviceSlice::from_raw_parts(memory.as_mut_ptr(), 8) };
    assert_eq!(device.fill(7, 2, 9), Err(NtStatus::INVALID_PARAMETER));
    assert_eq!(device.fill(9, 0, 9), Err(NtStatus::INVALID_PARAMETER));
    device.fill(2, 3, 9).unwrap();
    let mut expected = [9, 9, 9, 6, 6];
    let expected = VolatileSlice::from(&mut expected);
    assert_eq!(device.compare(2, &expected), Ok(3));
    assert_eq!(
        device.compare(4, &expected),
        Err(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(memory, [0, 1, 9, 9, 9, 5, 6, 7]);
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Header {
    length: u32,
    flags: u16,
    kind: u16,
    address: u64,
}

const HEADER: Header = Header {
    length: 16,
    flags: 0x8001,
    kind: 3,
    address: u64::MAX,
};

#[test]
fn structures_are_moved_whole() {
    type Move = fn(*mut Header, *const Header) -> Result<(), Fault>;
    let given = Box::new(HEADER);
    let each: [Move; 14] = [
        with!(to, from => ddi::read_struct_from_mode(to, from, Mode::User)),
        with!(to, from => ddi::read_struct_from_mode(to, from, Mode::Kernel)),
        with!(to, from => ddi::read_struct_from_mode_aligned(to, from, Mode::User, 8)),
        with!(to, from => ddi::read_struct_from_user(to, from)),
        with!(to, from => ddi::read_struct_from_user_aligned(to, from, 8)),
        with!(to, from => ddi::read_struct_from_user_helper(to.cast(), from.cast(), 16)),
        with!(to, from => ddi::read_struct_from_mode_helper(to.cast(), from.cast(), 16, Mode::User)),
        with!(to, from => ddi::write_struct_to_mode(to, from, Mode::User)),
        with!(to, from => ddi::write_struct_to_mode(to, from, Mode::Kernel)),
        with!(to, from => ddi::write_struct_to_mode_aligned(to, from, Mode::User, 8)),
        with!(to, from => ddi::write_struct_to_user(to, from)),
        with!(to, from => ddi::write_struct_to_user_aligned(to, from, 8)),
        with!(to, from => ddi::write_struct_to_user_helper(to.cast(), from.cast(), 16)),
        with!(to, from => ddi::write_struct_to_mode_helper(to.cast(), from.cast(), 16, Mode::User)),
    ];
    for (place, each) in each.into_iter().enumerate() {
        let mut moved = Box::new(Header::default());
        each(&raw mut *moved, &raw const *given).unwrap();
        assert_eq!(*moved, HEADER, "{place}");
    }
}

#[test]
fn aligned_forms_look_at_the_caller_s_side_in_user_mode_only() {
    let mut room = Room::new();
    let odd = room.pointer(1).cast::<Header>();
    let mut own = HEADER;
    let own = &raw mut own;
    let status = |outcome: Result<(), Fault>| outcome.unwrap_err().status;
    let misaligned = NtStatus::DATATYPE_MISALIGNMENT;
    // SAFETY: both places hold a header; so below.
    let outcome = unsafe { ddi::read_struct_from_user_aligned(own, odd, 2) };
    assert_eq!(status(outcome), misaligned);
    // SAFETY: as above.
    let outcome = unsafe { ddi::copy_from_user_aligned(own.cast(), odd.cast(), 4, 2) };
    assert_eq!(status(outcome), misaligned);
    // SAFETY: as above.
    let outcome = unsafe { ddi::write_struct_to_user_aligned(odd, own, 2) };
    assert_eq!(status(outcome), misaligned);
    // SAFETY: as above.
    let outcome = unsafe { ddi::write_struct_to_mode_aligned(odd, own, Mode::User, 3) };
    assert_eq!(status(outcome), NtStatus::INVALID_PARAMETER);
    assert!(room.bytes().iter().all(|byte| *byte == UNTOUCHED));
    // SAFETY: as above.
    let outcome = unsafe { ddi::write_struct_to_mode_aligned(odd, own, Mode::Kernel, 8) };
    assert_eq!(outcome, Ok(()));
    // SAFETY: as above; a misaligned destination is nobody's business.
    let outcome = unsafe { ddi::copy_from_user_aligned(odd.cast(), own.cast(), 16, 8) };
    assert_eq!(outcome, Ok(()));
}

#[test]
fn descriptors_are_moved_by_value() {
    let value = UnicodeString {
        length: 0x0102,
        maximum_length: 0x0304,
        buffer: 0x1112_1314_1516_1718,
    };
    let bytes = [
        2, 1, 4, 3, 0, 0, 0, 0, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
    ];
    let mut room = Room::new();
    for start in 0..9 {
        for mode in MODES {
            room.clear();
            let place = room.pointer(start).cast();
            // SAFETY: the place is inside the room; so below.
            unsafe { ddi::write_unicode_string_to_mode(place, value, mode) }.unwrap();
            // SAFETY: as above.
            let read = unsafe { ddi::read_unicode_string_from_mode(place, mode) };
            assert_eq!(read, Ok(value));
            assert_eq!(room.bytes()[start..start + 16], bytes);
            assert_eq!(room.bytes()[start + 16], UNTOUCHED);
        }
    }
    room.clear();
    let place = room.pointer(3).cast();
    // SAFETY: as above.
    unsafe { ddi::write_unicode_string_to_user(place, value) }.unwrap();
    // SAFETY: as above.
    let read = unsafe { ddi::read_unicode_string_from_user(place) };
    assert_eq!(read, Ok(value));
}

#[test]
fn a_slice_of_nothing_is_moved_wherever_it_is() {
    for address in [0, usize::MAX, 0xFFFF_8000_0000_0000] {
        let nothing = || UserSlice::new(address, 0);
        nothing().move_to(nothing()).unwrap();
        let at = std::ptr::without_provenance_mut::<u8>(address);
        // SAFETY: no byte is touched; so below.
        unsafe { ddi::copy_to_user_from_user(at, at, 0) }.unwrap();
        // SAFETY: as above.
        unsafe { ddi::fill_user_memory(at, 0, 1) }.unwrap();
        // SAFETY: as above.
        unsafe { ddi::copy_to_user_nontemporal(at, at, 0) }.unwrap();
    }
}
