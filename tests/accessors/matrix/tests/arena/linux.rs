//! Pages of a Linux process.

use std::{
    ffi::{c_int, c_void},
    ptr,
};

use accessor_matrix::PAGE;

/// Protections of pages. A guard page is closed here: no case accesses it.
pub const NO_ACCESS: c_int = 0;
pub const READ_ONLY: c_int = 1;
pub const READ_WRITE: c_int = 3;
pub const GUARD: c_int = NO_ACCESS;

const PRIVATE_ANONYMOUS: c_int = 0x22;
const FIXED_NOREPLACE: c_int = 0x10_0000;

unsafe extern "C" {
    fn mmap(
        address: *mut c_void,
        size: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void;
    fn mprotect(address: *mut c_void, size: usize, protection: c_int) -> c_int;
    fn munmap(address: *mut c_void, size: usize) -> c_int;
}

/// Reserves pages without access.
pub fn reserve(pages: usize) -> *mut u8 {
    let size = pages * PAGE;
    // SAFETY: asks for memory anywhere.
    let base = unsafe { mmap(ptr::null_mut(), size, NO_ACCESS, PRIVATE_ANONYMOUS, -1, 0) };
    assert_ne!(base.addr(), usize::MAX);
    base.cast()
}

/// Opens a reserved page.
pub fn commit(page: *mut u8) {
    protect(page.expose_provenance(), READ_WRITE);
}

/// Allocates the open page at `address`, if there is none yet.
pub fn allocate_at(address: usize) -> bool {
    let at = ptr::with_exposed_provenance_mut(address);
    let flags = PRIVATE_ANONYMOUS | FIXED_NOREPLACE;
    // SAFETY: asks for memory where there is none yet.
    let page = unsafe { mmap(at, PAGE, READ_WRITE, flags, -1, 0) };
    page.addr() == address
}

pub fn protect(address: usize, protection: c_int) {
    let address = ptr::with_exposed_provenance_mut(address);
    // SAFETY: the callers name pages of their own arena.
    let failed = unsafe { mprotect(address, PAGE, protection) };
    assert_eq!(failed, 0);
}

pub fn release(base: *mut u8, pages: usize) {
    // SAFETY: the callers own the pages, and keep no pointer into them.
    unsafe { munmap(base.cast(), pages * PAGE) };
}
