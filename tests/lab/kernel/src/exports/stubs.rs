//! Stubs for missing imports, for `mode=load`. A stub prints its name when it is called.

use alloc::{string::String, vec::Vec};

use crate::bugcheck::violation;
use crate::global::Global;
use crate::memory::paging::bits;
use crate::memory::{PAGE, frames, phys, system};
use crate::raw;

/// The functions by number, and the page with their code.
struct Stubs {
    names: Vec<String>,
    frame: u64,
    address: u64,
}

static STUBS: Global<Stubs> = Global::new(Stubs {
    names: Vec::new(),
    frame: 0,
    address: 0,
});

/// Bytes of code of one stub.
const SIZE: u64 = 32;

extern "win64" fn called(number: u64) -> ! {
    let name = STUBS.with(|stubs| stubs.names[number as usize].clone());
    violation!("{name} was called, which the lab does not provide");
}

/// Returns the address of a function that prints its name and ends the run.
pub(crate) fn stub(library: &str, name: &str) -> u64 {
    STUBS.with(|stubs| {
        if stubs.address == 0 {
            stubs.frame = frames::allocate().unwrap_or_default();
            stubs.address = system::map(1, bits::PRESENT, |_| stubs.frame).unwrap_or_default();
            assert!(stubs.address != 0, "memory ran out");
        }
        let number = stubs.names.len() as u64;
        assert!((number + 1) * SIZE <= PAGE, "too many missing imports");
        let code = phys::linear(stubs.frame) + number * SIZE;
        // mov rcx, number; mov rax, called; sub rsp, 40; call rax
        raw::write(code, [0x48_u8, 0xB9]);
        raw::write(code + 2, number);
        raw::write(code + 10, [0x48_u8, 0xB8]);
        raw::write(code + 12, called as *const () as u64);
        raw::write(code + 20, [0x48_u8, 0x83, 0xEC, 0x28, 0xFF, 0xD0]);
        stubs.names.push(alloc::format!("{library}!{name}"));
        stubs.address + number * SIZE
    })
}
