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
