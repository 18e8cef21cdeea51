//! The kinds of source address.

use bitflags::bitflags;

bitflags! {
    /// The `Flags` of `MmCopyMemory`: what the source address is.
    ///
    /// Exactly one must be set. [`CopyFlags::from_bits_retain`] keeps the unknown bits of a request,
    /// and [`copy_memory`](crate::copy_memory) refuses them.
    ///
    /// Source: [MmCopyMemory](https://learn.microsoft.com/windows-hardware/drivers/ddi/ntddk/nf-ntddk-mmcopymemory),
    /// which names the flags; their values are those of every public copy of the header.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CopyFlags: u32 {
        /// `MM_COPY_MEMORY_PHYSICAL`: a physical address.
        const PHYSICAL = 1;
        /// `MM_COPY_MEMORY_VIRTUAL`: a virtual address of the current process or of the system.
        const VIRTUAL = 2;
    }
}

/// The kinds of source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressKind {
    Physical,
    Virtual,
}

impl CopyFlags {
    /// Returns the kind; `None` for no kind, for both, and for unknown bits.
    pub(crate) const fn kind(self) -> Option<AddressKind> {
        match self {
            Self::PHYSICAL => Some(AddressKind::Physical),
            Self::VIRTUAL => Some(AddressKind::Virtual),
            _ => None,
        }
    }
}
