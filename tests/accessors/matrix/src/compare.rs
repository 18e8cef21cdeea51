//! Comparisons of device memory: every length of the plan to 260 and 16 misalignments of either
//! side in pairs, equal, and different in the first, a middle, and the last byte, and in the byte
//! behind.

use usermode_accessors::{DeviceSlice, VolatileSlice, ddi};

use crate::{
    Arena, pattern,
    pointer::{bytes, bytes_mut},
    run::Run,
    tally::Checked,
};

/// How many bytes from the start on are equal; for a function that tells only whether all are, 0
/// or all. One, other, length.
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

/// Names of what is tried here.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COMPARES.iter().map(|(name, ..)| *name)
}

pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    for (name, counts, compare) in COMPARES {
        for length in 0..=260 {
            for shift in 0..16 {
                let one = run.kernel_source().at(64 + shift).address;
                let other = 64 + (shift + length) % 16;
                let differences = [usize::MAX, 0, length / 2, length.saturating_sub(1), length];
                for difference in differences {
                    let place = run.kernel_target().at(other);
                    if !run.begin(name, [length, one, difference], None) {
                        continue;
                    }
                    let target = &mut run.room.target[other..];
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
                        Ok(compare(one, place.address, length) as u64)
                    })?;
                }
            }
        }
    }
    Ok(())
}
