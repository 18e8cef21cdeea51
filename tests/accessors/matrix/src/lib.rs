//! One matrix of cases for every function of `usermode-accessors`, run twice: by a Windows program,
//! and by a driver in ring 0. Neither knows more of the cases than this does, so what holds in one
//! place holds in the other, case by case, and the counts agree.
//!
//! An [`Arena`] is user memory whose pages are [as they have to be](state_of); [`run`] runs one
//! [`Family`] in it and tells in a [`Tally`] how many cases there were and which failed. What is
//! looked at after every call: its result, to the status, the count, the address and the
//! direction; every byte that it moved; the bytes before and behind; EFLAGS' AC, IF and DF. Each
//! family's file says what is crossed with what. A case that an arena cannot arrange is skipped,
//! counted, and [named](Need::reason).
//!
//! Not tried: an overlapping copy of device memory, which ends the system (the accessors' own tests
//! end a process with it), and bad addresses with `KernelMode`, which nothing protects from.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "an item says itself how far it reaches, without a look at its module"
)]

mod alignment;
mod alternating;
mod bulk;
mod compare;
mod cursor;
mod family;
mod interlocked;
mod layout;
mod moves;
mod pattern;
mod pointer;
mod race;
mod raising;
mod request;
mod rewritten;
mod run;
mod scalar;
mod string;
mod tally;
mod unicode_string;

use core::ffi::c_void;

pub use family::{Family, names, run};
pub use layout::{
    ALTERNATING, LAST_PAGE, Need, PAGE, PAGES, PAGING_FAILED_BY, State, state_of, used_up,
};
pub use pattern::byte as pattern_byte;
pub use race::{Change, Finish, RACE_PAGES, Race, run_race};
pub use request::{DEVICE, RACE, RUN, Request};
pub use rewritten::content as rewritten_content;
pub use tally::{Check, Failure, Tally};

/// User memory for cases.
///
/// Its [`PAGES`] are consecutive; it may have the page at [`LAST_PAGE`] besides. Before each family
/// every page is as [`state_of`] says, the last one open, and all of them hold
/// [`pattern_byte`] of each address. The methods that look at memory are called with open pages
/// alone, and check nothing of EFLAGS.
pub trait Arena {
    /// The first page's address.
    fn base(&self) -> usize;

    /// Whether cases can be run that need this.
    fn can(&self, need: Need) -> bool;

    /// EFLAGS, now.
    fn flags(&self) -> u64;

    /// Sets AC: under SMAP, user memory is open.
    fn open_window(&self);

    /// Clears AC.
    fn close_window(&self);

    /// Copies out of open pages.
    fn read(&self, address: usize, bytes: &mut [u8]);

    /// Copies into open pages.
    fn write(&self, address: usize, bytes: &[u8]);

    /// Sets bytes of open pages.
    fn fill(&self, address: usize, length: usize, byte: u8);

    /// A system function that takes a status and raises it: `RtlRaiseStatus`.
    fn raise_status(&self) -> *const c_void;

    /// `ProbeForWrite`, where there is one.
    fn probe_for_write(&self) -> Option<*const c_void>;
}

/// The kernel's side of the cases: three pages to read, three to write, and three to look at what
/// is in user memory.
#[repr(C, align(4096))]
pub struct Room {
    pub(crate) source: [u8; 3 * PAGE],
    pub(crate) target: [u8; 3 * PAGE],
    pub(crate) scratch: [u8; 3 * PAGE],
}

impl Room {
    /// One whose bytes are all 0, which any byte may be.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            source: [0; 3 * PAGE],
            target: [0; 3 * PAGE],
            scratch: [0; 3 * PAGE],
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}
