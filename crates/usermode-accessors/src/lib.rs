//! Guarded access to user memory for Windows kernel drivers in Rust.
//!
//! A driver that accesses memory of an untrusted caller must check the range, survive a missing page,
//! and decide on a copy that does not change. For this Microsoft offers the User-Mode Accessors of
//! `usermode_accessors.h`. This crate offers them in Rust, with the volatile and device memory
//! functions of `wdm.h`. It needs no C compiler and no WDK, only the kernel's `__C_specific_handler` at
//! link time. It is [not Microsoft's implementation](#not-microsofts-implementation).
//!
//! # Two layers, and a guard
//!
//! - The safe types. [`UserSlice`] is consumed into a [`UserReader`] or a [`UserWriter`]. [`UserPtr`]
//!   is for one number, one string, or one [`UnicodeString`]. [`VolatileSlice`] and [`DeviceSlice`] are
//!   for kernel memory that may change, and for device memory. Only the constructors that take a raw
//!   pointer or a mode are `unsafe`.
//! - [`ddi`]: Microsoft's functions under their names, with their arguments in the same order. Those
//!   that access memory are `unsafe`. [`ddi::LIST`] shows them, DDI by DDI.
//! - [`raising`]: a guard for kernel routines that report failure by raising.
//!
//! ```no_run
//! use usermode_accessors::{Fault, UserSlice};
//!
//! /// Captures the request header of a caller at `address`.
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
//! Microsoft's accessors are in `umaccess.lib`, a static library of the Windows Driver Kit. This crate
//! does not use it, unless the feature `umaccess` is on. It is written from the documentation, under the
//! same names. Microsoft has announced three things, in "User-Mode Accessors" (August 2025):
//!
//! - Kernel code that accesses user memory will soon be required to use the accessors.
//! - A kernel that knows the accessors redirects the calls of a driver that is built with
//!   `umaccess.lib` to functions of `ntoskrnl.exe`. It does not redirect the functions of this crate.
//! - The accessors are designed for SMAP, and for PAN on Arm. There only designated functions may
//!   access user memory from the kernel. The functions of this crate are not designated. Where the
//!   processor closes user memory, they open it for the access. It is not known whether a future
//!   Windows lets a driver do that.
//!
//! So a driver that is required to use Microsoft's functions must link `umaccess.lib`, and guard each
//! call, because those functions raise. With the feature `umaccess`, [`ddi`] and the types for user memory
//! do so by [`raising::call`]. An exception then counts no bytes: see [`Fault::copied`]. The feature was
//! tested over a stand-in for the library, and never over `umaccess.lib`.
//!
//! # Guarantees
//!
//! - **A fault returns.** It is returned as a [`Fault`], and no Rust frame is unwound: one function in
//!   assembly contains the access, the scope table and the landing pad.
//! - **The count is exact.** [`Fault::copied`] is the number of bytes that were moved. After a fault in
//!   a wide access, a copy continues byte by byte up to the byte that cannot be moved. The bytes of the
//!   destination after it are untouched. The count is not computed from the fault address. The address
//!   is used only so that a guard page, which raises once, is not accessed twice; that of a stack
//!   included.
//! - **Checks are made on captured values, before the access.** If a check fails, nothing is accessed.
//!   A reader or writer checks its whole range when it is made. Each access checks its part again.
//! - **The compiler omits, repeats or reorders no access.** An access is assembly. Until it returns, a
//!   bulk copy may access a location more than once, in any order and width, so the copied bytes may be
//!   of several moments. After the return, this crate reads none of them again. An access of 1, 2, 4 or
//!   8 bytes by [`UserPtr`] or a scalar function is exactly one instruction.
//! - **User memory is open only during the access.** Under SMAP, `STAC` comes before the access and
//!   `CLAC` after it, also after a fault. If AC is set at entry it is set at return, so user memory stays
//!   open for a caller that has opened it. Kernel-mode, volatile and device accesses never open user
//!   memory.
//!
//! With the feature `umaccess`, Microsoft's functions make the accesses to user memory. Then an exception
//! counts no bytes, and these functions decide how an access is made and when user memory is open. After
//! an exception, AC is what it was at entry.
//!
//! # What is checked, in what order, with what status
//!
//! Microsoft's pages name no status for a refused access. These are the statuses of
//! `ProbeForRead` and `ProbeForWrite`, which the accessors replace.
//!
//! | order | check | status if it fails |
//! | --- | --- | --- |
//! | 0 | the safe types: this code runs in the kernel, or [`allow_in_user_mode`] was called; only in user mode | [`NtStatus::NOT_SUPPORTED`] |
//! | 1 | a length of 0: success, whatever the address and the alignment | |
//! | 2 | the required alignment is a power of two | [`NtStatus::INVALID_PARAMETER`] |
//! | 3 | the address is a multiple of it | [`NtStatus::DATATYPE_MISALIGNMENT`] |
//! | 4 | the end neither wraps around nor exceeds [`probe::user_limit`] | [`NtStatus::ACCESS_VIOLATION`] |
//! | 5 | the memory allows the access | the exception: [`NtStatus::ACCESS_VIOLATION`], [`NtStatus::GUARD_PAGE_VIOLATION`], [`NtStatus::STACK_OVERFLOW`], [`NtStatus::IN_PAGE_ERROR`] or [`NtStatus::DATATYPE_MISALIGNMENT`] |
//!
//! Two kinds of access differ. An interlocked operation always requires natural alignment, in either
//! mode. A string is checked as far as it is read.
//!
//! # Which exceptions are caught
//!
//! The guard catches the five exceptions of check 5, and no other. "`GetExceptionCode`" in the Win32
//! documentation lists them for an address that may not be accessed (`EXCEPTION_ACCESS_VIOLATION`), is
//! misaligned (`EXCEPTION_DATATYPE_MISALIGNMENT`), lies in a page with `PAGE_GUARD`
//! (`EXCEPTION_GUARD_PAGE`), cannot be brought in (`EXCEPTION_IN_PAGE_ERROR`), or uses up the stack of
//! the thread (`EXCEPTION_STACK_OVERFLOW`). No page states that memory raises nothing else; the choice
//! is that of this crate. Microsoft's own filter, [`ddi::uma_exception_filter`], takes every code of an
//! access to user memory.
//!
//! An exception with another code, such as a breakpoint or a single step, goes to the frames above. If
//! none of them takes it, the system stops.
//!
//! With the feature `umaccess`, each call is guarded by [`raising::call`], which catches every exception.
//!
//! # Where the documentation is silent or contradicts itself
//!
//! | question | this crate |
//! | --- | --- |
//! | Which status does a refused access have? None is named. | That of the table above. `ProbeForRead` and `ProbeForWrite` raise it for the same error. |
//! | What happens with a length of 0, a range that wraps around or crosses the limit, a fault in the middle? | See the table above. A length of 0 accesses and checks nothing. Such a range is refused as a whole, and nothing is accessed. After a fault, [`Fault::copied`] bytes were moved. |
//! | What does `ExProbeAlignment`, which the `…Aligned` macros call, check? It has no page. | Checks 2 and 3 above, before the range; only in user mode, and only for a length other than 0. |
//! | Does an invalid address with `KernelMode` raise an exception, or a fast fail in debug builds? | Neither: [`Mode::Kernel`] has no check and no guard. Structured exceptions do not protect system addresses, so an invalid one stops the system, as in C. |
//! | Is a user address with `KernelMode` refused, as debug builds do for reads of one value? | No. The `unsafe` caller guarantees the address. Under SMAP the processor stops the system. |
//! | Do the non-temporal copies to user memory check that the source is kernel memory? One revision says so. | No. The caller guarantees the kernel's side of every copy. |
//! | Are non-temporal stores ordered? | Yes: a fence follows them, also after a fault. |
//! | Are there acquire and release forms for `LARGE_INTEGER`, `ULARGE_INTEGER`, `UNICODE_STRING`? The overview names them. | No. No such functions are documented. [`UserPtr::read_acquire`] reads an `i64`. |
//! | Can a scalar access be torn? | Not if the address is aligned: it is one instruction. Alignment is not required, acquire and release included, as documented. A `UNICODE_STRING` is copied once, but not atomically. |
//! | What does a misaligned interlocked operation return? | [`NtStatus::DATATYPE_MISALIGNMENT`], and nothing is accessed; in kernel mode too. Alignment is a condition of the operation, and a locked access across a cache line stops all processors. |
//! | What does a comparison that fails do on read-only memory? | It faults: the processor writes back the value. |
//! | How far does a string length read? | To the zero, to the first fault, or to [`probe::user_limit`], which is [`NtStatus::ACCESS_VIOLATION`]. It reads each character once, in order, in aligned blocks of 16 bytes. The block in which the string ends may hold more bytes, but never of another page. There is no bound, as documented; [`UserPtr::string_length_within`] has one. |
//! | `Fill…` takes the length first, `Set…` the byte. | Likewise. The byte is a `u8` and the length a `usize`, so swapped arguments do not compile. |
//! | May `RtlFillVolatileMemory` fill the whole buffer? The text says less, the example all of it. | All of it. |
//! | May `RtlFillDeviceMemory` make unaligned accesses? The revisions disagree. | No device function makes one. |
//! | Does `RtlCompareDeviceMemory` access bytes, or perhaps more, unaligned? | Bytes. |
//! | Is `RtlEqualDeviceMemory` a macro or a function? | A function that returns a `bool`. |
//! | What are the order and the IRQL of volatile and device accesses? | The order is that of plain accesses to that kind of memory. The IRQL is any at which the memory is resident. |
//! | Which overlaps does `RtlCopyDeviceMemory` end with a fast fail? | [`overlaps`]: one shared byte. In all other copies the result of an overlap is unspecified; only moves support it. |
//! | From which end does a backward move count? | From the end of the range: see [`moves_backward`]. |
//! | Is user memory above 2^47 bytes accessed, with five-level page tables? | If the driver has set the limit: see [`probe::set_user_limit`]. |
//!
//! # Speculation
//!
//! A processor may predict the range check wrongly, and execute the access with an address that the check
//! refuses, until it notices. What it loads meanwhile can leave traces in a cache. So each guarded
//! routine replaces a user address above the user limit by the limit, without a branch, before its first
//! access: by `CMOV` on x86-64, by `CSEL` and `CSDB` on Arm. That holds for reads, writes, interlocked
//! operations, copies, fills and strings. It also holds for a copy whose length came from user memory: an
//! access upward from the limit meets memory of no process and non-canonical addresses, a short copy stays
//! within 255 bytes of its start, and a copy backward has its length clamped as well. A test decodes
//! the machine code of each routine.
//!
//! Not defended:
//!
//! - the kernel's side: [`Mode::Kernel`], [`mapped`], and the kernel buffer of a copy. A driver that
//!   checks an index or a length from user memory, and then indexes its own memory, clamps it itself;
//! - the last 128 bytes of the address space: for a user address below 128, a wrong prediction of the
//!   length can load from there;
//! - what the driver does with the bytes that were read, and speculation of other kinds, across threads of
//!   one core or of memory that the processor forbids.
//!
//! No attack was tried. The clamp is shown by its instructions alone.
//!
//! Source: "Speculative Execution Side Channel Mitigations", Intel; "`CSDB`", Arm Architecture Reference
//! Manual.
//!
//! # Where the safe functions are safe
//!
//! In the kernel, no Rust object lies in the user half of the address space. So a write there breaks no
//! rule of Rust, whatever the address. In a program of user mode, a UMDF driver included, all Rust
//! objects lie there. So the safe types refuse every user address in user mode, with
//! [`NtStatus::NOT_SUPPORTED`]. A test program calls [`allow_in_user_mode`] once, which is `unsafe`. The
//! functions of [`ddi`] are `unsafe` and do not refuse.
//!
//! The crate knows the mode from the privilege level in CS on x86-64, which is read for each check. On
//! Arm no register shows it in user mode. There the code knows that it is in the kernel by its own
//! address, which is in the upper half of the address space.
//!
//! Outside Windows there is no guard, and a bad address ends the process.
//!
//! # Processors
//!
//! x86-64 is tested in user mode under Wine, and in ring 0. For 64-bit Arm the library builds
//! (`aarch64-pc-windows-msvc`), and a test compares the unwind data of each guarded routine with its
//! instructions. On Linux, in an emulator, the tests of valid memory pass, and faults return exact
//! counts, with a signal handler in place of Windows's dispatcher. The code for Arm has not run on
//! Windows. On Arm, PSTATE.PAN has the part of SMAP, `STAC` and `CLAC`. A non-temporal copy uses
//! `MOVNTDQ` and `SFENCE` on x86-64, and `LDNP`, `STNP` and `DMB` on Arm.
//!
//! # IRQL
//!
//! For user memory at most `APC_LEVEL`, in the context of the process that owns the memory. For kernel
//! memory any IRQL at which it is resident.
//!
//! # Sources
//!
//! "User-Mode Accessors" in the Windows driver documentation; the pages of `usermode_accessors.h` and
//! `wdm.h` that each item names; "x64 exception handling" in the documentation of Microsoft C++. For
//! the exceptions of memory: "Creating Guard Pages", "Thread Stack Size" and "`GetExceptionCode` macro"
//! in the Win32 documentation.

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
    reason = "each item states its own visibility"
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

#[macro_use]
#[path = "ddi/table.rs"]
mod ddi_table;

/// Declares [`ddi`], with the functions by family on its page.
macro_rules! ddi_page {
    ($(
        $family:ident $title:literal { $($ddi:literal $rust_name:ident,)+ }
        reserved { $($reserved:literal,)* }
    )+) => {
        /// Microsoft's functions under their names in snake case, with their arguments in the same order.
        $(
            #[doc = concat!("\n# ", $title, "\n\n| Microsoft's name | here |\n| --- | --- |")]
            $(#[doc = concat!("| `", $ddi, "` | [`", stringify!($rust_name), "`](ddi::", stringify!($rust_name), ") |")])+
            $(#[doc = concat!("| `", $reserved, "` | reserved for system use, not offered |")])*
        )+
        pub mod ddi;
    };
}

ddi_table!(ddi_page);

#[cfg_attr(
    feature = "umaccess",
    allow(
        dead_code,
        unused_imports,
        reason = "strings are counted by Microsoft's functions"
    )
)]
mod arch;
#[cfg(any(doc, doctest))]
pub mod callers_of_32_bits;
mod device;
mod fault;
#[cfg(any(doc, doctest))]
pub mod from_c_to_rust;
mod guarded;
mod kernel_only;
pub mod mapped;
mod mode;
#[cfg(doc)]
pub mod performance;
pub mod probe;
#[cfg(not(miri))]
pub mod raising;
mod scalar;
#[cfg(feature = "umaccess")]
mod umaccess;
mod user;
mod volatile;
#[cfg(all(windows, feature = "wdk-sys"))]
mod wdk;

pub use device::{DeviceSlice, overlaps};
pub use fault::{Access, Fault};
pub use guarded::moves_backward;
pub use kernel_only::allow_in_user_mode;
pub use mode::Mode;
pub use nt_status::NtStatus;
pub use scalar::{Character, Interlocked, Scalar};
pub use user::{
    CallerMode, UnicodeString, UnicodeString32, UserPtr, UserReader, UserSlice, UserWriter,
};
pub use volatile::{LengthMismatch, VolatileSlice};
