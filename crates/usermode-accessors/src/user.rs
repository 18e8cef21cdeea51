//! User memory, as types that keep the rules.

use core::{fmt, marker::PhantomData, mem::size_of};

use crate::{
    Access, Fault, Mode, Status, VolatileSlice,
    guarded::{self, Scalar},
    probe,
};

/// A range of memory that a caller named: an address and a length, nothing more.
///
/// It is not a Rust pointer: no reference to the memory can be made. It can be neither copied
/// nor cloned, and [`reader`](Self::reader) and [`writer`](Self::writer) consume it, so a
/// second fetch of what was already judged does not compile:
///
/// ```compile_fail,E0382
/// # use usermode_accessors::UserSlice;
/// let request = UserSlice::new(0x10_0000, 64);
/// let header = request.reader();
/// let again = request.reader(); // the range was consumed above
/// ```
///
/// ```compile_fail,E0599
/// # use usermode_accessors::UserSlice;
/// let request = UserSlice::new(0x10_0000, 64);
/// let spare = request.clone();
/// ```
///
/// A range that is both read and written, each once, is split by
/// [`reader_and_writer`](Self::reader_and_writer).
#[derive(PartialEq, Eq)]
pub struct UserSlice {
    address: usize,
    length: usize,
    mode: Mode,
}

impl UserSlice {
    /// `length` bytes of user memory at `address`. Any two numbers will do: they are checked
    /// when the range is made into a reader or writer.
    #[must_use]
    pub const fn new(address: usize, length: usize) -> Self {
        Self {
            address,
            length,
            mode: Mode::User,
        }
    }

    /// `length` bytes at `address`, named by a caller in `mode`.
    ///
    /// With [`Mode::User`] it is the same as [`new`](Self::new). With [`Mode::Kernel`] the
    /// address is used as it stands: no check, no guard, and user memory stays closed where
    /// SMAP closes it. An invalid one ends the system, as it would in C.
    ///
    /// # Safety
    ///
    /// If `mode` is [`Mode::Kernel`], the range is valid kernel memory, readable or writable as
    /// the use that follows demands, for as long as this value or what it is made into lives,
    /// and no Rust reference to it is in use meanwhile.
    #[must_use]
    pub const unsafe fn for_mode(address: usize, length: usize, mode: Mode) -> Self {
        Self {
            address,
            length,
            mode,
        }
    }

    /// The address, as the caller gave it.
    #[must_use]
    pub const fn address(&self) -> usize {
        self.address
    }

    /// The length in bytes, as the caller gave it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the length is 0.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Checks the range, for reading.
    ///
    /// # Errors
    ///
    /// [`Status::ACCESS_VIOLATION`] if the range is not all user memory.
    pub const fn reader(self) -> Result<UserReader, Fault> {
        self.reader_aligned(1)
    }

    /// Checks alignment and range, for reading.
    ///
    /// # Errors
    ///
    /// [`Status::INVALID_PARAMETER`] if `alignment`, in bytes, is not a power of two;
    /// [`Status::DATATYPE_MISALIGNMENT`] if the address is not aligned to it;
    /// [`Status::ACCESS_VIOLATION`] if the range is not all user memory. None of them if the
    /// length is 0 or the mode [`Mode::Kernel`].
    pub const fn reader_aligned(self, alignment: usize) -> Result<UserReader, Fault> {
        match self.probed(alignment, Access::Read) {
            Ok(cursor) => Ok(UserReader { cursor }),
            Err(fault) => Err(fault),
        }
    }

    /// Checks the range, for writing.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    pub const fn writer(self) -> Result<UserWriter, Fault> {
        self.writer_aligned(1)
    }

    /// Checks alignment and range, for writing.
    ///
    /// # Errors
    ///
    /// As [`reader_aligned`](Self::reader_aligned).
    pub const fn writer_aligned(self, alignment: usize) -> Result<UserWriter, Fault> {
        match self.probed(alignment, Access::Write) {
            Ok(cursor) => Ok(UserWriter { cursor }),
            Err(fault) => Err(fault),
        }
    }

    /// Checks the range once, for reading it once and writing it once.
    ///
    /// What is read after something was written may be neither what was there nor what was
    /// written: the memory is its owner's.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    pub const fn reader_and_writer(self) -> Result<(UserReader, UserWriter), Fault> {
        let Self {
            address,
            length,
            mode,
        } = self;
        let twin = Self {
            address,
            length,
            mode,
        };
        match (self.reader(), twin.writer()) {
            (Ok(reader), Ok(writer)) => Ok((reader, writer)),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        }
    }

    const fn probed(self, alignment: usize, access: Access) -> Result<Cursor, Fault> {
        let Self {
            address,
            length,
            mode,
        } = self;
        if matches!(mode, Mode::User)
            && let Err(status) = probe::check(address, length, alignment)
        {
            return Err(Fault::refused(status, address, access));
        }
        Ok(Cursor {
            address,
            remaining: length,
            position: 0,
            mode,
        })
    }
}

impl fmt::Debug for UserSlice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            length,
            mode,
        } = self;
        write!(
            formatter,
            "UserSlice(0x{address:X}, {length} bytes, {mode:?})"
        )
    }
}

/// What is left of a checked range, and how much of it is done with.
struct Cursor {
    address: usize,
    remaining: usize,
    position: usize,
    mode: Mode,
}

impl Cursor {
    /// Lets `access` at the next `length` bytes, and moves on by what it got through.
    fn advance(
        &mut self,
        length: usize,
        kind: Access,
        access: impl FnOnce(usize, Mode) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if length > self.remaining {
            let status = Status::INVALID_BUFFER_SIZE;
            return Err(Fault::refused(status, self.address, kind));
        }
        let outcome = access(self.address, self.mode);
        let moved = match outcome {
            Ok(()) => length,
            Err(fault) => fault.copied,
        };
        self.address = self.address.wrapping_add(moved);
        self.remaining = self.remaining.wrapping_sub(moved);
        self.position = self.position.wrapping_add(moved);
        outcome
    }
}

/// Reads a checked range of user memory, front to back, every byte at most once.
///
/// # Guarantees
///
/// - The range was checked when this was made, and is what it was then: the checks are on the
///   captured numbers.
/// - A byte that was handed out is never fetched again; the position moves on over a fault, too,
///   by [`Fault::copied`].
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
    /// Bytes not yet read.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.cursor.remaining
    }

    /// Bytes read so far, over all calls.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.cursor.position
    }

    /// Reads the next `destination.len()` bytes.
    ///
    /// # Errors
    ///
    /// [`Status::INVALID_BUFFER_SIZE`] if fewer remain, with nothing touched; else the exception
    /// that the memory raised, after [`Fault::copied`] bytes.
    pub fn read(&mut self, destination: &mut [u8]) -> Result<(), Fault> {
        self.read_volatile(destination.into())
    }

    /// Reads the next `destination.len()` bytes into memory that is itself shared.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_volatile(&mut self, destination: VolatileSlice<'_>) -> Result<(), Fault> {
        let mut destination = destination;
        let (pointer, length) = (destination.as_mut_ptr(), destination.len());
        self.cursor.advance(length, Access::Read, |address, mode| {
            // SAFETY: the destination is valid by its type. The source is a part of the range
            // that passed the check, or kernel memory by the promise of `UserSlice::for_mode`.
            unsafe { guarded::copy_from(pointer, address, length, mode) }
        })
    }
}

/// Writes a checked range of user memory, front to back.
///
/// # Guarantees
///
/// - The range was checked when this was made.
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
    /// Bytes not yet written.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.cursor.remaining
    }

    /// Bytes written so far, over all calls.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.cursor.position
    }

    /// Writes all of `source`.
    ///
    /// # Errors
    ///
    /// [`Status::INVALID_BUFFER_SIZE`] if less room remains, with nothing touched; else the
    /// exception that the memory raised, after [`Fault::copied`] bytes.
    pub fn write(&mut self, source: &[u8]) -> Result<(), Fault> {
        let (pointer, length) = (source.as_ptr(), source.len());
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: the source is valid by its type. The destination is a part of the range
            // that passed the check, or kernel memory by the promise of `UserSlice::for_mode`.
            unsafe { guarded::copy_to(address, pointer, length, mode) }
        })
    }

    /// Writes all of `source`, which is itself shared memory.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_volatile(&mut self, source: &VolatileSlice<'_>) -> Result<(), Fault> {
        let (pointer, length) = (source.as_ptr(), source.len());
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: as in `write`.
            unsafe { guarded::copy_to(address, pointer, length, mode) }
        })
    }

    /// Sets the next `length` bytes to `byte`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn fill(&mut self, byte: u8, length: usize) -> Result<(), Fault> {
        self.cursor.advance(length, Access::Write, |address, mode| {
            // SAFETY: a part of the range that passed the check, or kernel memory by the promise
            // of `UserSlice::for_mode`.
            unsafe { guarded::fill(address, byte, length, mode) }
        })
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            remaining,
            position,
            mode,
        } = self;
        write!(
            formatter,
            "at 0x{address:X}, {position} bytes done, {remaining} to go, {mode:?}"
        )
    }
}

/// The address of one value of type `T` that a caller named.
///
/// Not a Rust pointer: no `Deref`, no reference. Using it consumes it, so the value cannot be
/// fetched twice:
///
/// ```compile_fail,E0382
/// # use usermode_accessors::UserPtr;
/// let length = UserPtr::<u32>::new(0x10_0000);
/// let judged = length.read();
/// let used = length.read();
/// ```
pub struct UserPtr<T> {
    address: usize,
    mode: Mode,
    value: PhantomData<fn(T) -> T>,
}

impl<T> UserPtr<T> {
    /// The user address of a `T`. Any number will do: it is checked when it is used.
    #[must_use]
    pub const fn new(address: usize) -> Self {
        Self {
            address,
            mode: Mode::User,
            value: PhantomData,
        }
    }

    /// The address of a `T`, named by a caller in `mode`; see [`UserSlice::for_mode`].
    ///
    /// # Safety
    ///
    /// As for [`UserSlice::for_mode`], with `size_of::<T>()` bytes.
    #[must_use]
    pub const unsafe fn for_mode(address: usize, mode: Mode) -> Self {
        Self {
            address,
            mode,
            value: PhantomData,
        }
    }

    /// The address, as the caller gave it.
    #[must_use]
    pub const fn address(&self) -> usize {
        self.address
    }

    /// The bytes of the `T`.
    #[must_use]
    pub const fn into_slice(self) -> UserSlice {
        UserSlice {
            address: self.address,
            length: size_of::<T>(),
            mode: self.mode,
        }
    }
}

impl<T: Scalar> UserPtr<T> {
    /// Reads the value with exactly one instruction of its width. Alignment is not enforced, as
    /// in Microsoft's scalar accessors; an unaligned read may be torn.
    ///
    /// IRQL: at most `APC_LEVEL`.
    ///
    /// # Errors
    ///
    /// [`Status::ACCESS_VIOLATION`] if it is not user memory; else the exception that the memory
    /// raised. [`Fault::copied`] is 0.
    pub fn read(self) -> Result<T, Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::read(self.address, self.mode) }
    }

    /// Writes the value with exactly one instruction of its width. Alignment is not enforced.
    ///
    /// IRQL: at most `APC_LEVEL`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn write(self, value: T) -> Result<(), Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::write(self.address, value, self.mode) }
    }
}

impl<T> fmt::Debug for UserPtr<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, mode, .. } = self;
        write!(formatter, "UserPtr(0x{address:X}, {mode:?})")
    }
}
