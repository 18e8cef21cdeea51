//! The address of one value, before it is used.

use core::{fmt, marker::PhantomData, mem::size_of};

use super::slice::UserSlice;
#[allow(unused_imports, reason = "the documentation speaks of it")]
use crate::NtStatus;
use crate::{
    Character, Fault, Interlocked, Mode, Scalar,
    guarded::{self, Order},
};

/// The address of one value of type `T` that a caller named.
///
/// Not a Rust pointer: no `Deref`, no reference. Using it consumes it, so a second fetch through the
/// same `UserPtr` does not compile:
///
/// ```compile_fail,E0382
/// # use usermode_accessors::UserPtr;
/// let length = UserPtr::<u32>::new(0x10_0000);
/// let judged = length.read();
/// let used = length.read();
/// ```
///
/// Another `UserPtr` of the same number does compile, and reads what is there by then.
///
/// As a [`UserSlice`], it is of the current process, and neither [`Send`] nor [`Sync`].
pub struct UserPtr<T> {
    address: usize,
    mode: Mode,
    value: PhantomData<fn(T) -> T>,
    process: PhantomData<*const ()>,
}

impl<T> UserPtr<T> {
    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The user address of a `T`. Any number will do: it is checked when it is used.
    #[must_use]
    #[inline]
    pub const fn new(address: usize) -> Self {
        Self {
            address,
            mode: Mode::User,
            value: PhantomData,
            process: PhantomData,
        }
    }

    /// The address of a `T`, named by a caller in `mode`; see [`UserSlice::for_mode`].
    ///
    /// # Safety
    ///
    /// As for [`UserSlice::for_mode`], with `size_of::<T>()` bytes, or what the use that follows
    /// says instead.
    #[must_use]
    #[inline]
    pub const unsafe fn for_mode(address: usize, mode: Mode) -> Self {
        Self {
            address,
            mode,
            value: PhantomData,
            process: PhantomData,
        }
    }

    /// The address, as the caller gave it.
    #[must_use]
    #[inline]
    pub const fn address(&self) -> usize {
        self.address
    }

    /// The bytes of the `T`.
    #[must_use]
    #[inline]
    pub const fn into_slice(self) -> UserSlice {
        UserSlice::from_parts(self.address, size_of::<T>(), self.mode)
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
    /// [`NtStatus::ACCESS_VIOLATION`] if it is not user memory; else the exception that the memory
    /// raised. [`Fault::copied`] is 0.
    #[inline]
    pub fn read(self) -> Result<T, Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::read(self.address, self.mode, Order::Relaxed) }
    }

    /// Writes the value with exactly one instruction of its width. Alignment is not enforced.
    ///
    /// IRQL: at most `APC_LEVEL`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write(self, value: T) -> Result<(), Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::write(self.address, value, self.mode, Order::Relaxed) }
    }

    /// As [`read`](Self::read), and no later access of this thread is made before it: what another
    /// thread wrote before it released the value can be read after this.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn read_acquire(self) -> Result<T, Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::read(self.address, self.mode, Order::AcquireRelease) }
    }

    /// As [`write`](Self::write), and every earlier access of this thread is made before it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write_release(self, value: T) -> Result<(), Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::write(self.address, value, self.mode, Order::AcquireRelease) }
    }
}

/// Operations that no other locked operation on the same value can come between, each a full
/// barrier. They return what was there before.
///
/// The value must lie at a multiple of its size, in either mode. It must be writable, also for a
/// comparison that fails. Another thread that keeps changing the value can make
/// [`fetch_and`](Self::fetch_and) and [`fetch_or`](Self::fetch_or) try again: how often is not
/// bounded, but each time needs a change that came between. IRQL: at most `APC_LEVEL`.
///
/// In [`Mode::Kernel`] the promise of [`UserPtr::for_mode`] includes that whoever else accesses
/// the value meanwhile does so by operations of these kinds.
impl<T: Interlocked> UserPtr<T> {
    /// ANDs `value` in.
    ///
    /// # Errors
    ///
    /// [`NtStatus::DATATYPE_MISALIGNMENT`] if it is not aligned, then
    /// [`NtStatus::ACCESS_VIOLATION`] if it is not user memory; else the exception that the memory
    /// raised. [`Fault::copied`] is 0 and [`Fault::access`] a write.
    #[inline]
    pub fn fetch_and(self, value: T) -> Result<T, Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::and(self.address, value, self.mode) }
    }

    /// ORs `value` in.
    ///
    /// # Errors
    ///
    /// As [`fetch_and`](Self::fetch_and).
    #[inline]
    pub fn fetch_or(self, value: T) -> Result<T, Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::or(self.address, value, self.mode) }
    }

    /// Stores `replacement` if the value is `current`, which the caller sees from the answer being
    /// `current`.
    ///
    /// The order of the arguments is that of Rust's atomics; in
    /// [`ddi`](crate::ddi::interlocked_compare_exchange_to_user) it is the other way round.
    ///
    /// # Errors
    ///
    /// As [`fetch_and`](Self::fetch_and).
    #[inline]
    pub fn compare_exchange(self, current: T, replacement: T) -> Result<T, Fault> {
        // SAFETY: kernel memory, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::compare_exchange(self.address, replacement, current, self.mode) }
    }
}

/// Strings that end with a zero.
///
/// The length is what it was during the count, and no more: another thread may shorten or lengthen
/// the string at once. Never read a string by a length found this way and believe it to end there;
/// look at the copy. No alignment is asked for. IRQL: at most `APC_LEVEL`.
///
/// In [`Mode::Kernel`] the promise of [`UserPtr::for_mode`] is that the string is valid as far as it
/// will be looked at.
impl<T: Character> UserPtr<T> {
    /// The characters before the terminator, however many. A caller can make that take as long as
    /// it has memory mapped: prefer [`string_length_within`](Self::string_length_within).
    ///
    /// # Errors
    ///
    /// [`NtStatus::ACCESS_VIOLATION`] if the string does not end within user memory; else the
    /// exception that the memory raised. [`Fault::copied`] is the number of bytes that were looked
    /// at, all of them characters other than the terminator.
    #[inline]
    pub fn string_length(self) -> Result<usize, Fault> {
        // SAFETY: a kernel string, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::string_length::<T>(self.address, usize::MAX, self.mode) }
            .map(|length| length.unwrap_or(usize::MAX))
    }

    /// The characters before the terminator, if it is among the first `maximum`; else `None`. No
    /// character after those counts, and no page is touched that they do not reach into.
    ///
    /// # Errors
    ///
    /// As [`string_length`](Self::string_length).
    #[inline]
    pub fn string_length_within(self, maximum: usize) -> Result<Option<usize>, Fault> {
        // SAFETY: a kernel string, if that is the mode, is valid by the promise of `for_mode`.
        unsafe { guarded::string_length::<T>(self.address, maximum, self.mode) }
    }
}

impl<T> fmt::Debug for UserPtr<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, mode, .. } = self;
        write!(formatter, "UserPtr(0x{address:X}, {mode:?})")
    }
}
