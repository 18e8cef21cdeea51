//! Engines, which copy system and physical memory.

use usermode_accessors::VolatileSlice;

use crate::{
    copy::copy_virtual, physical::PhysicalMemory, transfer::Transfer, translate::Translate,
};

/// A way to read RAM and system virtual memory.
///
/// A driver may have two: [`Native`], with the driver's window onto a frame, and one that passes
/// bounded pieces to the system's `MmCopyMemory`. For every engine,
/// [`copy_physical`](crate::copy_physical) decides which bytes are RAM, and counts them.
pub trait Engine {
    /// The type of the physical memory.
    type Memory: PhysicalMemory;

    /// Returns the physical memory.
    fn physical_memory(&self) -> &Self::Memory;

    /// Copies system memory from the virtual `address` on to all of `target`, or up to the first byte
    /// that cannot be read, with an exact count. [`copy_memory`](crate::copy_memory) calls it only
    /// for ranges that are not empty, do not wrap, and begin at
    /// [`system_start`](Self::system_start) or after it.
    ///
    /// The implementation must not access the address itself, unless the system guards the access.
    fn copy_system(&self, address: u64, target: VolatileSlice<'_>) -> Transfer;

    /// Returns the first address of system memory, as in [`Translate::system_start`].
    fn system_start(&self) -> u64;
}

/// The engine that needs no function of the system: it translates every page and reads the frame.
#[derive(Clone, Copy, Debug)]
pub struct Native<M, T> {
    memory: M,
    translation: T,
}

impl<M, T> Native<M, T> {
    /// Returns an engine that translates by `translation` and reads from `memory`.
    #[must_use]
    pub const fn new(memory: M, translation: T) -> Self {
        Self {
            memory,
            translation,
        }
    }
}

impl<M: PhysicalMemory, T: Translate> Engine for Native<M, T> {
    type Memory = M;

    #[inline]
    fn physical_memory(&self) -> &M {
        &self.memory
    }

    #[inline]
    fn copy_system(&self, address: u64, target: VolatileSlice<'_>) -> Transfer {
        copy_virtual(&self.memory, &self.translation, address, target)
    }

    #[inline]
    fn system_start(&self) -> u64 {
        self.translation.system_start()
    }
}
