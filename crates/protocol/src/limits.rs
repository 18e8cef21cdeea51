//! The limits of a request.

/// The greatest number of bytes that one request may copy: 64 MiB.
pub const MAXIMUM_LENGTH: u64 = 64 << 20;

/// The number of pages of the session buffer of a handle.
pub const SESSION_PAGES: usize = 4;

/// The length in bytes of the session buffer of a handle: 16 KiB.
pub const SESSION_LENGTH: u64 = 16 << 10;

/// The length in bytes of the driver's uncached device page.
pub const DEVICE_PAGE_LENGTH: u32 = 4096;

/// The greatest number of entries of one batch or scatter request.
pub const MAXIMUM_ENTRIES: u32 = 4096;
