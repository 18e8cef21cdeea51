//! The result of a copy.

use usermode_accessors::{Fault, NtStatus};

/// The result of a copy: the number of bytes, and what stopped it.
///
/// The first [`transferred`](Self::transferred) bytes of the target hold what was read. The bytes after
/// them were not written. This also holds for failures: Microsoft's page calls a failed copy of some
/// bytes a partial transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Transfer {
    /// `STATUS_SUCCESS` if and only if all bytes arrived, else [`Reason::status`] of `stop`.
    pub status: NtStatus,
    /// `NumberOfBytesTransferred`: the exact number of bytes copied.
    pub transferred: usize,
    /// What stopped the copy; `None` if and only if it is complete.
    pub stop: Option<Stop>,
}

impl Transfer {
    /// Returns the result of a complete copy of `transferred` bytes.
    #[inline]
    pub const fn complete(transferred: usize) -> Self {
        Self {
            status: NtStatus::SUCCESS,
            transferred,
            stop: None,
        }
    }

    /// Returns the result of a copy that `hole`, at the source `address`, stopped after `transferred`
    /// bytes.
    #[cold]
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

    /// Returns whether all bytes were copied.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.stop.is_none()
    }
}

/// Where and why a copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The address, of the kind that the request named, of the first byte that was not copied. For
    /// [`Reason::User`], the address of the fault, which is all ones if the processor reports none.
    /// For [`Reason::Flags`], the source of the request.
    pub address: u64,
    /// Why.
    pub reason: Reason,
    /// As in [`Hole::length`], from the first byte that was not copied on. If the reason excludes
    /// that this byte is paged out ([`Reason::may_be_paged_out`]), no byte of the hole is.
    pub hole_length: u64,
}

/// Memory that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Why.
    pub reason: Reason,
    /// A lower bound of the number of unreadable bytes; 0 if it is not known. A caller that
    /// continues after these bytes misses nothing. A hole of all 2^64 addresses has a length of
    /// 2^64 - 1.
    pub length: u64,
}

impl Hole {
    /// Extends the hole at `address` by the holes that directly follow it, while it is shorter than
    /// `length` bytes. `hole_from` returns the length of the hole at an address, 0 if there is none.
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
    /// Returns a hole of unknown length.
    fn from(reason: Reason) -> Self {
        Self { reason, length: 0 }
    }
}

/// Why a copy stopped.
///
/// Levels are numbered as in the processor manuals: 1 is the page table,
/// 2 the page directory, 3 the page-directory-pointer table, 4 the PML4, 5 the PML5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not exactly one of [`CopyFlags`](crate::CopyFlags), or an unknown bit. Nothing was read.
    Flags,
    /// The source exceeds 2^64. Nothing was read.
    Wraps,
    /// The source begins among the user addresses and does not end there. Nothing was read.
    OutsideUserRange,
    /// A virtual address that is neither a user address nor one of the upper half.
    OutsideSystemRange,
    /// Not a canonical address for this number of levels.
    NonCanonical,
    /// The entry of this level is not present. Its other bits are not interpreted: the page may be
    /// paged out, in transition, or not exist.
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
    /// A read failed with this status.
    Read(NtStatus),
    /// A user address that could not be read.
    User(Fault),
}

impl Reason {
    /// Returns the `NTSTATUS` of a copy that stopped for this reason; never a success.
    ///
    /// | status | reasons |
    /// | --- | --- |
    /// | `STATUS_INVALID_PARAMETER_4` | [`Flags`](Self::Flags) |
    /// | `STATUS_ACCESS_VIOLATION` | [`OutsideUserRange`](Self::OutsideUserRange) |
    /// | the reader's | [`Read`](Self::Read), [`User`](Self::User) |
    /// | `STATUS_UNSUCCESSFUL` | a reader that failed with a success status |
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

    /// Returns whether the memory manager may be able to page in the rest. A caller with another
    /// engine can continue at the first byte that was not copied.
    #[must_use]
    pub const fn may_be_paged_out(&self) -> bool {
        matches!(self, Self::NotPresent { .. })
    }

    /// Returns whether an access to the source failed, rather than a check before it.
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
