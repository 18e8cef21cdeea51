//! `WdfVerifierXxx`: what drivers call when they find themselves in trouble.

use crate::{
    call::Call,
    report::{self, report},
};
use wdk_sys::{PWDF_DRIVER_GLOBALS, ULONG, ULONG_PTR};

/// `WdfVerifierDbgBreakPoint`: stops in a debugger. There is none here, so it only says so.
pub(crate) unsafe extern "C" fn dbg_break_point(globals: PWDF_DRIVER_GLOBALS) {
    // SAFETY: the driver's call, with the arguments it passed.
    let _call = unsafe { Call::enter(globals, "WdfVerifierDbgBreakPoint") };
    report!("WdfVerifierDbgBreakPoint: the driver wants to be looked at");
}

/// `WdfVerifierKeBugCheck`.
pub(crate) unsafe extern "C" fn ke_bug_check(
    globals: PWDF_DRIVER_GLOBALS,
    code: ULONG,
    parameter_1: ULONG_PTR,
    parameter_2: ULONG_PTR,
    parameter_3: ULONG_PTR,
    parameter_4: ULONG_PTR,
) {
    // SAFETY: the driver's call, with the arguments it passed.
    let _call = unsafe { Call::enter(globals, "WdfVerifierKeBugCheck") };
    report::bugcheck(code, parameter_1, parameter_2, parameter_3, parameter_4)
}
