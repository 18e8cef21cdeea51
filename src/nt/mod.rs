//! The calls into the kernel and the framework, each in a short safe function.
//!
//! Nothing else in the driver is `unsafe`. A function here takes what it needs to be sound (a handle
//! that only a callback can make, a buffer that it owns) and returns Rust values.

pub mod caller;
pub mod context;
pub mod contiguous;
pub mod generations;
pub mod hypervisor;
pub mod irql;
pub mod physical;
pub mod pool;
pub mod process;
pub mod processor;
pub mod session_pages;
pub mod system_copy;
pub mod time;
pub mod trace;
pub mod translations;
pub mod unicode;
pub mod user_limit;
pub mod user_mode;
pub mod wdf;
pub mod window;

/// The length of a page in bytes, on every processor that the driver is built for.
pub const PAGE_SIZE: usize = 4096;

/// The bits of an address that are its offset in a page.
pub const OFFSET_IN_PAGE: u64 = PAGE_SIZE as u64 - 1;
