//! Processes, and the privilege of an opener.

use core::ffi::c_void;

use ringcopy_protocol::Reach;
use usermode_accessors::Mode;
use wdk_sys::{
    LUID, LUID_AND_ATTRIBUTES, PEPROCESS, PRIVILEGE_SET, PRIVILEGE_SET_ALL_NECESSARY,
    SE_DEBUG_PRIVILEGE,
    ntddk::{
        IoGetCurrentProcess, ObfDereferenceObject, ObfReferenceObject, SePrivilegeCheck,
        SeSinglePrivilegeCheck,
    },
};

use super::{caller::CallerMode, wdf::Request};

/// A referenced process. Unlike its number, its object is not reused while the reference exists.
pub struct Process(PEPROCESS);

// SAFETY: a process object belongs to no thread, and is only compared here.
unsafe impl Send for Process {}

// SAFETY: as above.
unsafe impl Sync for Process {}

fn current() -> PEPROCESS {
    // SAFETY: may be called by any thread at IRQL up to DISPATCH_LEVEL.
    unsafe { IoGetCurrentProcess() }
}

impl Process {
    /// Returns the process whose address space is the current one.
    pub fn current() -> Self {
        let process = current();
        // SAFETY: the current process exists.
        unsafe { ObfReferenceObject(process.cast::<c_void>()) };
        Self(process)
    }

    /// Returns whether its address space is the current one.
    pub fn is_current(&self) -> bool {
        self.0 == current()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: referenced by `current`, and dereferenced once.
        unsafe { ObfDereferenceObject(self.0.cast::<c_void>()) };
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
