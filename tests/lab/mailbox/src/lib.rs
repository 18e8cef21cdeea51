//! The mailbox through which the host drives the lab.
//!
//! A file backs the guest's memory, and the host reads and writes that file. A [`Mailbox`] is at
//! [`PHYSICAL_ADDRESS`], followed by [`DATA_LENGTH`] bytes of data at [`DATA_OFFSET`]. The host
//! writes a command with its arguments, then stores a new number into `asked`. The guest carries
//! the command out, writes status and results, then stores that number into `finished`. Both sides
//! poll, so a round trip takes microseconds. Logs go through the serial port.

#![no_std]
#![forbid(unsafe_code)]

pub mod archive;
#[macro_use]
mod values;
mod command;
mod records;
pub mod rules;

pub use command::Command;
pub use records::{Call, Called, Exchange, Exchanged, Mapping, RamRange, Repeated, Sender};
pub use values::{
    Count, Exit, HypervisorKind, Interference, MachineFact, MappingKind, PnpRequest, Protection,
    RamState, Withheld,
};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The mailbox's physical address in the guest: above the kernel's image, and in no range of RAM
/// that the guest reports to drivers.
pub const PHYSICAL_ADDRESS: u64 = 16 << 20;

/// The offset of the data from the mailbox.
pub const DATA_OFFSET: u64 = 4096;

/// The most bytes of data of a command or a reply.
pub const DATA_LENGTH: u64 = 1 << 20;

/// The value of [`Mailbox::magic`] once the guest listens.
pub const MAGIC: u64 = u64::from_le_bytes(*b"RINGLAB1");

/// The most processors.
pub const PROCESSORS: u64 = 8;

/// The number of arguments, and of results.
pub const VALUES: usize = 24;

/// The shared page.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mailbox {
    /// [`MAGIC`].
    pub magic: u64,
    /// The number of the command that the host asks for.
    pub asked: u64,
    /// The number of the last command that the guest has carried out.
    pub finished: u64,
    /// A [`Command`].
    pub command: u64,
    /// The command's arguments.
    pub arguments: [u64; VALUES],
    /// The command's `NTSTATUS`.
    pub status: u64,
    /// The command's results.
    pub results: [u64; VALUES],
    /// Bytes of data: of the command from the host, of the reply from the guest.
    pub data_length: u64,
}

/// The byte that the lab fills a target with before a copy.
pub const UNTOUCHED: u8 = 0xEE;

/// Bits that say who opens a device; no bit: the process.
pub mod opener {
    /// Kernel code.
    pub const KERNEL: u64 = 1;
    /// Kernel code that asks for a user's access check: `SL_FORCE_ACCESS_CHECK`.
    pub const FORCED: u64 = 2;
    /// The thread impersonates another token.
    pub const IMPERSONATES: u64 = 4;
}

/// Bits of the token of a new process.
pub mod token {
    /// The user is a member of Administrators.
    pub const ADMINISTRATORS: u64 = 1;
    /// The user is SYSTEM.
    pub const SYSTEM: u64 = 2;
    /// `SeDebugPrivilege` is held and enabled.
    pub const DEBUG_PRIVILEGE: u64 = 4;
}
