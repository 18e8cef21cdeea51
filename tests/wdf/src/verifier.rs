//! `WdfVerifierXxx`: functions that stop a driver.

use crate::{
    call::Call,
    report::{self, report},
};
use wdk_sys::{ULONG, ULONG_PTR};

/// `WdfVerifierDbgBreakPoint`: stops in a debugger. There is none, so it only prints a line.
pub(crate) fn dbg_break_point(_call: &Call) {
    report!("WdfVerifierDbgBreakPoint: the driver asks for a debugger");
}

/// `WdfVerifierKeBugCheck`.
pub(crate) fn ke_bug_check(
    _call: &Call,
    code: ULONG,
    parameter_1: ULONG_PTR,
    parameter_2: ULONG_PTR,
    parameter_3: ULONG_PTR,
    parameter_4: ULONG_PTR,
) {
    report::bugcheck(code, parameter_1, parameter_2, parameter_3, parameter_4)
}
