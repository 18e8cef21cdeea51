//! The function table that drivers get. A function without an implementation prints its name and fails.
//! All names are printed again when the driver is unbound, and that stops the system.

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

mod entry;
mod implemented;

use crate::report::{report, violation};
use core::sync::atomic::{AtomicBool, Ordering};
use wdk_sys::{_WDFFUNCENUM as Index, STATUS_NOT_IMPLEMENTED, ULONG, WDFFUNC};

/// The number of functions.
pub(crate) const COUNT: ULONG = Index::WdfFunctionTableNumEntries as ULONG;

const LENGTH: usize = COUNT as usize;

/// A function table.
type Table = [WDFFUNC; LENGTH];

/// The table that drivers get.
pub(crate) static TABLE: Table = {
    let mut table = MISSING;
    implemented::fill_in(&mut table);
    table
};

macro_rules! missing {
    ($($name:ident)*) => {
        /// The names in the order of the table.
        static NAMES: [&str; LENGTH] = [$(stringify!($name)),*];

        /// A table without implementations.
        const MISSING: Table = [$(Some({
            unsafe extern "C" fn report() -> usize {
                not_implemented(stringify!($name))
            }
            // SAFETY: both are pointers to functions of one ABI; callers know the signature by the
            // index, and none returns more than a register.
            unsafe { core::mem::transmute::<unsafe extern "C" fn() -> usize, unsafe extern "C" fn()>(report) }
        })),*];
    };
}

for_each_function!(missing);

/// The functions without an implementation that drivers have called.
static CALLED: [AtomicBool; LENGTH] = [const { AtomicBool::new(false) }; LENGTH];

/// Notes the call of a function without an implementation. A function that returns a status fails; any
/// other returns zero. So a run shows all that a driver lacks, and [`end`] stops it.
fn not_implemented(name: &str) -> usize {
    let Some(index) = NAMES.iter().position(|known| *known == name) else {
        return 0;
    };
    if let Some(called) = CALLED.get(index)
        && !called.swap(true, Ordering::Relaxed)
    {
        report!("missing: {name} is not implemented");
    }
    if RETURNS_STATUS.get(index) == Some(&true) {
        STATUS_NOT_IMPLEMENTED.cast_unsigned() as usize
    } else {
        0
    }
}

/// Stops a driver that has called functions without an implementation, when it is unbound.
pub(crate) fn end() {
    let called = || {
        CALLED
            .iter()
            .zip(NAMES.iter())
            .filter(|(called, _)| called.load(Ordering::Relaxed))
    };
    let count = called().count();
    if count == 0 {
        return;
    }
    for (_, name) in called() {
        report!("missing: {name}");
    }
    violation!(
        NotImplemented,
        [count, 0],
        "{count} functions that the driver called are not implemented"
    )
}
