//! Pages of the test process, each with an access of its own.

use core::{ffi::c_void, ptr};
use std::{slice, sync::Once, vec::Vec};

use super::dispatcher::dispatch;

pub(super) const PAGE: usize = 4096;

pub(super) const NONE: i32 = 0;
pub(super) const READ: i32 = 1;
pub(super) const READ_WRITE: i32 = 3;

/// `struct sigaction` of the C library.
#[repr(C)]
struct Action {
    handler: usize,
    mask: [u64; 16],
    flags: i32,
    restorer: usize,
}

unsafe extern "C" {
    fn sigaction(signal: i32, action: *const Action, old: *mut Action) -> i32;
    fn mmap(at: *mut c_void, size: usize, access: i32, flags: i32, file: i32, from: i64)
    -> *mut u8;
    fn mprotect(at: *mut u8, size: usize, access: i32) -> i32;
}

/// Three pages, each with an access of its own.
pub(super) struct Pages(*mut u8);

impl Pages {
    pub(super) fn new(access: [i32; 3]) -> Self {
        const PRIVATE_ANONYMOUS: i32 = 0x22;
        const SIGSEGV: i32 = 11;
        const SIGINFO: i32 = 4;
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let action = Action {
                handler: dispatch as *const c_void as usize,
                mask: [0; 16],
                flags: SIGINFO,
                restorer: 0,
            };
            // SAFETY: the handler changes only registers and pages of the tests.
            unsafe { sigaction(SIGSEGV, &raw const action, ptr::null_mut()) };
        });
        let size = 3 * PAGE;
        // SAFETY: asks for memory anywhere. It stays until the process ends.
        let start = unsafe { mmap(ptr::null_mut(), size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0) };
        assert_ne!(start.addr(), usize::MAX);
        let pages = Self(start);
        for offset in 0..size {
            // SAFETY: our own memory, writable so far.
            unsafe { pages.at(offset).write(number(offset)) };
        }
        for (page, access) in access.into_iter().enumerate() {
            // SAFETY: changes a page of our own.
            let done = unsafe { mprotect(pages.at(page * PAGE), PAGE, access) };
            assert_eq!(done, 0);
        }
        pages
    }

    pub(super) const fn at(&self, offset: usize) -> *mut u8 {
        self.0.wrapping_add(offset)
    }

    pub(super) fn bytes(&self, offset: usize, length: usize) -> Vec<u8> {
        // SAFETY: the test names readable pages.
        unsafe { slice::from_raw_parts(self.at(offset), length) }.to_vec()
    }
}

/// Returns the initial value of a byte: never 0, and different a page or a block later.
pub(super) fn number(offset: usize) -> u8 {
    u8::try_from(offset % 251 + 1).unwrap()
}

pub(super) fn numbers(offset: usize, length: usize) -> Vec<u8> {
    (offset..offset + length).map(number).collect()
}
