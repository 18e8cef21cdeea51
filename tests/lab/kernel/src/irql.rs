//! The interrupt request level. On x64 it is the processor's task priority, CR8.

use crate::bugcheck::violation;
use crate::cpu;

pub(crate) const PASSIVE_LEVEL: u8 = 0;
pub(crate) const APC_LEVEL: u8 = 1;
pub(crate) const DISPATCH_LEVEL: u8 = 2;
pub(crate) const HIGH_LEVEL: u8 = 15;

pub(crate) fn current() -> u8 {
    cpu::read_cr8() as u8
}

pub(crate) fn set(level: u8) {
    cpu::write_cr8(u64::from(level));
}

/// Ends the run if a driver calls a function above the IRQL of its documentation.
pub(crate) fn require_at_most(level: u8, function: &str) {
    let now = current();
    if now > level {
        violation!("{function} was called at IRQL {now}; it may be called at {level} at most");
    }
}
