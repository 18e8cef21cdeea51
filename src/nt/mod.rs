//! The calls into the kernel and the framework: each a few lines, safe on the outside.
//!
//! Nothing else in the driver is `unsafe`. A wrapper here takes what it needs to be sound (a
//! handle that only a callback can make, a buffer that it owns) and gives back Rust values.

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
pub mod system_copy;
pub mod time;
pub mod translations;
pub mod unicode;
pub mod wdf;
pub mod window;

/// Bytes in a page, on every processor that the driver is built for.
pub const PAGE_SIZE: usize = 4096;
