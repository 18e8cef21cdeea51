//! Functions that raise exceptions. `trap.s` captures the caller's context and calls them.

use crate::bugcheck::violation;
use crate::irql::{APC_LEVEL, require_at_most};
use crate::memory::layout::user_limit;
use crate::memory::paging::{Tables, next_page};
use crate::memory::user::{self, AccessKind};
use crate::seh::{Context, Exception, raise};
use nt_status::NtStatus;

unsafe extern "C" {
    pub(super) fn nt_probe_for_read();
    pub(super) fn nt_probe_for_write();
    pub(super) fn nt_raise_status();
    pub(super) fn nt_raise_access_violation();
    pub(super) fn nt_raise_datatype_misalignment();
}

const RCX: usize = 1;
const RDX: usize = 2;
const R8: usize = 8;

/// The checks that `ProbeForRead` and `ProbeForWrite` share: a length of 0 is not checked; the
/// start must have the alignment; the range must lie in user memory.
fn check_range(context: &mut Context, function: &str) -> Option<(u64, u64)> {
    require_at_most(APC_LEVEL, function);
    let (address, length) = (context.general(RCX), context.general(RDX));
    let alignment = context.general(R8) & 0xFFFF_FFFF;
    if !alignment.is_power_of_two() {
        violation!("{function} was called for an alignment of {alignment}");
    }
    if length == 0 {
        return None;
    }
    if address & (alignment - 1) != 0 {
        raise(context, Exception::plain(NtStatus::DATATYPE_MISALIGNMENT));
    }
    match address.checked_add(length) {
        Some(end) if end <= user_limit() => Some((address, end)),
        _ => raise(context, Exception::plain(NtStatus::ACCESS_VIOLATION)),
    }
}

/// `ProbeForRead` function (wdm.h): raises `STATUS_DATATYPE_MISALIGNMENT` or
/// `STATUS_ACCESS_VIOLATION`; touches nothing. IRQL <= `APC_LEVEL`.
#[unsafe(no_mangle)]
extern "C" fn probe_for_read(context: &mut Context) {
    let _ = check_range(context, "ProbeForRead");
}

/// `ProbeForWrite` function (wdm.h): as `ProbeForRead`, and writes to every page, which may raise
/// an exception.
#[unsafe(no_mangle)]
extern "C" fn probe_for_write(context: &mut Context) {
    let Some((address, end)) = check_range(context, "ProbeForWrite") else {
        return;
    };
    let mut at = address;
    while at < end {
        if let Err(code) = user::touch(Tables::current(), at, AccessKind::Write) {
            let exception = Exception {
                code,
                information: [1, at, 0],
                count: 2,
            };
            raise(context, exception);
        }
        at = next_page(at);
    }
}

/// `ExRaiseStatus` function (wdm.h): raises an exception with the status as its code. IRQL <=
/// `APC_LEVEL`.
#[unsafe(no_mangle)]
extern "C" fn raise_status(context: &mut Context) -> ! {
    require_at_most(APC_LEVEL, "ExRaiseStatus");
    let code = NtStatus(context.general(RCX) as u32);
    raise(context, Exception::plain(code))
}

/// `ExRaiseAccessViolation` function (ntddk.h): raises `STATUS_ACCESS_VIOLATION`. IRQL <=
/// `APC_LEVEL`.
#[unsafe(no_mangle)]
extern "C" fn raise_access_violation(context: &mut Context) -> ! {
    require_at_most(APC_LEVEL, "ExRaiseAccessViolation");
    raise(context, Exception::plain(NtStatus::ACCESS_VIOLATION))
}

/// `ExRaiseDatatypeMisalignment` function (ntddk.h): raises `STATUS_DATATYPE_MISALIGNMENT`. IRQL <=
/// `APC_LEVEL`.
#[unsafe(no_mangle)]
extern "C" fn raise_datatype_misalignment(context: &mut Context) -> ! {
    require_at_most(APC_LEVEL, "ExRaiseDatatypeMisalignment");
    raise(context, Exception::plain(NtStatus::DATATYPE_MISALIGNMENT))
}
