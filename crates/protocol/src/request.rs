//! What a client asks.

use bitflags::bitflags;
use core::mem::size_of;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Header;

/// Asks what the driver is, and what this handle may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InformationRequest {
    /// The header.
    pub header: Header,
}

/// Copies between the caller's memory and the handle's session buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CallerCopyRequest {
    /// The header.
    pub header: Header,
    /// Where in the caller's address space.
    pub address: u64,
    /// Bytes; 0 touches nothing. With `session_offset` within
    /// [`SESSION_LENGTH`](crate::SESSION_LENGTH), else the request fails with
    /// `STATUS_INVALID_BUFFER_SIZE`.
    pub length: u64,
    /// Where in the session buffer, in bytes.
    pub session_offset: u64,
    /// The alignment that `address` must have, in bytes: a power of two, else the copy ends with
    /// `STATUS_INVALID_PARAMETER`. Not looked at where nothing is copied, nor in kernel mode.
    pub alignment: u32,
    /// A [`ModeChoice`].
    pub mode: u32,
}

/// Copies from the caller's memory to the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CopyThroughRequest {
    /// The header.
    pub header: Header,
    /// The first byte read. Ranges that overlap give an unspecified mix of old and new bytes.
    pub source: u64,
    /// The first byte written.
    pub destination: u64,
    /// Bytes, at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH).
    pub length: u64,
    /// The alignment that `source` must have, as in [`CallerCopyRequest::alignment`].
    pub alignment: u32,
    /// A [`ModeChoice`].
    pub mode: u32,
}

/// Copies to, from or within the driver's uncached page. The bytes to write follow the request,
/// the bytes read follow the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct DeviceCopyRequest {
    /// The header.
    pub header: Header,
    /// A [`DeviceDirection`].
    pub direction: u32,
    /// Bytes.
    pub length: u32,
    /// Where in the page to read from; 0 when writing to it.
    pub source_offset: u32,
    /// Where in the page to write to; 0 when reading from it.
    pub destination_offset: u32,
}

/// Copies virtual or physical memory into the output buffer, behind the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CopyMemoryRequest {
    /// The header.
    pub header: Header,
    /// A virtual address of the calling process or of the system, or a physical address.
    pub address: u64,
    /// Bytes, at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH).
    pub length: u64,
    /// [`CopyMemoryFlags`], as `MmCopyMemory` takes them: exactly one, else the copy ends with
    /// `STATUS_INVALID_PARAMETER_4`.
    pub flags: u32,
    /// An [`Engine`].
    pub engine: u32,
}

/// Copies many pieces of virtual or physical memory into the output buffer.
///
/// `count` [`BatchEntry`] follow the request. The output has a
/// [`BatchResponse`](crate::BatchResponse), one [`EntryResult`](crate::EntryResult) for each
/// entry, and the bytes.
///
/// Each entry has a slot of `length` bytes there, one slot behind the other in the order of the
/// entries. What an entry did not copy of its slot is left as it was. What becomes of one entry
/// changes nothing for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BatchRequest {
    /// The header.
    pub header: Header,
    /// How many entries follow: at most [`MAXIMUM_ENTRIES`](crate::MAXIMUM_ENTRIES), with at most
    /// [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes in all, else the request fails with
    /// `STATUS_INVALID_BUFFER_SIZE`.
    pub count: u32,
    /// An [`Engine`], for all entries.
    pub engine: u32,
}

/// One piece of memory of a [`BatchRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BatchEntry {
    /// A virtual address of the calling process or of the system, or a physical address.
    pub address: u64,
    /// Bytes; 0 copies nothing.
    pub length: u32,
    /// [`CopyMemoryFlags`]: exactly one.
    pub flags: u32,
}

/// Copies many pieces of virtual or physical memory, each to its own place in the caller's.
///
/// `count` [`ScatterEntry`] follow the request. A [`BatchResponse`](crate::BatchResponse) and one
/// [`EntryResult`](crate::EntryResult) for each entry come back.
///
/// Entries are served in their order, after all of them were captured; where targets overlap, the
/// later entry wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScatterRequest {
    /// The header.
    pub header: Header,
    /// How many entries follow, under the limits of [`BatchRequest::count`].
    pub count: u32,
    /// An [`Engine`], for all entries.
    pub engine: u32,
}

/// One piece of memory of a [`ScatterRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ScatterEntry {
    /// A virtual address of the calling process or of the system, or a physical address.
    pub source: u64,
    /// Where the bytes go in the caller's memory.
    pub target: u64,
    /// Bytes; 0 copies and checks nothing.
    pub length: u32,
    /// [`CopyMemoryFlags`]: exactly one.
    pub flags: u32,
}

/// Asks for the ranges of physical memory that are RAM.
///
/// A [`MemoryRangesResponse`](crate::MemoryRangesResponse) and as many
/// [`MemoryRange`](crate::MemoryRange) as the output holds come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MemoryRangesRequest {
    /// The header.
    pub header: Header,
    /// The number of the first range wanted, counted from 0.
    pub first: u32,
    /// Zero.
    pub reserved: u32,
}

/// Whose rules a copy follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ModeChoice {
    /// The mode that the I/O manager recorded for the request.
    OfRequest = 0,
    /// `UserMode`, whatever the requestor is. Nobody can ask for less.
    User = 1,
}

/// What a [`DeviceCopyRequest`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum DeviceDirection {
    /// The bytes behind the request go to `destination_offset`.
    ToDevice = 1,
    /// The bytes at `source_offset` come behind the response.
    FromDevice = 2,
    /// From `source_offset` to `destination_offset`; ranges that overlap are refused with
    /// `STATUS_INVALID_PARAMETER`.
    Within = 3,
}

/// Who copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Engine {
    /// The native engine where it passed its self-check, and the system's where it did not or
    /// where the native one meets a page that is not resident; in a response: no engine was
    /// needed.
    Auto = 0,
    /// The driver's own page-table walk and window.
    Native = 1,
    /// `MmCopyMemory`.
    System = 2,
}

bitflags! {
    /// What [`CopyMemoryRequest::address`] is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CopyMemoryFlags: u32 {
        /// `MM_COPY_MEMORY_PHYSICAL`.
        const PHYSICAL = 1;
        /// `MM_COPY_MEMORY_VIRTUAL`.
        const VIRTUAL = 2;
    }
}

macro_rules! from_wire {
    ($type:ident: $($variant:ident),+) => {
        impl $type {
            /// The value that a field of a request stands for.
            #[must_use]
            pub const fn from_wire(value: u32) -> Option<Self> {
                $(if value == Self::$variant as u32 { return Some(Self::$variant); })+
                None
            }
        }
    };
}

from_wire!(ModeChoice: OfRequest, User);
from_wire!(DeviceDirection: ToDevice, FromDevice, Within);
from_wire!(Engine: Auto, Native, System);

const _: () = {
    assert!(size_of::<InformationRequest>() == 8);
    assert!(size_of::<CallerCopyRequest>() == 40);
    assert!(size_of::<CopyThroughRequest>() == 40);
    assert!(size_of::<DeviceCopyRequest>() == 24);
    assert!(size_of::<CopyMemoryRequest>() == 32);
    assert!(size_of::<BatchRequest>() == 16);
    assert!(size_of::<BatchEntry>() == 16);
    assert!(size_of::<ScatterRequest>() == 16);
    assert!(size_of::<ScatterEntry>() == 24);
    assert!(size_of::<MemoryRangesRequest>() == 16);
};
