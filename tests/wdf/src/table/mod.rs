//! The function table that drivers get: an implementation for some functions, and for all others a
//! function of the same name that says it is none.

mod implemented;
mod names;

use crate::report::{Violation, violation};
use names::for_each_function;
use wdk_sys::{_WDFFUNCENUM as Index, ULONG, WDFFUNC};

/// How many functions there are.
pub(crate) const COUNT: ULONG = Index::WdfFunctionTableNumEntries as ULONG;

const LENGTH: usize = COUNT as usize;

/// A function table.
type Table = [WDFFUNC; LENGTH];

/// What drivers get.
pub(crate) static TABLE: Table = {
    let mut table = MISSING;
    implemented::put_over(&mut table);
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

/// Where a driver ends that calls a function which has no implementation.
fn not_implemented(name: &str) -> ! {
    let index = NAMES.iter().position(|known| *known == name);
    violation(
        Violation::NotImplemented,
        index.unwrap_or(LENGTH),
        0,
        format_args!("{name} is not implemented"),
    )
}
