//! The result of a family, in a form that a driver can return.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::layout::Need;

/// The result of one family.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tally {
    /// The number of cases that ran, including the failed one.
    pub ran: u64,
    /// The number of cases that were skipped, by [`Need`].
    pub skipped: [u64; Need::ALL.len()],
    /// 1 if a case failed. It ended the family.
    pub failed: u64,
    /// The case that failed.
    pub failure: Failure,
}

impl Tally {
    pub(crate) const EMPTY: Self = Self {
        ran: 0,
        skipped: [0; Need::ALL.len()],
        failed: 0,
        failure: Failure::NONE,
    };

    /// Returns the number of cases of the family, including the skipped ones.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.ran + self.skipped.iter().sum::<u64>()
    }

    /// Returns the case that failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        (self.failed != 0).then_some(&self.failure)
    }
}

/// A case that failed.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Failure {
    /// The function's name, padded with zeros.
    pub name: [u8; 48],
    /// The arguments of the case: usually length, source, destination.
    pub arguments: [u64; 3],
    /// The [`Check`] that failed.
    pub check: u64,
    /// The expected values; [`Check`] gives their meaning.
    pub expected: [u64; 4],
    /// The values found.
    pub found: [u64; 4],
}

impl Failure {
    const NONE: Self = Self {
        name: [0; 48],
        arguments: [0; 3],
        check: 0,
        expected: [0; 4],
        found: [0; 4],
    };
}

/// A check after a case, and the values that it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Check {
    /// Status, value or bytes moved, address, 1 for a write.
    Result = 0,
    /// EFLAGS: AC, IF and DF.
    Flags = 1,
    /// A moved byte, and its address.
    Moved = 2,
    /// A byte that must not be written, and its address.
    Untouched = 3,
    /// Values that the case defines.
    Other = 4,
    /// The arena has too few pages of a kind.
    Exhausted = 5,
}

const CHECKS: [&str; 6] = [
    "(status, value or count, address, write)",
    "EFLAGS (AC is 0x40000, IF 0x200, DF 0x400)",
    "a moved byte, its address",
    "a byte outside the destination, its address",
    "values of the case",
    "pages left",
];

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.split(|byte| *byte == 0).next().unwrap_or(&[]);
        let name = core::str::from_utf8(name).unwrap_or("?");
        let check = usize::try_from(self.check)
            .ok()
            .and_then(|check| CHECKS.get(check))
            .unwrap_or(&"?");
        write!(
            formatter,
            "{name}{:#x?}: {check}: expected {:#x?}, found {:#x?}",
            self.arguments, self.expected, self.found
        )
    }
}

/// A case failed. The tally holds the failure.
#[derive(Debug)]
pub(crate) struct Stop;

/// The result of a case.
pub(crate) type Checked = Result<(), Stop>;
