//! Checked ranges, used front to back.

use core::{fmt, marker::PhantomData};

use crate::{
    Access, Fault, Mode, NtStatus, VolatileSlice,
    guarded::{self, Route, copy},
};

/// What is left of a checked range, and how much of it is done with.
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

    /// Refuses a use of more than what is left.
    #[inline]
    const fn has(&self, length: usize, kind: Access) -> Result<(), Fault> {
        if length <= self.remaining {
            return Ok(());
        }
        let status = NtStatus::INVALID_BUFFER_SIZE;
        Err(Fault::refused(status, self.address, kind))
    }

    #[inline]
    const fn skip(&mut self, moved: usize) {
        self.address = self.address.wrapping_add(moved);
        self.remaining = self.remaining.wrapping_sub(moved);
        self.position = self.position.wrapping_add(moved);
    }

    /// Lets `access` at the next `length` bytes, and moves on by what it got through.
    #[inline]
    fn advance(
        &mut self,
        length: usize,
        kind: Access,
        access: impl FnOnce(usize, Mode) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.has(length, kind)?;
        let outcome = access(self.address, self.mode);
        self.skip(moved(outcome, length));
        outcome
    }
}

/// How far an access of `length` bytes came.
#[inline]
const fn moved(outcome: Result<(), Fault>, length: usize) -> usize {
    match outcome {
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

/// Memory of the kernel's own, as one side of a copy.
#[inline]
fn kernel(pointer: *const u8) -> (usize, Mode) {
    (pointer.expose_provenance(), Mode::Kernel)
}

/// Reads a checked range of user memory, front to back, and hands out no byte twice.
///
/// # Guarantees
///
/// - The whole range was checked when this was made, on the captured numbers, which do not change.
///   Each read checks its part again.
/// - A byte that was handed out is not fetched again by this reader; the position moves on over a
///   fault, too, by [`Fault::copied`].
/// - A fault returns. [`Fault::copied`] is exact for the call that met it: so many bytes of the
///   destination hold data, the rest is untouched.
///
/// Within one call the processor may touch a location more than once, in any order and width;
/// what arrives in the destination is then the only copy that counts.
///
/// # IRQL
///
/// At most `APC_LEVEL`, in the context of the process whose memory it is: the fault handler of
/// the memory manager must be able to run.
#[derive(Debug)]
pub struct UserReader {
    cursor: Cursor,
}

impl UserReader {
    #[inline]
    pub(super) const fn new(cursor: Cursor) -> Self {
        Self { cursor }
    }

    /// Bytes not yet read.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.cursor.remaining
    }

    /// Bytes read so far, over all calls.
    #[must_use]
    #[inline]
    pub const fn position(&self) -> usize {
        self.cursor.position
    }

    /// Reads the next `destination.len()` bytes.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer remain, with nothing touched; else the exception
    /// that the memory raised, after [`Fault::copied`] bytes.
    #[inline]
    pub fn read(&mut self, destination: &mut [u8]) -> Result<(), Fault> {
        self.read_volatile(destination.into())
    }

    /// Reads the next `destination.len()` bytes into memory that is itself shared.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn read_volatile(&mut self, destination: VolatileSlice<'_>) -> Result<(), Fault> {
        let mut destination = destination;
        let (pointer, length) = (destination.as_mut_ptr(), destination.len());
        self.cursor.advance(length, Access::Read, |address, mode| {
            // SAFETY: the destination is valid by its type. The source is a part of the range
            // that passed the check, or kernel memory by the promise of `UserSlice::for_mode`.
            unsafe { copy(kernel(pointer), (address, mode), length, Route::Cached) }
        })
    }
}

/// Writes a checked range of user memory, front to back.
///
/// # Guarantees
///
/// - The whole range was checked when this was made. Each write checks its part again.
/// - A fault returns. [`Fault::copied`] is exact for the call that met it: so many bytes of user
///   memory were written, none after them.
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

    /// Bytes not yet written.
    #[must_use]
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.cursor.remaining
    }

    /// Bytes written so far, over all calls.
    #[must_use]
    #[inline]
    pub const fn position(&self) -> usize {
        self.cursor.position
    }

    /// Writes all of `source`.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if less room remains, with nothing touched; else the
    /// exception that the memory raised, after [`Fault::copied`] bytes.
    #[inline]
    pub fn write(&mut self, source: &[u8]) -> Result<(), Fault> {
        let (pointer, length) = (source.as_ptr(), source.len());
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: the source is valid by its type. The destination is a part of the range
            // that passed the check, or kernel memory by the promise of `UserSlice::for_mode`.
            unsafe { copy((address, mode), kernel(pointer), length, Route::Cached) }
        })
    }

    /// Writes all of `source`, which is itself shared memory.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    pub fn write_volatile(&mut self, source: &VolatileSlice<'_>) -> Result<(), Fault> {
        let (pointer, length) = (source.as_ptr(), source.len());
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: as in `write`.
            unsafe { copy((address, mode), kernel(pointer), length, Route::Cached) }
        })
    }

    /// Sets the next `length` bytes to `byte`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    pub fn fill(&mut self, byte: u8, length: usize) -> Result<(), Fault> {
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: a part of the range that passed the check, or kernel memory by the promise
            // of `UserSlice::for_mode`.
            unsafe { guarded::fill(address, byte, length, mode) }
        })
    }

    /// Writes the next `length` bytes of `source`, from one range of user memory straight to
    /// another. Should the two overlap, the bytes that both share end up unspecified; see
    /// [`UserSlice::move_to`](super::UserSlice::move_to).
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if fewer bytes remain on either side, with nothing
    /// touched; else the exception that the memory raised, after [`Fault::copied`] bytes, with
    /// [`Fault::access`] telling the side. Both sides move on by so many.
    #[inline]
    pub fn write_from(&mut self, source: &mut UserReader, length: usize) -> Result<(), Fault> {
        let from = &mut source.cursor;
        from.has(length, Access::Read)?;
        let outcome = self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: each side is a part of a range that passed the check, or kernel memory by
            // the promise of `UserSlice::for_mode`.
            unsafe {
                copy(
                    (address, mode),
                    (from.address, from.mode),
                    length,
                    Route::Cached,
                )
            }
        });
        from.skip(moved(outcome, length));
        outcome
    }
}
