//! Failed accesses.

use core::{error, fmt};

use crate::{NtStatus, arch::Trap};

/// The kind of a failed access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// A read.
    Read,
    /// A write.
    Write,
}

/// A failed access, with the number of bytes that were moved before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[non_exhaustive]
pub struct Fault {
    /// The reason: the exception that the processor raised, or the check that failed.
    pub status: NtStatus,
    /// The exact number of bytes that were moved, from the start. The first `copied` bytes of the
    /// destination are written, and no byte after them. It is 0 if a check failed, because then
    /// nothing is accessed.
    ///
    /// Two kinds of call count differently. A move of overlapping ranges that
    /// [runs backward](crate::moves_backward) counts from the end: the *last* `copied` bytes of the
    /// destination are written, and no byte before them. The length of a string has no destination;
    /// it counts the bytes that were read, also if the string does not end within user memory.
    ///
    /// On 64-bit Arm, up to 63 bytes after the counted ones may be written if the protection of a page
    /// changes between two stores of a block.
    ///
    /// With the feature `umaccess`, an exception counts 0, because Microsoft's functions do not count.
    /// Then any byte of the destination may be written.
    pub copied: usize,
    /// The address that could not be accessed, if it is known.
    ///
    /// It is for information only. If a check failed, it is the start of the range. It is unknown for
    /// a non-canonical address, which the processor does not report.
    pub address: Option<usize>,
    /// The kind of the access at `address`.
    pub access: Access,
    /// Why the page could not be brought in: the status of the input or output that failed. It is
    /// present only for [`NtStatus::IN_PAGE_ERROR`], and only if the exception reports it.
    ///
    /// Source: the third element of `ExceptionInformation`, "`EXCEPTION_RECORD` structure", Win32
    /// documentation.
    pub cause: Option<NtStatus>,
}

impl Fault {
    /// Returns a fault without a cause.
    ///
    /// It is for code that passes on faults of its own, and for tests.
    pub const fn new(
        status: NtStatus,
        copied: usize,
        address: Option<usize>,
        access: Access,
    ) -> Self {
        Self {
            status,
            copied,
            address,
            access,
            cause: None,
        }
    }

    /// Returns the fault of a check that failed. Nothing was accessed.
    #[cold]
    pub(crate) const fn refused(status: NtStatus, address: usize, access: Access) -> Self {
        Self::new(status, 0, Some(address), access)
    }

    /// Returns the fault of a trap, in an access of kind `expected`.
    ///
    /// The kind in the record is used only if the address is known: a general protection fault is
    /// recorded as a read of the address of all ones, whatever the access was.
    #[cold]
    pub(crate) const fn from_trap(trap: Trap, expected: Access) -> Self {
        let address = trap.address();
        let access = match (address, trap.kind()) {
            (Some(_), Trap::READ) => Access::Read,
            (Some(_), Trap::WRITE) => Access::Write,
            _ => expected,
        };
        let status = NtStatus(trap.code());
        let cause = match trap.cause() {
            Some(cause) if status.0 == NtStatus::IN_PAGE_ERROR.0 => Some(NtStatus(cause)),
            _ => None,
        };
        Self {
            status,
            copied: trap.copied(),
            address,
            access,
            cause,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        let Self { status, copied, .. } = self;
        write!(formatter, "{status} on a {verb}")?;
        if let Some(address) = self.address {
            write!(formatter, " at 0x{address:X}")?;
        }
        write!(formatter, ", after {copied} bytes")?;
        if let Some(cause) = self.cause {
            write!(formatter, ", because of {cause}")?;
        }
        Ok(())
    }
}

impl error::Error for Fault {}

/// Keeps the status, for `?` in a function that returns a [`NtStatus`]. The count and the address are
/// lost.
impl From<Fault> for NtStatus {
    #[inline]
    fn from(fault: Fault) -> Self {
        fault.status
    }
}
