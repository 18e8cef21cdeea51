//! Guarded access to user memory for Windows kernel drivers in Rust.
//!
//! A driver that touches memory which an untrusted caller named has to check the range, survive
//! the page that is not there, and decide on a copy that no longer changes. Microsoft's answer is
//! the User-Mode Accessors of `usermode_accessors.h`; this crate offers them in Rust, together
//! with the volatile and device memory functions of `wdm.h`. It needs no C compiler and no WDK,
//! only the kernel's `__C_specific_handler` at link time. It is
//! [not Microsoft's implementation](#not-microsofts-implementation).
//!
//! # Two layers, and a guard
//!
//! - Types that carry the promises: [`UserSlice`] is consumed into a [`UserReader`] or a
//!   [`UserWriter`], [`UserPtr`] is for one number, string or [`UnicodeString`],
//!   [`VolatileSlice`] and [`DeviceSlice`] are for kernel memory of two difficult kinds. All safe,
//!   but for the constructors that take a raw pointer or a mode.
//! - [`ddi`]: Microsoft's functions under their own names, with their arguments in their order;
//!   those that access memory are `unsafe`. [`ddi::LIST`] shows them, DDI by DDI.
//! - [`raising`]: a guard for kernel routines that report failure by raising.
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
//! # Not Microsoft's implementation
//!
//! Microsoft's accessors are in `umaccess.lib`, a static library of the Windows Driver Kit. This
//! crate does not use it: it is written from the documentation, under the same names. Microsoft has
//! announced three things, in "User-Mode Accessors" (August 2025):
//!
//! - Kernel code that accesses user memory will soon be required to use the accessors.
//! - A kernel that knows the accessors redirects the calls of a driver that is built with
//!   `umaccess.lib` to functions of `ntoskrnl.exe`. It does not redirect the functions of this crate.
//! - The accessors are designed for SMAP, and for PAN on Arm, which let kernel code access user memory
//!   through designated functions alone. The functions of this crate are not designated. Where the
//!   processor has closed user memory, they open it themselves for the access. Whether a future
//!   Windows lets a driver do that is not known.
//!
//! So a driver that must use Microsoft's functions, whoever demands it, cannot use this crate in
//! their place. It has to link `umaccess.lib`, and to guard each call, for those functions raise.
//! [`raising::call`] is made for functions that raise and take integers and pointers; it has not been
//! tried with `umaccess.lib`. It returns the exception, without a count of bytes.
//!
//! # Guarantees
//!
//! - **A fault returns.** It comes back as a [`Fault`], and no Rust frame is unwound: one
//!   function in assembly holds the access, the scope table and the landing pad.
//! - **The count is exact.** [`Fault::copied`] is how many bytes were moved, no more and no less: a
//!   copy that met a fault in a wide access goes on byte by byte until it is at the very byte that
//!   cannot be moved, and only then reports it. The bytes of the destination past it are untouched.
//!   The count is never computed from the fault address; that only keeps a guard page, which raises
//!   once, from being touched twice, be it a stack's or another's.
//! - **Checks are on captured values, before the access.** Where a check fails nothing was
//!   touched. A reader or writer checks its whole range when it is made; each access checks its part
//!   again.
//! - **Nothing is elided, repeated or reordered** by the compiler around an access: it is
//!   assembly. Until it returns, a bulk copy may touch a location more than once, in any order and
//!   width, so what arrives may be of several moments. Once it has returned, the copy is the
//!   driver's alone: this crate fetches nothing of it again. An access of 1, 2, 4 or 8 bytes
//!   by [`UserPtr`] or a scalar function is exactly one instruction.
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
//! | 2 | the alignment asked for is a power of two | [`NtStatus::INVALID_PARAMETER`] |
//! | 3 | the address is a multiple of it | [`NtStatus::DATATYPE_MISALIGNMENT`] |
//! | 4 | the end neither wraps around nor exceeds [`probe::USER_LIMIT`] | [`NtStatus::ACCESS_VIOLATION`] |
//! | 5 | the memory is there, for this kind of access | the exception: [`NtStatus::ACCESS_VIOLATION`], [`NtStatus::GUARD_PAGE_VIOLATION`], [`NtStatus::STACK_OVERFLOW`], [`NtStatus::IN_PAGE_ERROR`] or [`NtStatus::DATATYPE_MISALIGNMENT`] |
//!
//! Two accesses deviate. An interlocked operation demands natural alignment without being asked,
//! in either mode. A string is checked as far as it is looked at.
//!
//! # Which exceptions are caught
//!
//! The five of check 5, and no other. They are what "`GetExceptionCode`" in the Win32 documentation
//! lists for an address that may not be accessed (`EXCEPTION_ACCESS_VIOLATION`), is misaligned
//! (`EXCEPTION_DATATYPE_MISALIGNMENT`), lies in a page with `PAGE_GUARD` (`EXCEPTION_GUARD_PAGE`),
//! cannot be brought in (`EXCEPTION_IN_PAGE_ERROR`), or uses up the thread's stack
//! (`EXCEPTION_STACK_OVERFLOW`). No page says that memory raises nothing else: the choice is this
//! crate's. Microsoft's own filter makes another one: [`ddi::uma_exception_filter`] takes every code
//! of an access to user memory.
//!
//! An exception of any other code, such as a breakpoint or a single step, is left to the frames
//! further up. If none takes it, the system stops, as over any bug.
//!
//! # Where the documentation is silent or contradicts itself
//!
//! | question | here |
//! | --- | --- |
//! | Which status does a refused access have? None is named. | Those of the table above: `ProbeForRead` and `ProbeForWrite` raise them for the same faults. |
//! | A length of 0, a range that wraps around or straddles the limit, a fault in the middle? | As in the table above: 0 touches and checks nothing; the range is refused as a whole, with nothing touched; [`Fault::copied`] bytes were moved. |
//! | `ExProbeAlignment`, which the `…Aligned` macros call, has no page. | Only in user mode and only for a length other than 0: the checks 2 and 3 above, before the range. |
//! | An invalid address with `KernelMode`: an exception, a fast fail in debug builds, or nothing? | [`Mode::Kernel`] is direct: no check, no guard. Structured exceptions do not protect system addresses, so an invalid one stops the system, as in C. |
//! | Is a user address with `KernelMode` caught, as debug builds do for reads of one value? | No. The address is the `unsafe` caller's promise; under SMAP the processor stops the system over it. |
//! | Do the non-temporal copies to user memory check that the source is the kernel's? One revision says so. | No. The kernel's side is the caller's promise, in this as in every copy. |
//! | Are non-temporal stores ordered? | Yes: a fence follows them, after a fault too. |
//! | Acquire and release for `LARGE_INTEGER`, `ULARGE_INTEGER`, `UNICODE_STRING`? The overview claims them. | No such functions are documented, and none is offered. [`UserPtr::read_acquire`] reads an `i64`. |
//! | Can a scalar access be torn? | It is one instruction: not if the address is aligned. Alignment is not enforced, acquire and release included, as documented. A `UNICODE_STRING` is copied once, but not in one piece. |
//! | A misaligned interlocked operation? | [`NtStatus::DATATYPE_MISALIGNMENT`], with nothing touched, in kernel mode too: it is a condition of the operation, and a locked access across a cache line stops every processor. |
//! | A comparison that fails, on read-only memory? | It faults: the processor writes back what it found. |
//! | How far does a string length look? | To the zero, to the first fault, or to [`probe::USER_LIMIT`], which is [`NtStatus::ACCESS_VIOLATION`]. Each character is looked at once, in order, up to 16 bytes at a time: what lies in the aligned 16 bytes in which the string ends is read with it, which never reaches into another page. There is no cap, as documented; [`UserPtr::string_length_within`] has one. |
//! | `Fill…` takes the length first, `Set…` the byte. | Kept. The byte is a `u8` and the length a `usize`, so an exchange does not compile. |
//! | May `RtlFillVolatileMemory` fill the whole buffer? The text says less than it, the example all of it. | All of it. |
//! | May `RtlFillDeviceMemory` make unaligned accesses? The revisions disagree. | No device function makes one. |
//! | `RtlCompareDeviceMemory` accesses bytes, and perhaps unaligned? | Bytes. |
//! | Is `RtlEqualDeviceMemory` a macro or a function? | A function, that returns a `bool`. |
//! | Ordering and IRQL of volatile and device accesses? | Ordered as plain accesses of the processor to that kind of memory; at any IRQL at which the memory is resident. |
//! | Which overlaps does `RtlCopyDeviceMemory` end with a fast fail? | [`overlaps`]: one shared byte. In all other copies overlap is unspecified, and only moves support it. |
//! | How does a backward move count? | From the end: see [`moves_backward`]. |
//! | User memory above 2^47 bytes, with five-level page tables? | Refused: no process has it unless it asks for it. |
//!
//! # Where the safe functions are safe
//!
//! In the kernel no Rust object lives in the user half of the address space, so writing there
//! breaks no promise of Rust's, whatever number the address is. In a user-mode process, where
//! tests run, a `UserSlice` can name the process's own objects; a test must name only memory
//! that it set aside. Outside Windows there is no guard either, and a bad address ends the
//! process.
//!
//! # Processors
//!
//! x86-64 is tested in user mode under Wine and in ring 0. For 64-bit Arm the library builds
//! (`aarch64-pc-windows-msvc`); a test decodes the unwind data of each guarded routine and holds it
//! to the routine's instructions; on Linux, in an emulator, the tests of memory that is there pass,
//! and faults return with exact counts where a signal handler stands in for Windows's dispatcher.
//! That code has not run on Windows. Where this documentation speaks of SMAP, `STAC` and `CLAC`,
//! there it is PSTATE.PAN. A non-temporal copy uses `MOVNTDQ` and `SFENCE` on x86-64, `LDNP`, `STNP`
//! and `DMB` on Arm.
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
//! documentation of Microsoft C++. For what memory raises: "Creating Guard Pages" and "Thread Stack
//! Size" and "`GetExceptionCode` macro" in the Win32 documentation.

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
    reason = "an item says itself how far it reaches, without a look at its module"
)]

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
extern crate std;

#[cfg(all(test, windows))]
extern crate self as usermode_accessors;

#[cfg(all(test, windows))]
#[path = "../tests/pages/mod.rs"]
mod pages;

mod arch;
pub mod ddi;
mod device;
mod fault;
mod guarded;
pub mod mapped;
mod mode;
#[cfg(doc)]
pub mod performance;
pub mod probe;
pub mod raising;
mod scalar;
mod user;
mod volatile;

pub use device::{DeviceSlice, overlaps};
pub use fault::{Access, Fault};
pub use guarded::moves_backward;
pub use mode::Mode;
pub use nt_status::NtStatus;
pub use scalar::{Character, Interlocked, Scalar};
pub use user::{UnicodeString, UserPtr, UserReader, UserSlice, UserWriter};
pub use volatile::{LengthMismatch, VolatileSlice};
