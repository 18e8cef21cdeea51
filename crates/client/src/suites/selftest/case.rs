//! The parts of a case.

use ringcopy_protocol::{Direction, NtStatus, Reach, RequestKind};

use crate::Protection;

/// The groups of cases in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `CopyFromModeAligned`, `CopyToMode`.
    UserMemory,
    /// `RtlCopyDeviceMemory`.
    DeviceMemory,
    /// `MmCopyMemory` and the driver's own engine.
    CopyMemory,
}

impl Group {
    /// Returns the heading in a report.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::UserMemory => "User memory: CopyFromModeAligned, CopyToMode",
            Self::DeviceMemory => "Device memory: RtlCopyDeviceMemory",
            Self::CopyMemory => "Virtual and physical memory: as MmCopyMemory",
        }
    }
}

/// A virtual address to hand to the driver. Buffers are allocated and filled for the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A buffer at this offset from a page's start.
    Buffer(u64),
    /// A buffer of this length before an unmapped page.
    BeforeUnmapped(u64),
    /// A buffer of this length, an unmapped page, and memory again.
    AroundUnmapped(u64),
    /// A buffer of this length, then pages of this protection.
    Before(u64, Protection),
    /// This many bytes below the end of user memory.
    BelowUserLimit(u64),
    /// This address.
    Fixed(u64),
    /// The handle's session buffer, in system memory.
    Session,
    /// System memory that holds known bytes.
    SystemData,
    /// System memory where nothing is mapped.
    SystemUnmapped,
    /// System memory that maps I/O space.
    SystemIo,
}

/// A physical address to hand to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Physical {
    /// The handle's session buffer.
    Session,
    /// A page of the caller's own.
    OwnPage,
    /// I/O space.
    Io,
    /// This many bytes below a hole in RAM.
    BelowHole(u64),
    /// This many bytes below the end of all RAM.
    BelowEnd(u64),
    /// This address.
    Fixed(u64),
}

/// The request of a case. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Caller's memory to session buffer.
    CopyFrom {
        /// The source.
        source: Place,
        /// The length.
        length: u64,
        /// The alignment asked for.
        alignment: u32,
    },
    /// Session buffer to caller's memory.
    CopyTo {
        /// The destination.
        destination: Place,
        /// The length.
        length: u64,
        /// The alignment asked for.
        alignment: u32,
    },
    /// Caller's memory to caller's memory.
    CopyThrough {
        /// The source.
        source: Place,
        /// The destination.
        destination: Place,
        /// The length.
        length: u64,
        /// The alignment asked for.
        alignment: u32,
    },
    /// To the uncached page.
    ToDevice {
        /// The destination.
        offset: u32,
        /// The length.
        length: u32,
    },
    /// From the uncached page.
    FromDevice {
        /// The source.
        offset: u32,
        /// The length.
        length: u32,
    },
    /// Within the uncached page.
    WithinDevice {
        /// The source.
        source: u32,
        /// The destination.
        destination: u32,
        /// The length.
        length: u32,
    },
    /// By virtual address.
    ReadVirtual {
        /// The source.
        source: Place,
        /// The length.
        length: u64,
    },
    /// By physical address.
    ReadPhysical {
        /// The source.
        source: Physical,
        /// The length.
        length: u64,
    },
    /// Many pieces in one request, contiguous in the output.
    ReadBatch(&'static [Part]),
    /// Many pieces in one request, each to its own target.
    Scatter(&'static [Part]),
    /// The same pieces by both engines, which must agree.
    Agree(&'static [Part]),
    /// The list of RAM, which must contain the session buffer.
    Ranges,
}

/// The source of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A virtual address.
    Virtual(Place),
    /// A physical address.
    Physical(Physical),
}

/// One piece of a batch, and its expected result, which does not depend on the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The source.
    pub source: Origin,
    /// The target, of scattered pieces only.
    pub target: Option<Place>,
    /// The length.
    pub length: u32,
    /// The expected result.
    pub expected: Expected,
}

/// The expected result, if the memory is in reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Every byte is copied.
    Complete,
    /// The copy stops.
    Stops {
        /// The status of the copy.
        status: NtStatus,
        /// The number of bytes copied.
        copied: u64,
        /// What is reported about the address.
        fault: Fault,
    },
    /// The request fails with this status.
    Refused(NtStatus),
    /// Each piece has its own expected result.
    AsItsParts,
}

/// What must be reported about the address where a copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The access that failed or was refused, and the address of the first byte not copied.
    Access(Direction),
    /// No address, since the caller may not know it.
    Denied,
}

/// A case of the self-test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The group in the report.
    pub group: Group,
    /// What the case tests, in a few words.
    pub name: &'static str,
    /// The request.
    pub action: Action,
    /// The expected result.
    pub expected: Expected,
}

impl Place {
    const fn needs(self) -> Reach {
        match self {
            Self::SystemData | Self::SystemUnmapped | Self::SystemIo => Reach::SYSTEM_VIRTUAL,
            _ => Reach::empty(),
        }
    }

    const fn is_system(self) -> bool {
        matches!(
            self,
            Self::Session | Self::SystemData | Self::SystemUnmapped | Self::SystemIo
        )
    }
}

impl Physical {
    const fn needs(self) -> Reach {
        match self {
            Self::Session => Reach::empty(),
            _ => Reach::PHYSICAL,
        }
    }
}

impl Part {
    /// Returns the reach that the handle needs.
    #[must_use]
    pub const fn needs(&self) -> Reach {
        match self.source {
            Origin::Virtual(place) => place.needs(),
            Origin::Physical(place) => place.needs(),
        }
    }
}

const fn total(parts: &[Part]) -> u64 {
    match parts {
        [] => 0,
        [first, rest @ ..] => first.length as u64 + total(rest),
    }
}

impl Action {
    /// Returns the kind of request.
    #[must_use]
    pub const fn operation(self) -> RequestKind {
        match self {
            Self::CopyFrom { .. } => RequestKind::CopyFrom,
            Self::CopyTo { .. } => RequestKind::CopyTo,
            Self::CopyThrough { .. } => RequestKind::CopyThrough,
            Self::ToDevice { .. } | Self::FromDevice { .. } | Self::WithinDevice { .. } => {
                RequestKind::DeviceCopy
            }
            Self::ReadVirtual { .. } | Self::ReadPhysical { .. } => RequestKind::CopyMemory,
            Self::ReadBatch(_) | Self::Agree(_) => RequestKind::CopyBatch,
            Self::Scatter(_) => RequestKind::CopyScatter,
            Self::Ranges => RequestKind::MemoryRanges,
        }
    }

    /// Returns the number of bytes asked for.
    #[must_use]
    pub const fn length(self) -> u64 {
        match self {
            Self::CopyFrom { length, .. }
            | Self::CopyTo { length, .. }
            | Self::CopyThrough { length, .. }
            | Self::ReadVirtual { length, .. }
            | Self::ReadPhysical { length, .. } => length,
            Self::ToDevice { length, .. }
            | Self::FromDevice { length, .. }
            | Self::WithinDevice { length, .. } => length as u64,
            Self::ReadBatch(parts) | Self::Scatter(parts) | Self::Agree(parts) => total(parts),
            Self::Ranges => 0,
        }
    }

    /// Returns the reach that the handle needs.
    #[must_use]
    pub const fn needs(self) -> Reach {
        match self {
            Self::ReadVirtual { source, .. } => source.needs(),
            Self::ReadPhysical { source, .. } => source.needs(),
            // Each piece of a batch has its own needs.
            _ => Reach::empty(),
        }
    }

    /// Returns whether an engine copies, so that both are tested.
    #[must_use]
    pub const fn takes_engine(self) -> bool {
        match self {
            Self::ReadVirtual { source, .. } => source.is_system(),
            Self::ReadPhysical { .. } | Self::ReadBatch(_) | Self::Scatter(_) => true,
            _ => false,
        }
    }
}
