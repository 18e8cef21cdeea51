//! Calls of kernel functions that raise.
//!
//! Some routines of NT report failure only by a structured exception. `MmProbeAndLockPages` and
//! `ProbeForWrite` are the best known. In C the caller puts `__try` around them. [`call`] is such a
//! `__try` around one call of one foreign function. Its filter takes every exception.
//!
//! The signature is checked: a call with a missing argument, or one of another type, does not compile.
//!
//! # Routines that raise
//!
//! `MmProbeAndLockPages` "raises an exception" if the pages do not allow the operation:
//!
//! ```no_run
//! # use core::ffi::c_void;
//! # unsafe extern "system" { fn MmProbeAndLockPages(mdl: *mut c_void, mode: i8, operation: i32); }
//! use usermode_accessors::{Mode, NtStatus, raising};
//!
//! const IO_WRITE_ACCESS: i32 = 1;
//!
//! /// Locks the pages of a caller's buffer for writing. The MDL describes the buffer.
//! ///
//! /// # Safety
//! ///
//! /// The MDL is valid, built, and not locked yet.
//! unsafe fn lock(mdl: *mut c_void, mode: Mode) -> Result<(), NtStatus> {
//!     let routine: unsafe extern "system" fn(_, _, _) = MmProbeAndLockPages;
//!     // SAFETY: the routine is code of the kernel in C; the caller guarantees the MDL.
//!     unsafe { raising::call(routine, (mdl, mode.as_raw(), IO_WRITE_ACCESS)) }?;
//!     Ok(())
//! }
//! ```
//!
//! `ProbeForWrite` raises for a range that is not writable user memory. The address of a caller is a
//! number, and becomes a pointer only for the call:
//!
//! ```no_run
//! # use core::ffi::c_void;
//! # unsafe extern "system" { fn ProbeForWrite(address: *mut c_void, length: usize, alignment: u32); }
//! use core::ptr;
//! use usermode_accessors::{NtStatus, raising};
//!
//! fn probe(address: usize, length: usize) -> Result<(), NtStatus> {
//!     let routine: unsafe extern "system" fn(_, _, _) = ProbeForWrite;
//!     let address = ptr::with_exposed_provenance_mut::<c_void>(address);
//!     // SAFETY: the routine takes any address, length and alignment.
//!     unsafe { raising::call(routine, (address, length, 1)) }?;
//!     Ok(())
//! }
//! ```
//!
//! `FsRtlIsNameInExpression` returns a `BOOLEAN`, and raises `STATUS_NO_MEMORY` if memory is short:
//!
//! ```no_run
//! # use core::{ffi::c_void, ptr};
//! # #[repr(C)] struct UNICODE_STRING { length: u16, maximum_length: u16, buffer: *mut u16 }
//! # unsafe extern "system" {
//! #     fn FsRtlIsNameInExpression(
//! #         expression: *const UNICODE_STRING, name: *const UNICODE_STRING, ignore_case: u8, table: *const u16,
//! #     ) -> u8;
//! # }
//! use usermode_accessors::{NtStatus, raising};
//!
//! /// Whether `name` matches `expression`, which is in upper case.
//! ///
//! /// # Safety
//! ///
//! /// Both strings are valid kernel memory.
//! unsafe fn matches(
//!     expression: *const UNICODE_STRING,
//!     name: *const UNICODE_STRING,
//! ) -> Result<bool, NtStatus> {
//!     let routine: unsafe extern "system" fn(_, _, _, _) -> _ = FsRtlIsNameInExpression;
//!     // SAFETY: the caller guarantees the strings; there is no table of upper case.
//!     let found: u8 = unsafe { raising::call(routine, (expression, name, 1, ptr::null())) }?;
//!     Ok(found != 0)
//! }
//! ```
//!
//! # Routines that do not
//!
//! Most routines return an `NTSTATUS` and need no guard. `ObReferenceObjectByHandle` is one: it takes
//! the handle of a caller, which is untrusted, and the access mode, and returns
//! `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH` or `STATUS_ACCESS_DENIED`. Its page names no
//! exception. Call it directly, with `UserMode` for a handle that a user passed.
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
//! `MmProbeAndLockPages`, `ProbeForWrite`, `ObReferenceObjectByHandle` (`wdm.h`);
//! `FsRtlIsNameInExpression` (`ntifs.h`); `EXCEPTION_RECORD` (`winnt.h`).

use core::{error, ffi::c_void, fmt};

use crate::{
    NtStatus,
    arch::{self, PARAMETERS, Raised},
};

mod signature;

pub use arch::ARGUMENTS;
pub use signature::{Output, Register, Routine};

/// An exception that a call raised: the members of NT's `EXCEPTION_RECORD` that are valid afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
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

/// Calls `routine` with a tuple of up to [`ARGUMENTS`] integers or addresses, and returns its result.
///
/// Every exception is taken, whatever its code: also a breakpoint or an illegal instruction, like
/// `__except(EXCEPTION_EXECUTE_HANDLER)`. NT passes three errors to no handler, so they are not caught:
/// a fast fail, a bug check, and an access to a bad *system* address. Outside Windows nothing is caught.
///
/// IRQL: that of the routine. Under SMAP, AC at the return is what it was at the call.
///
/// # Errors
///
/// The exception that the routine raised.
///
/// # Safety
///
/// - The conditions of the routine hold.
/// - The routine, and all that it calls before it raises, is foreign code with unwind data. It cleans
///   up in its own handlers, or needs no clean-up. No Rust frame is on the stack between the call and
///   the exception.
#[inline]
pub unsafe fn call<F: Routine<Arguments>, Arguments>(
    routine: F,
    arguments: Arguments,
) -> Result<F::Output, Exception> {
    // SAFETY: the caller's promise is the same.
    unsafe { routine.call(arguments) }
}

/// Calls the routine at an address, with up to [`ARGUMENTS`] integers or addresses, and returns the
/// whole return register. The rest is as for [`call`].
///
/// It is for routines whose signature is not known when the driver is compiled. If the routine returns
/// less than 8 bytes, only the low bytes of the result have a meaning; if it returns nothing, none has.
///
/// # Errors
///
/// The exception that the routine raised.
///
/// # Safety
///
/// As for [`call`]. And `routine` follows Microsoft's calling convention, and takes arguments of these
/// kinds. An integer of less than 8 bytes is passed in the low bytes.
pub unsafe fn call_at<const COUNT: usize>(
    routine: *const c_void,
    arguments: [usize; COUNT],
) -> Result<usize, Exception> {
    const { assert!(COUNT <= ARGUMENTS, "too many arguments") };
    let mut all = [0; ARGUMENTS];
    for (slot, argument) in all.iter_mut().zip(arguments) {
        *slot = argument;
    }
    // SAFETY: the caller's promise is the same.
    unsafe { arch::call(routine, &all) }.map_err(Exception::from)
}
