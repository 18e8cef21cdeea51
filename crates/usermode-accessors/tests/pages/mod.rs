//! Pages of the test process, each with its own protection.
#![allow(dead_code, reason = "each test program uses a part")]

use std::{eprintln, ffi::c_void, ptr, slice, sync::Once, vec::Vec};

use usermode_accessors::{Access, Fault, NtStatus};

pub const PAGE: usize = 0x1000;

/// The protection of a page. The values are those of Win32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Protection {
    NoAccess = 0x01,
    ReadOnly = 0x02,
    ReadWrite = 0x04,
    Guard = 0x104,
    /// Reserved without memory.
    Reserved = 0,
}

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const MEM_RELEASE: u32 = 0x8000;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn VirtualAlloc(address: *mut c_void, size: usize, kind: u32, protect: u32) -> *mut c_void;
    fn VirtualProtect(address: *mut c_void, size: usize, protect: u32, old: *mut u32) -> i32;
    fn VirtualFree(address: *mut c_void, size: usize, kind: u32) -> i32;
    fn SetUnhandledExceptionFilter(filter: Handler) -> *mut c_void;
    fn TerminateProcess(process: *mut c_void, code: u32) -> i32;
    pub fn AddVectoredExceptionHandler(first: u32, handler: Handler) -> *mut c_void;
}

/// An exception handler that belongs to no frame. A vectored handler may change the exception before
/// handlers of frames see it.
pub type Handler = unsafe extern "system" fn(*mut Pointers) -> i32;

/// `EXCEPTION_POINTERS`.
#[repr(C)]
pub struct Pointers {
    pub record: *mut Exception,
    pub context: *mut c_void,
}

/// `EXCEPTION_RECORD`.
#[repr(C)]
pub struct Exception {
    pub code: u32,
    flags: u32,
    next: *mut Self,
    address: *mut c_void,
    pub parameters: u32,
    pub information: [usize; 15],
}

/// Lets the safe types work, and makes an uncaught exception fail the test program. Wine would start a
/// debugger, and the program would end with status 0, as if its tests had passed.
pub fn prepare_process() {
    const CURRENT_PROCESS: *mut c_void = ptr::without_provenance_mut(usize::MAX);
    const FAILED: u32 = 101;

    unsafe extern "system" fn fail(pointers: *mut Pointers) -> i32 {
        // SAFETY: the system passes valid pointers.
        let record = unsafe { (*pointers).record };
        // SAFETY: as above.
        let code = unsafe { (*record).code };
        eprintln!("exception {code:#X} was not caught");
        // SAFETY: ends this process.
        unsafe { TerminateProcess(CURRENT_PROCESS, FAILED) };
        0
    }

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the filter ends the process.
        unsafe { SetUnhandledExceptionFilter(fail) };
        // SAFETY: tests access pages of their own, and addresses at which there is nothing.
        unsafe { usermode_accessors::allow_in_user_mode() };
    });
}

/// Consecutive pages, freed on drop. The pages before and after them are not present, so no other
/// memory is adjacent. Wine 10 takes a guard page at the end of the running thread's stack for the
/// guard page of the stack.
pub struct Pages {
    reservation: *mut u8,
    count: usize,
}

impl Pages {
    /// Allocates one page for each protection. Each byte holds its [`number`].
    pub fn new(protections: &[Protection]) -> Self {
        prepare_process();
        let count = protections.len();
        // SAFETY: asks for memory anywhere.
        let base = unsafe { VirtualAlloc(ptr::null_mut(), (count + 2) * PAGE, MEM_RESERVE, 1) };
        assert!(!base.is_null());
        let pages = Self {
            reservation: base.cast(),
            count,
        };
        for (page, protection) in protections.iter().enumerate() {
            if *protection == Protection::Reserved {
                continue;
            }
            let address = pages.pointer(page * PAGE);
            // SAFETY: commits a page of our own reservation.
            let committed = unsafe { VirtualAlloc(address.cast(), PAGE, MEM_COMMIT, 4) };
            assert!(!committed.is_null());
            // SAFETY: a page that is writable and ours.
            let bytes = unsafe { slice::from_raw_parts_mut(address, PAGE) };
            for (offset, byte) in bytes.iter_mut().enumerate() {
                *byte = number(page * PAGE + offset);
            }
            pages.protect(page, *protection);
        }
        pages
    }

    pub fn protect(&self, page: usize, protection: Protection) {
        let mut old = 0;
        // SAFETY: changes a page of our own.
        let done = unsafe {
            VirtualProtect(
                self.pointer(page * PAGE).cast(),
                PAGE,
                protection as u32,
                &raw mut old,
            )
        };
        assert_ne!(done, 0);
    }

    pub fn pointer(&self, offset: usize) -> *mut u8 {
        assert!(offset <= self.count * PAGE);
        self.reservation.wrapping_add(PAGE + offset)
    }

    pub fn address(&self, offset: usize) -> usize {
        self.pointer(offset).expose_provenance()
    }

    /// Returns a copy of bytes in readable pages.
    pub fn bytes(&self, offset: usize, length: usize) -> Vec<u8> {
        assert!(offset + length <= self.count * PAGE);
        // SAFETY: the test names readable pages.
        unsafe { slice::from_raw_parts(self.pointer(offset), length) }.to_vec()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the reservation is ours, and no pointer into it outlives a test.
        unsafe { VirtualFree(self.reservation.cast(), 0, MEM_RELEASE) };
    }
}

/// The value of a byte that a test does not expect to be written.
pub const UNTOUCHED: u8 = 0;

/// Returns the initial value of a byte of [`Pages`]: never 0, and different on adjacent pages.
pub fn number(offset: usize) -> u8 {
    u8::try_from(offset % 251 + 1).unwrap()
}

pub const fn fault(status: NtStatus, copied: usize, address: usize, access: Access) -> Fault {
    Fault::new(status, copied, Some(address), access)
}
