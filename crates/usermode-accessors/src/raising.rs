//! Calls of kernel functions that raise.
//!
//! Some routines of NT report failure only by a structured exception. `MmProbeAndLockPages` and
//! `ProbeForWrite` are the best known. In C the caller puts `__try` around them. [`call`] is such a
//! `__try` around one call of one foreign function. Its filter takes every exception.
//!
//! ```no_run
//! # use core::ffi::c_void;
//! # unsafe extern "system" { fn MmProbeAndLockPages(mdl: *mut c_void, mode: i8, operation: i32); }
//! use usermode_accessors::{Mode, NtStatus, raising};
//!
//! const IO_WRITE_ACCESS: usize = 1;
//!
//! /// Locks the pages of a caller's buffer for writing. The MDL describes the buffer.
//! ///
//! /// # Safety
//! ///
//! /// The MDL is valid, built, and not locked yet.
//! unsafe fn lock(mdl: *mut c_void, mode: Mode) -> Result<(), NtStatus> {
//!     let arguments = [mdl.addr(), usize::from(mode == Mode::User), IO_WRITE_ACCESS];
//!     let function = MmProbeAndLockPages as *const c_void;
//!     // SAFETY: the function takes these three arguments, and is code of the kernel in C.
//!     unsafe { raising::call(function, arguments) }?;
//!     Ok(())
//! }
//! ```
//!
//! ```no_run
//! # use core::ffi::c_void;
//! # unsafe extern "system" { fn ProbeForWrite(address: *mut c_void, length: usize, alignment: u32); }
//! use usermode_accessors::{NtStatus, raising};
//!
//! fn probe(address: usize, length: usize) -> Result<(), NtStatus> {
//!     let function = ProbeForWrite as *const c_void;
//!     // SAFETY: the function takes these three arguments, whatever their values.
//!     unsafe { raising::call(function, [address, length, 1]) }?;
//!     Ok(())
//! }
//! ```
//!
//! # Why no closure
//!
//! A closure would put Rust frames between the guard and the exception. To unwind them without running
//! their destructors is undefined in Rust. And the Rust frames of a driver may have a handler that is a
//! stub: `wdk-sys` defines `__CxxFrameHandler3` as a function that returns 0. The dispatcher takes that
//! for "continue execution", and runs the faulting instruction again without end. So the guard is a
//! frame in assembly, and calls the function itself.
//!
//! Source: "x64 exception handling" and "try-except statement", Microsoft C++ documentation;
//! `MmProbeAndLockPages`, `ProbeForWrite` (`wdm.h`); `EXCEPTION_RECORD` (`winnt.h`).

use core::{error, ffi::c_void, fmt};

use crate::{
    NtStatus,
    arch::{self, PARAMETERS, Raised},
};

/// The greatest number of arguments of [`call`].
pub const ARGUMENTS: usize = 6;

/// An exception that a call raised: the members of NT's `EXCEPTION_RECORD` that are valid afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Exception {
    /// `ExceptionCode`. For a routine that calls `ExRaiseStatus`, it is the status.
    pub code: NtStatus,
    /// `ExceptionFlags`. Bit 0 means that the exception is not continuable.
    pub flags: u32,
    /// `ExceptionAddress`: the instruction that raised. It is for information only.
    pub address: usize,
    /// `NumberParameters`.
    pub parameter_count: u32,
    kept: [usize; PARAMETERS],
}

impl Exception {
    /// Returns `ExceptionInformation`, or its first four elements if there are more.
    ///
    /// For [`NtStatus::ACCESS_VIOLATION`] and [`NtStatus::IN_PAGE_ERROR`] they are 0 for a read or 1 for a
    /// write, and the address.
    #[must_use]
    pub fn parameters(&self) -> &[usize] {
        let count = usize::try_from(self.parameter_count).unwrap_or(PARAMETERS);
        self.kept.get(..count).unwrap_or(&self.kept)
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, address, .. } = self;
        write!(formatter, "{code} raised at 0x{address:X}")
    }
}

impl error::Error for Exception {}

/// Keeps the code, for `?` in a function that returns a [`NtStatus`]. The rest is lost.
impl From<Exception> for NtStatus {
    #[inline]
    fn from(exception: Exception) -> Self {
        exception.code
    }
}

impl From<Raised> for Exception {
    fn from(raised: Raised) -> Self {
        Self {
            code: NtStatus(raised.code),
            flags: raised.flags,
            address: raised.address,
            parameter_count: raised.count,
            kept: raised.parameters,
        }
    }
}

/// Calls `function` with up to [`ARGUMENTS`] integers or pointers, and returns its result.
///
/// The result is the whole return register. If the function returns less than 8 bytes, only its low
/// bytes have a meaning; if it returns nothing, none has.
///
/// Every exception is taken, whatever its code: also a breakpoint or an illegal instruction, like
/// `__except(EXCEPTION_EXECUTE_HANDLER)`. NT passes three errors to no handler, so they are not caught:
/// a fast fail, a bug check, and an access to a bad *system* address. Outside Windows nothing is caught.
///
/// IRQL: that of the function. Under SMAP, AC at the return is what it was at the call.
///
/// # Errors
///
/// The exception that the function raised.
///
/// # Safety
///
/// - `function` follows Microsoft's x64 calling convention and takes arguments of these kinds. An
///   integer of less than 8 bytes is passed in the low bytes. The conditions of the function hold.
/// - The function, and all that it calls before it raises, is foreign code with unwind data. It cleans
///   up in its own handlers, or needs no clean-up. No Rust frame is on the stack between the call and
///   the exception.
pub unsafe fn call<const COUNT: usize>(
    function: *const c_void,
    arguments: [usize; COUNT],
) -> Result<usize, Exception> {
    const { assert!(COUNT <= ARGUMENTS, "too many arguments") };
    let mut all = [0; ARGUMENTS];
    for (slot, argument) in all.iter_mut().zip(arguments) {
        *slot = argument;
    }
    // SAFETY: the caller's promise is the same.
    unsafe { arch::call(function, &all) }.map_err(Exception::from)
}
