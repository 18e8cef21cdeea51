//! Lengths of strings at every position in a block of 16 bytes, with zero bytes before the string
//! and in its characters.

use usermode_accessors::{Mode, UserPtr};

const MODES: [Mode; 2] = [Mode::User, Mode::Kernel];

/// Lets the safe types work in this process.
fn allow_here() {
    // SAFETY: the tests only read.
    unsafe { usermode_accessors::allow_in_user_mode() };
}

#[test]
fn the_end_of_a_string_is_found_at_every_position_in_a_block() {
    allow_here();
    for start in 0..16 {
        for length in (0..80).chain([300, 5000]) {
            let mut bytes = vec![0x41_u8; start + length + 40];
            bytes[..start].fill(0);
            bytes[start + length] = 0;
            let at = bytes[start..].as_ptr().expose_provenance();
            // SAFETY: the string is complete.
            let string = |mode| unsafe { UserPtr::<u8>::for_mode(at, mode) };
            for mode in MODES {
                assert_eq!(string(mode).string_length(), Ok(length));
                let within = |maximum| string(mode).string_length_within(maximum);
                assert_eq!(within(length), Ok(None));
                assert_eq!(within(length + 1), Ok(Some(length)));
            }
        }
    }
}

#[test]
fn a_wide_string_does_not_end_at_characters_that_have_one_zero_byte() {
    allow_here();
    // The zero is the low byte of each character, the high byte, or each in turn: then two zero
    // bytes of different characters are adjacent.
    let zero_at: [fn(usize) -> usize; 3] = [|_| 0, |_| 1, |character| character % 2];
    for zero_at in zero_at {
        for start in 0..17 {
            for length in (0..80).chain([300, 5000]) {
                let mut bytes = vec![0x41_u8; start + 2 * length + 40];
                bytes[..start].fill(0);
                for (character, bytes) in bytes[start..].chunks_exact_mut(2).enumerate() {
                    bytes[zero_at(character)] = 0;
                }
                bytes[start + 2 * length..][..2].fill(0);
                let at = bytes[start..].as_ptr().expose_provenance();
                // SAFETY: the string is complete.
                let string = |mode| unsafe { UserPtr::<u16>::for_mode(at, mode) };
                for mode in MODES {
                    assert_eq!(string(mode).string_length(), Ok(length), "{start} {length}");
                    let within = |maximum| string(mode).string_length_within(maximum);
                    assert_eq!(within(length), Ok(None));
                    assert_eq!(within(length + 1), Ok(Some(length)));
                }
            }
        }
    }
}
