//! The structures in the data of commands and replies.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

#[cfg(doc)]
use crate::{Command, MappingKind};

/// What one processor sends for [`Command::Parallel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sender {
    /// Its process.
    pub process: u64,
    /// A handle of that process.
    pub handle: u64,
    /// The address of the input.
    pub input: u64,
    /// Bytes of input.
    pub input_length: u64,
    /// The address of the output buffer.
    pub output: u64,
    /// Bytes of it.
    pub output_length: u64,
}

/// What a [`Sender`]'s requests came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Repeated {
    /// The status of the first request.
    pub status: u64,
    /// The first's information.
    pub information: u64,
    /// Requests with another status, other information or other bytes of output.
    pub different: u64,
    /// Requests sent.
    pub sent: u64,
}

/// The arguments of a call of `MmCopyMemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Call {
    /// `Flags`.
    pub flags: u64,
    /// `SourceAddress`.
    pub source: u64,
    /// `NumberOfBytes`.
    pub length: u64,
}

/// The result of a [`Call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Called {
    /// The returned status.
    pub status: u64,
    /// `NumberOfBytesTransferred`.
    pub transferred: u64,
}

/// One request of [`Command::Exchanges`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exchange {
    /// Bytes of input.
    pub input_length: u64,
    /// Bytes of the output buffer.
    pub output_length: u64,
}

/// The result of an [`Exchange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exchanged {
    /// The request's status.
    pub status: u64,
    /// The status block's information.
    pub information: u64,
    /// Ticks of the time-stamp counter from the call of the driver to its return.
    pub ticks: u64,
}

/// A range of RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RamRange {
    /// The first byte's physical address.
    pub base: u64,
    /// Bytes.
    pub length: u64,
}

/// One of the mixed mappings: a range mapped by entries of one kind. They are listed in the order
/// of their addresses; nothing is mapped between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mapping {
    /// The first virtual address.
    pub address: u64,
    /// Bytes.
    pub length: u64,
    /// Bytes that one entry maps, or would map if it were present.
    pub page: u64,
    /// A [`MappingKind`].
    pub kind: u64,
    /// The physical address in the entry. For memory that is paged out: the address of the same
    /// bytes in the block.
    pub physical: u64,
}
