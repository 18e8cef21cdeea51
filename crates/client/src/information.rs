//! What the driver reports about itself.

use ringcopy_protocol::{NtStatus, Reach};

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
    /// The session buffer's system address.
    pub session_address: u64,
    /// The session buffer's physical address.
    pub session_physical_address: u64,
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
}
