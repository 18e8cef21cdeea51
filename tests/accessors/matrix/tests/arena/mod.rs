//! An arena in this process.

#[cfg(windows)]
mod alternation;
#[cfg(not(windows))]
#[path = "linux.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

use std::{
    ffi::c_void,
    ptr, slice,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use accessor_matrix::{
    Arena, Change, LAST_PAGE, Need, PAGE, PAGES, RACE_PAGES, State, pattern_byte,
    rewritten_content, state_of, used_up,
};
use system::{GUARD, NO_ACCESS, READ_ONLY, READ_WRITE, protect};

/// An arena of this process, freed on drop.
pub struct ProcessArena {
    base: *mut u8,
    pages: usize,
    has_last_page: bool,
}

impl ProcessArena {
    pub fn allocate() -> Self {
        // Wine 10 takes a guard page that begins where the running thread's stack ends for the
        // stack's own.
        const { assert!(!matches!(state_of(0), State::Guard)) };
        let mut arena = Self::reserve(PAGES);
        arena.has_last_page = system::allocate_at(LAST_PAGE);
        for page in (0..PAGES).filter(|page| state_of(*page) != State::Unmapped) {
            arena.open(page);
            arena.arrange(page);
        }
        if arena.has_last_page {
            fill_with_pattern(ptr::with_exposed_provenance_mut(LAST_PAGE));
        }
        arena
    }

    /// Allocates open pages for a race.
    pub fn for_race(change: Change) -> Self {
        let arena = Self::reserve(RACE_PAGES);
        for page in 0..RACE_PAGES {
            arena.open(page);
        }
        let changing = arena.page(1).expose_provenance();
        write_contents(changing);
        if change == Change::Rewrite {
            rewrite(changing, changing + PAGE);
        }
        arena
    }

    fn reserve(pages: usize) -> Self {
        #[cfg(windows)]
        system::fail_on_unhandled_exceptions();
        // SAFETY: the cases access the arena alone, and addresses at which there is nothing.
        unsafe { usermode_accessors::allow_in_user_mode() };
        Self {
            base: system::reserve(pages),
            pages,
            has_last_page: false,
        }
    }

    const fn page(&self, page: usize) -> *mut u8 {
        self.base.wrapping_add(page * PAGE)
    }

    /// Opens a page, and fills it with the pattern.
    fn open(&self, page: usize) {
        system::commit(self.page(page));
        fill_with_pattern(self.page(page));
    }

    /// Restores the pages that a family may have used up.
    pub fn arrange_used_up(&self) {
        #[cfg(windows)]
        alternation::begin(self.page(accessor_matrix::ALTERNATING).expose_provenance());
        for page in used_up() {
            self.arrange(page);
        }
    }

    fn arrange(&self, page: usize) {
        let protection = match state_of(page) {
            State::Unmapped => return,
            State::Open => READ_WRITE,
            State::ReadOnly => READ_ONLY,
            State::Guard => GUARD,
            // A process cannot arrange two of these states; no case accesses such a page.
            State::NoAccess | State::InPageError | State::PagedOut | State::Alternating => {
                NO_ACCESS
            }
        };
        protect(self.page(page).expose_provenance(), protection);
    }
}

/// Changes the second page of a race and changes it back, repeatedly, until `stop` is set.
pub fn keep_changing(base: usize, change: Change, stop: &AtomicBool) {
    let page = base + PAGE;
    while !stop.load(Ordering::Relaxed) {
        match change {
            Change::Unmap => protect(page, NO_ACCESS),
            Change::WriteProtect => protect(page, READ_ONLY),
            Change::Rewrite => {
                rewrite(page, page + PAGE);
                rewrite(page, page + 2 * PAGE);
                continue;
            }
        }
        protect(page, READ_WRITE);
    }
}

/// Fills the two pages after the changing one with the contents that are written into it.
fn write_contents(changing: usize) {
    for version in 0..2 {
        let page = changing + (1 + version) * PAGE;
        for (offset, byte) in rewritten_content(changing, version).enumerate() {
            let to = ptr::with_exposed_provenance_mut::<u8>(page + offset);
            // SAFETY: an open page of the arena, which no other thread uses yet.
            unsafe { to.write(byte) };
        }
    }
}

/// Writes the bytes of the page `from` into `page`, 8 at a time, while other threads may read them.
fn rewrite(page: usize, from: usize) {
    for offset in (0..PAGE).step_by(8) {
        let from = ptr::with_exposed_provenance_mut(from + offset);
        // SAFETY: an open page of the arena, which does not change.
        let word = unsafe { AtomicU64::from_ptr(from) }.load(Ordering::Relaxed);
        let to = ptr::with_exposed_provenance_mut(page + offset);
        // SAFETY: an open page of the arena; only the accessors use it meanwhile.
        unsafe { AtomicU64::from_ptr(to) }.store(word, Ordering::Relaxed);
    }
}

/// Fills an open page with the pattern.
fn fill_with_pattern(page: *mut u8) {
    let start = page.expose_provenance();
    // SAFETY: an open page of the arena, which nothing else uses meanwhile.
    let bytes = unsafe { slice::from_raw_parts_mut(page, PAGE) };
    for (offset, byte) in bytes.iter_mut().enumerate() {
        *byte = pattern_byte(start + offset);
    }
}

impl Drop for ProcessArena {
    fn drop(&mut self) {
        system::release(self.base, self.pages);
        if self.has_last_page {
            system::release(ptr::with_exposed_provenance_mut(LAST_PAGE), 1);
        }
    }
}

impl Arena for ProcessArena {
    fn base(&self) -> usize {
        self.base.expose_provenance()
    }

    fn can(&self, need: Need) -> bool {
        match need {
            Need::LastPage => self.has_last_page,
            Need::Exceptions => cfg!(windows),
            Need::InPageErrors | Need::PagingOut | Need::OpenWindow | Need::Probes => false,
        }
    }

    fn flags(&self) -> u64 {
        #[cfg(target_arch = "x86_64")]
        {
            let flags: u64;
            // SAFETY: pushes the flags and pops them.
            unsafe { std::arch::asm!("pushfq", "pop {}", out(reg) flags) };
            flags
        }
        #[cfg(not(target_arch = "x86_64"))]
        0
    }

    /// Not called: in ring 3 the flag turns on faults of unaligned accesses.
    fn open_window(&self) {
        unreachable!("ring 3 has no window");
    }

    fn close_window(&self) {
        unreachable!("ring 3 has no window");
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

    #[cfg(windows)]
    fn raise_status(&self) -> *const c_void {
        system::raise_status()
    }

    #[cfg(not(windows))]
    fn raise_status(&self) -> *const c_void {
        unreachable!("no exception is caught here");
    }

    fn probe_for_write(&self) -> Option<*const c_void> {
        None
    }
}
