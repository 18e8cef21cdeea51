//! `MmCopyMemory` in safe Rust: copies of virtual and physical memory that never access device memory,
//! never access system memory by its virtual address, and count the bytes exactly.
//!
//! [`copy_memory`] takes the flags, the source and the target of `MmCopyMemory`, and returns a
//! [`Transfer`]. A driver implements two traits: [`PhysicalMemory`] knows which addresses are RAM and
//! reads them, [`Translate`] translates system addresses. [`PageTableWalk`] implements `Translate` with
//! a `PhysicalMemory`; the two together are the [`Native`] engine. Another [`Engine`] may pass system
//! addresses to the system's own `MmCopyMemory`.
//!
//! # How each source is read
//!
//! | source | how it is read |
//! | --- | --- |
//! | physical | each run is looked up by [`PhysicalMemory::ram_from`], then read by [`PhysicalMemory::read`] |
//! | virtual, of the user | by `usermode-accessors`: probed, guarded, in the current process; pages are paged in |
//! | virtual, of the system | [`Engine::copy_system`]; natively, each page is translated, then read as physical memory |
//!
//! # The contract
//!
//! The crate keeps the contract on Microsoft's page of [`MmCopyMemory`], with one exception: the native
//! engine does not page in system memory. [`Reason::may_be_paged_out`] identifies such a stop, and a
//! caller that has the system's engine can continue there.
//!
//! What that page leaves open is defined as follows.
//!
//! | case | result |
//! | --- | --- |
//! | both flags, no flag, an unknown bit | `STATUS_INVALID_PARAMETER_4`, 0 transferred, before any other check |
//! | `NumberOfBytes` is 0 | `STATUS_SUCCESS`, 0 transferred; the flags are checked, the address is ignored |
//! | I/O space, firmware tables, unmapped or malformed system addresses | `STATUS_INVALID_ADDRESS` |
//! | user memory that cannot be read | the exception's code, such as `STATUS_ACCESS_VIOLATION`, `STATUS_GUARD_PAGE_VIOLATION`, `STATUS_STACK_OVERFLOW`, `STATUS_IN_PAGE_ERROR` |
//! | user memory, in a program of user mode | `STATUS_NOT_SUPPORTED`, 0 transferred, unless [`allow_in_user_mode`](usermode_accessors::allow_in_user_mode) was called |
//! | a range that begins in user memory and does not end there | `STATUS_ACCESS_VIOLATION`, 0 transferred: refused before any access, as `ProbeForRead` does |
//! | an address that is neither a user address nor in the upper half | `STATUS_INVALID_ADDRESS`, 0 transferred |
//! | a source that exceeds 2^64 | `STATUS_INVALID_ADDRESS`, 0 transferred; a source may end there |
//! | a physical address wider than the processor's | `STATUS_INVALID_ADDRESS`; the bytes below are transferred |
//! | granularity of a partial transfer | the byte: RAM that ends within a page is copied up to its end |
//! | order | ascending, without a gap |
//! | length of a hole | [`Stop::hole_length`]: up to the next RAM in the list, or what the missing page-table entries translate |
//! | the target after the transferred bytes | unchanged |
//! | source and target overlap | the target gets an unspecified mix of old and new bytes |
//! | memory that changes during the copy | some bytes from before, some from after; see [`copy_virtual`] |
//! | RAM that is added or removed | as [`PhysicalMemory::ram_from`] returns at the look-up of the run |
//!
//! The target is kernel memory or locked memory, and does not fault: a [`VolatileSlice`] requires that
//! where it is made.
//!
//! # IRQL
//!
//! This crate neither raises the IRQL nor waits. Virtual sources: at most `APC_LEVEL`, because user
//! memory may be paged in. Physical sources: the level of the implementation of [`PhysicalMemory`]. An
//! implementation that must raise the IRQL or hold a lock does so for one `read` of at most
//! [`PhysicalMemory::SPAN`] bytes.
//!
//! # Bounds
//!
//! The crate allocates nothing. A copy takes one `read` for each span, and one look-up for each run of
//! RAM. In system memory it takes one translation for each page; a walk reads at most five entries for
//! the first page, and one for each further page of the same page table. A copy that stops reads
//! entries up to the end of the hole or of the requested range. A look-up in [`RamRanges`] is a binary
//! search. `docs/performance.md` has figures.
//!
//! # Examples
//!
//! A machine with 64 KiB of RAM, and page tables that map one page of it:
//!
//! ```
//! use mm_copy::{
//!     CopyFlags, Levels, Native, PageTableWalk, PhysicalMemory, RamRange, RamRanges, ReadError,
//!     copy_memory,
//! };
//! use usermode_accessors::{NtStatus, VolatileSlice};
//!
//! struct Machine {
//!     bytes: Vec<u8>,
//! }
//!
//! impl PhysicalMemory for Machine {
//!     fn end(&self) -> u64 {
//!         1 << 40
//!     }
//!
//!     fn ram_from(&self, address: u64) -> u64 {
//!         RamRanges::new(&[RamRange { start: 0, length: 0x1_0000 }]).bytes_from(address)
//!     }
//!
//!     fn hole_from(&self, address: u64) -> u64 {
//!         RamRanges::new(&[RamRange { start: 0, length: 0x1_0000 }]).hole_from(address)
//!     }
//!
//!     fn read(&self, address: u64, mut target: VolatileSlice<'_>) -> Result<(), ReadError> {
//!         let start = address as usize;
//!         let source = &self.bytes[start..start + target.len()];
//!         target
//!             .copy_from_slice(source)
//!             .map_err(|error| ReadError { status: error.into(), transferred: 0 })
//!     }
//!
//!     fn read_u64(&self, address: u64) -> Result<u64, NtStatus> {
//!         let start = address as usize;
//!         Ok(u64::from_le_bytes(self.bytes[start..start + 8].try_into().unwrap()))
//!     }
//! }
//!
//! let mut machine = Machine { bytes: vec![0; 0x1_0000] };
//! // From the highest table, at 0x1000, down to the page, at 0x5000: entry 0, but for the first.
//! for (entry, next) in [(0x1800, 0x2001), (0x2000, 0x3001), (0x3000, 0x4001), (0x4000, 0x5001)] {
//!     machine.bytes[entry..entry + 8].copy_from_slice(&u64::to_le_bytes(next));
//! }
//! machine.bytes[0x5FFC..0x6000].copy_from_slice(b"last");
//!
//! let walk = PageTableWalk::new(&machine, 0x1000, Levels::Four);
//! let engine = Native::new(&machine, walk);
//! let mut target = [0; 8];
//!
//! let source = 0xFFFF_8000_0000_0FFC;
//! let transfer = copy_memory(&engine, CopyFlags::VIRTUAL, source, (&mut target).into());
//! assert_eq!(transfer.transferred, 4); // the next page is not mapped
//! let stop = transfer.stop.unwrap();
//! assert!(stop.reason.may_be_paged_out());
//! assert_eq!(stop.hole_length, 0x1000); // an entry of the page table is missing
//! assert_eq!(&target, b"last\0\0\0\0");
//!
//! let transfer = copy_memory(&engine, CopyFlags::PHYSICAL, 0x5FFC, (&mut target).into());
//! assert!(transfer.is_complete());
//! ```
//!
//! [`MmCopyMemory`]: https://learn.microsoft.com/windows-hardware/drivers/ddi/ntddk/nf-ntddk-mmcopymemory
//! [`VolatileSlice`]: usermode_accessors::VolatileSlice

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]
#![allow(
    clippy::redundant_pub_crate,
    reason = "the item itself shows that it is not part of the interface"
)]

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod copy;
mod cursor;
mod engine;
mod entry;
mod flags;
mod physical;
mod request;
mod transfer;
mod translate;
mod user;
mod walk;

pub use copy::{copy_in_spans, copy_physical, copy_virtual};
pub use engine::{Engine, Native};
pub use flags::CopyFlags;
pub use physical::{PAGE_SIZE, PhysicalMemory, RamRange, RamRanges, ReadError, page_of};
pub use request::copy_memory;
pub use transfer::{Hole, Reason, Stop, Transfer};
pub use translate::{Mapping, Translate};
pub use user::copy as copy_user;
pub use walk::{Levels, PageTableWalk};
