//! The frame allocator: one bit per page of physical memory.

use alloc::vec::Vec;

use super::layout::LINEAR_LENGTH;
use super::ranges::Range;
use super::{PAGE, phys};
use crate::global::Global;
use crate::random;

const FRAMES: usize = (LINEAR_LENGTH / PAGE) as usize;
const WORDS: usize = FRAMES / 64;

/// The contents of freed memory until it is allocated again.
const FREED: u64 = 0xDDDD_DDDD_DDDD_DDDD;

struct Bitmap {
    /// A set bit is a frame that is free.
    free: [u64; WORDS],
    /// Frames that are free.
    available: u64,
    /// The first and the last word that has ever had a free frame.
    bounds: (usize, usize),
}

static BITMAP: Global<Bitmap> = Global::new(Bitmap {
    free: [0; WORDS],
    available: 0,
    bounds: (WORDS, 0),
});

impl Bitmap {
    const fn is_free(&self, frame: u64) -> bool {
        let index = (frame / PAGE) as usize;
        self.free[index / 64] >> (index % 64) & 1 == 1
    }

    fn set(&mut self, frame: u64, free: bool) {
        assert!(
            self.is_free(frame) != free,
            "frame {frame:#x} is already {}",
            if free { "free" } else { "taken" }
        );
        let index = (frame / PAGE) as usize;
        self.free[index / 64] ^= 1 << (index % 64);
        self.available = if free {
            self.available + 1
        } else {
            self.available - 1
        };
    }
}

/// Adds the frames of a range to the allocator.
pub(crate) fn add(range: Range) {
    BITMAP.with(|bitmap| {
        for frame in (range.start..range.end).step_by(PAGE as usize) {
            bitmap.set(frame, true);
        }
        let (first, last) = bitmap.bounds;
        bitmap.bounds = (
            first.min((range.start / PAGE / 64) as usize),
            last.max(((range.end - 1) / PAGE / 64) as usize),
        );
    });
}

/// Allocates a zeroed frame. The search starts at a random place, so that consecutive allocations
/// are rarely adjacent: code that takes the next frame for the next page of a buffer fails.
pub(crate) fn allocate() -> Option<u64> {
    let start = random::next();
    let frame = BITMAP.with(|bitmap| {
        let (first, last) = bitmap.bounds;
        if bitmap.available == 0 {
            return None;
        }
        // The lowest quarter is used last: contiguous allocations find space there.
        let span = (last - first + 1) as u64;
        let start = span / 4 + start % (span - span / 4);
        (0..span)
            .map(|step| first + ((start + step) % span) as usize)
            .find(|&word| bitmap.free[word] != 0)
            .map(|word| {
                let bit = u64::from(bitmap.free[word].trailing_zeros());
                let frame = (word as u64 * 64 + bit) * PAGE;
                bitmap.set(frame, false);
                frame
            })
    })?;
    phys::fill_frame(frame, 0);
    Some(frame)
}

/// Allocates adjacent zeroed frames within `lowest..=highest` that do not cross a multiple of
/// `boundary` (0: no such rule).
pub(crate) fn allocate_contiguous(
    count: u64,
    lowest: u64,
    highest: u64,
    boundary: u64,
) -> Option<u64> {
    let start = BITMAP.with(|bitmap| {
        let (first, last) = bitmap.bounds;
        let mut run = 0;
        for frame in (first as u64 * 64..(last as u64 + 1) * 64).map(|index| index * PAGE) {
            let fits = bitmap.is_free(frame) && frame >= lowest && frame + (PAGE - 1) <= highest;
            if !fits || (run > 0 && boundary != 0 && frame % boundary == 0) {
                run = 0;
            }
            if fits {
                run += 1;
            }
            if run == count {
                let start = frame - (count - 1) * PAGE;
                for taken in 0..count {
                    bitmap.set(start + taken * PAGE, false);
                }
                return Some(start);
            }
        }
        None
    })?;
    for taken in 0..count {
        phys::fill_frame(start + taken * PAGE, 0);
    }
    Some(start)
}

/// Frees a frame, which nothing maps any more.
pub(crate) fn free(frame: u64) {
    phys::fill_frame(frame, FREED);
    BITMAP.with(|bitmap| bitmap.set(frame, true));
}

/// Allocates `count` frames, or none at all.
pub(crate) fn allocate_many(count: u64) -> Option<Vec<u64>> {
    let mut frames = Vec::new();
    for _ in 0..count {
        let Some(frame) = allocate() else {
            frames.into_iter().for_each(free);
            return None;
        };
        frames.push(frame);
    }
    Some(frames)
}
