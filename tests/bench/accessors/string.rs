//! The lengths of cached strings of 1 byte to 1 MiB, terminator included, narrow and wide.

use criterion::{Bencher, BenchmarkId, Criterion};
use std::hint::black_box;
use usermode_accessors::ddi;

use crate::contender::{Contender, group, in_turn, sizes};

const LARGEST_BITS: u32 = 20;

unsafe extern "C" {
    fn strlen(string: *const i8) -> usize;
    fn wcslen(string: *const u16) -> usize;
}

pub fn compare(criterion: &mut Criterion, round: usize) {
    let mut narrow = group(criterion, "string", round);
    for size in sizes(0, LARGEST_BITS) {
        let mut string = vec![1_i8; size];
        string[size - 1] = 0;
        for contender in in_turn(Contender::WITHOUT_INSTRUCTION, round) {
            let id = BenchmarkId::new(contender.name(), size);
            narrow.bench_function(id, |bencher| match contender {
                Contender::Guarded => measure(bencher, &string, guarded),
                Contender::Microseh => measure(bencher, &string, microseh),
                Contender::Plain | Contender::Instruction => {
                    measure(bencher, &string, |string| Some(plain(string)));
                }
            });
        }
    }
    narrow.finish();
    let mut wide = group(criterion, "wide string", round);
    for size in sizes(1, LARGEST_BITS) {
        let mut string = vec![1_u16; size / 2];
        string[size / 2 - 1] = 0;
        for contender in in_turn(Contender::WITHOUT_INSTRUCTION, round) {
            let id = BenchmarkId::new(contender.name(), size);
            wide.bench_function(id, |bencher| match contender {
                Contender::Guarded => measure(bencher, &string, guarded_wide),
                Contender::Microseh => measure(bencher, &string, microseh_wide),
                Contender::Plain | Contender::Instruction => {
                    measure(bencher, &string, |string| Some(plain_wide(string)));
                }
            });
        }
    }
    wide.finish();
}

fn measure<T>(bencher: &mut Bencher<'_>, string: &[T], length: impl Fn(*const T) -> Option<usize>) {
    assert_eq!(length(string.as_ptr()), Some(string.len() - 1));
    bencher.iter(|| length(black_box(string.as_ptr())));
}

fn guarded(string: *const i8) -> Option<usize> {
    // SAFETY: user memory is checked and guarded, and only read.
    unsafe { ddi::string_length_from_user(string) }.ok()
}

fn guarded_wide(string: *const u16) -> Option<usize> {
    // SAFETY: as above.
    unsafe { ddi::wide_string_length_from_user(string) }.ok()
}

fn plain(string: *const i8) -> usize {
    // SAFETY: the string has its terminator.
    unsafe { strlen(string) }
}

fn plain_wide(string: *const u16) -> usize {
    // SAFETY: as above.
    unsafe { wcslen(string) }
}

fn microseh(string: *const i8) -> Option<usize> {
    // SAFETY: as above.
    microseh::try_seh(|| unsafe { strlen(string) }).ok()
}

fn microseh_wide(string: *const u16) -> Option<usize> {
    // SAFETY: as above.
    microseh::try_seh(|| unsafe { wcslen(string) }).ok()
}
