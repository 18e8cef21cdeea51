//! The mode of a request's sender, as a token.

use core::marker::PhantomData;

use super::{UserPtr, UserSlice};
use crate::Mode;

/// The rules that the addresses of one request are held to: those of the mode that the I/O manager
/// recorded, or the stricter ones of user mode.
///
/// It is made once for a request, unsafely if the mode may be that of the kernel. From then on, slices
/// and pointers of the request are made without `unsafe`:
///
/// ```no_run
/// use usermode_accessors::{CallerMode, Mode, NtStatus};
///
/// fn length(caller: CallerMode, address: usize) -> Result<u32, NtStatus> {
///     Ok(caller.pointer::<u32>(address).read()?)
/// }
///
/// /// # Safety
/// ///
/// /// The I/O manager recorded `requestor_mode` for the request with this address.
/// unsafe fn dispatch(requestor_mode: i8, address: usize) -> Result<u32, NtStatus> {
///     // SAFETY: a sender in kernel mode guarantees the addresses in its request.
///     let caller = unsafe { CallerMode::new(Mode::from_raw(requestor_mode)) };
///     length(caller, address)
/// }
/// ```
///
/// Like a [`UserSlice`] it belongs to the current process, and is neither [`Send`] nor [`Sync`].
///
/// Source: `ExGetPreviousMode`, `WdfRequestGetRequestorMode`; the `RequestorMode` member of `IRP`
/// (`wdm.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerMode {
    mode: Mode,
    process: PhantomData<*const ()>,
}

impl CallerMode {
    /// The rules of user mode, whoever the caller is: every address is checked, and every access is
    /// guarded.
    pub const STRICT: Self = Self::from_mode(Mode::User);

    /// Returns the rules of `mode`.
    ///
    /// # Safety
    ///
    /// If `mode` is [`Mode::Kernel`], the caller is kernel code, and guarantees the addresses in its
    /// request as [`UserSlice::for_mode`] requires it. The token is used with these addresses alone,
    /// and not after the request is completed.
    #[must_use]
    #[inline]
    pub const unsafe fn new(mode: Mode) -> Self {
        Self::from_mode(mode)
    }

    const fn from_mode(mode: Mode) -> Self {
        Self {
            mode,
            process: PhantomData,
        }
    }

    /// Returns the mode, for a function of [`ddi`](crate::ddi) or of the kernel.
    #[must_use]
    #[inline]
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// Returns the range of `length` bytes at an address in the request.
    #[must_use]
    #[inline]
    pub const fn slice(self, address: usize, length: usize) -> UserSlice {
        UserSlice::from_parts(address, length, self.mode)
    }

    /// Returns the address of one `T` in the request.
    #[must_use]
    #[inline]
    pub const fn pointer<T>(self, address: usize) -> UserPtr<T> {
        UserPtr::from_parts(address, self.mode)
    }
}
