//! Copies of 1 byte to 64 MiB, between cached buffers and between uncached buffers.

use criterion::{Bencher, BenchmarkId, Criterion};
use std::{arch::asm, ffi::c_void, hint::black_box};
use usermode_accessors::ddi;

use crate::{
    cold::{self, Arena},
    contender::{Contender, group, in_turn, sizes},
};

const LARGEST_BITS: u32 = 26;

unsafe extern "C" {
    fn memcpy(destination: *mut c_void, source: *const c_void, length: usize) -> *mut c_void;
}

#[derive(Clone, Copy)]
enum Temperature {
    Hot,
    #[cfg_attr(not(windows), expect(dead_code, reason = "measured under Wine"))]
    Cold,
}

const SUBJECTS: &[(&str, Temperature)] = &[
    ("copy hot", Temperature::Hot),
    #[cfg(windows)]
    ("copy cold", Temperature::Cold),
];

pub fn compare(criterion: &mut Criterion, round: usize) {
    let mut from = Arena::new(1 << LARGEST_BITS);
    let mut to = Arena::new(1 << LARGEST_BITS);
    for (name, temperature) in SUBJECTS {
        let mut group = group(criterion, name, round);
        for size in sizes(0, LARGEST_BITS) {
            for contender in in_turn(Contender::ALL, round) {
                let id = BenchmarkId::new(contender.name(), size);
                group.bench_function(id, |bencher| {
                    let mut buffers = Buffers {
                        to: &mut to,
                        from: &mut from,
                        size,
                        temperature: *temperature,
                    };
                    match contender {
                        Contender::Guarded => buffers.measure(bencher, guarded),
                        Contender::Plain => buffers.measure(bencher, plain),
                        Contender::Instruction => buffers.measure(bencher, instruction),
                        #[cfg(windows)]
                        Contender::Microseh => buffers.measure(bencher, microseh),
                    }
                });
            }
        }
        group.finish();
    }
}

struct Buffers<'a> {
    to: &'a mut Arena,
    from: &'a mut Arena,
    size: usize,
    temperature: Temperature,
}

impl Buffers<'_> {
    fn measure(&mut self, bencher: &mut Bencher<'_>, copy: impl Fn(*mut u8, *const u8, usize)) {
        let (to, from, size) = (self.to.start(), self.from.start().cast_const(), self.size);
        match self.temperature {
            Temperature::Hot => {
                bencher.iter(|| copy(black_box(to), black_box(from), black_box(size)));
            }
            Temperature::Cold => bencher.iter_custom(|iterations| {
                cold::time((self.to, self.from), size, iterations, |offset| {
                    copy(
                        to.wrapping_add(offset),
                        from.wrapping_add(offset),
                        black_box(size),
                    );
                })
            }),
        }
    }
}

fn guarded(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: both arenas have this many bytes here, and do not overlap.
    let copied = unsafe { ddi::copy_from_user(to, from, size) };
    assert!(copied.is_ok(), "the memory is there");
}

fn plain(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: as above.
    unsafe { memcpy(to.cast(), from.cast(), size) };
}

fn instruction(to: *mut u8, from: *const u8, size: usize) {
    // SAFETY: as above.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") size => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags),
        );
    }
}

#[cfg(windows)]
fn microseh(to: *mut u8, from: *const u8, size: usize) {
    let copied = microseh::try_seh(|| {
        // SAFETY: as above.
        unsafe { memcpy(to.cast(), from.cast(), size) };
    });
    assert!(copied.is_ok(), "the memory is there");
}
