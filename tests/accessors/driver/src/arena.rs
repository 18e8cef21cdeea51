//! The caller's memory as an arena.

use accessor_matrix::{Arena, Need, Request};
use core::ffi::c_void;

use crate::nt;

/// Pages of the caller. The sender of the request has arranged them.
pub(crate) struct UserArena {
    base: usize,
}

impl UserArena {
    /// Returns the arena of a request, or `None` if its address does not fit.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let base = usize::try_from(request.base).ok()?;
        Some(Self { base })
    }
}

impl Arena for UserArena {
    fn base(&self) -> usize {
        self.base
    }

    fn can(&self, _: Need) -> bool {
        true
    }

    fn flags(&self) -> u64 {
        nt::flags()
    }

    fn open_window(&self) {
        nt::set_ac();
    }

    fn close_window(&self) {
        nt::clear_ac();
    }

    fn read(&self, address: usize, bytes: &mut [u8]) {
        nt::read_user(address, bytes);
    }

    fn write(&self, address: usize, bytes: &[u8]) {
        nt::write_user(address, bytes);
    }

    fn fill(&self, address: usize, length: usize, byte: u8) {
        nt::fill_user(address, length, byte);
    }

    fn raise_status(&self) -> *const c_void {
        nt::raise_status()
    }

    fn probe_for_write(&self) -> Option<*const c_void> {
        Some(nt::probe_for_write())
    }
}
