//! The function table that drivers get. A function without an implementation prints its name and
//! stops the system.

include!(concat!(env!("OUT_DIR"), "/functions.rs"));

mod entry;
mod implemented;

use crate::report::violation;
use wdk_sys::{_WDFFUNCENUM as Index, ULONG, WDFFUNC};

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
            unsafe extern "C" fn report() {
                not_implemented(stringify!($name))
            }
            report
        })),*];
    };
}

for_each_function!(missing);

/// Stops a driver that calls a function without an implementation.
fn not_implemented(name: &str) -> ! {
    let index = NAMES.iter().position(|known| *known == name);
    violation!(
        NotImplemented,
        [index.unwrap_or(LENGTH), 0],
        "{name} is not implemented"
    )
}
