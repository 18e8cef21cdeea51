//! A range from a caller, before it is used.

use core::{fmt, marker::PhantomData};

use super::cursor::{Cursor, UserReader, UserWriter};
use crate::{Access, Fault, Mode, NtStatus, guarded, kernel_only, probe};

/// A range of memory from a caller: an address and a length.
///
/// It is not a Rust pointer, and no reference to the memory can be made. It is neither `Copy` nor
/// `Clone`, and [`reader`](Self::reader) and [`writer`](Self::writer) consume it. So a second reader of
/// the same value does not compile:
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
/// This protects the value, not the memory. A second `UserSlice` of the same two numbers compiles. It
/// reads the memory a second time, and the caller may have changed the bytes. Make one slice for each
/// range in a request, and keep the copy.
///
/// [`reader_and_writer`](Self::reader_and_writer) splits a range that is both read and written.
///
/// # Not for another thread
///
/// User memory belongs to the current process. In a thread of another process, such as that of a work
/// item, the same address is other memory. So a `UserSlice` is neither [`Send`] nor [`Sync`]. The same
/// holds for [`UserReader`], [`UserWriter`] and [`UserPtr`](crate::UserPtr):
///
/// ```compile_fail,E0277
/// # use usermode_accessors::UserSlice;
/// fn queue_work(work: impl FnOnce() + Send) {}
///
/// let request = UserSlice::new(0x10_0000, 64);
/// queue_work(move || drop(request.reader()));
/// ```
///
/// This does not prevent a driver from attaching its thread to another process meanwhile, or from
/// passing on the number.
#[derive(PartialEq, Eq)]
pub struct UserSlice {
    address: usize,
    length: usize,
    mode: Mode,
    process: PhantomData<*const ()>,
}

impl UserSlice {
    /// Returns the range of `length` bytes of user memory at `address`. The two numbers are checked
    /// when the range is made into a reader or writer.
    #[must_use]
    #[inline]
    pub const fn new(address: usize, length: usize) -> Self {
        Self::from_parts(address, length, Mode::User)
    }

    /// Returns the range of `length` bytes at `address`, from a caller in `mode`.
    ///
    /// With [`Mode::User`] it is the same as [`new`](Self::new). With [`Mode::Kernel`] the address is
    /// neither checked nor guarded, and user memory stays closed where SMAP closes it. An invalid
    /// address ends the system, as in C.
    ///
    /// # Safety
    ///
    /// If `mode` is [`Mode::Kernel`], the range is valid kernel memory, and readable or writable as its
    /// use requires. It stays so, and no Rust reference to it is in use, as long as this value or the
    /// reader or writer made of it lives.
    #[must_use]
    #[inline]
    pub const unsafe fn for_mode(address: usize, length: usize, mode: Mode) -> Self {
        Self::from_parts(address, length, mode)
    }

    /// Returns the address, unchecked.
    #[must_use]
    #[inline]
    pub const fn address(&self) -> usize {
        self.address
    }

    /// Returns the length in bytes, unchecked.
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

    /// Checks the range for reading.
    ///
    /// # Errors
    ///
    /// [`NtStatus::ACCESS_VIOLATION`] if the range is not all user memory.
    #[inline]
    pub fn reader(self) -> Result<UserReader, Fault> {
        self.reader_aligned(1)
    }

    /// Checks the alignment and the range for reading.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if `alignment`, in bytes, is not a power of two;
    /// [`NtStatus::DATATYPE_MISALIGNMENT`] if the address is not aligned to it;
    /// [`NtStatus::ACCESS_VIOLATION`] if the range is not all user memory. There is no error if the
    /// length is 0 or the mode is [`Mode::Kernel`].
    #[inline]
    pub fn reader_aligned(self, alignment: usize) -> Result<UserReader, Fault> {
        match self.probed(alignment, Access::Read) {
            Ok(cursor) => Ok(UserReader::new(cursor)),
            Err(fault) => Err(fault),
        }
    }

    /// Checks the range for writing.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    #[inline]
    pub fn writer(self) -> Result<UserWriter, Fault> {
        self.writer_aligned(1)
    }

    /// Checks the alignment and the range for writing.
    ///
    /// # Errors
    ///
    /// As [`reader_aligned`](Self::reader_aligned).
    #[inline]
    pub fn writer_aligned(self, alignment: usize) -> Result<UserWriter, Fault> {
        match self.probed(alignment, Access::Write) {
            Ok(cursor) => Ok(UserWriter::new(cursor)),
            Err(fault) => Err(fault),
        }
    }

    /// Checks the range for one reader and one writer.
    ///
    /// A read after a write may return other bytes than were written: the owner of the memory can
    /// change it.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    #[inline]
    pub fn reader_and_writer(self) -> Result<(UserReader, UserWriter), Fault> {
        let Self {
            address,
            length,
            mode,
            ..
        } = self;
        let same = Self::from_parts(address, length, mode);
        match (self.reader(), same.writer()) {
            (Ok(reader), Ok(writer)) => Ok((reader, writer)),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        }
    }

    /// Moves this range to `destination`, which must have the same length.
    ///
    /// The ranges may overlap: the destination then holds the bytes that the source had before. The
    /// source is checked first. If the ranges share a byte and the destination lies above the source
    /// ([`moves_backward`](crate::moves_backward)), the bytes move from the last to the first.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if the lengths differ; [`NtStatus::ACCESS_VIOLATION`] if a range is
    /// not all user memory; in both cases nothing is accessed. Or the exception that the memory raised,
    /// after [`Fault::copied`] bytes, counted from the end if the move runs backward.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "both ranges are consumed, so that neither can be read again"
    )]
    #[inline]
    pub fn move_to(self, destination: Self) -> Result<(), Fault> {
        let to = (destination.address, destination.mode);
        if destination.length != self.length {
            let status = NtStatus::INVALID_BUFFER_SIZE;
            return Err(Fault::refused(status, to.0, Access::Write));
        }
        kernel_only::check(self.mode, self.address, Access::Read)?;
        kernel_only::check(destination.mode, destination.address, Access::Write)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::move_bytes(to, (self.address, self.mode), self.length) }
    }

    /// Returns a range in `mode`. In kernel mode the caller of this function guarantees it.
    #[inline]
    pub(super) const fn from_parts(address: usize, length: usize, mode: Mode) -> Self {
        Self {
            address,
            length,
            mode,
            process: PhantomData,
        }
    }

    #[inline]
    fn probed(self, alignment: usize, access: Access) -> Result<Cursor, Fault> {
        let Self {
            address,
            length,
            mode,
            ..
        } = self;
        kernel_only::check(mode, address, access)?;
        if matches!(mode, Mode::User)
            && let Err(status) = probe::check(address, length, alignment)
        {
            return Err(Fault::refused(status, address, access));
        }
        Ok(Cursor::new(address, length, mode))
    }
}

impl fmt::Debug for UserSlice {
    #[inline]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            length,
            mode,
            ..
        } = self;
        write!(
            formatter,
            "UserSlice(0x{address:X}, {length} bytes, {mode:?})"
        )
    }
}
