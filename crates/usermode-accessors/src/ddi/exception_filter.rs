//! The exception filter of the accessors.

use crate::Mode;

/// `EXCEPTION_EXECUTE_HANDLER`: the handler of this frame takes the exception.
///
/// Source: "try-except statement", Microsoft C++ documentation.
pub const EXCEPTION_EXECUTE_HANDLER: i32 = 1;

/// `EXCEPTION_CONTINUE_SEARCH`: this frame does not take the exception; a frame above may.
///
/// Source: "try-except statement", Microsoft C++ documentation.
pub const EXCEPTION_CONTINUE_SEARCH: i32 = 0;

/// `UmaExceptionFilter`: returns what a filter returns for an exception in an access on behalf of
/// `mode`.
///
/// For every exception that is [`EXCEPTION_EXECUTE_HANDLER`] with [`Mode::User`], and
/// [`EXCEPTION_CONTINUE_SEARCH`] with [`Mode::Kernel`].
///
/// It is for a driver with filters of its own, in C or assembly. The functions of this crate do not
/// need it: they return a [`Fault`](crate::Fault) where Microsoft's raise. IRQL: any.
///
/// # Not the filter of this crate
///
/// With [`Mode::Kernel`] the two agree: the accesses are not guarded, so no frame of this crate takes
/// an exception. With [`Mode::User`] this function takes every exception code. The guard of this crate
/// takes [five](crate#which-exceptions-are-caught); all others go to the frames above.
///
/// Source: `UmaExceptionFilter` (`usermode_accessors.h`).
#[must_use]
#[inline]
pub const fn uma_exception_filter(mode: Mode) -> i32 {
    match mode {
        Mode::Kernel => EXCEPTION_CONTINUE_SEARCH,
        Mode::User => EXCEPTION_EXECUTE_HANDLER,
    }
}
