//! Copies, moves, fills and searches of lengths at which they change their ways: long ones, that go
//! in blocks or by a string instruction. Every byte around is looked at.

use usermode_accessors::{UserPtr, ddi};

mod room;
use room::UNTOUCHED;

/// Lengths on both sides of where an implementation may change, up to several pages.
fn lengths() -> impl Iterator<Item = usize> {
    [256, 320, 512, 768, 1024, 1536, 2048, 4096, 8192]
        .into_iter()
        .flat_map(|length: usize| length - 3..=length + 3)
        .chain([20_000])
}

const ALL: usize = 20_000 + 64;
const SHIFTS: [usize; 5] = [0, 1, 8, 15, 31];

fn pattern() -> Vec<u8> {
    (0..=250_u8).cycle().take(ALL).collect()
}

#[test]
fn long_copies_move_every_byte_and_no_other() {
    type Copy = unsafe fn(*mut u8, *const u8, usize);
    let each: [Copy; 6] = [
        // SAFETY: as long as the test says; so below.
        |to, from, length| unsafe { ddi::copy_from_user(to, from, length) }.unwrap(),
        // SAFETY: as above.
        |to, from, length| unsafe { ddi::copy_to_user(to, from, length) }.unwrap(),
        // SAFETY: as above.
        |to, from, length| unsafe { ddi::copy_to_user_nontemporal(to, from, length) }.unwrap(),
        // SAFETY: as above.
        |to, from, length| unsafe { ddi::move_to_user_from_user(to, from, length) }.unwrap(),
        |to, from, length| {
            // SAFETY: as above.
            unsafe { ddi::copy_volatile_memory(to, from, length) };
        },
        |to, from, length| {
            // SAFETY: as above.
            unsafe { ddi::move_volatile_memory(to, from, length) };
        },
    ];
    let source = pattern();
    for copy in each {
        for length in lengths() {
            for from in SHIFTS {
                for to in SHIFTS {
                    let mut target = vec![UNTOUCHED; ALL];
                    let pointer = target[to..].as_mut_ptr();
                    // SAFETY: both sides have room for the shift and the length.
                    unsafe { copy(pointer, source[from..].as_ptr(), length) };
                    let (before, rest) = target.split_at(to);
                    let (moved, after) = rest.split_at(length);
                    assert_eq!(moved, &source[from..from + length], "{length} {from} {to}");
                    assert!(before.iter().chain(after).all(|byte| *byte == UNTOUCHED));
                }
            }
        }
    }
}

#[test]
fn long_moves_keep_what_overlaps() {
    type Move = unsafe fn(*mut u8, *const u8, usize);
    let each: [Move; 2] = [
        // SAFETY: as long as the test says; so below.
        |to, from, length| unsafe { ddi::move_to_user_from_user(to, from, length) }.unwrap(),
        |to, from, length| {
            // SAFETY: as above.
            unsafe { ddi::move_volatile_memory(to, from, length) };
        },
    ];
    for move_bytes in each {
        for length in lengths().chain(33..150) {
            for distance in [1, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65] {
                for (to, from) in [(0, distance), (distance, 0)] {
                    let mut bytes = pattern();
                    bytes.resize(ALL + 64, UNTOUCHED);
                    let mut expected = bytes.clone();
                    expected.copy_within(from..from + length, to);
                    let start = bytes.as_mut_ptr();
                    // SAFETY: both ranges are inside.
                    unsafe { move_bytes(start.wrapping_add(to), start.wrapping_add(from), length) };
                    assert!(bytes == expected, "{length} {from} {to}");
                }
            }
        }
    }
}

#[test]
fn long_fills_set_every_byte_and_no_other() {
    for length in lengths() {
        for start in SHIFTS {
            let mut target = vec![UNTOUCHED; ALL];
            let pointer = target[start..].as_mut_ptr();
            // SAFETY: there is room for both; so below.
            unsafe { ddi::fill_user_memory(pointer, length, 0x5A) }.unwrap();
            let filled = |target: &[u8], byte| {
                let inside = &target[start..start + length];
                let outside = target[..start].iter().chain(&target[start + length..]);
                inside.iter().all(|at| *at == byte) && outside.copied().all(|at| at == UNTOUCHED)
            };
            assert!(filled(&target, 0x5A), "{length} {start}");
            // SAFETY: as above.
            unsafe { ddi::fill_volatile_memory(pointer, length, 0xA5) };
            assert!(filled(&target, 0xA5), "{length} {start}");
        }
    }
}

#[test]
fn the_end_of_a_string_is_found_in_every_place_of_a_block() {
    for start in 0..16 {
        for length in (0..80).chain([300, 5000]) {
            let mut bytes = vec![0x41_u8; start + length + 40];
            // What stands before the string does not end it, nor does half of a wide zero.
            bytes[..start].fill(0);
            bytes[start + length] = 0;
            let at = bytes[start..].as_ptr().expose_provenance();
            assert_eq!(UserPtr::<u8>::new(at).string_length(), Ok(length));
            let within = |maximum| UserPtr::<u8>::new(at).string_length_within(maximum);
            assert_eq!(within(length), Ok(None));
            assert_eq!(within(length + 1), Ok(Some(length)));

            let mut bytes = vec![0x41_u8; start + 2 * length + 40];
            bytes[..start].fill(0);
            for (place, half) in bytes[start..].chunks_mut(2).enumerate() {
                half[place % 2] = 0;
            }
            bytes[start + 2 * length..start + 2 * length + 2].fill(0);
            let at = bytes[start..].as_ptr().expose_provenance();
            assert_eq!(UserPtr::<u16>::new(at).string_length(), Ok(length));
            let within = |maximum| UserPtr::<u16>::new(at).string_length_within(maximum);
            assert_eq!(within(length), Ok(None));
            assert_eq!(within(length + 1), Ok(Some(length)));
            // SAFETY: the string is all there.
            let kernel = unsafe {
                ddi::wide_string_length_from_mode(
                    bytes[start..].as_ptr().cast(),
                    usermode_accessors::Mode::Kernel,
                )
            };
            assert_eq!(kernel, Ok(length));
        }
    }
}
