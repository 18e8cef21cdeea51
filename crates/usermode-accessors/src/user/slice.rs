//! A range that a caller named, before it is used.

use core::{fmt, marker::PhantomData};

use super::cursor::{Cursor, UserReader, UserWriter};
use crate::{Access, Fault, Mode, NtStatus, guarded, probe};

/// A range of memory that a caller named: an address and a length, nothing more.
///
/// It is not a Rust pointer: no reference to the memory can be made. It can be neither copied
/// nor cloned, and [`reader`](Self::reader) and [`writer`](Self::writer) consume it. So a second
/// reader of the same value does not compile:
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
/// That holds for the value, not for the memory. A second `UserSlice` of the same two numbers does
/// compile, and what is read through it is a second fetch: the caller may have changed the bytes.
/// Make one slice for each range that a request names, and keep the copy.
///
/// A range that is both read and written is split by
/// [`reader_and_writer`](Self::reader_and_writer).
///
/// # Not for another thread
///
/// User memory is that of the current process. In a thread of another process, such as a work item's,
/// the same address is other memory. So a `UserSlice` is neither [`Send`] nor [`Sync`], and neither
/// are [`UserReader`], [`UserWriter`] and [`UserPtr`](crate::UserPtr):
///
/// ```compile_fail,E0277
/// # use usermode_accessors::UserSlice;
/// fn queue_work(work: impl FnOnce() + Send) {}
///
/// let request = UserSlice::new(0x10_0000, 64);
/// queue_work(move || drop(request.reader()));
/// ```
///
/// This does not stop a driver that attaches its thread to another process meanwhile, or that passes
/// the number on.
#[derive(PartialEq, Eq)]
pub struct UserSlice {
    address: usize,
    length: usize,
    mode: Mode,
    process: PhantomData<*const ()>,
}

impl UserSlice {
    /// `length` bytes of user memory at `address`. Any two numbers will do: they are checked
    /// when the range is made into a reader or writer.
    #[must_use]
    #[inline]
    pub const fn new(address: usize, length: usize) -> Self {
        Self {
            address,
            length,
            mode: Mode::User,
            process: PhantomData,
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
    #[inline]
    pub const unsafe fn for_mode(address: usize, length: usize, mode: Mode) -> Self {
        Self {
            address,
            length,
            mode,
            process: PhantomData,
        }
    }

    /// The address, as the caller gave it.
    #[must_use]
    #[inline]
    pub const fn address(&self) -> usize {
        self.address
    }

    /// The length in bytes, as the caller gave it.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the length is 0.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Checks the range, for reading.
    ///
    /// # Errors
    ///
    /// [`NtStatus::ACCESS_VIOLATION`] if the range is not all user memory.
    #[inline]
    pub const fn reader(self) -> Result<UserReader, Fault> {
        self.reader_aligned(1)
    }

    /// Checks alignment and range, for reading.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_PARAMETER`] if `alignment`, in bytes, is not a power of two;
    /// [`NtStatus::DATATYPE_MISALIGNMENT`] if the address is not aligned to it;
    /// [`NtStatus::ACCESS_VIOLATION`] if the range is not all user memory. None of them if the
    /// length is 0 or the mode [`Mode::Kernel`].
    #[inline]
    pub const fn reader_aligned(self, alignment: usize) -> Result<UserReader, Fault> {
        match self.probed(alignment, Access::Read) {
            Ok(cursor) => Ok(UserReader::new(cursor)),
            Err(fault) => Err(fault),
        }
    }

    /// Checks the range, for writing.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    #[inline]
    pub const fn writer(self) -> Result<UserWriter, Fault> {
        self.writer_aligned(1)
    }

    /// Checks alignment and range, for writing.
    ///
    /// # Errors
    ///
    /// As [`reader_aligned`](Self::reader_aligned).
    #[inline]
    pub const fn writer_aligned(self, alignment: usize) -> Result<UserWriter, Fault> {
        match self.probed(alignment, Access::Write) {
            Ok(cursor) => Ok(UserWriter::new(cursor)),
            Err(fault) => Err(fault),
        }
    }

    /// Checks the range, for one reader and one writer.
    ///
    /// What is read after something was written may be neither what was there nor what was
    /// written: the memory is its owner's.
    ///
    /// # Errors
    ///
    /// As [`reader`](Self::reader).
    #[inline]
    pub const fn reader_and_writer(self) -> Result<(UserReader, UserWriter), Fault> {
        let Self {
            address,
            length,
            mode,
            ..
        } = self;
        let twin = Self::from_parts(address, length, mode);
        match (self.reader(), twin.writer()) {
            (Ok(reader), Ok(writer)) => Ok((reader, writer)),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        }
    }

    /// Moves all of this range to `destination`, of the same length; the two may overlap, and then
    /// every byte arrives as it was. The source is checked first.
    ///
    /// Where the ranges share a byte and the destination lies above the source
    /// ([`moves_backward`](crate::moves_backward)), the bytes move from the last to the first.
    ///
    /// # Errors
    ///
    /// [`NtStatus::INVALID_BUFFER_SIZE`] if the lengths differ; [`NtStatus::ACCESS_VIOLATION`] if a
    /// range is not all user memory; with nothing touched. Else the exception that the memory
    /// raised, after [`Fault::copied`] bytes, counted from the end if the move runs backward.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "both ranges are used up: neither can be fetched from again"
    )]
    #[inline]
    pub fn move_to(self, destination: Self) -> Result<(), Fault> {
        let Self {
            address,
            length,
            mode,
            ..
        } = self;
        let Self {
            address: target,
            length: room,
            mode: target_mode,
            ..
        } = destination;
        if room != length {
            let status = NtStatus::INVALID_BUFFER_SIZE;
            return Err(Fault::refused(status, target, Access::Write));
        }
        let to = (target, target_mode);
        // SAFETY: kernel memory, if that is a mode, is valid by the promise of `for_mode`.
        unsafe { guarded::move_bytes(to, (address, mode), length) }
    }

    /// The parts, for those who check by other means.
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
    const fn probed(self, alignment: usize, access: Access) -> Result<Cursor, Fault> {
        let Self {
            address,
            length,
            mode,
            ..
        } = self;
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
