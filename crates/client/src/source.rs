//! Addresses that the driver can read.

use ringcopy_protocol::{CopyFlags, Reach};

/// The first byte to read, as `MmCopyMemory` understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A virtual address of this process or of the system.
    Virtual(u64),
    /// A physical address.
    Physical(u64),
}

impl Source {
    /// Returns the address, of either kind.
    #[must_use]
    pub const fn address(self) -> u64 {
        match self {
            Self::Virtual(address) | Self::Physical(address) => address,
        }
    }

    /// Returns another address of the same kind.
    #[must_use]
    pub const fn with_address(self, address: u64) -> Self {
        match self {
            Self::Virtual(_) => Self::Virtual(address),
            Self::Physical(_) => Self::Physical(address),
        }
    }

    /// Returns the address `bytes` further up; `None` if there is none.
    #[must_use]
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        Some(self.with_address(self.address().checked_add(bytes)?))
    }

    /// Returns the kind, as listings and JSON name it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Virtual(_) => "virtual",
            Self::Physical(_) => "physical",
        }
    }

    /// Returns the reach that a handle needs to read it, where it is neither the caller's own
    /// memory nor the session buffer.
    #[must_use]
    pub const fn needs(self) -> Reach {
        match self {
            Self::Virtual(_) => Reach::SYSTEM_VIRTUAL,
            Self::Physical(_) => Reach::PHYSICAL,
        }
    }

    /// Returns the flags that name the kind in a request.
    pub(crate) const fn flags(self) -> CopyFlags {
        match self {
            Self::Virtual(_) => CopyFlags::VIRTUAL,
            Self::Physical(_) => CopyFlags::PHYSICAL,
        }
    }
}
