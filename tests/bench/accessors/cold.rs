//! Memory that is not cached when it is accessed.
//!
//! One small access is too short to be timed. So many ranges are evicted, and then all of them are
//! accessed, in an order that a prefetcher does not predict.

use std::{
    arch::x86_64::{_mm_clflush, _mm_mfence},
    hint::black_box,
    time::{Duration, Instant},
};

/// The size of a cache line.
const LINE: usize = 64;
/// The gap between two ranges: a page, so that each has its own entry in the TLB, and a line, so that
/// they do not compete for one set of a cache.
const GAP: usize = 4096 + LINE;
const MOST_RANGES: usize = 1024;

/// Memory for many ranges.
pub struct Arena {
    bytes: Vec<u8>,
}

impl Arena {
    /// Allocates memory for at least one range of `largest` bytes. Every page is present.
    pub fn new(largest: usize) -> Self {
        let bytes = vec![0x5A; largest + MOST_RANGES * GAP];
        Self { bytes }
    }

    pub const fn start(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// Returns the number of ranges of `size` bytes: a power of two.
    fn ranges(&self, size: usize) -> usize {
        let fit = self.bytes.len() / stride(size);
        1 << fit.min(MOST_RANGES).ilog2()
    }

    fn evict(&self, offset: usize, size: usize) {
        for line in self.bytes[offset..offset + size].chunks(LINE) {
            // SAFETY: the line is in the arena; eviction changes no byte.
            unsafe { _mm_clflush(line.as_ptr()) };
        }
        if let Some(last) = self.bytes[offset..offset + size].last() {
            // SAFETY: as above. The last byte may be on a line of its own.
            unsafe { _mm_clflush(last) };
        }
    }
}

const fn stride(size: usize) -> usize {
    size.next_multiple_of(LINE) + GAP
}

/// Returns the time of `iterations` calls of `access`. Its argument is the offset of a range of `size`
/// bytes that is uncached in both arenas.
pub fn time(
    (one, other): (&Arena, &Arena),
    size: usize,
    iterations: u64,
    mut access: impl FnMut(usize),
) -> Duration {
    /// Odd, so that the ranges of a batch are all different.
    const SCATTER: usize = 0x9E37_79B1;

    let ranges = one.ranges(size);
    let offset = |turn: usize| (turn.wrapping_mul(SCATTER) % ranges) * stride(size);
    let mut left = usize::try_from(iterations).unwrap_or(usize::MAX);
    let mut took = Duration::ZERO;
    while left > 0 {
        let batch = left.min(ranges);
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
