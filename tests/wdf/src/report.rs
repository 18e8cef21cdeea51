//! Reports of the framework: lines in the debugger's log, and the bugcheck that ends a driver which
//! broke a rule.

use core::fmt::{self, Write};
use wdk_sys::{ULONG_PTR, ntddk};

/// `WDF_VIOLATION`, the bugcheck of KMDF.
const WDF_VIOLATION: u32 = 0x10D;

/// The longest line, with its terminator. Longer ones are cut. Wine's log takes no longer ones.
const LINE: usize = 960;

/// What a driver did wrong: parameter 1 of the bugcheck.
///
/// The codes up to 0xE are documented for "Bug Check 0x10D: `WDF_VIOLATION`". The codes from 0x100
/// on are this stand-in's own, for rules without a documented code.
#[derive(Clone, Copy)]
pub(crate) enum Violation {
    /// A lock was acquired that is already held.
    LockHeld = 0x2,
    /// A request was completed while the driver held references to its memory objects.
    RequestMemoryReferenced = 0x3,
    /// A required pointer was null.
    NullParameter = 0x4,
    /// A value was not a handle, or the handle was stale, of another type, or another driver's.
    Handle = 0x5,
    /// A request was misused; parameter 2 says how.
    Request = 0x6,
    /// A reference was dropped that the driver had never taken.
    Dereference = 0x7,
    /// A request was used that the driver does not own.
    Queue = 0xA,
    /// A lock was released that the thread does not hold.
    Lock = 0xB,
    /// A callback returned at another IRQL than it was called at.
    CallbackIrql = 0xE,
    /// A function without an implementation was called.
    NotImplemented = 0x100,
    /// Objects were left when the driver unloaded; parameter 2 is their number.
    Leak = 0x101,
    /// A request was used after its completion.
    CompletedRequest = 0x102,
    /// A function was called at an IRQL that its documentation forbids.
    Irql = 0x103,
    /// A structure's Size member does not match, and the function returns no status.
    StructureSize = 0x104,
    /// A parameter is outside its documented values, and the function returns no status.
    Parameter = 0x105,
    /// An object was deleted that the driver must not delete, or deleted twice.
    Delete = 0x106,
    /// The framework broke a rule of its own.
    Framework = 0x1FF,
}

/// A line under construction.
struct Line {
    text: [u8; LINE],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let space = LINE - 1 - self.length;
        let kept = text.len().min(space);
        let end = self.length + kept;
        if let (Some(place), Some(text)) = (
            self.text.get_mut(self.length..end),
            text.as_bytes().get(..kept),
        ) {
            place.copy_from_slice(text);
            self.length = end;
        }
        Ok(())
    }
}

/// Prints one line, after the prefix `WDF: `.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let mut line = Line {
        text: [0; LINE],
        length: 0,
    };
    // Writing to a line cannot fail: a text that does not fit is cut.
    let _ = line.write_fmt(text);
    // SAFETY: the format names one string, and the line ends with a null: a byte is kept for it.
    unsafe { ntddk::DbgPrint(c"WDF: %s\n".as_ptr(), line.text.as_ptr()) };
}

/// Prints one line, after the prefix `WDF: `.
macro_rules! report {
    ($($text:tt)*) => {
        $crate::report::print(format_args!($($text)*))
    };
}
pub(crate) use report;

/// Prints what a driver did wrong, and stops the system: a [`Violation`], parameters 2 and 3 of the
/// bugcheck, which are zero if they are left out, and the text.
macro_rules! violation {
    ($violation:ident, $text:literal $($arguments:tt)*) => {
        $crate::report::violation!($violation, [0, 0], $text $($arguments)*)
    };
    ($violation:ident, [$parameter_2:expr, $parameter_3:expr], $($text:tt)*) => {
        $crate::report::stop(
            $crate::report::Violation::$violation,
            $parameter_2,
            $parameter_3,
            format_args!($($text)*),
        )
    };
}
pub(crate) use violation;

/// As [`violation`], with the name of the function that was called before the text.
macro_rules! refuse {
    ($call:expr, $violation:ident, $text:literal $($arguments:tt)*) => {
        $crate::report::refuse!($call, $violation, [0, 0], $text $($arguments)*)
    };
    ($call:expr, $violation:ident, $parameters:tt, $($text:tt)*) => {
        $crate::report::violation!(
            $violation,
            $parameters,
            "{}: {}",
            $call.name(),
            format_args!($($text)*)
        )
    };
}
pub(crate) use refuse;

/// Prints a line and stops the system.
pub(crate) fn stop(
    violation: Violation,
    parameter_2: usize,
    parameter_3: usize,
    text: fmt::Arguments<'_>,
) -> ! {
    print(text);
    bugcheck(
        WDF_VIOLATION,
        violation as ULONG_PTR,
        parameter_2 as ULONG_PTR,
        parameter_3 as ULONG_PTR,
        0,
    )
}

/// `KeBugCheckEx`.
pub(crate) fn bugcheck(
    code: u32,
    parameter_1: ULONG_PTR,
    parameter_2: ULONG_PTR,
    parameter_3: ULONG_PTR,
    parameter_4: ULONG_PTR,
) -> ! {
    // SAFETY: callable at any level; it does not return.
    unsafe { ntddk::KeBugCheckEx(code, parameter_1, parameter_2, parameter_3, parameter_4) }
}
