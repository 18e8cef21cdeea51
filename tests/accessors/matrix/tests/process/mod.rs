//! An arena in this process.

mod alternation;

use std::{
    arch::asm,
    ffi::c_void,
    ptr, slice,
    sync::{
        Once,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use accessor_matrix::{
    ALTERNATING, Arena, Change, LAST_PAGE, Need, PAGE, PAGES, RACE_PAGES, State, pattern_byte,
    rewritten_content, state_of, used_up,
};

const MEM_COMMIT: u32 = 0x1000;
const MEM_RESERVE: u32 = 0x2000;
const MEM_RELEASE: u32 = 0x8000;

const PAGE_NOACCESS: u32 = 1;
const PAGE_READONLY: u32 = 2;
const PAGE_READWRITE: u32 = 4;
const PAGE_GUARD: u32 = 0x100;

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

/// Has an exception that nobody caught end this program as failed. Wine's debugger ends it with
/// status 0 instead.
pub fn fail_on_unhandled_exceptions() {
    const CURRENT_PROCESS: *mut c_void = ptr::without_provenance_mut(usize::MAX);
    const FAILED: u32 = 101;

    unsafe extern "system" fn fail(_: *mut c_void) -> i32 {
        eprintln!("nobody caught an exception");
        // SAFETY: ends this process.
        unsafe { TerminateProcess(CURRENT_PROCESS, FAILED) };
        0
    }

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the filter does what a filter must.
        unsafe { SetUnhandledExceptionFilter(fail) };
    });
}

/// An arena of this process, freed on drop.
pub struct ProcessArena {
    base: *mut u8,
    has_last_page: bool,
}

impl ProcessArena {
    pub fn allocate() -> Self {
        // Wine 10 takes a guard page that begins where the running thread's stack ends for the
        // stack's own.
        const { assert!(!matches!(state_of(0), State::Guard)) };
        // SAFETY: asks for memory anywhere.
        let base =
            unsafe { VirtualAlloc(ptr::null_mut(), PAGES * PAGE, MEM_RESERVE, PAGE_NOACCESS) };
        assert!(!base.is_null());
        let last = ptr::with_exposed_provenance_mut(LAST_PAGE);
        // SAFETY: asks for memory where there is none yet, or gets none.
        let last = unsafe { VirtualAlloc(last, PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
        let arena = Self {
            base: base.cast(),
            has_last_page: last.addr() == LAST_PAGE,
        };
        for page in 0..PAGES {
            if state_of(page) != State::Unmapped {
                let address = arena.page(page);
                // SAFETY: commits a page of the arena's reservation.
                let page =
                    unsafe { VirtualAlloc(address.cast(), PAGE, MEM_COMMIT, PAGE_READWRITE) };
                assert!(!page.is_null());
                pattern(page.cast());
            }
            arena.arrange(page);
        }
        if arena.has_last_page {
            pattern(last.cast());
        }
        arena
    }

    /// Open pages, for a race.
    pub fn for_race(change: Change) -> Self {
        // SAFETY: asks for memory anywhere.
        let base = unsafe {
            VirtualAlloc(
                ptr::null_mut(),
                RACE_PAGES * PAGE,
                MEM_RESERVE | MEM_COMMIT,
                PAGE_READWRITE,
            )
        };
        assert!(!base.is_null());
        let arena = Self {
            base: base.cast(),
            has_last_page: false,
        };
        pattern(arena.page(0));
        pattern(arena.page(1));
        let changing = arena.page(1).expose_provenance();
        contents(changing);
        if change == Change::Rewrite {
            rewrite(changing, changing + PAGE);
        }
        arena
    }

    const fn page(&self, page: usize) -> *mut u8 {
        self.base.wrapping_add(page * PAGE)
    }

    /// Puts pages right that a family may have used up.
    pub fn arrange_used_up(&self) {
        alternation::begin(self.page(ALTERNATING).expose_provenance());
        for page in used_up() {
            self.arrange(page);
        }
    }

    fn arrange(&self, page: usize) {
        let protection = match state_of(page) {
            State::Unmapped => return,
            State::Open => PAGE_READWRITE,
            State::ReadOnly => PAGE_READONLY,
            State::Guard => PAGE_READWRITE | PAGE_GUARD,
            // Two of them are not to be had; nothing is done with them.
            State::NoAccess | State::InPageError | State::PagedOut | State::Alternating => {
                PAGE_NOACCESS
            }
        };
        protect(self.page(page).expose_provenance(), protection);
    }
}

/// Changes a page of an arena's.
fn protect(address: usize, protection: u32) {
    let address = ptr::with_exposed_provenance_mut(address);
    let mut old = 0;
    // SAFETY: the callers name pages of their own arena.
    let done = unsafe { VirtualProtect(address, PAGE, protection, &raw mut old) };
    assert_ne!(done, 0);
}

/// Changes the second page of a race and changes it back, over and over, until told to stop.
pub fn keep_changing(base: usize, change: Change, stop: &AtomicBool) {
    let page = base + PAGE;
    while !stop.load(Ordering::Relaxed) {
        match change {
            Change::Unmap => protect(page, PAGE_NOACCESS),
            Change::WriteProtect => protect(page, PAGE_READONLY),
            Change::Rewrite => {
                rewrite(page, page + PAGE);
                rewrite(page, page + 2 * PAGE);
                continue;
            }
        }
        protect(page, PAGE_READWRITE);
    }
}

/// Has the two pages behind the changing one hold what is written into that.
fn contents(changing: usize) {
    for version in 0..2 {
        let page = changing + (1 + version) * PAGE;
        for (offset, byte) in rewritten_content(changing, version).enumerate() {
            let to = ptr::with_exposed_provenance_mut::<u8>(page + offset);
            // SAFETY: an open page of the arena's that nobody else looks at yet.
            unsafe { to.write(byte) };
        }
    }
}

/// Writes the bytes of a page into another, 8 at a time, whoever reads them meanwhile.
fn rewrite(page: usize, from: usize) {
    for offset in (0..PAGE).step_by(8) {
        let from = ptr::with_exposed_provenance_mut(from + offset);
        // SAFETY: a page of the race's that stays as it is.
        let word = unsafe { AtomicU64::from_ptr(from) }.load(Ordering::Relaxed);
        let to = ptr::with_exposed_provenance_mut(page + offset);
        // SAFETY: the open page of the race's; nobody but the accessors looks at it meanwhile.
        unsafe { AtomicU64::from_ptr(to) }.store(word, Ordering::Relaxed);
    }
}

/// Fills an open page with what it has to hold.
fn pattern(page: *mut u8) {
    let start = page.expose_provenance();
    // SAFETY: a page of the arena's that is open, and that nobody else looks at meanwhile.
    let bytes = unsafe { slice::from_raw_parts_mut(page, PAGE) };
    for (offset, byte) in bytes.iter_mut().enumerate() {
        *byte = pattern_byte(start + offset);
    }
}

impl Drop for ProcessArena {
    fn drop(&mut self) {
        // SAFETY: the reservation is the arena's own, and no pointer into it is left.
        unsafe { VirtualFree(self.base.cast(), 0, MEM_RELEASE) };
        if self.has_last_page {
            let last = ptr::with_exposed_provenance_mut(LAST_PAGE);
            // SAFETY: as above.
            unsafe { VirtualFree(last, 0, MEM_RELEASE) };
        }
    }
}

impl Arena for ProcessArena {
    fn base(&self) -> usize {
        self.base.expose_provenance()
    }

    fn can(&self, need: Need) -> bool {
        need == Need::LastPage && self.has_last_page
    }

    fn flags(&self) -> u64 {
        let flags: u64;
        // SAFETY: pushes the flags and pops them.
        unsafe { asm!("pushfq", "pop {}", out(reg) flags) };
        flags
    }

    /// In ring 3 the flag asks for faults of unaligned accesses.
    fn open_window(&self) {
        unreachable!("no case needs it here");
    }

    fn close_window(&self) {
        unreachable!("no case needs it here");
    }

    fn read(&self, address: usize, bytes: &mut [u8]) {
        let from = ptr::with_exposed_provenance(address);
        // SAFETY: the matrix names open pages of this arena.
        unsafe { ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) };
    }

    fn write(&self, address: usize, bytes: &[u8]) {
        let to = ptr::with_exposed_provenance_mut(address);
        // SAFETY: the matrix names open pages of this arena.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }

    fn fill(&self, address: usize, length: usize, byte: u8) {
        let to = ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: the matrix names open pages of this arena.
        unsafe { to.write_bytes(byte, length) };
    }

    fn raise_status(&self) -> *const c_void {
        RtlRaiseStatus as *const c_void
    }

    fn probe_for_write(&self) -> Option<*const c_void> {
        None
    }
}
