//! Translation of virtual to physical addresses.

use crate::transfer::Hole;

/// Translates system addresses.
///
/// IRQL: the implementation's.
pub trait Translate {
    /// Returns the physical address that `address` is mapped to now.
    ///
    /// # Errors
    ///
    /// The hole, if `address` is not mapped.
    fn translate(&self, address: u64) -> Result<Mapping, Hole>;

    /// Returns the first address of system memory, which is in the upper half. Below it only user
    /// memory is mapped.
    fn system_start(&self) -> u64;
}

impl<T: Translate + ?Sized> Translate for &T {
    fn translate(&self, address: u64) -> Result<Mapping, Hole> {
        (**self).translate(address)
    }

    fn system_start(&self) -> u64 {
        (**self).system_start()
    }
}

/// The mapping of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The physical address.
    pub physical: u64,
    /// The number of bytes from the address on that are mapped to contiguous physical memory: at
    /// least one. An empty mapping ends a copy with [`Reason::NotPresent`](crate::Reason::NotPresent).
    pub length: u64,
}
