//! Processes, and the privilege of an opener.

use ringcopy_protocol::Reach;
use usermode_accessors::Mode;
use wdk_sys::{
    LUID, LUID_AND_ATTRIBUTES, PRIVILEGE_SET, PRIVILEGE_SET_ALL_NECESSARY, SE_DEBUG_PRIVILEGE,
    ntddk::{IoGetCurrentProcess, PsGetProcessStartKey, SePrivilegeCheck, SeSinglePrivilegeCheck},
};

use super::{caller::CallerMode, wdf::Request};

/// Which process a process is: its start key, which no other process of the system ever has
/// (`PsGetProcessStartKey`, `ntddk.h`, since Windows 10 version 1703).
///
/// The key is a number. It keeps nothing of the process alive, where a reference would keep the
/// object of a process that ended as long as a handle is duplicated elsewhere. A process number or
/// the address of an object would be another process's one day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProcessKey(u64);

impl ProcessKey {
    /// Returns the key of the process whose address space is the current one. IRQL: at most
    /// `DISPATCH_LEVEL`.
    pub fn current() -> Self {
        // SAFETY: may be called by any thread at this IRQL.
        let process = unsafe { IoGetCurrentProcess() };
        // SAFETY: the current process exists while it runs this.
        Self(unsafe { PsGetProcessStartKey(process) })
    }
}

/// Returns whether the opener of the device holds `SeDebugPrivilege`, enabled. Kernel code that the
/// policy trusts holds all privileges.
///
/// Checks the subject that the I/O manager captured for the open, which may differ from the current
/// thread's (`IO_SECURITY_CONTEXT`); if there is none, the current thread's.
pub fn opener_holds_debug_privilege(opening: &Request, policy: Reach) -> bool {
    let mode = if opening.is_check_forced() {
        Mode::User
    } else {
        CallerMode::of(opening, policy).mode()
    };
    let privilege = LUID {
        LowPart: SE_DEBUG_PRIVILEGE,
        HighPart: 0,
    };
    let Some(subject) = opening.subject() else {
        // SAFETY: the routine checks the calling thread's own token, at PASSIVE_LEVEL.
        return unsafe { SeSinglePrivilegeCheck(privilege, mode.as_raw()) } != 0;
    };
    let mut required = PRIVILEGE_SET {
        PrivilegeCount: 1,
        Control: PRIVILEGE_SET_ALL_NECESSARY,
        Privilege: [LUID_AND_ATTRIBUTES {
            Luid: privilege,
            Attributes: 0,
        }],
    };
    // SAFETY: the set lives through the call; the subject, as long as the request; PASSIVE_LEVEL.
    let held = unsafe { SePrivilegeCheck(&raw mut required, subject.as_ptr(), mode.as_raw()) };
    held != 0
}
