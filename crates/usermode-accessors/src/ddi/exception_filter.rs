//! What an exception in an access means, by the mode of the access.

use crate::Mode;

/// `EXCEPTION_EXECUTE_HANDLER`: the handler of this frame takes the exception.
///
/// Source: "try-except statement", Microsoft C++ documentation.
pub const EXCEPTION_EXECUTE_HANDLER: i32 = 1;

/// `EXCEPTION_CONTINUE_SEARCH`: this frame does not take the exception; a frame further up may.
///
/// Source: "try-except statement", Microsoft C++ documentation.
pub const EXCEPTION_CONTINUE_SEARCH: i32 = 0;

/// `UmaExceptionFilter`: what a filter returns for an exception in an access on behalf of `mode`.
///
/// Whatever the exception, it is [`EXCEPTION_EXECUTE_HANDLER`] for [`Mode::User`] and
/// [`EXCEPTION_CONTINUE_SEARCH`] for [`Mode::Kernel`].
///
/// It is for a driver that has filters of its own, in C or assembly. No function of this crate needs
/// it: each returns a [`Fault`](crate::Fault) where Microsoft's raises. IRQL: any.
///
/// # Not the filter of this crate
///
/// With [`Mode::Kernel`] the two agree: the accesses are not guarded, so no frame of this crate takes
/// an exception. With [`Mode::User`] this function takes every exception code; the guard of this
/// crate takes [five](crate#which-exceptions-are-caught), and leaves every other to the frames
/// further up.
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
