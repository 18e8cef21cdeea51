//! A page whose bytes change after each instruction that accesses it.
//!
//! The page is closed, so an access raises. A vectored handler, which runs before any guard, opens
//! the page for one instruction. The trap after that instruction writes the other content and closes
//! the page.

use std::{
    ffi::c_void,
    ptr,
    sync::{
        Once,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use accessor_matrix::PAGE;

use super::{NO_ACCESS, READ_WRITE, protect, rewrite, write_contents};

const ACCESS_VIOLATION: u32 = 0xC000_0005;
const SINGLE_STEP: u32 = 0x8000_0004;
const CONTINUE_EXECUTION: i32 = -1;
const CONTINUE_SEARCH: i32 = 0;

/// TF: the next instruction ends in a trap.
const EFLAGS_TRAP: u32 = 1 << 8;

/// The part of `EXCEPTION_RECORD` that is used.
#[repr(C)]
struct Record {
    code: u32,
    between: [u8; 0x1C],
    kind: usize,
    address: usize,
}

/// The part of `CONTEXT` that is used.
#[repr(C)]
struct Context {
    before: [u8; 0x44],
    flags: u32,
}

/// `EXCEPTION_POINTERS`.
#[repr(C)]
struct Pointers {
    record: *const Record,
    context: *mut Context,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn AddVectoredExceptionHandler(
        first: u32,
        handler: unsafe extern "system" fn(*mut Pointers) -> i32,
    ) -> *mut c_void;
}

/// The address of the page, or 0.
static ADDRESS: AtomicUsize = AtomicUsize::new(0);
/// An instruction is accessing the page.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Writes the first content to the page, and fills the pages around it. The page changes as soon as
/// the caller closes it. There is one such page at a time.
pub fn begin(page: usize) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler changes only a trap flag and the page.
        unsafe { AddVectoredExceptionHandler(1, step) };
    });
    ADDRESS.store(page, Ordering::Relaxed);
    write_contents(page);
    protect(page, READ_WRITE);
    rewrite(page, page + PAGE);
    count(page).store(0, Ordering::Relaxed);
}

/// Returns the counter of accesses to the page.
const fn count(page: usize) -> &'static AtomicU64 {
    // SAFETY: the arena outlives the use, and reads this counter only.
    unsafe { AtomicU64::from_ptr(ptr::with_exposed_provenance_mut(page - PAGE)) }
}

unsafe extern "system" fn step(pointers: *mut Pointers) -> i32 {
    // SAFETY: the system passes valid pointers; so below.
    let Pointers { record, context } = unsafe { pointers.read() };
    // SAFETY: as above.
    let record = unsafe { &*record };
    let page = ADDRESS.load(Ordering::Relaxed);
    if record.code == ACCESS_VIOLATION && page != 0 && record.address / PAGE == page / PAGE {
        // SAFETY: as above.
        unsafe { (*context).flags |= EFLAGS_TRAP };
        OPEN.store(true, Ordering::Relaxed);
        protect(page, READ_WRITE);
        return CONTINUE_EXECUTION;
    }
    if record.code == SINGLE_STEP && OPEN.swap(false, Ordering::Relaxed) {
        // SAFETY: as above.
        unsafe { (*context).flags &= !EFLAGS_TRAP };
        let next = (count(page).fetch_add(1, Ordering::Relaxed) + 1) % 2;
        let from = if next == 0 {
            page + PAGE
        } else {
            page + 2 * PAGE
        };
        rewrite(page, from);
        protect(page, NO_ACCESS);
        return CONTINUE_EXECUTION;
    }
    CONTINUE_SEARCH
}
