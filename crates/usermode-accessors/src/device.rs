//! Device memory.

use core::marker::PhantomData;

use crate::{
    NtStatus, VolatileSlice,
    arch::{self, Width},
};

/// Returns whether two ranges of the same length share a byte.
///
/// Ranges of length 0 share none, and neither do adjacent ranges. The documentation of
/// `RtlCopyDeviceMemory` does not define overlap; this is the plain meaning of the word. A range that
/// would wrap around ends at the top of the address space.
#[must_use]
#[inline]
pub const fn overlaps(destination: usize, source: usize, length: usize) -> bool {
    destination.abs_diff(source) < length
}

/// Returns the widest single move that is aligned on both sides and not longer than `left`.
#[inline]
const fn widest_move(destination: usize, source: usize, left: usize) -> Option<Width> {
    let aligned = 1_usize << (destination | source | 8).trailing_zeros();
    match if aligned < left { aligned } else { left } {
        0 => None,
        1 => Some(Width::One),
        2..4 => Some(Width::Two),
        4..8 => Some(Width::Four),
        _ => Some(Width::Eight),
    }
}

/// Iterates over the moves of a device copy, in order: the offset and the width of each.
///
/// Every move is naturally aligned on both sides. If source and destination differ modulo 8, no move is
/// wider than the greatest power of two modulo which they are equal.
struct Moves {
    destination: usize,
    source: usize,
    offset: usize,
    length: usize,
}

impl Moves {
    /// Returns the moves of an access with one side.
    const fn of_one(address: usize, length: usize) -> Self {
        Self {
            destination: address,
            source: address,
            offset: 0,
            length,
        }
    }
}

impl Iterator for Moves {
    type Item = (usize, Width);

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let width = widest_move(
            self.destination.wrapping_add(offset),
            self.source.wrapping_add(offset),
            self.length.wrapping_sub(offset),
        )?;
        self.offset = offset.wrapping_add(width as usize);
        Some((offset, width))
    }
}

/// Copies with single aligned moves, lowest address first.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes of device accesses.
pub(crate) unsafe fn copy(destination: *mut u8, source: *const u8, length: usize) {
    let moves = Moves {
        destination: destination.addr(),
        source: source.addr(),
        offset: 0,
        length,
    };
    for (offset, width) in moves {
        // SAFETY: `offset` and `width` stay inside `length`.
        let value = unsafe { arch::read(source.wrapping_add(offset), width) };
        // SAFETY: as above.
        unsafe { arch::write(destination.wrapping_add(offset), value, width) };
    }
}

/// Fills with single aligned moves, lowest address first.
///
/// # Safety
///
/// The range is valid for `length` bytes of device accesses.
pub(crate) unsafe fn fill(destination: *mut u8, length: usize, byte: u8) {
    let value = u64::from_ne_bytes([byte; 8]);
    for (offset, width) in Moves::of_one(destination.addr(), length) {
        // SAFETY: `offset` and `width` stay inside `length`.
        unsafe { arch::write(destination.wrapping_add(offset), value, width) };
    }
}

/// Counts the equal bytes at the start, byte by byte.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes of device accesses.
pub(crate) unsafe fn compare(one: *const u8, other: *const u8, length: usize) -> usize {
    for offset in 0..length {
        // SAFETY: `offset` is inside `length`.
        let left = unsafe { arch::read(one.wrapping_add(offset), Width::One) };
        // SAFETY: as above.
        let right = unsafe { arch::read(other.wrapping_add(offset), Width::One) };
        if left != right {
            return offset;
        }
    }
    length
}

/// Returns whether all bytes are equal, with single aligned moves, lowest address first.
///
/// # Safety
///
/// Both ranges are valid for `length` bytes of device accesses.
pub(crate) unsafe fn equal(one: *const u8, other: *const u8, length: usize) -> bool {
    let mut moves = Moves {
        destination: one.addr(),
        source: other.addr(),
        offset: 0,
        length,
    };
    moves.all(|(offset, width)| {
        // SAFETY: `offset` and `width` stay inside `length`.
        let left = unsafe { arch::read(one.wrapping_add(offset), width) };
        // SAFETY: as above.
        let right = unsafe { arch::read(other.wrapping_add(offset), width) };
        left == right
    })
}

/// A mapped range of device memory.
///
/// Accesses are single moves of 1, 2, 4 or 8 bytes, each naturally aligned on both sides. They are never
/// string or vector instructions, and two moves are never merged. A copy goes upward. Each move is the
/// widest that both addresses and the remaining length allow. A device that requires certain widths must
/// be accessed register by register instead.
///
/// Source: `RtlCopyDeviceMemory` (`wdm.h`).
#[derive(Debug)]
pub struct DeviceSlice<'a> {
    pointer: *mut u8,
    length: usize,
    memory: PhantomData<&'a mut [u8]>,
}

impl DeviceSlice<'_> {
    /// Returns the device memory at `pointer`.
    ///
    /// # Safety
    ///
    /// For the lifetime of the value all `length` bytes stay mapped, reads and writes of them have no
    /// effect that breaks memory safety, and no Rust reference to any of them is in use.
    #[must_use]
    pub const unsafe fn from_raw_parts(pointer: *mut u8, length: usize) -> Self {
        Self {
            pointer,
            length,
            memory: PhantomData,
        }
    }

    /// Returns the length in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Returns whether the length is 0.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies `destination.len()` bytes from `offset` on out of the device.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if the range is not all inside; then nothing is accessed.
    pub fn read(&self, offset: usize, destination: VolatileSlice<'_>) -> Result<(), NtStatus> {
        let mut destination = destination;
        let source = self.at(offset, destination.len())?;
        // SAFETY: both ranges are valid by the promises of their constructors.
        unsafe { copy(destination.as_mut_ptr(), source, destination.len()) };
        Ok(())
    }

    /// Copies all of `source` into the device, from `offset` on.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if the range is not all inside; then nothing is accessed.
    pub fn write(&mut self, offset: usize, source: &VolatileSlice<'_>) -> Result<(), NtStatus> {
        let destination = self.at(offset, source.len())?;
        // SAFETY: both ranges are valid by the promises of their constructors.
        unsafe { copy(destination, source.as_ptr(), source.len()) };
        Ok(())
    }

    /// Copies `length` bytes within the device.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if a range is not all inside, or if the ranges overlap; then nothing
    /// is accessed. [`copy_device_memory`](crate::ddi::copy_device_memory) makes a fast fail of an
    /// overlap.
    pub fn copy_within(
        &mut self,
        destination: usize,
        source: usize,
        length: usize,
    ) -> Result<(), NtStatus> {
        let to = self.at(destination, length)?;
        let from = self.at(source, length)?;
        if overlaps(destination, source, length) {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        // SAFETY: both ranges are inside this one, valid by the promise of `from_raw_parts`.
        unsafe { copy(to, from, length) };
        Ok(())
    }

    /// Sets `length` bytes from `offset` on to `byte`.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if the range is not all inside; then nothing is accessed.
    pub fn fill(&mut self, offset: usize, length: usize, byte: u8) -> Result<(), NtStatus> {
        let destination = self.at(offset, length)?;
        // SAFETY: the range is valid by the promise of `from_raw_parts`.
        unsafe { fill(destination, length, byte) };
        Ok(())
    }

    /// Returns how many bytes from `offset` on equal those of `expected`, up to the first that differs.
    /// It compares one byte at a time.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if the range is not all inside; then nothing is accessed.
    pub fn compare(&self, offset: usize, expected: &VolatileSlice<'_>) -> Result<usize, NtStatus> {
        let source = self.at(offset, expected.len())?;
        // SAFETY: both ranges are valid by the promises of their constructors.
        Ok(unsafe { compare(source, expected.as_ptr(), expected.len()) })
    }

    const fn at(&self, offset: usize, length: usize) -> Result<*mut u8, NtStatus> {
        match self.length.checked_sub(offset) {
            Some(rest) if length <= rest => Ok(self.pointer.wrapping_add(offset)),
            _ => Err(NtStatus::INVALID_PARAMETER),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use super::{Moves, overlaps};

    /// Offset and width of each move.
    fn moves(destination: usize, source: usize, length: usize) -> Vec<(usize, usize)> {
        let moves = Moves {
            destination,
            source,
            offset: 0,
            length,
        };
        moves
            .map(|(offset, width)| (offset, width as usize))
            .collect()
    }

    #[test]
    fn the_widest_aligned_move_is_taken_at_each_step() {
        assert_eq!(moves(0x1000, 0x2000, 0), vec![]);
        assert_eq!(moves(0x1000, 0x2000, 16), vec![(0, 8), (8, 8)]);
        assert_eq!(
            moves(0x1001, 0x2001, 22),
            vec![(0, 1), (1, 2), (3, 4), (7, 8), (15, 4), (19, 2), (21, 1)]
        );
        assert_eq!(moves(0x1000, 0x2004, 12), vec![(0, 4), (4, 4), (8, 4)]);
        assert_eq!(moves(0x1002, 0x2004, 4), vec![(0, 2), (2, 2)]);
        assert_eq!(moves(0x1000, 0x2001, 3), vec![(0, 1), (1, 1), (2, 1)]);
    }

    #[test]
    fn every_move_is_aligned_and_every_byte_is_moved_once() {
        for destination in 0..16_usize {
            for source in 0..16_usize {
                for length in 0..70_usize {
                    let mut next = 0;
                    for (offset, width) in moves(destination, source, length) {
                        assert_eq!(offset, next);
                        assert_eq!((destination + offset) % width, 0);
                        assert_eq!((source + offset) % width, 0);
                        next = offset + width;
                    }
                    assert_eq!(next, length);
                }
            }
        }
    }

    #[test]
    fn ranges_overlap_when_they_share_a_byte() {
        for destination in 0..12_usize {
            for source in 0..12_usize {
                for length in 0..6_usize {
                    let shared = (destination..destination + length)
                        .any(|byte| (source..source + length).contains(&byte));
                    assert_eq!(
                        overlaps(destination, source, length),
                        shared,
                        "{destination} {source} {length}"
                    );
                }
            }
        }
    }
}
