//! The machine code of every guarded routine clamps its user addresses before it does anything else.

use core::ffi::c_void;
use std::{slice, vec::Vec};

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use super::{
    USER_LIMIT,
    string::{usermode_accessors_scan1, usermode_accessors_scan2, usermode_accessors_scan2_odd},
};
use crate::arch::{bulk::*, interlocked::*, scalar::*};

use Register::{R8, RDX};

/// No clamp of two addresses and a length is longer.
const LONGEST_CLAMP: usize = 96;

macro_rules! routines {
    ($($registers:expr => $($routine:ident),*;)*) => {
        [$($((stringify!($routine), $routine as *const c_void, &$registers as &[Register]),)*)*]
    };
}

/// Every guarded routine, with the registers that hold user addresses.
fn routines() -> Vec<(&'static str, *const c_void, &'static [Register])> {
    routines! {
        [RDX] =>
            usermode_accessors_read1, usermode_accessors_read2, usermode_accessors_read4,
            usermode_accessors_read8, usermode_accessors_write1, usermode_accessors_write2,
            usermode_accessors_write4, usermode_accessors_write8, usermode_accessors_and4,
            usermode_accessors_and8, usermode_accessors_or4, usermode_accessors_or8,
            usermode_accessors_compare_exchange4, usermode_accessors_compare_exchange8,
            usermode_accessors_scan1, usermode_accessors_scan2, usermode_accessors_scan2_odd,
            usermode_accessors_fill, usermode_accessors_copy_to_user,
            usermode_accessors_copy_upward_to_user, usermode_accessors_copy_nontemporal_to_user;
        [R8] =>
            usermode_accessors_copy_from_user, usermode_accessors_copy_upward_from_user,
            usermode_accessors_copy_nontemporal_from_user;
        [RDX, R8] =>
            usermode_accessors_copy_within_user, usermode_accessors_copy_upward_within_user,
            usermode_accessors_copy_nontemporal_within_user;
        // Ends at the end of the range: the length is clamped as well.
        [RDX, Register::R9] => usermode_accessors_copy_backward_to_user;
        [R8, Register::R9] => usermode_accessors_copy_backward_from_user;
        [RDX, R8, Register::R9] => usermode_accessors_copy_backward_within_user;
    }
    .into()
}

/// Returns the registers that the code clamps before it does anything but clamp.
///
/// A clamp is `mov rax, [USER_LIMIT]`, `cmp register, rax`, `cmovae register, rax`. For a length,
/// `sub rax, address` follows the clamp of the address.
fn clamped(code: &[u8], address: u64, limit: u64) -> Vec<Register> {
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    let mut clamped = Vec::new();
    let mut compared = None;
    let mut limit_in_rax = false;
    let mut next = || -> Option<Instruction> { decoder.can_decode().then(|| decoder.decode()) };
    while let Some(instruction) = next() {
        let (first, second) = (instruction.op0_register(), instruction.op1_register());
        match instruction.mnemonic() {
            Mnemonic::Mov
                if first == Register::RAX
                    && instruction.op1_kind() == OpKind::Memory
                    && instruction.is_ip_rel_memory_operand() =>
            {
                limit_in_rax = instruction.ip_rel_memory_address() == limit;
            }
            Mnemonic::Sub if first == Register::RAX && clamped.contains(&second) => {}
            Mnemonic::Cmp if second == Register::RAX && limit_in_rax => compared = Some(first),
            Mnemonic::Cmovae if second == Register::RAX && compared == Some(first) => {
                clamped.push(first);
            }
            Mnemonic::Nop => {}
            _ => break,
        }
    }
    clamped
}

fn clamped_by(routine: *const c_void) -> Vec<Register> {
    // SAFETY: it is code, and the code of other routines follows.
    let code = unsafe { slice::from_raw_parts(routine.cast::<u8>(), LONGEST_CLAMP) };
    let address = routine.expose_provenance() as u64;
    clamped(
        code,
        address,
        (&raw const USER_LIMIT).expose_provenance() as u64,
    )
}

#[test]
fn every_guarded_routine_clamps_its_user_addresses_first() {
    for (name, routine, registers) in routines() {
        let mut expected = registers.to_vec();
        let mut found = clamped_by(routine);
        expected.sort();
        found.sort();
        found.dedup();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_routine_for_kernel_memory_clamps_nothing() {
    for routine in [
        usermode_accessors_copy_closed as *const c_void,
        usermode_accessors_read1_closed as *const c_void,
        usermode_accessors_read2_closed as *const c_void,
        usermode_accessors_read4_closed as *const c_void,
        usermode_accessors_read8_closed as *const c_void,
    ] {
        assert_eq!(clamped_by(routine), []);
    }
}

#[test]
fn code_that_does_not_clamp_is_noticed() {
    let limit = 0x1007 + 0x100;
    let clamp: [&[u8]; 3] = [
        &[0x48, 0x8B, 0x05, 0x00, 0x01, 0x00, 0x00], // mov rax, [rip + 0x100]
        &[0x48, 0x39, 0xC2],                         // cmp rdx, rax
        &[0x48, 0x0F, 0x43, 0xD0],                   // cmovae rdx, rax
    ];
    assert_eq!(clamped(&clamp.concat(), 0x1000, limit), [RDX]);
    assert_eq!(clamped(&clamp.concat(), 0x1000, limit + 8), []);
    for left_out in 0..clamp.len() {
        let mut rest = clamp.to_vec();
        rest.remove(left_out);
        assert_eq!(clamped(&rest.concat(), 0x1000, limit), [], "{left_out}");
    }
    let access = [0x48, 0x8B, 0x02]; // mov rax, [rdx]
    let late = [&access[..], &clamp.concat()].concat();
    assert_eq!(clamped(&late, 0x1000 - 3, limit), []);
}
