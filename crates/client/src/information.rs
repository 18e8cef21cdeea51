//! What the driver reports about itself.

use ringcopy_protocol::{NtStatus, Reach, SESSION_PAGES};

/// What the driver is, and what this handle may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Information {
    /// Major, minor, patch.
    pub driver_version: [u32; 3],
    /// What the administrator allows.
    pub policy: Reach,
    /// What this handle may reach.
    pub reach: Reach,
    /// `STATUS_SUCCESS` if the native engine may be used, else the reason why not.
    pub native_status: NtStatus,
    /// Levels of page tables: 4 or 5.
    pub paging_levels: u32,
    /// Whether supervisor-mode access prevention is on.
    pub smap: bool,
    /// The session buffer's system address; 0 if the handle's opener lacked `SeDebugPrivilege`.
    pub session_address: u64,
    /// The physical address of each page of the session buffer; 0 likewise.
    pub session_physical_addresses: [u64; SESSION_PAGES],
    /// The session buffer's length in bytes.
    pub session_length: u64,
    /// The first address after user memory.
    pub user_limit: u64,
    /// The most bytes that one request may copy.
    pub maximum_length: u64,
    /// The device page's length in bytes.
    pub device_page_length: u32,
    /// Whether the request came from kernel mode.
    pub kernel_mode: bool,
    /// The most entries that one batch or scatter request may have.
    pub maximum_entries: u32,
    /// The width of a physical address in bits: 32 to 64.
    pub physical_address_bits: u32,
    /// How many handles may be open at a time.
    pub maximum_handles: u32,
    /// Whether the native engine may be used where a hypervisor may withhold memory.
    pub native_under_hypervisor: bool,
}
