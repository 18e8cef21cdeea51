//! The address of one value, before it is used.

use core::{fmt, marker::PhantomData, mem::size_of};

use super::slice::UserSlice;
#[allow(unused_imports, reason = "the documentation links it")]
use crate::NtStatus;
use crate::{
    Access, Character, Fault, Interlocked, Mode, Scalar,
    guarded::{self, Order},
    kernel_only,
};

/// The address of one value of type `T`, from a caller.
///
/// It is not a Rust pointer: it has no `Deref`, and gives no reference. Its use consumes it, so a second
/// read through the same `UserPtr` does not compile:
///
/// ```compile_fail,E0382
/// # use usermode_accessors::UserPtr;
/// let length = UserPtr::<u32>::new(0x10_0000);
/// let checked = length.read();
/// let used = length.read();
/// ```
///
/// Another `UserPtr` of the same number compiles, and reads the value of that later moment.
///
/// Like a [`UserSlice`] it belongs to the current process, and is neither [`Send`] nor [`Sync`].
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

    /// Returns the user address of a `T`. The address is checked when it is used.
    #[must_use]
    #[inline]
    pub const fn new(address: usize) -> Self {
        Self::from_parts(address, Mode::User)
    }

    /// Returns the address of a `T`, from a caller in `mode`; see [`UserSlice::for_mode`].
    ///
    /// # Safety
    ///
    /// As for [`UserSlice::for_mode`], with `size_of::<T>()` bytes, unless the method that is called
    /// states another range.
    #[must_use]
    #[inline]
    pub const unsafe fn for_mode(address: usize, mode: Mode) -> Self {
        Self::from_parts(address, mode)
    }

    /// Returns an address in `mode`. In kernel mode the caller of this function guarantees it.
    #[inline]
    pub(super) const fn from_parts(address: usize, mode: Mode) -> Self {
        Self {
            address,
            mode,
            value: PhantomData,
            process: PhantomData,
        }
    }

    /// Returns the address and its mode, for an access that checks the range itself.
    #[inline]
    fn admitted(self, access: Access) -> Result<(usize, Mode), Fault> {
        kernel_only::check(self.mode, self.address, access)?;
        Ok((self.address, self.mode))
    }

    /// Returns the address, unchecked.
    #[must_use]
    #[inline]
    pub const fn address(&self) -> usize {
        self.address
    }

    /// Returns the range of the `T`.
    #[must_use]
    #[inline]
    pub const fn into_slice(self) -> UserSlice {
        UserSlice::from_parts(self.address, size_of::<T>(), self.mode)
    }
}

impl<T: Scalar> UserPtr<T> {
    /// Reads the value with exactly one instruction of its width.
    ///
    /// Alignment is not required, as in Microsoft's scalar accessors; an unaligned read may be torn.
    /// IRQL: at most `APC_LEVEL`.
    ///
    /// # Errors
    ///
    /// [`NtStatus::ACCESS_VIOLATION`] if it is not user memory; or the exception that the memory raised.
    /// [`Fault::copied`] is 0.
    #[inline]
    pub fn read(self) -> Result<T, Fault> {
        let (address, mode) = self.admitted(Access::Read)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::read(address, mode, Order::Relaxed) }
    }

    /// Writes the value with exactly one instruction of its width. Alignment is not required.
    ///
    /// IRQL: at most `APC_LEVEL`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write(self, value: T) -> Result<(), Fault> {
        let (address, mode) = self.admitted(Access::Write)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::write(address, value, mode, Order::Relaxed) }
    }

    /// Reads as [`read`](Self::read) does. No later access of this thread is made before the read, so
    /// the thread can read what another thread wrote before it released the value.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn read_acquire(self) -> Result<T, Fault> {
        let (address, mode) = self.admitted(Access::Read)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::read(address, mode, Order::AcquireRelease) }
    }

    /// Writes as [`write`](Self::write) does. Every earlier access of this thread is made before the
    /// write.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn write_release(self, value: T) -> Result<(), Fault> {
        let (address, mode) = self.admitted(Access::Write)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::write(address, value, mode, Order::AcquireRelease) }
    }
}

/// Interlocked operations. Each is atomic and a full barrier, and returns the value before.
///
/// The address must be a multiple of the size of the value, in either mode. The value must be writable,
/// also for a comparison that fails. If another thread keeps changing the value,
/// [`fetch_and`](Self::fetch_and) and [`fetch_or`](Self::fetch_or) repeat. The number of repetitions is
/// not bounded, but each needs a change in between. IRQL: at most `APC_LEVEL`.
///
/// In [`Mode::Kernel`] the promise of [`UserPtr::for_mode`] includes that only atomic operations access
/// the value meanwhile.
impl<T: Interlocked> UserPtr<T> {
    /// ANDs `value` in.
    ///
    /// # Errors
    ///
    /// [`NtStatus::DATATYPE_MISALIGNMENT`] if it is not aligned, then [`NtStatus::ACCESS_VIOLATION`] if it
    /// is not user memory; or the exception that the memory raised. [`Fault::copied`] is 0 and
    /// [`Fault::access`] a write.
    #[inline]
    pub fn fetch_and(self, value: T) -> Result<T, Fault> {
        let (address, mode) = self.admitted(Access::Write)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::and(address, value, mode) }
    }

    /// ORs `value` in.
    ///
    /// # Errors
    ///
    /// As [`fetch_and`](Self::fetch_and).
    #[inline]
    pub fn fetch_or(self, value: T) -> Result<T, Fault> {
        let (address, mode) = self.admitted(Access::Write)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::or(address, value, mode) }
    }

    /// Stores `replacement` if the value is `current`. It has done so if it returns `current`.
    ///
    /// The order of the arguments is that of Rust's atomics; in
    /// [`ddi`](crate::ddi::interlocked_compare_exchange_to_user) it is reversed.
    ///
    /// # Errors
    ///
    /// As [`fetch_and`](Self::fetch_and).
    #[inline]
    pub fn compare_exchange(self, current: T, replacement: T) -> Result<T, Fault> {
        let (address, mode) = self.admitted(Access::Write)?;
        // SAFETY: kernel memory is valid by the promise of `for_mode`.
        unsafe { guarded::compare_exchange(address, replacement, current, mode) }
    }
}

/// Strings that end with a zero.
///
/// The length is that of the moment of the count: another thread may shorten or lengthen the string at
/// once. A copy of that length need not end with the terminator, so search the copy for it. Alignment is
/// not required. IRQL: at most `APC_LEVEL`.
///
/// In [`Mode::Kernel`] the promise of [`UserPtr::for_mode`] is that the string is valid as far as it is
/// read.
impl<T: Character> UserPtr<T> {
    /// Returns the number of characters before the terminator, without a bound.
    ///
    /// A caller can make the count take as long as memory is mapped, so prefer
    /// [`string_length_within`](Self::string_length_within).
    ///
    /// # Errors
    ///
    /// [`NtStatus::ACCESS_VIOLATION`] if the string does not end within user memory; or the exception
    /// that the memory raised. [`Fault::copied`] is the number of bytes that were read, none of them
    /// of a terminator.
    #[inline]
    pub fn string_length(self) -> Result<usize, Fault> {
        let (address, mode) = self.admitted(Access::Read)?;
        // SAFETY: a kernel string is valid by the promise of `for_mode`.
        unsafe { guarded::unbounded_string_length::<T>(address, mode) }
    }

    /// Returns the number of characters before the terminator, or `None` if it is not among the first
    /// `maximum` characters. Only pages of those characters are accessed.
    ///
    /// # Errors
    ///
    /// As [`string_length`](Self::string_length).
    #[inline]
    pub fn string_length_within(self, maximum: usize) -> Result<Option<usize>, Fault> {
        let (address, mode) = self.admitted(Access::Read)?;
        // SAFETY: a kernel string is valid by the promise of `for_mode`.
        unsafe { guarded::string_length::<T>(address, maximum, mode) }
    }
}

impl<T> fmt::Debug for UserPtr<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, mode, .. } = self;
        write!(formatter, "UserPtr(0x{address:X}, {mode:?})")
    }
}
