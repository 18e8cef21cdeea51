//! What the driver answers.

use bitflags::bitflags;
use core::mem::{offset_of, size_of};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Header;

/// What the driver is, and what this handle may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InformationResponse {
    /// The header.
    pub header: Header,
    /// The driver's version: major, minor, patch.
    pub driver_version: [u32; 3],
    /// The [`Reach`] that the administrator allows.
    pub policy: u32,
    /// The [`Reach`] that this handle has: the policy's, if its opener held `SeDebugPrivilege`.
    pub reach: u32,
    /// `STATUS_SUCCESS` where the native engine may be used; else what its self-check failed
    /// with, or `STATUS_NOT_SUPPORTED` where it was ruled out or has no port.
    pub native_status: u32,
    /// Levels of page tables the processor walks: 4 or 5.
    pub paging_levels: u32,
    /// 1 where supervisor-mode access prevention is on, so that the driver brackets its accesses.
    pub smap: u32,
    /// Where this handle's session buffer is mapped.
    pub session_address: u64,
    /// Where this handle's session buffer is in physical memory.
    pub session_physical_address: u64,
    /// Bytes in the session buffer.
    pub session_length: u64,
    /// The first address that is not the user's.
    pub user_limit: u64,
    /// The most bytes that one request may copy.
    pub maximum_length: u64,
    /// Bytes in the uncached page.
    pub device_page_length: u32,
    /// 1 if the requestor of this request is `KernelMode`.
    pub kernel_mode: u32,
    /// The most entries that one batch or scatter request may have.
    pub maximum_entries: u32,
    /// Bits in a physical address of this processor.
    pub physical_address_bits: u32,
}

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TransferResponse {
    /// The header.
    pub header: Header,
    /// The `NTSTATUS` of the copy.
    pub status: u32,
    /// The [`Direction`] of the access that failed or was refused.
    pub direction: u32,
    /// Bytes that arrived, from the first on without a gap. Nothing behind them was written.
    pub copied: u64,
    /// Bytes asked for.
    pub asked: u64,
    /// The address that stopped the copy, as the processor reported it (all ones for a
    /// non-canonical one), or the start of the range that a check refused. 0 where nothing did.
    pub address: u64,
    /// The [`Engine`](crate::Engine) that copied, the last one if there were two.
    pub engine: u32,
    /// [`TransferFlags`].
    pub flags: u32,
    /// At least so many bytes of the source, from the first that did not arrive on, could not be
    /// read either: a client that goes on after them misses nothing. 0 where the driver cannot
    /// tell, or where no read of the source failed.
    pub hole_length: u64,
}

impl TransferResponse {
    /// Of a request that is one copy, of so many bytes.
    #[must_use]
    pub const fn of(asked: u64, result: EntryResult) -> Self {
        Self {
            header: Header::of::<Self>(),
            status: result.status,
            direction: result.direction,
            copied: result.copied,
            asked,
            address: result.address,
            engine: result.engine,
            flags: result.flags,
            hole_length: result.hole_length,
        }
    }
}

bitflags! {
    /// What else is to say about a copy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TransferFlags: u32 {
        /// The native engine met a page that is not resident, and the system's engine went on from
        /// there.
        const FELL_BACK = 1;
    }
}

/// How a batch or scatter request went. The results of its entries follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct BatchResponse {
    /// The header.
    pub header: Header,
    /// How many [`EntryResult`] follow: as many as the request has entries.
    pub count: u32,
    /// How many of them are `STATUS_SUCCESS`.
    pub succeeded: u32,
    /// Bytes that arrived, over all entries.
    pub copied: u64,
}

/// What became of one entry of a batch or scatter request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EntryResult {
    /// The `NTSTATUS` of the copy.
    pub status: u32,
    /// The [`Direction`] of the access that failed or was refused.
    pub direction: u32,
    /// Bytes that arrived, from the first on without a gap. Nothing behind them was written.
    pub copied: u64,
    /// As in [`TransferResponse::address`].
    pub address: u64,
    /// As in [`TransferResponse::engine`].
    pub engine: u32,
    /// [`TransferFlags`].
    pub flags: u32,
    /// As in [`TransferResponse::hole_length`].
    pub hole_length: u64,
}

/// How many ranges of physical memory are RAM. Those asked for follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MemoryRangesResponse {
    /// The header.
    pub header: Header,
    /// How many [`MemoryRange`] follow.
    pub count: u32,
    /// How many there are in all.
    pub total: u32,
}

/// A stretch of physical memory that is RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MemoryRange {
    /// The first physical address.
    pub base: u64,
    /// Bytes.
    pub length: u64,
}

/// Which access stopped a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Direction {
    /// None: the copy is complete, or was refused for another reason than its memory.
    None = 0,
    /// The read from the source.
    Read = 1,
    /// The write to the destination.
    Write = 2,
}

impl Direction {
    /// The value that a field of a response stands for.
    #[must_use]
    pub const fn from_wire(value: u32) -> Option<Self> {
        match value {
            0 => Some(Self::None),
            1 => Some(Self::Read),
            2 => Some(Self::Write),
            _ => None,
        }
    }
}

bitflags! {
    /// What the policy allows besides copies of the caller's own memory and the session buffer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Reach: u32 {
        /// Reads of system virtual memory.
        const SYSTEM_VIRTUAL = 1;
        /// Reads of physical memory.
        const PHYSICAL = 2;
        /// The memory that a handle's requests may read.
        const MEMORY = 3;
        /// Pointers of requests from kernel mode follow the kernel's rules: they are not checked.
        /// Without it, such requests are held to a user's rules. No handle has it as its reach.
        const KERNEL_CALLERS = 4;
    }
}

const _: () = {
    assert!(size_of::<InformationResponse>() == 96);
    assert!(size_of::<TransferResponse>() == 56);
    assert!(size_of::<BatchResponse>() == 24);
    assert!(size_of::<EntryResult>() == 40);
    assert!(size_of::<MemoryRangesResponse>() == 16);
    assert!(size_of::<MemoryRange>() == 16);
    assert!(offset_of!(TransferResponse, hole_length) == 48);
    assert!(offset_of!(EntryResult, hole_length) == 32);
};
