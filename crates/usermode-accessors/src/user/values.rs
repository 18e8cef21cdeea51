//! Whole values: structures, arrays and slices, by the traits of `zerocopy`.
//!
//! A caller determines the bytes, so only a type for which every pattern of bytes is valid can be read
//! ([`FromBytes`]). All bytes of a value are written, so only a type without padding can be written
//! ([`IntoBytes`]): padding could hold bytes that the caller must not see.

use core::mem::{MaybeUninit, size_of};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{UserPtr, UserReader, UserWriter};
#[allow(unused_imports, reason = "the documentation links it")]
use crate::NtStatus;
use crate::{Fault, VolatileSlice};

impl UserReader {
    /// Reads the next `size_of::<T>()` bytes as a `T`.
    ///
    /// `T` may be an array. The value is a copy: it is not atomic, and no later change of user memory
    /// changes it.
    ///
    /// ```no_run
    /// use usermode_accessors::{NtStatus, UserSlice};
    /// use zerocopy::FromBytes;
    ///
    /// #[derive(FromBytes)]
    /// #[repr(C)]
    /// struct Request {
    ///     buffer: usize,
    ///     length: usize,
    /// }
    ///
    /// fn capture(address: usize) -> Result<Request, NtStatus> {
    ///     let mut reader = UserSlice::new(address, size_of::<Request>()).reader_aligned(8)?;
    ///     Ok(reader.read_value()?)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). After a fault, the position is after [`Fault::copied`] bytes.
    #[inline]
    pub fn read_value<T: FromBytes>(&mut self) -> Result<T, Fault> {
        let mut value = MaybeUninit::<T>::uninit();
        let pointer = value.as_mut_ptr().cast();
        // SAFETY: the value is a local, and only this call uses it.
        let bytes = unsafe { VolatileSlice::from_raw_parts(pointer, size_of::<T>()) };
        self.read_volatile(bytes)?;
        // SAFETY: all bytes are written, and any bytes are a `T`.
        Ok(unsafe { value.assume_init() })
    }

    /// Reads the next bytes into all of `destination`, without a copy in between.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). After a fault, the first [`Fault::copied`] bytes are overwritten, which
    /// may end within a value.
    #[inline]
    pub fn read_values<T: FromBytes + IntoBytes>(
        &mut self,
        destination: &mut [T],
    ) -> Result<(), Fault> {
        self.read(destination.as_mut_bytes())
    }
}

impl UserWriter {
    /// Writes all bytes of `value`, which may be a slice or an array.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write). After a fault, the first [`Fault::copied`] bytes are written.
    #[inline]
    pub fn write_value<T: IntoBytes + Immutable + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), Fault> {
        self.write(value.as_bytes())
    }
}

impl<T> UserPtr<T> {
    /// Reads the value as [`UserReader::read_value`] does: `ReadStructFromUser` for a structure.
    ///
    /// Alignment is not required. For a number, [`read`](Self::read) is one instruction; this is a copy.
    ///
    /// # Errors
    ///
    /// [`NtStatus::ACCESS_VIOLATION`] if it is not user memory; or the exception that the memory raised.
    /// [`Fault::copied`] is the number of bytes that were read, none of which is returned.
    #[inline]
    pub fn read_value(self) -> Result<T, Fault>
    where
        T: FromBytes,
    {
        self.into_slice().reader()?.read_value()
    }

    /// Writes the value as [`UserWriter::write_value`] does: `WriteStructToUser` for a structure.
    ///
    /// # Errors
    ///
    /// As [`read_value`](Self::read_value). The first [`Fault::copied`] bytes are written.
    #[inline]
    pub fn write_value(self, value: &T) -> Result<(), Fault>
    where
        T: IntoBytes + Immutable,
    {
        self.into_slice().writer()?.write_value(value)
    }
}
