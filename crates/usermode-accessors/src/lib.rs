//! Guarded access to user memory for Windows kernel drivers in Rust.
//!
//! A driver that touches memory which an untrusted caller named has to check the range, survive
//! the page that is not there, and look at every byte only once. Microsoft's answer is the
//! User-Mode Accessors of `usermode_accessors.h`; this crate is that answer in Rust, together
//! with the volatile and device copies of `wdm.h`. It needs no C compiler and no WDK, only the
//! kernel's `__C_specific_handler` at link time.
//!
//! # Two layers
//!
//! - Types that carry the promises: [`UserSlice`] is consumed into a [`UserReader`] or a
//!   [`UserWriter`], [`UserPtr`] is for one number, [`VolatileSlice`] and [`DeviceSlice`] are for
//!   kernel memory of two difficult kinds. All safe, but for the constructors that take a raw
//!   pointer or a mode.
//! - [`ddi`]: Microsoft's functions under their own names, with their arguments in their order,
//!   all `unsafe`.
//!
//! ```no_run
//! use usermode_accessors::{Fault, UserSlice};
//!
//! /// Captures a request header that the caller says is at `address`.
//! fn capture(address: usize) -> Result<[u8; 32], Fault> {
//!     let mut header = [0; 32];
//!     UserSlice::new(address, header.len())
//!         .reader_aligned(8)?
//!         .read(&mut header)?;
//!     Ok(header)
//! }
//! ```
//!
//! # Guarantees
//!
//! - **A fault returns.** It comes back as a [`Fault`], and no Rust frame is unwound: one
//!   function in assembly holds the access, the scope table and the landing pad.
//! - **The count is exact.** [`Fault::copied`] is how many bytes were moved, no more and no less,
//!   taken from a register that survives the unwind, never computed from the fault address. The
//!   bytes of the destination past it are untouched.
//! - **Checks are on captured values, before the access.** Where a check fails nothing was
//!   touched.
//! - **Nothing is elided, repeated or reordered** by the compiler around an access: it is
//!   assembly. Bulk copies may touch a location more than once; an access of 1, 2, 4 or 8 bytes
//!   by [`UserPtr`] is exactly one instruction.
//! - **User memory is open no longer than the access.** Under SMAP the access is bracketed with
//!   `STAC` and `CLAC`, on the way out through a fault, too. Where AC was set at entry it is set
//!   at exit: the bracket of a caller further up is not closed behind its back. Kernel-mode,
//!   volatile and device accesses never open user memory.
//!
//! # What is checked, in what order, with what status
//!
//! Microsoft's pages name no status for a refused access. These are the statuses of
//! `ProbeForRead` and `ProbeForWrite`, which the accessors replace.
//!
//! | order | check | else |
//! | --- | --- | --- |
//! | 1 | a length of 0: success, whatever the address and the alignment | |
//! | 2 | the alignment asked for is a power of two | [`Status::INVALID_PARAMETER`] |
//! | 3 | the address is a multiple of it | [`Status::DATATYPE_MISALIGNMENT`] |
//! | 4 | the end neither wraps around nor exceeds [`probe::USER_LIMIT`] | [`Status::ACCESS_VIOLATION`] |
//! | 5 | the memory is there, for this kind of access | the exception: [`Status::ACCESS_VIOLATION`], [`Status::GUARD_PAGE_VIOLATION`], [`Status::IN_PAGE_ERROR`] or [`Status::DATATYPE_MISALIGNMENT`] |
//!
//! An exception of any other kind is not caught: it is a bug, and the system treats it as one.
//!
//! - **[`Mode::Kernel`] is direct.** No check, no guard. Microsoft's pages contradict each other
//!   on what becomes of an invalid kernel address; since structured exceptions do not protect
//!   system addresses at all, it stops the system, as it does in C.
//! - **Five-level page tables.** User memory above 2^47 bytes, which no process has unless it
//!   asks for it, is refused.
//! - **Overlap** of source and destination is not supported in bulk copies, and is answered with
//!   a fast fail in [`ddi::copy_device_memory`] alone, as documented.
//!
//! # Where the safe functions are safe
//!
//! In the kernel no Rust object lives in the user half of the address space, so writing there
//! breaks no promise of Rust's, whatever number the address is. In a user-mode process, where
//! tests run, a `UserSlice` can name the process's own objects; a test must name only memory
//! that it set aside. Outside Windows there is no guard either, and a bad address ends the
//! process.
//!
//! # IRQL
//!
//! User memory: at most `APC_LEVEL`, in the context of the process whose memory it is. Kernel
//! memory: any at which it is resident.
//!
//! # Sources
//!
//! "User-Mode Accessors" in the Windows driver documentation, the pages of
//! `usermode_accessors.h` and `wdm.h` named at each item, and "x64 exception handling" in the
//! documentation of Microsoft C++.

#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]
#![allow(
    clippy::redundant_pub_crate,
    reason = "contradicts rustc's unreachable_pub, which the workspace asks for"
)]

#[cfg(test)]
extern crate std;

mod arch;
pub mod ddi;
mod device;
mod fault;
mod guarded;
mod mode;
pub mod probe;
pub mod raising;
mod scalar;
mod status;
mod user;
mod volatile;

pub use device::{DeviceSlice, overlaps};
pub use fault::{Access, Fault};
pub use guarded::moves_backward;
pub use mode::Mode;
pub use scalar::{Character, Interlocked, Scalar};
pub use status::Status;
pub use user::{UnicodeString, UserPtr, UserReader, UserSlice, UserWriter};
pub use volatile::{LengthMismatch, VolatileSlice};
