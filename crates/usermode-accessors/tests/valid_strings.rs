//! Lengths and captures of strings on memory that is there.
#![allow(
    clippy::cast_ptr_alignment,
    reason = "a wide string may lie at an odd address, and is never made a reference"
)]

use std::ptr;

use usermode_accessors::{Access, Fault, Mode, NtStatus, UnicodeString, UserPtr, ddi};

mod room;
use room::{Room, UNTOUCHED};

const MODES: [Mode; 2] = [Mode::User, Mode::Kernel];

#[test]
fn lengths_of_narrow_strings() {
    let mut room = Room::new();
    for start in 0..17 {
        for length in 0..70 {
            room.clear();
            room.bytes()[start + length] = 0;
            let string = room.pointer(start).cast::<i8>().cast_const();
            let address = string.expose_provenance();
            for mode in MODES {
                // SAFETY: the string ends inside the room; so below.
                let found = unsafe { ddi::string_length_from_mode(string, mode) };
                assert_eq!(found, Ok(length), "{start} {length} {mode:?}");
                for maximum in 0..75 {
                    // SAFETY: as above.
                    let string = unsafe { UserPtr::<u8>::for_mode(address, mode) };
                    let expected = (length < maximum).then_some(length);
                    assert_eq!(string.string_length_within(maximum), Ok(expected));
                }
            }
            // SAFETY: as above.
            let found = unsafe { ddi::string_length_from_user(string) };
            assert_eq!(found, Ok(length));
        }
    }
}

#[test]
fn lengths_of_wide_strings_at_any_address() {
    let mut room = Room::new();
    for start in 0..17 {
        for length in 0..35 {
            // No character is 0, but each has a zero byte, and pairs of them across characters.
            for pair in [[UNTOUCHED, 0], [0, UNTOUCHED]] {
                room.clear();
                for character in room.bytes()[start..].chunks_exact_mut(2) {
                    character.copy_from_slice(&pair);
                }
                let end = start + 2 * length;
                room.bytes()[end..end + 2].fill(0);
                let string = room.pointer(start).cast::<u16>().cast_const();
                let address = string.expose_provenance();
                for mode in MODES {
                    // SAFETY: the string ends inside the room; so below.
                    let found = unsafe { ddi::wide_string_length_from_mode(string, mode) };
                    assert_eq!(found, Ok(length), "{start} {length} {mode:?}");
                    for maximum in 0..38 {
                        // SAFETY: as above.
                        let string = unsafe { UserPtr::<u16>::for_mode(address, mode) };
                        let expected = (length < maximum).then_some(length);
                        assert_eq!(string.string_length_within(maximum), Ok(expected));
                    }
                }
                // SAFETY: as above.
                let found = unsafe { ddi::wide_string_length_from_user(string) };
                assert_eq!(found, Ok(length));
            }
        }
    }
}

#[test]
fn strings_outside_user_memory_are_refused() {
    for address in [
        0x7FFF_FFFF_0000,
        0x8000_0000_0000,
        0xFFFF_8000_0000_0000,
        usize::MAX - 1,
        usize::MAX,
    ] {
        let refused = Fault {
            status: NtStatus::ACCESS_VIOLATION,
            copied: 0,
            address: Some(address),
            access: Access::Read,
            cause: None,
        };
        // SAFETY: user memory is only read; so below.
        let found = unsafe { ddi::string_length_from_user(ptr::without_provenance(address)) };
        assert_eq!(found, Err(refused));
        // SAFETY: as above.
        let found = unsafe { ddi::wide_string_length_from_user(ptr::without_provenance(address)) };
        assert_eq!(found, Err(refused));
        let bounded = UserPtr::<u8>::new(address).string_length_within(5);
        assert_eq!(bounded, Err(refused));
        let nothing = UserPtr::<u8>::new(address).string_length_within(0);
        assert_eq!(nothing, Ok(None));
    }
    // A character that would reach over the limit is not looked at.
    let found = UserPtr::<u16>::new(0x7FFF_FFFE_FFFF).string_length();
    assert_eq!(found.unwrap_err().copied, 0);
}

/// A descriptor and its characters.
struct Given {
    descriptor: Box<UnicodeString>,
    characters: Box<[u16]>,
}

impl Given {
    fn new(length: u16, maximum_length: u16) -> Self {
        let characters: Box<[u16]> = (0x4100..0x4100 + 40).collect();
        let buffer = characters.as_ptr().expose_provenance();
        let descriptor = Box::new(UnicodeString {
            length,
            maximum_length,
            buffer,
        });
        Self {
            descriptor,
            characters,
        }
    }

    fn address(&self) -> usize {
        (&raw const *self.descriptor).expose_provenance()
    }

    fn capture<'a>(&self, mode: Mode, room: &'a mut [u16]) -> Result<&'a mut [u16], Fault> {
        // SAFETY: descriptor and characters live.
        unsafe { UserPtr::<UnicodeString>::for_mode(self.address(), mode) }.capture(room)
    }

    fn is_refused(&self, status: NtStatus, room: &mut [u16]) {
        let before = room.to_vec();
        let expected = Fault {
            status,
            copied: 0,
            address: Some(self.address()),
            access: Access::Read,
            cause: None,
        };
        for mode in MODES {
            assert_eq!(self.capture(mode, room).err(), Some(expected));
            assert_eq!(room, before);
        }
    }
}

#[test]
fn a_capture_fills_as_much_as_the_string_is_long() {
    for mode in MODES {
        for length in 0..=20 {
            let given = Given::new(2 * length, 2 * length);
            let length = usize::from(length);
            let mut room = [0xEEEE_u16; 20];
            let captured = given.capture(mode, &mut room).unwrap();
            assert_eq!(captured, &given.characters[..length]);
            assert!(room[length..].iter().all(|left| *left == 0xEEEE));
        }
    }
}

#[test]
fn a_capture_refuses_what_no_string_has() {
    let mut room = [0xEEEE_u16; 8];
    Given::new(3, 8).is_refused(NtStatus::INVALID_PARAMETER, &mut room);
    Given::new(0xFFFF, 0xFFFF).is_refused(NtStatus::INVALID_PARAMETER, &mut room);
    Given::new(8, 6).is_refused(NtStatus::INVALID_PARAMETER, &mut room);
    Given::new(18, 18).is_refused(NtStatus::INVALID_BUFFER_SIZE, &mut room);
    Given::new(0xFFFE, 0xFFFF).is_refused(NtStatus::INVALID_BUFFER_SIZE, &mut room);
    Given::new(2, 2).is_refused(NtStatus::INVALID_BUFFER_SIZE, &mut []);
    assert_eq!(
        Given::new(16, 17)
            .capture(Mode::User, &mut room)
            .map(|all| all.len()),
        Ok(8)
    );
}

#[test]
fn a_capture_checks_the_buffer_as_it_checks_the_descriptor() {
    let mut given = Given::new(4, 4);
    given.descriptor.buffer = 0xFFFF_8000_0000_0000;
    let mut room = [7; 4];
    let refused = given.capture(Mode::User, &mut room).unwrap_err();
    assert_eq!(
        (refused.status, refused.copied, refused.address),
        (NtStatus::ACCESS_VIOLATION, 0, Some(0xFFFF_8000_0000_0000))
    );
    assert_eq!(room, [7; 4]);
    // Nothing of it is asked for, so nothing is checked.
    given.descriptor.length = 0;
    assert_eq!(given.capture(Mode::User, &mut room), Ok(&mut [][..]));
    let refused = UserPtr::<UnicodeString>::new(0xFFFF_8000_0000_0000).capture(&mut room);
    assert_eq!(refused.unwrap_err().status, NtStatus::ACCESS_VIOLATION);
}
