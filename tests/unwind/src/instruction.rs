//! Decodes what the checks need of an instruction.

use crate::codes::Code;

/// The number of the stack pointer as a base register.
pub const SP: u32 = 31;

const RETURN: u32 = 0xD65F_03C0;
const NO_OPERATION: u32 = 0xD503_201F;
const MOVE_FP_SP: u32 = 0x9100_03FD;
/// `CSDB`
const SPECULATION_BARRIER: u32 = 0xD503_229F;
/// The register with the user limit.
const LIMIT: u32 = 9;
/// The register with the distance from an address to the user limit.
const DISTANCE: u32 = 10;

const fn field(word: u32, lowest: u32, bits: u32) -> u32 {
    word >> lowest & ((1 << bits) - 1)
}

/// Returns the base register of an instruction that accesses memory.
#[must_use]
pub const fn base(word: u32) -> Option<u32> {
    // "Loads and Stores" of the top-level table: bit 27 set, bit 25 clear.
    if word & 0x0A00_0000 != 0x0800_0000 {
        return None;
    }
    Some(field(word, 5, 5))
}

/// Returns whether it calls through a register.
#[must_use]
pub const fn is_indirect_call(word: u32) -> bool {
    word & 0xFFFF_FC1F == 0xD63F_0000
}

/// Returns whether it may branch, call or return.
#[must_use]
pub const fn is_branch(word: u32) -> bool {
    // "Branches, Exception Generating and System instructions", without the last.
    word & 0x1C00_0000 == 0x1400_0000 && word & 0xFF00_0000 != 0xD500_0000
}

/// Returns whether it keeps the processor from predicting the results of earlier selections.
#[must_use]
pub const fn is_speculation_barrier(word: u32) -> bool {
    word == SPECULATION_BARRIER
}

/// Returns the register that an instruction clamps, if `cmp register, most` and `csel register, most,
/// register, hi` are the last two instructions, and `most` is X9 for an address or X10 for a length.
#[must_use]
pub fn clamped([_, comparison]: [u32; 2], selection: u32) -> Option<u32> {
    let register = field(selection, 0, 5);
    let most = if register == 3 { DISTANCE } else { LIMIT };
    let is_selection = selection == 0x9A80_8000 | register << 16 | most << 5 | register;
    let is_comparison = comparison == 0xEB00_001F | most << 16 | register << 5;
    (is_selection && is_comparison).then_some(register)
}

/// Returns whether the first two instructions that have X9 load it from a variable.
#[must_use]
pub fn loads_limit(code: &[u32]) -> bool {
    let is_page_of = |word: u32| word & 0x9F00_001F == 0x9000_0000 | LIMIT;
    let is_load = |word: u32| word & 0xFFC0_03FF == 0xF940_0000 | LIMIT << 5 | LIMIT;
    let Some(page) = code.iter().position(|word| is_page_of(*word)) else {
        return false;
    };
    code.get(page + 1).is_some_and(|word| is_load(*word))
}

/// Returns whether it does nothing.
#[must_use]
pub const fn is_no_operation(word: u32) -> bool {
    word == NO_OPERATION
}

/// Returns the code that undoes an instruction of a prologue.
#[must_use]
pub const fn of_prologue(word: u32) -> Option<Code> {
    if word == MOVE_FP_SP {
        return Some(Code::SetFp);
    }
    pair_of_sp(word, 0xA980_0000, 0xA900_0000)
}

/// Returns the code of an instruction of an epilogue.
#[must_use]
pub const fn of_epilogue(word: u32) -> Option<Code> {
    if word == RETURN {
        return Some(Code::End);
    }
    pair_of_sp(word, 0xA8C0_0000, 0xA940_0000)
}

/// Returns the code of a pair of registers on the stack. `moving` is the opcode that changes the stack
/// pointer, `staying` the one that does not.
const fn pair_of_sp(word: u32, moving: u32, staying: u32) -> Option<Code> {
    let (first, base, second) = (field(word, 0, 5), field(word, 5, 5), field(word, 10, 5));
    if base != SP {
        return None;
    }
    let opcode = word & 0xFFC0_0000;
    let offset = field(word, 15, 7);
    let size = if moving == 0xA980_0000 {
        128 - offset
    } else {
        offset
    } * 8;
    match (first, second) {
        (29, 30) if opcode == moving => Some(Code::SaveFpLrDown { size }),
        (29, 30) if opcode == staying => Some(Code::SaveFpLr { offset: offset * 8 }),
        (19..=27, _) if opcode == staying && second == first + 1 => Some(Code::SavePair {
            first,
            offset: offset * 8,
        }),
        _ => None,
    }
}

/// Returns whether it may change a register that survives a call, other than X19, X20 and X29.
#[must_use]
pub const fn may_change_unsaved(word: u32) -> bool {
    // "Branches, Exception Generating and System instructions" use those bits differently.
    let is_branch = word & 0x1C00_0000 == 0x1400_0000;
    !is_branch && matches!(field(word, 0, 5), 21..=28)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_known_by_their_base() {
        for (word, expected) in [
            (0x3940_0284, Some(20)), // ldrb w4, [x20]
            (0xA940_1684, Some(20)), // ldp x4, x5, [x20]
            (0xA800_1664, Some(19)), // stnp x4, x5, [x19]
            (0x885F_FC33, Some(1)),  // ldaxr w19, [x1]
            (0x8805_FC24, Some(1)),  // stlxr w5, w4, [x1]
            (0xC8DF_FC33, Some(1)),  // ldar x19, [x1]
            (0xB900_001F, Some(0)),  // str wzr, [x0]
            (0xF940_17A9, Some(29)), // ldr x9, [x29, #40]
            (0x9102_0294, None),     // add x20, x20, #128
            (0xCB13_0071, None),     // sub x17, x3, x19
            (0x17FF_FFF9, None),     // b
            (0xD538_4269, None),     // mrs x9, pan
            (0xD503_3BBF, None),     // dmb ish
        ] {
            assert_eq!(base(word), expected, "{word:#X}");
        }
    }

    #[test]
    fn a_clamp_is_a_comparison_and_a_selection() {
        let clamp = [0xEB09_003F, 0x9A81_8121]; // cmp x1, x9; csel x1, x9, x1, hi
        assert_eq!(clamped([0, clamp[0]], clamp[1]), Some(1));
        let of_length = [0xEB0A_007F, 0x9A83_8143]; // cmp x3, x10; csel x3, x10, x3, hi
        assert_eq!(clamped([0, of_length[0]], of_length[1]), Some(3));
        assert_eq!(clamped([0, of_length[0]], clamp[1]), None);
        assert_eq!(clamped([0, clamp[0]], 0x9A81_9121), None); // ls
        assert!(loads_limit(&[0x9000_0009, 0xF940_0129])); // adrp x9; ldr x9, [x9]
        assert!(!loads_limit(&[0x9000_0009, 0x3940_0129])); // ldrb w9, [x9]
        assert!(is_speculation_barrier(0xD503_229F));
        for (word, expected) in [
            (0x17FF_FFF9, true),  // b
            (0x5400_0060, true),  // b.eq
            (0x3608_0069, true),  // tbz w9, #1
            (0xD63F_0120, true),  // blr x9
            (0xD503_229F, false), // csdb
            (0xD518_4269, false), // msr pan, x9
        ] {
            assert_eq!(is_branch(word), expected, "{word:#X}");
        }
    }

    #[test]
    fn a_prologue_and_its_epilogue_have_the_same_codes() {
        let down = Code::SaveFpLrDown { size: 64 };
        assert_eq!(of_prologue(0xA9BC_7BFD), Some(down));
        assert_eq!(of_epilogue(0xA8C4_7BFD), Some(down));
        let pair = Code::SavePair {
            first: 19,
            offset: 16,
        };
        assert_eq!(of_prologue(0xA901_53F3), Some(pair));
        assert_eq!(of_epilogue(0xA941_53F3), Some(pair));
        assert_eq!(of_prologue(0x9100_03FD), Some(Code::SetFp));
        assert_eq!(of_epilogue(0xD65F_03C0), Some(Code::End));
        // x19 with x21; another base; the wrong direction.
        assert_eq!(of_prologue(0xA901_57F3), None);
        assert_eq!(of_prologue(0xA901_5273), None);
        assert_eq!(of_prologue(0xA941_53F3), None);
    }
}
