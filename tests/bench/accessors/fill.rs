//! Fills of 1 byte to 64 MiB, cached.

use criterion::{Bencher, BenchmarkId, Criterion};
use std::{
    arch::asm,
    ffi::{c_int, c_void},
    hint::black_box,
};
use usermode_accessors::ddi;

use crate::contender::{Contender, group, in_turn, sizes};

const LARGEST_BITS: u32 = 26;
const BYTE: u8 = 0x5A;

unsafe extern "C" {
    fn memset(destination: *mut c_void, byte: c_int, length: usize) -> *mut c_void;
}

pub fn compare(criterion: &mut Criterion, round: usize) {
    let mut buffer = vec![BYTE; 1 << LARGEST_BITS];
    let mut group = group(criterion, "fill", round);
    for size in sizes(0, LARGEST_BITS) {
        for contender in in_turn(Contender::ALL, round) {
            let id = BenchmarkId::new(contender.name(), size);
            let to = buffer.as_mut_ptr();
            group.bench_function(id, |bencher| match contender {
                Contender::Guarded => measure(bencher, to, size, guarded),
                Contender::Plain => measure(bencher, to, size, plain),
                Contender::Instruction => measure(bencher, to, size, instruction),
                #[cfg(windows)]
                Contender::Microseh => measure(bencher, to, size, microseh),
            });
        }
    }
    group.finish();
}

fn measure(bencher: &mut Bencher<'_>, to: *mut u8, size: usize, fill: impl Fn(*mut u8, usize)) {
    bencher.iter(|| fill(black_box(to), black_box(size)));
}

fn guarded(to: *mut u8, size: usize) {
    // SAFETY: the buffer has this many bytes, and nothing else uses it.
    let filled = unsafe { ddi::fill_user_memory(to, size, BYTE) };
    assert!(filled.is_ok(), "the memory is there");
}

fn plain(to: *mut u8, size: usize) {
    // SAFETY: as above.
    unsafe { memset(to.cast(), c_int::from(BYTE), size) };
}

fn instruction(to: *mut u8, size: usize) {
    // SAFETY: as above.
    unsafe {
        asm!(
            "rep stosb",
            inout("rcx") size => _,
            inout("rdi") to => _,
            in("al") BYTE,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(windows)]
fn microseh(to: *mut u8, size: usize) {
    let filled = microseh::try_seh(|| {
        // SAFETY: as above.
        unsafe { memset(to.cast(), c_int::from(BYTE), size) };
    });
    assert!(filled.is_ok(), "the memory is there");
}
