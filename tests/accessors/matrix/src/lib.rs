//! One matrix of cases for every function of `usermode-accessors`. It runs in a Windows program, in
//! a driver in ring 0, and in a program of the host. All cases are defined here, so the counts of
//! the three agree.
//!
//! An [`Arena`] is user memory whose pages are in the [states](state_of) that the cases need.
//! [`run`] runs one [`Family`] in it. The [`Tally`] holds the number of cases, and the one that
//! failed. After every call these are compared: the result, with status, count, address and
//! direction; every byte that was moved; the bytes before and after; AC, IF and DF of EFLAGS. The
//! file of each family lists its cases. A case that an arena cannot arrange is skipped and counted,
//! with a [reason](Need::reason).
//!
//! Two things are not tested here. An overlapping copy of device memory ends the system; the
//! accessors' own tests end a process with it. A bad address with `KernelMode` is the caller's
//! error, and is not guarded.

#![no_std]
#![allow(
    clippy::redundant_pub_crate,
    reason = "each item states its own visibility"
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
pub use race::{Change, RACE_PAGES, Race, RaceResult, run_race};
pub use request::{DEVICE, RACE, RUN, Request, UMACCESS_DEVICE, WDK_TYPES};
pub use rewritten::content as rewritten_content;
pub use tally::{Check, Failure, Tally};

/// User memory for cases.
///
/// It has [`PAGES`] consecutive pages, and may also have the page at [`LAST_PAGE`]. Before each
/// family every page is in the state of [`state_of`], the last page is open, and each byte holds the
/// [`pattern_byte`] of its address. The methods that access memory are called with open pages only.
pub trait Arena {
    /// The first page's address.
    fn base(&self) -> usize;

    /// Whether the arena can arrange cases with this need.
    fn can(&self, need: Need) -> bool;

    /// Returns EFLAGS.
    fn flags(&self) -> u64;

    /// Sets AC: under SMAP, user memory is open.
    fn open_window(&self);

    /// Clears AC.
    fn close_window(&self);

    /// Copies from open pages.
    fn read(&self, address: usize, bytes: &mut [u8]);

    /// Copies to open pages.
    fn write(&self, address: usize, bytes: &[u8]);

    /// Sets bytes of open pages.
    fn fill(&self, address: usize, length: usize, byte: u8);

    /// Returns a system function that takes a status and raises it: `RtlRaiseStatus`.
    fn raise_status(&self) -> *const c_void;

    /// Returns `ProbeForWrite`, if there is one.
    fn probe_for_write(&self) -> Option<*const c_void>;
}

/// The kernel's side of the cases: three pages to read, three to write, and three for copies of
/// user memory.
#[repr(C, align(4096))]
pub struct KernelMemory {
    pub(crate) source: [u8; 3 * PAGE],
    pub(crate) target: [u8; 3 * PAGE],
    pub(crate) scratch: [u8; 3 * PAGE],
}

impl KernelMemory {
    /// Creates memory of zeros.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            source: [0; 3 * PAGE],
            target: [0; 3 * PAGE],
            scratch: [0; 3 * PAGE],
        }
    }
}

impl Default for KernelMemory {
    fn default() -> Self {
        Self::new()
    }
}
