//! Whose process it is, and what it may.

use core::ffi::c_void;

use usermode_accessors::Mode;
use wdk_sys::{
    LUID, PEPROCESS, SE_DEBUG_PRIVILEGE,
    ntddk::{
        IoGetCurrentProcess, ObfDereferenceObject, ObfReferenceObject, SeSinglePrivilegeCheck,
    },
};

/// A process, referenced: its object, unlike its number, is not used again while this lives.
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
    /// The process whose address space is the current one.
    pub fn current() -> Self {
        let process = current();
        // SAFETY: the current process exists.
        unsafe { ObfReferenceObject(process.cast::<c_void>()) };
        Self(process)
    }

    /// Whether its address space is the current one.
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

/// Whether the current thread's token holds `SeDebugPrivilege`, enabled; a kernel-mode requestor
/// holds all privileges.
pub fn holds_debug_privilege(mode: Mode) -> bool {
    let privilege = LUID {
        LowPart: SE_DEBUG_PRIVILEGE,
        HighPart: 0,
    };
    // SAFETY: the routine checks the calling thread's own token, at PASSIVE_LEVEL.
    let held = unsafe { SeSinglePrivilegeCheck(privilege, mode as i8) };
    held != 0
}
