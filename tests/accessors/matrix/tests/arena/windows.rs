//! Pages of a Windows process.

use std::{ffi::c_void, ptr, sync::Once};

use accessor_matrix::PAGE;

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const MEM_RELEASE: u32 = 0x8000;

/// Protections of pages.
pub const NO_ACCESS: u32 = 1;
pub const READ_ONLY: u32 = 2;
pub const READ_WRITE: u32 = 4;
pub const GUARD: u32 = READ_WRITE | 0x100;

type Filter = unsafe extern "system" fn(*mut c_void) -> i32;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn VirtualAlloc(address: *mut c_void, size: usize, kind: u32, protect: u32) -> *mut c_void;
    fn VirtualProtect(address: *mut c_void, size: usize, protect: u32, old: *mut u32) -> i32;
    fn VirtualFree(address: *mut c_void, size: usize, kind: u32) -> i32;
    fn SetUnhandledExceptionFilter(filter: Filter) -> *mut c_void;
    fn TerminateProcess(process: *mut c_void, code: u32) -> i32;
}

#[link(name = "ntdll")]
unsafe extern "system" {
    fn RtlRaiseStatus(status: u32);
}

pub fn raise_status() -> *const c_void {
    RtlRaiseStatus as *const c_void
}

/// Makes an uncaught exception end this program as failed. Wine's debugger ends it with status 0
/// instead.
pub fn fail_on_unhandled_exceptions() {
    const CURRENT_PROCESS: *mut c_void = ptr::without_provenance_mut(usize::MAX);
    const FAILED: u32 = 101;

    unsafe extern "system" fn fail(_: *mut c_void) -> i32 {
        eprintln!("an exception was not caught");
        // SAFETY: ends this process.
        unsafe { TerminateProcess(CURRENT_PROCESS, FAILED) };
        0
    }

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the filter ends the process.
        unsafe { SetUnhandledExceptionFilter(fail) };
    });
}

/// Reserves pages without access.
pub fn reserve(pages: usize) -> *mut u8 {
    // SAFETY: asks for memory anywhere.
    let base = unsafe { VirtualAlloc(ptr::null_mut(), pages * PAGE, MEM_RESERVE, NO_ACCESS) };
    assert!(!base.is_null());
    base.cast()
}

/// Makes a reserved page present, and opens it.
pub fn commit(page: *mut u8) {
    // SAFETY: commits a page of a reservation of the caller's.
    let page = unsafe { VirtualAlloc(page.cast(), PAGE, MEM_COMMIT, READ_WRITE) };
    assert!(!page.is_null());
}

/// Allocates the open page at `address`, if there is none yet.
pub fn allocate_at(address: usize) -> bool {
    let at = ptr::with_exposed_provenance_mut(address);
    // SAFETY: asks for memory where there is none yet.
    let page = unsafe { VirtualAlloc(at, PAGE, MEM_RESERVE | MEM_COMMIT, READ_WRITE) };
    page.addr() == address
}

pub fn protect(address: usize, protection: u32) {
    let address = ptr::with_exposed_provenance_mut(address);
    let mut old = 0;
    // SAFETY: the callers name pages of their own arena.
    let done = unsafe { VirtualProtect(address, PAGE, protection, &raw mut old) };
    assert_ne!(done, 0);
}

pub fn release(base: *mut u8, _pages: usize) {
    // SAFETY: the callers own the reservation, and keep no pointer into it.
    unsafe { VirtualFree(base.cast(), 0, MEM_RELEASE) };
}
