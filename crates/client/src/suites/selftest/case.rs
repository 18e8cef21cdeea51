//! The parts of a case.

use ringcopy_protocol::{Direction, NtStatus, Reach, RequestKind};

use crate::{Protection, Source};

/// The groups of cases in a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `CopyFromModeAligned`, `CopyToMode`.
    User,
    /// `RtlCopyDeviceMemory`.
    Device,
    /// `MmCopyMemory` and the driver's own engine.
    System,
}

impl Group {
    /// Returns the heading in a report.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::User => "User memory: CopyFromModeAligned, CopyToMode",
            Self::Device => "Device memory: RtlCopyDeviceMemory",
            Self::System => "Virtual and physical memory: as MmCopyMemory",
        }
    }
}

/// An address to hand to the driver. Buffers are allocated and filled for the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
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
    Fixed(u64),
    /// The handle's session buffer, in system memory.
    Session,
    /// An address of system memory, no matter which.
    System,
    /// System memory that holds known bytes.
    SystemData,
    /// System memory where nothing is mapped.
    SystemUnmapped,
    /// System memory that maps I/O space.
    SystemIo,
    /// The physical address of the session buffer's first page.
    PhysicalSession,
    /// The physical address of a page of the caller's own.
    PhysicalOwn,
    /// A physical address of I/O space.
    PhysicalIo,
    /// This many bytes below a hole in RAM, a physical address.
    BelowHole(u64),
    /// This many bytes below the end of all RAM, a physical address.
    BelowRamEnd(u64),
    FixedPhysical(u64),
}

/// The request of a case. Lengths and alignments are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Caller's memory to session buffer.
    CopyFrom {
        source: Address,
        length: u64,
        alignment: u32,
    },
    /// Session buffer to caller's memory.
    CopyTo {
        destination: Address,
        length: u64,
        alignment: u32,
    },
    /// Caller's memory to caller's memory.
    CopyThrough {
        source: Address,
        destination: Address,
        length: u64,
    },
    /// To the uncached page.
    ToDevice { offset: u32, length: u32 },
    /// From the uncached page.
    FromDevice { offset: u32, length: u32 },
    /// Within the uncached page.
    WithinDevice {
        source: u32,
        destination: u32,
        length: u32,
    },
    /// By virtual or physical address.
    Read { source: Address, length: u64 },
    /// Many pieces in one request, contiguous in the output.
    ReadBatch(&'static [Part]),
    /// Many pieces in one request, each to its own target.
    Scatter(&'static [Part]),
    /// The same pieces by both engines, which must agree.
    Agree(&'static [Part]),
    /// The list of RAM, which must contain the session buffer.
    Ranges,
}

/// One piece of a batch, and its expected result, which does not depend on the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(super) source: Address,
    /// The target, of scattered pieces only.
    pub(super) target: Option<Address>,
    pub(super) length: u32,
    pub(super) expected: Expected,
}

/// The expected result, if the memory is in reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Every byte is copied.
    Complete,
    /// The copy stops after `copied` bytes.
    Stops {
        status: NtStatus,
        copied: u64,
        fault: Fault,
    },
    /// The request fails with this status.
    Refused(NtStatus),
    /// Each piece has its own expected result.
    AsItsParts,
}

/// What must be reported about the address where a copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The access that failed or was refused, and the address of the first byte not copied.
    Access(Direction),
    /// No address, since the caller may not know it.
    Denied,
}

/// A case of the self-test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The group that it belongs to in a report.
    pub group: Group,
    /// What the case tests, in a few words.
    pub name: &'static str,
    pub(crate) action: Action,
    pub(super) expected: Expected,
}

impl Case {
    /// Returns whether the case compares the engines, so that it needs both.
    #[must_use]
    pub const fn compares_engines(&self) -> bool {
        matches!(self.action, Action::Agree(_))
    }
}

impl Address {
    /// Returns the reach that the handle needs.
    pub(super) const fn needs(self) -> Reach {
        match self {
            Self::SystemData | Self::SystemUnmapped | Self::SystemIo => Reach::SYSTEM_VIRTUAL,
            Self::PhysicalOwn
            | Self::PhysicalIo
            | Self::BelowHole(_)
            | Self::BelowRamEnd(_)
            | Self::FixedPhysical(_) => Reach::PHYSICAL,
            _ => Reach::empty(),
        }
    }

    const fn is_session(self) -> bool {
        matches!(self, Self::Session | Self::PhysicalSession)
    }

    /// Returns the source for a request, once it is known what the address is.
    pub(super) const fn source(self, address: u64) -> Source {
        if matches!(self, Self::PhysicalSession) || self.needs().contains(Reach::PHYSICAL) {
            Source::Physical(address)
        } else {
            Source::Virtual(address)
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
    pub(crate) const fn operation(self) -> RequestKind {
        match self {
            Self::CopyFrom { .. } => RequestKind::CopyFrom,
            Self::CopyTo { .. } => RequestKind::CopyTo,
            Self::CopyThrough { .. } => RequestKind::CopyThrough,
            Self::ToDevice { .. } | Self::FromDevice { .. } | Self::WithinDevice { .. } => {
                RequestKind::DeviceCopy
            }
            Self::Read { .. } => RequestKind::CopyMemory,
            Self::ReadBatch(_) | Self::Agree(_) => RequestKind::CopyBatch,
            Self::Scatter(_) => RequestKind::CopyScatter,
            Self::Ranges => RequestKind::MemoryRanges,
        }
    }

    /// Returns the number of bytes asked for.
    pub(crate) const fn length(self) -> u64 {
        match self {
            Self::CopyFrom { length, .. }
            | Self::CopyTo { length, .. }
            | Self::CopyThrough { length, .. }
            | Self::Read { length, .. } => length,
            Self::ToDevice { length, .. }
            | Self::FromDevice { length, .. }
            | Self::WithinDevice { length, .. } => length as u64,
            Self::ReadBatch(parts) | Self::Scatter(parts) | Self::Agree(parts) => total(parts),
            Self::Ranges => 0,
        }
    }

    /// Returns the reach that the handle needs.
    pub(super) const fn needs(self) -> Reach {
        match self {
            Self::Read { source, .. } => source.needs(),
            // Each piece of a batch has its own needs.
            _ => Reach::empty(),
        }
    }

    /// Returns whether an engine copies, so that both are tested.
    pub(super) const fn takes_engine(self) -> bool {
        match self {
            Self::Read { source, .. } => source.is_session() || !source.needs().is_empty(),
            Self::ReadBatch(_) | Self::Scatter(_) => true,
            _ => false,
        }
    }
}
