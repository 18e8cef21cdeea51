//! The fixed parts of responses, and what may follow them.

use bitflags::bitflags;

use crate::{Header, SESSION_PAGES, wire::structures};

structures! {
    /// The version and the limits of the driver, and the reach of the handle.
    InformationResponse: 128 {
        /// The header.
        header: Header,
        /// The driver's version: major, minor, patch.
        driver_version: [u32; 3],
        /// The [`Reach`] that the administrator allows.
        policy: u32,
        /// The [`Reach`] of this handle: the policy's, if its opener held `SeDebugPrivilege`.
        reach: u32,
        /// `STATUS_SUCCESS` if the native engine is available. Otherwise the status of its
        /// self-check, `STATUS_NOT_SUPPORTED` if the administrator excluded it, or
        /// `STATUS_HV_ACCESS_DENIED` if a hypervisor may withhold memory.
        native_status: u32,
        /// The number of page-table levels that the processor walks: 4 or 5.
        paging_levels: u32,
        /// 1 if supervisor-mode access prevention is on, so that the driver brackets its accesses.
        smap: u32,
        /// The virtual address of the session buffer of this handle, which is allocated for this.
        /// 0 if the opener of the handle did not hold `SeDebugPrivilege`.
        session_address: u64,
        /// The physical address of each page of the session buffer, or 0 as above. They need not
        /// follow each other.
        session_physical_addresses: [u64; SESSION_PAGES],
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
        /// The number of handles that may be open at a time.
        maximum_handles: u32,
        /// 1 if the administrator lets the native engine be used where a hypervisor may withhold
        /// memory.
        native_under_hypervisor: u32,
    }

    /// The result of a batch or scatter request. The results of its entries follow.
    BatchResponse: 24 {
        /// The header.
        header: Header,
        /// The number of [`CopyResult`](crate::CopyResult) that follow: that of the entries of the request.
        count: u32,
        /// The number of results whose status is `STATUS_SUCCESS`.
        succeeded: u32,
        /// Bytes copied, the sum over all entries.
        copied: u64,
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
