//! From virtual to physical addresses.

use crate::transfer::Hole;

/// Finds the physical memory behind system addresses.
///
/// IRQL: the implementation's.
pub trait Translate {
    /// The physical address that `address` maps to at this moment.
    ///
    /// # Errors
    ///
    /// Why there is none, and for how many bytes.
    fn translate(&self, address: u64) -> Result<Mapping, Hole>;

    /// The first address of system memory: in the upper half, and nothing below it that is not the
    /// user's is mapped.
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

/// What an address maps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The physical address.
    pub physical: u64,
    /// How many bytes from the address on are mapped to physical memory without a gap: at least
    /// one. An empty mapping ends a copy with [`Reason::NotPresent`].
    pub length: u64,
}
