//! Faults that are survived, on reserved memory that is not committed.

use criterion::{Bencher, BenchmarkId, Criterion};
use std::{ffi::c_void, hint::black_box, mem::MaybeUninit, ptr};
use usermode_accessors::ddi;

use crate::contender::{Contender, group, in_turn};

/// The most that is copied before a fault.
const PAGE: usize = 4096;

/// Copies by string instructions, and by blocks: their length, and how many bytes are there.
const COPIES: [(&str, usize, &[usize]); 2] = [
    ("fault copy", 2 * PAGE, &[0, 1, 64, 512, PAGE]),
    ("fault short copy", 256, &[0, 1, 64, 128]),
];

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const PAGE_NOACCESS: u32 = 0x01;
const PAGE_READWRITE: u32 = 0x04;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn VirtualAlloc(address: *mut c_void, size: usize, kind: u32, protect: u32) -> *mut c_void;
}

unsafe extern "C" {
    fn memcpy(destination: *mut c_void, source: *const c_void, length: usize) -> *mut c_void;
}

pub fn compare(criterion: &mut Criterion, round: usize) {
    let end = end_of_page();
    let mut reads = group(criterion, "fault read", round);
    for contender in in_turn(Contender::SAFE, round) {
        let id = BenchmarkId::new(contender.name(), size_of::<usize>());
        reads.bench_function(id, |bencher| match contender {
            Contender::Microseh => measure(bencher, end, read_microseh),
            _ => measure(bencher, end, read_guarded),
        });
    }
    reads.finish();
    for (name, length, sizes) in COPIES {
        let mut copies = group(criterion, name, round);
        for before in sizes {
            let from = end.wrapping_sub(*before);
            for contender in in_turn(Contender::SAFE, round) {
                let id = BenchmarkId::new(contender.name(), before);
                copies.bench_function(id, |bencher| match contender {
                    Contender::Microseh => {
                        measure(bencher, from, |from| copy_microseh(from, length));
                    }
                    _ => measure(bencher, from, |from| copy_guarded(from, length)),
                });
            }
        }
        copies.finish();
    }
}

/// Returns the end of a page. The page after it is not committed.
fn end_of_page() -> *const u8 {
    // SAFETY: asks for addresses anywhere. They are kept until the program ends.
    let pages = unsafe { VirtualAlloc(ptr::null_mut(), 2 * PAGE, MEM_RESERVE, PAGE_NOACCESS) };
    // SAFETY: commits the first page of them.
    let page = unsafe { VirtualAlloc(pages, PAGE, MEM_COMMIT, PAGE_READWRITE) };
    assert!(!page.is_null(), "no memory");
    page.cast::<u8>().wrapping_add(PAGE)
}

fn measure(bencher: &mut Bencher<'_>, from: *const u8, faults: impl Fn(*const u8) -> bool) {
    assert!(faults(from), "the memory is there");
    bencher.iter(|| faults(black_box(from)));
}

fn read_guarded(from: *const u8) -> bool {
    // SAFETY: user memory is checked and guarded, and only read.
    unsafe { ddi::read_uintptr_from_user(ptr::with_exposed_provenance(from.expose_provenance())) }
        .is_err()
}

fn read_microseh(from: *const u8) -> bool {
    let from = ptr::with_exposed_provenance::<usize>(from.expose_provenance());
    // SAFETY: the end of a page is aligned; a fault is survived by the guard around.
    microseh::try_seh(|| unsafe { from.read_volatile() }).is_err()
}

/// Copies `length` bytes, at most two pages.
fn copy_guarded(from: *const u8, length: usize) -> bool {
    let mut to = MaybeUninit::<[u8; 2 * PAGE]>::uninit();
    // SAFETY: the destination holds two pages; the source is checked and guarded.
    unsafe { ddi::copy_from_user(to.as_mut_ptr().cast(), from, length) }.is_err()
}

/// As [`copy_guarded`].
fn copy_microseh(from: *const u8, length: usize) -> bool {
    let mut to = MaybeUninit::<[u8; 2 * PAGE]>::uninit();
    let copied = microseh::try_seh(|| {
        // SAFETY: the destination holds two pages; a fault is survived by the guard around.
        unsafe { memcpy(to.as_mut_ptr().cast(), from.cast(), length) };
    });
    copied.is_err()
}
