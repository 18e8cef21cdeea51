//! What became of an access that did not complete.

use core::{error, fmt};

use crate::{NtStatus, arch::Trap};

/// What the failed access was about to do to the memory in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read from it.
    Read,
    /// Write to it.
    Write,
}

/// An access that did not complete, and how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Fault {
    /// Why: the exception that the processor raised, or the check that failed.
    pub status: NtStatus,
    /// How many bytes, counted from the start, the call had moved. Exact: the first `copied`
    /// bytes of the destination hold data, no byte after them was written. It is 0 if a check
    /// failed, for then nothing was touched.
    ///
    /// Two kinds of call have to count otherwise. A move of overlapping ranges that
    /// [runs backward](crate::moves_backward) counts from the end: the *last* `copied` bytes of
    /// the destination hold data, no byte before them was written. A search for the end of a
    /// string has no destination, and counts the bytes that it looked at; so it does if the
    /// string runs out of user memory.
    pub copied: usize,
    /// The address that could not be accessed, where it is known.
    ///
    /// For information only, never to compute with. If a check failed it is the start of the
    /// range. It is unknown for a non-canonical address, which the processor does not report.
    pub address: Option<usize>,
    /// What was attempted on the memory at `address`.
    pub access: Access,
    /// Why the page could not be brought in: the status of the input or output that failed. It is
    /// there only for [`NtStatus::IN_PAGE_ERROR`], and only if the exception told it.
    ///
    /// Source: the third element of `ExceptionInformation`, "`EXCEPTION_RECORD` structure", Win32
    /// documentation.
    pub cause: Option<NtStatus>,
}

impl Fault {
    /// The fault of a check that failed before anything was touched.
    #[cold]
    pub(crate) const fn refused(status: NtStatus, address: usize, access: Access) -> Self {
        Self {
            status,
            copied: 0,
            address: Some(address),
            access,
            cause: None,
        }
    }

    /// The fault that a trap amounts to, in an access of kind `expected`.
    ///
    /// The record's own words about kind and address are believed only as far as they go: a
    /// general protection fault is recorded as a read of address all ones, whatever it was.
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

/// So `?` leaves a function that returns a [`NtStatus`]; the count and the address are lost.
impl From<Fault> for NtStatus {
    #[inline]
    fn from(fault: Fault) -> Self {
        fault.status
    }
}
