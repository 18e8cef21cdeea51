//! What became of a copy.

use usermode_accessors::{Fault, NtStatus};

/// The outcome of a copy: how much arrived, and what ended it.
///
/// The first [`transferred`](Self::transferred) bytes of the target hold what was read, without a
/// gap; the bytes behind them were not written. This holds for failures too: a failed copy that
/// transferred something is what Microsoft's page calls a partial transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Transfer {
    /// `STATUS_SUCCESS` if and only if all bytes arrived, else [`Reason::status`] of `stop`.
    pub status: NtStatus,
    /// `NumberOfBytesTransferred`: bytes that arrived, exact to the byte.
    pub transferred: usize,
    /// What ended the copy; `None` if and only if it is complete.
    pub stop: Option<Stop>,
}

impl Transfer {
    /// A copy of which all `transferred` bytes arrived.
    pub const fn complete(transferred: usize) -> Self {
        Self {
            status: NtStatus::SUCCESS,
            transferred,
            stop: None,
        }
    }

    /// A copy that ended at `hole`, at the source's `address`, after `transferred` bytes.
    pub fn stopped(transferred: usize, address: u64, hole: impl Into<Hole>) -> Self {
        let Hole { reason, length } = hole.into();
        Self {
            status: reason.status(),
            transferred,
            stop: Some(Stop {
                address,
                reason,
                hole_length: length,
            }),
        }
    }

    /// The same, where nothing is known of the source after its first `length` bytes.
    pub(crate) fn limited_to(mut self, length: u64) -> Self {
        let left = length.saturating_sub(self.transferred as u64);
        if let Some(stop) = &mut self.stop {
            stop.hole_length = stop.hole_length.min(left);
        }
        self
    }

    /// Whether all bytes arrived.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.stop.is_none()
    }
}

/// Where and why a copy ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The address, of the kind the request named, of the first byte that did not arrive. For
    /// [`Reason::User`], the address as the fault reported it, which is all ones where the
    /// processor names none. For [`Reason::Flags`], the source as it was given.
    pub address: u64,
    /// Why.
    pub reason: Reason,
    /// As in [`Hole::length`], from the first byte that did not arrive on. Where the reason says
    /// that this byte cannot be paged out ([`Reason::may_be_paged_out`]), no byte of the hole can.
    pub hole_length: u64,
}

impl Stop {
    pub(crate) const fn hole(&self) -> Hole {
        Hole {
            reason: self.reason,
            length: self.hole_length,
        }
    }
}

/// Memory that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Why.
    pub reason: Reason,
    /// At least so many bytes could not be read when they were looked up; 0 where that is not
    /// known. The hole may reach further, and never less far: a caller that goes on after these
    /// bytes misses nothing. A hole of all 2^64 addresses has a length of 2^64 - 1.
    pub length: u64,
}

impl Hole {
    /// Looks on where the hole at `address` ends, as long as it does within `length` bytes:
    /// `hole_from` says how many bytes from an address on cannot be read, 0 where the hole ends.
    #[must_use]
    pub fn within(self, address: u64, length: u64, hole_from: impl Fn(u64) -> u64) -> Self {
        let mut hole = self;
        while hole.length > 0 && hole.length < length {
            match address.checked_add(hole.length).map_or(0, &hole_from) {
                0 => break,
                more => hole.length = hole.length.saturating_add(more),
            }
        }
        hole
    }
}

impl From<Reason> for Hole {
    /// A hole of unknown length.
    fn from(reason: Reason) -> Self {
        Self { reason, length: 0 }
    }
}

/// Why a copy ended early.
///
/// Levels count as in the processor manuals' numbering of paging structures: 1 is the page table,
/// 2 the page directory, 3 the page-directory-pointer table, 4 the PML4, 5 the PML5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not exactly one of [`CopyFlags`](crate::CopyFlags), or an unknown bit. Nothing was read.
    Flags,
    /// The source runs beyond 2^64. Nothing was read.
    Wraps,
    /// The source begins among the user addresses and does not end there. Nothing was read.
    OutsideUserRange,
    /// A virtual address that is neither a user address nor one of the upper half.
    OutsideSystemRange,
    /// No virtual address of a processor that walks this many levels.
    NonCanonical,
    /// The entry of this level is not present. What software keeps in such an entry is not
    /// looked at: the page may be paged out, in transition, or not exist.
    NotPresent {
        /// The level of the entry. 0 if a [`Translate`](crate::Translate) gave an empty mapping.
        level: u8,
    },
    /// The entry of this level has a bit set that the processor reserves.
    ReservedBits {
        /// The level of the entry.
        level: u8,
    },
    /// The table of this level is not in RAM.
    TableNotRam {
        /// The level of the entries in the table.
        level: u8,
    },
    /// A physical address wider than the processor's.
    BeyondPhysicalWidth,
    /// A physical address that is not RAM: device memory, firmware tables, or nothing at all.
    NotRam,
    /// Reading failed, with the status that the reader gave.
    Read(NtStatus),
    /// A user address that could not be read.
    User(Fault),
}

impl Reason {
    /// The `NTSTATUS` of a copy that ended for this reason; never a success.
    ///
    /// | status | reasons |
    /// | --- | --- |
    /// | `STATUS_INVALID_PARAMETER_4` | [`Flags`](Self::Flags) |
    /// | `STATUS_ACCESS_VIOLATION` | [`OutsideUserRange`](Self::OutsideUserRange) |
    /// | the reader's | [`Read`](Self::Read), [`User`](Self::User) |
    /// | `STATUS_UNSUCCESSFUL` | a reader that failed and gave no error status |
    /// | `STATUS_INVALID_ADDRESS` | all others |
    #[must_use]
    pub const fn status(&self) -> NtStatus {
        match self {
            Self::Flags => NtStatus::INVALID_PARAMETER_4,
            Self::OutsideUserRange => NtStatus::ACCESS_VIOLATION,
            Self::Read(status) | Self::User(Fault { status, .. }) => failure(*status),
            Self::Wraps
            | Self::OutsideSystemRange
            | Self::NonCanonical
            | Self::NotPresent { .. }
            | Self::ReservedBits { .. }
            | Self::TableNotRam { .. }
            | Self::BeyondPhysicalWidth
            | Self::NotRam => NtStatus::INVALID_ADDRESS,
        }
    }

    /// Whether the memory manager might make the rest readable by bringing a page in. A caller
    /// with another engine can go on there from the first byte that did not arrive.
    #[must_use]
    pub const fn may_be_paged_out(&self) -> bool {
        matches!(self, Self::NotPresent { .. })
    }

    /// Whether the copy ended in an access to the source, rather than in a check before one.
    #[must_use]
    pub const fn was_an_access(&self) -> bool {
        matches!(self, Self::Read(_) | Self::User(_))
    }
}

/// Returns `status` if it is an error or a warning. A success cannot end a copy early.
const fn failure(status: NtStatus) -> NtStatus {
    if status.is_success() {
        NtStatus::UNSUCCESSFUL
    } else {
        status
    }
}
