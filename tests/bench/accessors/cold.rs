//! Memory that is in no cache when it is accessed.
//!
//! A clock cannot be read around one small access. So many places are evicted, and then all of
//! them are accessed in a row, in an order that no prefetcher guesses.

use std::{
    arch::x86_64::{_mm_clflush, _mm_mfence},
    hint::black_box,
    time::{Duration, Instant},
};

/// What a processor keeps together in a cache.
const LINE: usize = 64;
/// Between two places: more than a page, so that each has its own entry in the TLB, and a line
/// more, so that they do not compete for one set of a cache.
const GAP: usize = 4096 + LINE;
const MOST_PLACES: usize = 1024;

/// A stretch of memory with room for many places.
pub struct Arena {
    bytes: Vec<u8>,
}

impl Arena {
    /// Room for at least one place of `largest` bytes. Every page is present.
    pub fn new(largest: usize) -> Self {
        let bytes = vec![0x5A; largest + MOST_PLACES * GAP];
        Self { bytes }
    }

    pub const fn start(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// How many places of `size` bytes there are: a power of two.
    fn places(&self, size: usize) -> usize {
        let fit = self.bytes.len() / stride(size);
        1 << fit.min(MOST_PLACES).ilog2()
    }

    fn evict(&self, offset: usize, size: usize) {
        for line in self.bytes[offset..offset + size].chunks(LINE) {
            // SAFETY: the line is ours; eviction changes no byte of it.
            unsafe { _mm_clflush(line.as_ptr()) };
        }
        if let Some(last) = self.bytes[offset..offset + size].last() {
            // SAFETY: as above; the last byte may be on a line of its own.
            unsafe { _mm_clflush(last) };
        }
    }
}

const fn stride(size: usize) -> usize {
    size.next_multiple_of(LINE) + GAP
}

/// How long `iterations` calls of `access` take. It is told the offset of a place of `size` bytes
/// that is cold in both arenas.
pub fn time(
    (one, other): (&Arena, &Arena),
    size: usize,
    iterations: u64,
    mut access: impl FnMut(usize),
) -> Duration {
    /// Odd, so that the places of a batch are all different.
    const SCATTER: usize = 0x9E37_79B1;

    let places = one.places(size);
    let offset = |turn: usize| (turn.wrapping_mul(SCATTER) % places) * stride(size);
    let mut left = usize::try_from(iterations).unwrap_or(usize::MAX);
    let mut took = Duration::ZERO;
    while left > 0 {
        let batch = left.min(places);
        for turn in 0..batch {
            one.evict(offset(turn), size);
            other.evict(offset(turn), size);
        }
        // SAFETY: a fence accesses nothing.
        unsafe { _mm_mfence() };
        let start = Instant::now();
        for turn in 0..batch {
            access(black_box(offset(turn)));
        }
        took += start.elapsed();
        left -= batch;
    }
    took
}
