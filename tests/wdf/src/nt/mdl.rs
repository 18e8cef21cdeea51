//! Memory descriptor lists: of requests, and of user memory that a driver has locked.

use super::{KERNEL_MODE, member};
use core::{ffi::c_void, mem::offset_of, ptr::NonNull};
use wdk_sys::{
    CSHORT, LOCK_OPERATION, MDL, MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL, NTSTATUS,
    PMDL, PVOID, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS, ntddk,
};

/// `MEMORY_CACHING_TYPE` of ordinary memory.
const MM_CACHED: i32 = 1;

/// `NormalPagePriority`, with the mapping made non-executable (wdm.h,
/// `MmGetSystemAddressForMdlSafe`).
const MAP_PRIORITY: i32 = 16 | 0x4000_0000;

// MmProbeAndLockPages raises an exception. A frame of Rust must not be unwound, and Rust cannot
// catch. This frame has a handler. The filter keeps the exception's code in the frame, because the
// contents of EAX at a landing pad differ between systems.
core::arch::global_asm!(
    r#"
    .globl wdfldr_probe_and_lock
    .def wdfldr_probe_and_lock; .scl 2; .type 32; .endef
    .text
    .p2align 4
wdfldr_probe_and_lock:
    .seh_proc wdfldr_probe_and_lock
    sub rsp, 40
    .seh_stackalloc 40
    .seh_endprologue
.Lprobe_and_lock_begin:
    call MmProbeAndLockPages
    nop
.Lprobe_and_lock_end:
    xor eax, eax
.Lprobe_and_lock_return:
    add rsp, 40
    ret
.Lprobe_and_lock_landing:
    mov eax, dword ptr [rsp + 32]
    jmp .Lprobe_and_lock_return
.Lprobe_and_lock_filter:
    mov rax, qword ptr [rcx]
    mov eax, dword ptr [rax]
    mov dword ptr [rdx + 32], eax
    mov eax, 1
    ret
    .seh_handler __C_specific_handler, @except
    .seh_handlerdata
    .long 1
    .long .Lprobe_and_lock_begin@IMGREL
    .long .Lprobe_and_lock_end@IMGREL
    .long .Lprobe_and_lock_filter@IMGREL
    .long .Lprobe_and_lock_landing@IMGREL
    .text
    .seh_endproc
"#
);

unsafe extern "C" {
    /// Calls `MmProbeAndLockPages`. Returns the code of the exception that it raised, or zero.
    fn wdfldr_probe_and_lock(mdl: PMDL, mode: i8, operation: LOCK_OPERATION) -> NTSTATUS;
}

/// A list of the framework's own, freed when dropped.
pub(crate) struct OwnedMdl {
    mdl: NonNull<MDL>,
    locked: bool,
}

impl OwnedMdl {
    fn allocate(address: PVOID, length: u32) -> Result<NonNull<MDL>, NTSTATUS> {
        // SAFETY: describes a range without touching it; no packet is associated.
        let mdl = unsafe { ntddk::IoAllocateMdl(address, length, 0, 0, core::ptr::null_mut()) };
        NonNull::new(mdl).ok_or(STATUS_INSUFFICIENT_RESOURCES)
    }

    /// Describes a nonpaged buffer, as the system buffer of a request is.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn of_nonpaged(buffer: PVOID, length: u32) -> Result<Self, NTSTATUS> {
        let mdl = Self::allocate(buffer, length)?;
        // SAFETY: the list was just allocated for the I/O manager's system buffer, which is
        // nonpaged and stays until the request is completed.
        unsafe { ntddk::MmBuildMdlForNonPagedPool(mdl.as_ptr()) };
        Ok(Self { mdl, locked: false })
    }

    /// Locks memory that a driver gives, or for user mode memory of the current process's user half.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`, or the status that `MmProbeAndLockPages` raised: usually
    /// `STATUS_ACCESS_VIOLATION`.
    pub(crate) fn lock(
        buffer: PVOID,
        length: u32,
        mode: i8,
        operation: LOCK_OPERATION,
    ) -> Result<Self, NTSTATUS> {
        let mdl = Self::allocate(buffer, length)?;
        let mut list = Self { mdl, locked: false };
        // SAFETY: the list was just allocated; probing validates a range for user mode, a driver promises
        // that its own exists, and the handler above catches what it raises.
        let status = unsafe { wdfldr_probe_and_lock(mdl.as_ptr(), mode, operation) };
        if status == STATUS_SUCCESS {
            list.locked = true;
            Ok(list)
        } else {
            Err(status)
        }
    }

    pub(crate) const fn as_ptr(&self) -> PMDL {
        self.mdl.as_ptr()
    }

    /// Returns the address that the system maps the memory at.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn system_address(&self) -> Result<PVOID, NTSTATUS> {
        system_address(self.mdl)
    }
}

impl Drop for OwnedMdl {
    fn drop(&mut self) {
        if self.locked {
            // SAFETY: `lock` locked the pages; nothing uses them any more. Unlocking undoes
            // the system's mapping too.
            unsafe { ntddk::MmUnlockPages(self.mdl.as_ptr()) };
        }
        // SAFETY: `allocate` allocated the list, which nothing uses any more.
        unsafe { ntddk::IoFreeMdl(self.mdl.as_ptr()) };
    }
}

/// `MmGetSystemAddressForMdlSafe`: maps the pages of a list, unless they are mapped already.
///
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn system_address(mdl: NonNull<MDL>) -> Result<PVOID, NTSTATUS> {
    const MAPPED: CSHORT = 1 | 4;
    const {
        assert!(MAPPED as u32 == MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL);
    }

    let flags = member::<_, CSHORT>(mdl.as_ptr(), offset_of!(MDL, MdlFlags));
    // SAFETY: a member of a list that the request or the framework owns.
    if unsafe { flags.read() } & MAPPED != 0 {
        let address = member::<_, PVOID>(mdl.as_ptr(), offset_of!(MDL, MappedSystemVa));
        // SAFETY: a member of a list that the request or the framework owns.
        return Ok(unsafe { address.read() });
    }
    // SAFETY: the pages of the list are locked; asked not to bugcheck, it returns null on failure.
    let address = unsafe {
        ntddk::MmMapLockedPagesSpecifyCache(
            mdl.as_ptr(),
            KERNEL_MODE,
            MM_CACHED,
            core::ptr::null_mut(),
            0,
            MAP_PRIORITY,
        )
    };
    NonNull::<c_void>::new(address)
        .map(NonNull::as_ptr)
        .ok_or(STATUS_INSUFFICIENT_RESOURCES)
}
