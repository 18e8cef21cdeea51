//! `CONTEXT`: the state of a processor, for handlers and unwinding.

use crate::cpu::flags;

/// Bytes in the structure.
const SIZE: usize = 0x4D0;

/// `CONTEXT` of x64, as words; the methods name the members that are used.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Context([u64; SIZE / 8]);

/// The general registers by the numbers that unwind codes use.
pub(crate) mod register {
    pub(crate) const RAX: usize = 0;
    pub(crate) const RCX: usize = 1;
    pub(crate) const RDX: usize = 2;
    pub(crate) const RSP: usize = 4;
    pub(crate) const R8: usize = 8;
    pub(crate) const R9: usize = 9;
    pub(crate) const R10: usize = 10;
    pub(crate) const R11: usize = 11;
}

const FLAGS: usize = 0x44 / 8;
const GENERAL: usize = 0x78 / 8;
const INSTRUCTION: usize = 0xF8 / 8;
const FLOATING: usize = 0x100 / 8;
const FLOATING_WORDS: usize = 512 / 8;
const VECTOR: usize = 0x1A0 / 8;

impl Context {
    pub(crate) const fn new() -> Self {
        Self([0; SIZE / 8])
    }

    pub(crate) const fn general(&self, number: usize) -> u64 {
        self.0[GENERAL + number]
    }

    pub(crate) const fn set_general(&mut self, number: usize, value: u64) {
        self.0[GENERAL + number] = value;
    }

    pub(crate) const fn stack(&self) -> u64 {
        self.general(register::RSP)
    }

    pub(crate) const fn set_stack(&mut self, value: u64) {
        self.set_general(register::RSP, value);
    }

    pub(crate) const fn instruction(&self) -> u64 {
        self.0[INSTRUCTION]
    }

    pub(crate) const fn set_instruction(&mut self, value: u64) {
        self.0[INSTRUCTION] = value;
    }

    pub(crate) const fn set_flags(&mut self, value: u64) {
        self.0[FLAGS] = (self.0[FLAGS] & 0xFFFF_FFFF) | value << 32;
    }

    /// Clears AC. An unwind does not restore RFLAGS, so code at a landing pad has to set AC again
    /// before it accesses user memory.
    pub(crate) const fn close_user_memory(&mut self) {
        self.0[FLAGS] &= !(flags::ALIGNMENT_CHECK << 32);
    }

    pub(crate) const fn set_vector(&mut self, number: usize, value: [u64; 2]) {
        self.0[VECTOR + 2 * number] = value[0];
        self.0[VECTOR + 2 * number + 1] = value[1];
    }

    /// Copies the area that `fxsave` wrote.
    pub(crate) fn set_floating(&mut self, saved: u64) {
        for word in 0..FLOATING_WORDS {
            self.0[FLOATING + word] = crate::raw::read(saved + word as u64 * 8);
        }
    }

    /// Overwrites the volatile registers, as a called function may. Code that relies on them after
    /// an exception fails here, as it may on Windows.
    pub(crate) const fn poison_volatile(&mut self) {
        const POISON: u64 = 0xBAD0_BAD0_BAD0_BAD0;
        let volatile = [
            register::RCX,
            register::RDX,
            register::R8,
            register::R9,
            register::R10,
            register::R11,
        ];
        let mut next = 0;
        while next < volatile.len() {
            self.set_general(volatile[next], POISON);
            next += 1;
        }
        let mut number = 0;
        while number < 6 {
            self.set_vector(number, [POISON; 2]);
            number += 1;
        }
    }

    pub(crate) fn address(&mut self) -> u64 {
        (&raw mut self.0) as u64
    }
}

// trap.s and this file must agree on the offsets.
const _: () = assert!(size_of::<Context>() == SIZE && align_of::<Context>() == 16);
