//! Reads of one number in a dependent chain: each read gives the address of the next, so none can begin
//! before the one before it ends. Nothing hides the cost of a guard here.

use criterion::{Bencher, BenchmarkId, Criterion};
use std::{hint::black_box, ptr};
use usermode_accessors::ddi;

use crate::contender::{Contender, group, in_turn};

/// Reads in one iteration.
const READS: usize = 64;

/// A number that is the address of the next one, on a cache line of its own.
#[derive(Clone)]
#[repr(align(64))]
struct Link(usize);

pub fn compare(criterion: &mut Criterion, round: usize) {
    // In the first cache; and in 64 MiB, which is more than the caches hold.
    for (name, links) in [("chain hot", 64), ("chain far", 1 << 20)] {
        let chain = chain(links);
        let mut group = group(criterion, name, round);
        for contender in in_turn(Contender::WITHOUT_INSTRUCTION, round) {
            let id = BenchmarkId::new(contender.name(), size_of::<usize>());
            group.bench_function(id, |bencher| match contender {
                Contender::Guarded => measure(bencher, &chain, guarded),
                Contender::Microseh => measure(bencher, &chain, microseh),
                Contender::Plain | Contender::Instruction => measure(bencher, &chain, plain),
            });
        }
        group.finish();
    }
}

/// Returns links in one ring, in an order that a prefetcher does not predict.
fn chain(length: usize) -> Vec<Link> {
    let mut order: Vec<usize> = (0..length).collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for place in (1..length).rev() {
        // Marsaglia's xorshift: the order has to be irregular, not random.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let other = usize::try_from(state >> 32).unwrap_or(0) % place;
        order.swap(place, other);
    }
    let mut chain = vec![Link(0); length];
    let start = chain.as_ptr();
    for (place, next) in order.into_iter().enumerate() {
        chain[place].0 = start.wrapping_add(next).expose_provenance();
    }
    chain
}

fn measure(bencher: &mut Bencher<'_>, chain: &[Link], read: impl Fn(*const usize) -> usize) {
    let mut next = chain[0].0;
    bencher.iter(|| {
        for _ in 0..READS {
            next = read(ptr::with_exposed_provenance(next));
        }
        black_box(next)
    });
}

fn guarded(place: *const usize) -> usize {
    // SAFETY: user memory is checked and guarded, and only read.
    unsafe { ddi::read_uintptr_from_user(place) }.unwrap_or_default()
}

fn plain(place: *const usize) -> usize {
    // SAFETY: a link of the chain.
    unsafe { place.read_volatile() }
}

fn microseh(place: *const usize) -> usize {
    // SAFETY: as above.
    microseh::try_seh(|| unsafe { place.read_volatile() }).unwrap_or_default()
}
