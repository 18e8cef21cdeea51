//! Volatile memory: memory that may change while it is accessed.

use core::{error, fmt, marker::PhantomData};

use crate::{NtStatus, arch};

/// The lengths of a copy differ. Nothing was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct LengthMismatch {
    /// The length of the destination in bytes.
    pub destination: usize,
    /// The length of the source in bytes.
    pub source: usize,
}

impl fmt::Display for LengthMismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            destination,
            source,
        } = self;
        write!(
            formatter,
            "cannot copy {source} bytes to {destination} bytes: the lengths must be equal"
        )
    }
}

impl error::Error for LengthMismatch {}

impl From<LengthMismatch> for NtStatus {
    #[inline]
    fn from(_: LengthMismatch) -> Self {
        Self::INVALID_BUFFER_SIZE
    }
}

/// Valid, writable kernel memory that another processor, a device, or user mode through a shared
/// mapping may change at any time.
///
/// No reference to such memory is ever made, so this is sound. Bytes are copied by instructions that the
/// compiler neither removes nor repeats. The accesses may be unaligned.
///
/// It is not for device registers, see [`DeviceSlice`](crate::DeviceSlice), and not for user addresses,
/// see [`UserSlice`](crate::UserSlice): the accesses are not guarded.
///
/// Source: `RtlCopyVolatileMemory`, `RtlFillVolatileMemory` (`wdm.h`).
#[derive(Debug)]
pub struct VolatileSlice<'a> {
    pointer: *mut u8,
    length: usize,
    memory: PhantomData<&'a mut [u8]>,
}

impl VolatileSlice<'_> {
    /// Returns the memory at `pointer`.
    ///
    /// # Safety
    ///
    /// For the lifetime `'a` all `length` bytes stay mapped and writable in kernel space, and no Rust
    /// reference to any of them is in use.
    #[must_use]
    #[inline]
    pub const unsafe fn from_raw_parts(pointer: *mut u8, length: usize) -> Self {
        Self::part(pointer, length)
    }

    #[inline]
    const fn part(pointer: *mut u8, length: usize) -> Self {
        Self {
            pointer,
            length,
            memory: PhantomData,
        }
    }

    /// Returns the length in bytes.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Returns whether the length is 0.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the start of the memory. The pointer must not be made into a reference.
    #[must_use]
    #[inline]
    pub const fn as_mut_ptr(&mut self) -> *mut u8 {
        self.pointer
    }

    /// Returns the same memory with a shorter lifetime.
    #[must_use]
    pub const fn reborrow(&mut self) -> VolatileSlice<'_> {
        VolatileSlice::part(self.pointer, self.length)
    }

    /// Returns the first `middle` bytes and the rest, or `None` if there are fewer bytes.
    #[must_use]
    pub const fn split_at_checked(self, middle: usize) -> Option<(Self, Self)> {
        let Some(rest) = self.length.checked_sub(middle) else {
            return None;
        };
        let head = Self::part(self.pointer, middle);
        let tail = Self::part(self.pointer.wrapping_add(middle), rest);
        Some((head, tail))
    }

    /// Returns the `length` bytes from `offset`, or `None` if they are not all inside.
    #[must_use]
    pub const fn subslice(self, offset: usize, length: usize) -> Option<Self> {
        match self.length.checked_sub(offset) {
            Some(rest) if length <= rest => {
                Some(Self::part(self.pointer.wrapping_add(offset), length))
            }
            _ => None,
        }
    }

    /// Copies all of `source` into all of this memory.
    ///
    /// # Errors
    ///
    /// [`LengthMismatch`] if the lengths differ; then nothing is copied.
    #[inline]
    pub fn copy_from_slice(&mut self, source: &[u8]) -> Result<(), LengthMismatch> {
        self.same_length(source.len())?;
        // SAFETY: this memory is valid by the promise of `from_raw_parts`, `source` by its type.
        unsafe { arch::copy(self.pointer, source.as_ptr(), self.length) };
        Ok(())
    }

    /// Copies all of `source` into all of this memory.
    ///
    /// If the two overlap, which takes two calls of [`from_raw_parts`](Self::from_raw_parts), the shared
    /// bytes end up unspecified.
    ///
    /// # Errors
    ///
    /// [`LengthMismatch`] if the lengths differ; then nothing is copied.
    #[inline]
    pub fn copy_from_volatile(&mut self, source: &VolatileSlice<'_>) -> Result<(), LengthMismatch> {
        self.same_length(source.length)?;
        // SAFETY: both are valid by the promise of `from_raw_parts`.
        unsafe { arch::copy(self.pointer, source.pointer, self.length) };
        Ok(())
    }

    /// Copies all of this memory into all of `destination`.
    ///
    /// # Errors
    ///
    /// [`LengthMismatch`] if the lengths differ; then nothing is copied.
    #[inline]
    pub fn copy_to_slice(&self, destination: &mut [u8]) -> Result<(), LengthMismatch> {
        if destination.len() != self.length {
            return Err(LengthMismatch {
                destination: destination.len(),
                source: self.length,
            });
        }
        // SAFETY: this memory is valid by the promise of `from_raw_parts`, the other by its type.
        unsafe { arch::copy(destination.as_mut_ptr(), self.pointer, self.length) };
        Ok(())
    }

    /// Sets every byte to `byte`.
    #[inline]
    pub fn fill(&mut self, byte: u8) {
        // SAFETY: this memory is valid by the promise of `from_raw_parts`.
        unsafe { arch::fill(self.pointer, byte, self.length) };
    }

    #[inline]
    pub(crate) const fn as_ptr(&self) -> *const u8 {
        self.pointer
    }

    #[inline]
    const fn same_length(&self, source: usize) -> Result<(), LengthMismatch> {
        if source == self.length {
            return Ok(());
        }
        Err(LengthMismatch {
            destination: self.length,
            source,
        })
    }
}

impl<'a> From<&'a mut [u8]> for VolatileSlice<'a> {
    #[inline]
    fn from(slice: &'a mut [u8]) -> Self {
        let (pointer, length) = (slice.as_mut_ptr(), slice.len());
        // SAFETY: the slice is valid and borrowed for all of `'a`, so nothing else uses it.
        unsafe { Self::from_raw_parts(pointer, length) }
    }
}

impl<'a, const LENGTH: usize> From<&'a mut [u8; LENGTH]> for VolatileSlice<'a> {
    #[inline]
    fn from(array: &'a mut [u8; LENGTH]) -> Self {
        Self::from(array.as_mut_slice())
    }
}
