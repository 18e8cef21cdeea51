//! The fixed parts of responses, and what may follow them.

use bitflags::bitflags;

use crate::{
    Header,
    wire::{enumeration, structures},
};

structures! {
    /// The version and the limits of the driver, and the reach of the handle.
    InformationResponse: 96 {
        /// The header.
        header: Header,
        /// The driver's version: major, minor, patch.
        driver_version: [u32; 3],
        /// The [`Reach`] that the administrator allows.
        policy: u32,
        /// The [`Reach`] of this handle: the policy's, if its opener held `SeDebugPrivilege`.
        reach: u32,
        /// `STATUS_SUCCESS` if the native engine is available. Otherwise the status of its
        /// self-check, or `STATUS_NOT_SUPPORTED` if the administrator excluded it.
        native_status: u32,
        /// The number of page-table levels that the processor walks: 4 or 5.
        paging_levels: u32,
        /// 1 if supervisor-mode access prevention is on, so that the driver brackets its accesses.
        smap: u32,
        /// The virtual address of the session buffer of this handle.
        session_address: u64,
        /// The physical address of the session buffer of this handle.
        session_physical_address: u64,
        /// The length of the session buffer in bytes.
        session_length: u64,
        /// The first address above user memory.
        user_limit: u64,
        /// The greatest number of bytes that one request may copy.
        maximum_length: u64,
        /// The length of the uncached device page in bytes.
        device_page_length: u32,
        /// 1 if the requestor of this request is `KernelMode`.
        kernel_mode: u32,
        /// The greatest number of entries of one batch or scatter request.
        maximum_entries: u32,
        /// The number of bits in a physical address of this processor.
        physical_address_bits: u32,
    }

    /// The result of a request that is one copy.
    TransferResponse: 56 {
        /// The header.
        header: Header,
        /// The `NTSTATUS` of the copy.
        status: u32,
        /// The [`Direction`] of the access that failed or was refused.
        direction: u32,
        /// Bytes copied, from the first on without a gap. No byte after them was written.
        copied: u64,
        /// Bytes asked for.
        asked: u64,
        /// The address that stopped the copy, as the processor reported it (all ones for a
        /// non-canonical one), or the start of the range that a check refused. 0 if none did.
        address: u64,
        /// The [`EngineKind`](crate::EngineKind) that copied, the last one if there were two.
        engine: u32,
        /// [`TransferFlags`].
        flags: u32,
        /// The number of bytes of the source, from the first that was not copied on, that are
        /// known to be unreadable: a client may continue after them. 0 if that is not known, or if
        /// no read of the source failed.
        hole_length: u64,
    }

    /// The result of a batch or scatter request. The results of its entries follow.
    BatchResponse: 24 {
        /// The header.
        header: Header,
        /// The number of [`EntryResult`] that follow: that of the entries of the request.
        count: u32,
        /// The number of results whose status is `STATUS_SUCCESS`.
        succeeded: u32,
        /// Bytes copied, the sum over all entries.
        copied: u64,
    }

    /// The result of one entry of a batch or scatter request.
    EntryResult: 40 {
        /// The `NTSTATUS` of the copy.
        status: u32,
        /// The [`Direction`] of the access that failed or was refused.
        direction: u32,
        /// Bytes copied, from the first on without a gap. No byte after them was written.
        copied: u64,
        /// As in [`TransferResponse::address`].
        address: u64,
        /// As in [`TransferResponse::engine`].
        engine: u32,
        /// [`TransferFlags`].
        flags: u32,
        /// As in [`TransferResponse::hole_length`].
        hole_length: u64,
    }

    /// The number of ranges of physical memory that are RAM. The ranges asked for follow.
    MemoryRangesResponse: 16 {
        /// The header.
        header: Header,
        /// The number of [`MemoryRange`] that follow.
        count: u32,
        /// The number of ranges in the whole list.
        total: u32,
    }

    /// A range of physical memory that is RAM.
    MemoryRange: 16 {
        /// The first physical address.
        base: u64,
        /// The length in bytes.
        length: u64,
    }
}

impl TransferResponse {
    /// Returns the response to a copy of `asked` bytes.
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
    /// Further facts about a copy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TransferFlags: u32 {
        /// The native engine met a page that is not resident, and the system's engine continued
        /// from there.
        const FELL_BACK = 1;
    }
}

enumeration! {
    /// Which access stopped a copy.
    Direction {
        /// None: the copy is complete, or was refused for a reason other than its memory.
        None = 0,
        /// The read from the source.
        Read = 1,
        /// The write to the target.
        Write = 2,
    }
}

bitflags! {
    /// What the policy allows in addition to copies of the caller's own memory and the session
    /// buffer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Reach: u32 {
        /// Reads of system virtual memory.
        const SYSTEM_VIRTUAL = 1;
        /// Reads of physical memory.
        const PHYSICAL = 2;
        /// The memory that the requests of a handle may read.
        const MEMORY = 3;
        /// Pointers of requests from kernel mode follow the kernel's rules: they are not checked.
        /// Without this bit they follow the user's rules. Never part of a handle's reach.
        const KERNEL_CALLERS = 4;
    }
}
