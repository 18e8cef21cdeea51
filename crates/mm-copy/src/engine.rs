//! Who copies system and physical memory.

use usermode_accessors::VolatileSlice;

use crate::{
    copy::copy_virtual, physical::PhysicalMemory, transfer::Transfer, translate::Translate,
};

/// A way to reach RAM and system virtual memory.
///
/// A driver has two: [`Native`], over its own window onto a frame, and one that hands bounded
/// pieces to the system's `MmCopyMemory`. Which bytes are RAM, where a physical copy ends and how
/// it is counted is decided by [`copy_physical`](crate::copy_physical) for every engine alike.
pub trait Engine {
    /// Physical memory, as this engine reads it.
    type Memory: PhysicalMemory;

    /// Physical memory.
    fn physical_memory(&self) -> &Self::Memory;

    /// Copies system memory from the virtual `address` on to all of `target`, or up to where it
    /// ends, and counts exactly. [`copy_memory`](crate::copy_memory) calls it with at least one
    /// byte to copy, and only for ranges that begin at [`system_start`](Self::system_start) or
    /// after it, and do not wrap.
    ///
    /// The address must not be touched, unless the system vouches for the access.
    fn copy_system(&self, address: u64, target: VolatileSlice<'_>) -> Transfer;

    /// The first address of system memory, as in [`Translate::system_start`].
    fn system_start(&self) -> u64;
}

/// The engine that needs no help: it translates every page itself and reads the frame.
#[derive(Clone, Copy, Debug)]
pub struct Native<M, T> {
    memory: M,
    translation: T,
}

impl<M, T> Native<M, T> {
    /// An engine that finds addresses by `translation` and reads them from `memory`.
    #[must_use]
    pub const fn new(memory: M, translation: T) -> Self {
        Self {
            memory,
            translation,
        }
    }

    /// How addresses are found.
    pub const fn translation(&self) -> &T {
        &self.translation
    }
}

impl<M: PhysicalMemory, T: Translate> Engine for Native<M, T> {
    type Memory = M;

    fn physical_memory(&self) -> &M {
        &self.memory
    }

    fn copy_system(&self, address: u64, target: VolatileSlice<'_>) -> Transfer {
        copy_virtual(&self.memory, &self.translation, address, target)
    }

    fn system_start(&self) -> u64 {
        self.translation.system_start()
    }
}
