//! Calls of kernel functions that raise.
//!
//! A few routines of NT report failure by a structured exception and in no other way:
//! `MmProbeAndLockPages` and `ProbeForWrite` are the best known. In C the caller puts `__try` around
//! them. [`call`] is that `__try`, with a filter that takes every
//! exception, around one call of one foreign function.
//!
//! ```no_run
//! # use core::ffi::c_void;
//! # unsafe extern "system" { fn MmProbeAndLockPages(mdl: *mut c_void, mode: i8, operation: i32); }
//! use usermode_accessors::{Mode, NtStatus, raising};
//!
//! const IO_WRITE_ACCESS: usize = 1;
//!
//! /// Locks the pages of a caller's buffer, which the list describes, for writing.
//! ///
//! /// # Safety
//! ///
//! /// The list is valid, built, and not locked yet.
//! unsafe fn lock(mdl: *mut c_void, mode: Mode) -> Result<(), NtStatus> {
//!     let arguments = [mdl.addr(), usize::from(mode == Mode::User), IO_WRITE_ACCESS];
//!     let function = MmProbeAndLockPages as *const c_void;
//!     // SAFETY: the function takes these three arguments; it is the kernel's own, in C.
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
//! A closure would put Rust frames between the guard and the exception. Unwinding them without
//! running their destructors is undefined in Rust. Worse, a driver's Rust frames may carry a
//! handler that is a stub: `wdk-sys` defines `__CxxFrameHandler3` as a function that returns 0,
//! which the dispatcher takes for "continue execution", and the faulting instruction runs again,
//! for ever. So the guard is a frame in assembly, and calls the function itself.
//!
//! Source: "x64 exception handling" and "try-except statement", Microsoft C++ documentation;
//! `MmProbeAndLockPages`, `ProbeForWrite` (`wdm.h`); `EXCEPTION_RECORD` (`winnt.h`).

use core::{error, ffi::c_void, fmt};

use crate::{
    NtStatus,
    arch::{self, PARAMETERS, Raised},
};

/// The most arguments that [`call`] passes.
pub const ARGUMENTS: usize = 6;

/// What a call raised: the part of NT's `EXCEPTION_RECORD` that has a meaning afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Exception {
    /// `ExceptionCode`: for a routine that calls `ExRaiseStatus`, its status.
    pub code: NtStatus,
    /// `ExceptionFlags`. Bit 0: the raiser did not expect to go on.
    pub flags: u32,
    /// `ExceptionAddress`: the instruction that raised. For information only.
    pub address: usize,
    /// `NumberParameters`.
    pub parameter_count: u32,
    kept: [usize; PARAMETERS],
}

impl Exception {
    /// `ExceptionInformation`, or its first four if there are more.
    ///
    /// For [`NtStatus::ACCESS_VIOLATION`] and [`NtStatus::IN_PAGE_ERROR`]: 0 for a read or 1 for a
    /// write, then the address.
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

/// So `?` leaves a function that returns a [`NtStatus`]; all but the code is lost.
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
/// The result is the register that one comes in: if the function returns less than 8 bytes, or
/// nothing, the upper bits, or all, have no meaning.
///
/// Every exception is taken, whatever its code: also a breakpoint or an illegal instruction,
/// which `__except(EXCEPTION_EXECUTE_HANDLER)` takes as well. Not caught, because NT offers them
/// to no handler: a fast fail, a bug check, and an access to a bad *system* address. Outside
/// Windows nothing is caught.
///
/// IRQL: the function's own. Under SMAP, AC is at return what it was at the call.
///
/// # Errors
///
/// What the function raised.
///
/// # Safety
///
/// - `function` follows Microsoft's x64 calling convention, takes arguments of these kinds (an
///   integer of less than 8 bytes is passed in the low bytes), and what it asks of its caller
///   holds.
/// - It may be left in its middle: it, and all that it calls before it raises, is foreign code
///   with unwind data, which cleans up by its own handlers or needs no cleaning up. No Rust frame
///   is among those frames, so it calls back into none that could be on the stack when it raises.
pub unsafe fn call<const COUNT: usize>(
    function: *const c_void,
    arguments: [usize; COUNT],
) -> Result<usize, Exception> {
    const { assert!(COUNT <= ARGUMENTS, "too many arguments") };
    let mut all = [0; ARGUMENTS];
    for (place, argument) in all.iter_mut().zip(arguments) {
        *place = argument;
    }
    // SAFETY: the caller's promise is the same.
    unsafe { arch::call(function, &all) }.map_err(Exception::from)
}
