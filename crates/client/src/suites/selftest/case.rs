//! The terms in which a case is put.

use ringcopy_protocol::{Direction, NtStatus, Reach, RequestKind};

use crate::Protection;

/// A function of the driver, as a reader of the report looks for it.
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
    /// The heading in a report.
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
    /// A buffer, so many bytes behind a page's start.
    Buffer(u64),
    /// A buffer of so many bytes, and an unmapped page at its end.
    BeforeUnmapped(u64),
    /// So many bytes, one page that was taken away, and memory again.
    AroundUnmapped(u64),
    /// So many bytes that can be read and written, then pages of this protection.
    Before(u64, Protection),
    /// So many bytes below the first address that is not the user's.
    BelowUserLimit(u64),
    /// This very address.
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
    /// So many bytes below a hole in RAM.
    BelowHole(u64),
    /// So many bytes below the end of all RAM.
    BelowEnd(u64),
    /// This very address.
    Fixed(u64),
}

/// What is asked for. Lengths are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Caller's memory to session buffer.
    CopyFrom {
        /// Where from.
        source: Place,
        /// How much.
        length: u64,
        /// The alignment asked for.
        alignment: u32,
    },
    /// Session buffer to caller's memory.
    CopyTo {
        /// Where to.
        destination: Place,
        /// How much.
        length: u64,
        /// The alignment asked for.
        alignment: u32,
    },
    /// Caller's memory to caller's memory.
    CopyThrough {
        /// Where from.
        source: Place,
        /// Where to.
        destination: Place,
        /// How much.
        length: u64,
        /// The alignment asked for.
        alignment: u32,
    },
    /// To the uncached page.
    ToDevice {
        /// Where to.
        offset: u32,
        /// How much.
        length: u32,
    },
    /// From the uncached page.
    FromDevice {
        /// Where from.
        offset: u32,
        /// How much.
        length: u32,
    },
    /// Within the uncached page.
    WithinDevice {
        /// Where from.
        source: u32,
        /// Where to.
        destination: u32,
        /// How much.
        length: u32,
    },
    /// By virtual address.
    ReadVirtual {
        /// Where from.
        source: Place,
        /// How much.
        length: u64,
    },
    /// By physical address.
    ReadPhysical {
        /// Where from.
        source: Physical,
        /// How much.
        length: u64,
    },
    /// Many pieces in one request, behind one another.
    ReadBatch(&'static [Part]),
    /// Many pieces in one request, each to a place of its own.
    Scatter(&'static [Part]),
    /// The same pieces by both engines, which have to say the same.
    Agree(&'static [Part]),
    /// The list of RAM, which has to hold the session buffer.
    Ranges,
}

/// What one piece of a batch reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A virtual address.
    Virtual(Place),
    /// A physical address.
    Physical(Physical),
}

/// One piece of a batch, and what has to come of it whatever becomes of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where from.
    pub source: Origin,
    /// Where to: of scattered pieces only.
    pub target: Option<Place>,
    /// How much.
    pub length: u32,
    /// What has to come of it.
    pub expected: Expected,
}

/// What has to come of it, where the handle may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Every byte.
    Complete,
    /// So many bytes, and this status.
    Stops {
        /// The status of the copy.
        status: NtStatus,
        /// Bytes.
        copied: u64,
        /// What is reported about the place.
        fault: Fault,
    },
    /// Nothing: the request fails with this status.
    Refused(NtStatus),
    /// What its pieces say, each for itself.
    AsItsParts,
}

/// What has to be reported about the place where a copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The access, made or refused, and the address of the first byte that was not copied.
    Access(Direction),
    /// No address: it is none of the caller's business.
    Denied,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Which function it is about.
    pub group: Group,
    /// What is special about it, in a few words.
    pub name: &'static str,
    /// What is asked for.
    pub action: Action,
    /// What has to come of it.
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
    /// What the handle must be allowed.
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
    /// The request that carries it.
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

    /// Bytes asked for.
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

    /// What the handle must be allowed.
    #[must_use]
    pub const fn needs(self) -> Reach {
        match self {
            Self::ReadVirtual { source, .. } => source.needs(),
            Self::ReadPhysical { source, .. } => source.needs(),
            // Of batches, each piece has its own needs.
            _ => Reach::empty(),
        }
    }

    /// Whether an engine copies, so that each of them has to be tried.
    #[must_use]
    pub const fn takes_engine(self) -> bool {
        match self {
            Self::ReadVirtual { source, .. } => source.is_system(),
            Self::ReadPhysical { .. } | Self::ReadBatch(_) | Self::Scatter(_) => true,
            _ => false,
        }
    }
}
