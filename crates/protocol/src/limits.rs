//! The limits of a request.

/// The most bytes that one request may copy: 64 MiB.
pub const MAXIMUM_LENGTH: u64 = 64 << 20;

/// Bytes in the session buffer that every handle has: 16 KiB, physically contiguous.
pub const SESSION_LENGTH: u64 = 16 << 10;

/// Bytes in the driver's own uncached test page.
pub const DEVICE_PAGE_LENGTH: u32 = 4096;

/// Handles that may be open at a time; the next open fails with `STATUS_TOO_MANY_OPENED_FILES`.
pub const MAXIMUM_HANDLES: u32 = 256;

/// The most entries that one batch or scatter request may have.
pub const MAXIMUM_ENTRIES: u32 = 4096;
