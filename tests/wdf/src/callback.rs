//! Calls into the driver.

use crate::{nt::irql, report::violation};

/// Calls a callback that the driver may have set: the callback, its name, its arguments. Handles in
/// the arguments are those of objects that exist when the callback begins.
macro_rules! call {
    ($callback:expr, $name:expr, $($argument:expr),*) => {
        if let Some(callback) = $callback {
            $crate::callback::invoke($name, || {
                // SAFETY: the driver's callback, with handles of objects that exist.
                unsafe { callback($($argument),*) }
            });
        }
    };
}
pub(crate) use call;

/// As [`call`], for a callback that returns a status: an error is `Err`. A callback that the driver
/// did not set succeeds.
macro_rules! ask {
    ($callback:expr, $name:expr, $($argument:expr),*) => {
        match $callback {
            Some(callback) => {
                let status = $crate::callback::invoke($name, || {
                    // SAFETY: the driver's callback, with handles of objects that exist.
                    unsafe { callback($($argument),*) }
                });
                if status < 0 { Err(status) } else { Ok(()) }
            }
            None => Ok(()),
        }
    };
}
pub(crate) use ask;

/// Calls a callback of the driver and checks that it returns at the IRQL that it was called at.
pub(crate) fn invoke<R>(name: &str, callback: impl FnOnce() -> R) -> R {
    let before = irql::current();
    let result = callback();
    let after = irql::current();
    if before != after {
        violation!(
            CallbackIrql,
            [usize::from(before), usize::from(after)],
            "{name} was called at IRQL {before} and returned at IRQL {after}"
        );
    }
    result
}
