//! The copies of one range of memory.

/// A copy between the caller's memory and the session buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerCopy {
    /// The first byte in the caller's address space.
    pub address: u64,
    /// Bytes.
    pub length: u64,
    /// The first byte in the session buffer, as an offset.
    pub session_offset: u64,
    /// The alignment that `address` must have: a power of two.
    pub alignment: u32,
}

impl CallerCopy {
    /// Returns a copy at the start of the session buffer, of any alignment.
    #[must_use]
    pub const fn new(address: u64, length: u64) -> Self {
        Self {
            address,
            length,
            session_offset: 0,
            alignment: 1,
        }
    }
}

/// A copy from the caller's memory to the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyThrough {
    /// The first byte read.
    pub source: u64,
    /// The first byte written.
    pub destination: u64,
    /// Bytes.
    pub length: u64,
    /// The alignment that `source` must have: a power of two.
    pub alignment: u32,
}

/// A copy to, from or within the driver's uncached page. Offsets are bytes into the page.
#[derive(Debug, PartialEq, Eq)]
pub enum DeviceCopy<'a> {
    /// Writes bytes to the page.
    To {
        /// The first byte written.
        offset: u32,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Reads bytes from the page. Bytes of `target` that did not arrive stay as they were.
    From {
        /// The first byte read.
        offset: u32,
        /// The buffer to fill.
        target: &'a mut [u8],
    },
    /// Moves bytes from one part of the page to another.
    Within {
        /// The first byte read.
        source: u32,
        /// The first byte written.
        destination: u32,
        /// Bytes.
        length: u32,
    },
}
