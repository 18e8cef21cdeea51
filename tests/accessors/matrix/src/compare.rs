//! Comparisons of device memory: every length to 260, with 16 pairs of misalignments. The ranges are
//! equal, or differ in the first, the middle, or the last byte, or in the byte after the last; up to
//! 40 bytes, in each byte.

use usermode_accessors::{DeviceSlice, VolatileSlice, ddi};

use crate::{
    Arena, pattern,
    pointer::{bytes, bytes_mut},
    run::Run,
    tally::Checked,
};

/// Takes one range, the other, and the length. Returns the number of equal bytes at the start. A
/// function that returns only whether all are equal counts 0 or all.
type Compare = fn(usize, usize, usize) -> usize;

const COMPARES: [(&str, bool, Compare); 3] = [
    ("compare_device_memory", true, |one, other, length| {
        // SAFETY: the plan's kernel memory, on both sides.
        unsafe { ddi::compare_device_memory(bytes(one), bytes(other), length) }
    }),
    ("equal_device_memory", false, |one, other, length| {
        // SAFETY: the plan's kernel memory, on both sides.
        let equal = unsafe { ddi::equal_device_memory(bytes(one), bytes(other), length) };
        if equal { length } else { 0 }
    }),
    ("device_slice_compare", true, |one, other, length| {
        // SAFETY: the plan's kernel memory; so below.
        let device = unsafe { DeviceSlice::from_raw_parts(bytes_mut(one), length) };
        // SAFETY: as above.
        let other = unsafe { VolatileSlice::from_raw_parts(bytes_mut(other), length) };
        device.compare(0, &other).unwrap_or(usize::MAX)
    }),
];

/// The greatest length for which the ranges differ in each byte.
const EVERY_DIFFERENCE: usize = 40;

/// Returns the names of the functions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMPARES.iter().map(|(name, ..)| *name)
}

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for (name, counts, compare) in COMPARES {
        for length in 0..=260 {
            for shift in 0..16 {
                let one = run.kernel_source().at(64 + shift).address;
                let other = 64 + (shift + length) % 16;
                let some = [usize::MAX, 0, length / 2, length.saturating_sub(1), length];
                let every = 1..if length <= EVERY_DIFFERENCE {
                    length
                } else {
                    1
                };
                for difference in some.into_iter().chain(every) {
                    let location = run.kernel_target().at(other);
                    if !run.begin(name, [length, one, difference], None) {
                        continue;
                    }
                    let target = &mut run.kernel.target[other..];
                    target[..=length].copy_from_slice(pattern::bytes(one, length + 1));
                    if difference <= length {
                        target[difference] ^= 0x80;
                    }
                    let expected = match (difference < length, counts) {
                        (true, true) => difference,
                        (true, false) => 0,
                        (false, _) => length,
                    };
                    run.expect(Ok(expected as u64), || {
                        Ok(compare(one, location.address, length) as u64)
                    })?;
                }
            }
        }
    }
    Ok(())
}
