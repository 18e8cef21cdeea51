//! Stubs for missing imports. A stub that is called prints its name and ends the run.

use alloc::{format, string::String, vec::Vec};

use crate::bugcheck::violation;
use crate::global::Global;
use crate::memory::paging::bits;
use crate::memory::{PAGE, frames, phys, system};
use crate::raw;

/// The functions by number, and the pages with their code, each as its address and its frame.
struct Stubs {
    names: Vec<String>,
    pages: Vec<(u64, u64)>,
}

static STUBS: Global<Stubs> = Global::new(Stubs {
    names: Vec::new(),
    pages: Vec::new(),
});

/// Bytes of code of one stub.
const SIZE: u64 = 32;
const PER_PAGE: usize = (PAGE / SIZE) as usize;

extern "win64" fn called(number: u64) -> ! {
    let name = STUBS.with(|stubs| stubs.names[number as usize].clone());
    violation!("the missing import {name} was called");
}

/// Returns the address of a function that prints its name and ends the run; `None` if memory ran out.
pub(crate) fn stub(library: &str, name: &str) -> Option<u64> {
    let name = format!("{library}!{name}");
    STUBS.with(|stubs| {
        let known = stubs.names.iter().position(|known| *known == name);
        let number = known.unwrap_or(stubs.names.len());
        if number == stubs.pages.len() * PER_PAGE {
            let frame = frames::allocate()?;
            stubs
                .pages
                .push((system::map(1, bits::PRESENT, |_| frame)?, frame));
        }
        let (address, frame) = stubs.pages[number / PER_PAGE];
        let offset = (number % PER_PAGE) as u64 * SIZE;
        if known.is_none() {
            let code = phys::linear(frame) + offset;
            // mov rcx, number; mov rax, called; sub rsp, 40; call rax
            raw::write(code, [0x48_u8, 0xB9]);
            raw::write(code + 2, number as u64);
            raw::write(code + 10, [0x48_u8, 0xB8]);
            raw::write(code + 12, called as *const () as u64);
            raw::write(code + 20, [0x48_u8, 0x83, 0xEC, 0x28, 0xFF, 0xD0]);
            stubs.names.push(name);
        }
        Some(address + offset)
    })
}
