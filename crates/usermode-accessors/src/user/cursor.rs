//! Readers and writers: checked ranges that are used from front to back.

use core::{fmt, marker::PhantomData, mem::MaybeUninit, slice};

use crate::{
    Access, Fault, Mode, NtStatus, VolatileSlice,
    guarded::{self, Route, copy},
};

/// The rest of a checked range, and its position.
pub(super) struct Cursor {
    address: usize,
    remaining: usize,
    position: usize,
    mode: Mode,
    process: PhantomData<*const ()>,
}

impl Cursor {
    #[inline]
    pub(super) const fn new(address: usize, length: usize, mode: Mode) -> Self {
        Self {
            address,
            remaining: length,
            position: 0,
            mode,
            process: PhantomData,
        }
    }

    /// Checks that `length` bytes are left.
    #[inline]
    const fn has(&self, length: usize, kind: Access) -> Result<(), Fault> {
        if length <= self.remaining {
            return Ok(());
        }
        let status = NtStatus::INVALID_BUFFER_SIZE;
        Err(Fault::refused(status, self.address, kind))
    }

    /// Passes over `length` bytes, unread and unwritten.
    #[inline]
    const fn pass(&mut self, length: usize, kind: Access) -> Result<(), Fault> {
        if let Err(fault) = self.has(length, kind) {
            return Err(fault);
        }
        self.skip(length);
        Ok(())
    }

    #[inline]
    const fn skip(&mut self, moved: usize) {
        self.address = self.address.wrapping_add(moved);
        self.remaining = self.remaining.wrapping_sub(moved);
        self.position = self.position.wrapping_add(moved);
    }

    /// Runs `access` on the next `length` bytes, and skips the bytes that it moved.
    #[inline]
    fn advance(
        &mut self,
        length: usize,
        kind: Access,
        access: impl FnOnce(usize, Mode) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.has(length, kind)?;
        let result = access(self.address, self.mode);
        self.skip(moved(result, length));
        result
    }

    /// Writes `length` bytes of kernel memory at `source`.
    ///
    /// # Safety
    ///
    /// The source is valid.
    #[inline]
    unsafe fn write(&mut self, source: *const u8, length: usize) -> Result<(), Fault> {
        self.advance(length, Access::Write, |address, mode| {
            // SAFETY: the caller guarantees the source. The destination is a part of the range that
            // passed the check, or kernel memory by the promise of `UserSlice::for_mode`.
            unsafe { copy((address, mode), kernel(source), length, Route::Cached) }
        })
    }
}

/// Returns how many of `length` bytes an access moved.
#[inline]
const fn moved(result: Result<(), Fault>, length: usize) -> usize {
    match result {
        Ok(()) => length,
        Err(fault) => fault.copied,
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            remaining,
            position,
            mode,
            ..
        } = self;
        write!(
            formatter,
            "at 0x{address:X}, {position} bytes done, {remaining} to go, {mode:?}"
        )
    }
}

/// Returns kernel memory as one side of a copy.
#[inline]
fn kernel(pointer: *const u8) -> (usize, Mode) {
    (pointer.expose_provenance(), Mode::Kernel)
}

/// Reads a checked range of user memory from front to back, and returns no byte twice.
///
/// # Guarantees
///
/// - The whole range is checked when the reader is made, on captured numbers. Each read checks its part
///   again.
/// - The reader does not read a byte again that it has returned. After a fault the position is after
///   the [`Fault::copied`] bytes.
/// - A fault returns. [`Fault::copied`] is exact for the call: the first `copied` bytes of the
///   destination are written, and the others are untouched. With the feature `umaccess` it is 0, whatever
///   was written, and the position stays.
///
/// Within one call the processor may access a location more than once, in any order and width. Only the
/// bytes in the destination count.
///
/// # IRQL
///
/// At most `APC_LEVEL`, in the context of the process that owns the memory: the fault handler of the
/// memory manager must be able to run.
#[derive(Debug)]
pub struct UserReader {
    cursor: Cursor,
}

impl UserReader {
    #[inline]
    pub(super) const fn new(cursor: Cursor) -> Self {
        Self { cursor }
    }

    /// Returns the number of bytes that are left.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.cursor.remaining
    }

    /// Returns the number of bytes that were read, over all calls.
    #[must_use]
    #[inline]
    pub const fn position(&self) -> usize {
        self.cursor.position
    }

    /// Reads the next `destination.len()` bytes.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer bytes are left, and then nothing is accessed; or the
    /// exception that the memory raised, after [`Fault::copied`] bytes.
    #[inline]
    pub fn read(&mut self, destination: &mut [u8]) -> Result<(), Fault> {
        self.read_volatile(destination.into())
    }

    /// Passes over the next `length` bytes. They are not accessed.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer bytes are left; the position is as before.
    #[inline]
    pub const fn skip(&mut self, length: usize) -> Result<(), Fault> {
        self.cursor.pass(length, Access::Read)
    }

    /// Reads the next `destination.len()` bytes into memory that need not be initialised, such as that of
    /// a pool allocation, and returns it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). After a fault, the first [`Fault::copied`] bytes are initialised.
    #[inline]
    pub fn read_uninit<'d>(
        &mut self,
        destination: &'d mut [MaybeUninit<u8>],
    ) -> Result<&'d mut [u8], Fault> {
        let (pointer, length) = (destination.as_mut_ptr().cast(), destination.len());
        // SAFETY: the memory is borrowed, and only this call uses it.
        self.read_volatile(unsafe { VolatileSlice::from_raw_parts(pointer, length) })?;
        // SAFETY: all bytes are written, and the memory stays borrowed.
        Ok(unsafe { slice::from_raw_parts_mut(pointer, length) })
    }

    /// Reads the next `destination.len()` bytes into volatile memory.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn read_volatile(&mut self, destination: VolatileSlice<'_>) -> Result<(), Fault> {
        let mut destination = destination;
        let (pointer, length) = (destination.as_mut_ptr(), destination.len());
        self.cursor.advance(length, Access::Read, |address, mode| {
            // SAFETY: the destination is valid by its type. The source is a part of the range that
            // passed the check, or kernel memory by the promise of `UserSlice::for_mode`.
            unsafe { copy(kernel(pointer), (address, mode), length, Route::Cached) }
        })
    }
}

/// Writes a checked range of user memory from front to back.
///
/// # Guarantees
///
/// - The whole range is checked when the writer is made. Each write checks its part again.
/// - A fault returns. [`Fault::copied`] is exact for the call: the first `copied` bytes are written, and
///   none after them. With the feature `umaccess` it is 0, whatever was written, and the position stays.
///
/// # IRQL
///
/// As for [`UserReader`].
#[derive(Debug)]
pub struct UserWriter {
    cursor: Cursor,
}

impl UserWriter {
    #[inline]
    pub(super) const fn new(cursor: Cursor) -> Self {
        Self { cursor }
    }

    /// Returns the number of bytes that are left.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.cursor.remaining
    }

    /// Returns the number of bytes that were written, over all calls.
    #[must_use]
    #[inline]
    pub const fn position(&self) -> usize {
        self.cursor.position
    }

    /// Passes over the next `length` bytes. They are not accessed.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer bytes are left; the position is as before.
    #[inline]
    pub const fn skip(&mut self, length: usize) -> Result<(), Fault> {
        self.cursor.pass(length, Access::Write)
    }

    /// Writes all of `source`.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer bytes are left, and then nothing is accessed; or the
    /// exception that the memory raised, after [`Fault::copied`] bytes.
    #[inline]
    pub fn write(&mut self, source: &[u8]) -> Result<(), Fault> {
        // SAFETY: the source is valid by its type.
        unsafe { self.cursor.write(source.as_ptr(), source.len()) }
    }

    /// Writes all of `source`, which is volatile memory.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    pub fn write_volatile(&mut self, source: &VolatileSlice<'_>) -> Result<(), Fault> {
        // SAFETY: the source is valid by its type.
        unsafe { self.cursor.write(source.as_ptr(), source.len()) }
    }

    /// Sets the next `length` bytes to `byte`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    pub fn fill(&mut self, byte: u8, length: usize) -> Result<(), Fault> {
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: a part of the range that passed the check, or kernel memory by the promise of
            // `UserSlice::for_mode`.
            unsafe { guarded::fill(address, byte, length, mode) }
        })
    }

    /// Copies the next `length` bytes of `source`, from one range of user memory to another.
    ///
    /// If the two overlap, the shared bytes end up unspecified; see
    /// [`UserSlice::move_to`](super::UserSlice::move_to).
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer bytes are left on either side, and then nothing is
    /// accessed; or the exception that the memory raised, after [`Fault::copied`] bytes. Then
    /// [`Fault::access`] shows the side, and the positions of both sides are after those bytes.
    #[inline]
    pub fn write_from(&mut self, source: &mut UserReader, length: usize) -> Result<(), Fault> {
        let from = &mut source.cursor;
        from.has(length, Access::Read)?;
        let source = (from.address, from.mode);
        let result = self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: each side is a part of a range that passed the check, or kernel memory by the
            // promise of `UserSlice::for_mode`.
            unsafe { copy((address, mode), source, length, Route::Cached) }
        });
        from.skip(moved(result, length));
        result
    }
}
