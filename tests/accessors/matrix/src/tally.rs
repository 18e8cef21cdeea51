//! What a run came to, in a form that travels.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::layout::Need;

/// What one family came to.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tally {
    /// Cases that ran, the failed one included.
    pub ran: u64,
    /// Cases that were skipped, by [`Need`].
    pub skipped: [u64; Need::ALL.len()],
    /// 1 if a case failed, which ended the family.
    pub failed: u64,
    /// That case.
    pub failure: Failure,
}

impl Tally {
    pub(crate) const EMPTY: Self = Self {
        ran: 0,
        skipped: [0; Need::ALL.len()],
        failed: 0,
        failure: Failure::NONE,
    };

    /// The cases of the family, whether they ran or not.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.ran + self.skipped.iter().sum::<u64>()
    }

    /// The case that failed.
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
    /// What it was called with: usually length, source, destination.
    pub arguments: [u64; 3],
    /// A [`Check`].
    pub check: u64,
    /// What should have been found: see [`Check`].
    pub expected: [u64; 4],
    /// What was found.
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

/// What is looked at after a case, and in which form it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Check {
    /// Status, value or bytes moved, address, 1 for a write.
    Outcome = 0,
    /// EFLAGS: AC, IF and DF.
    Flags = 1,
    /// A byte, and where it is.
    Moved = 2,
    /// A byte that nothing should have written, and where it is.
    Untouched = 3,
    /// Something of the case's own.
    Other = 4,
    /// The arena has too few pages of a kind.
    Exhausted = 5,
}

const CHECKS: [&str; 6] = [
    "(status, value or count, address, write)",
    "EFLAGS (AC is 0x40000, IF 0x200, DF 0x400)",
    "a byte that was moved, its address",
    "a byte beyond, its address",
    "what the case looked at",
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

/// A case failed, and the tally has it.
#[derive(Debug)]
pub(crate) struct Stop;

/// How a case ends.
pub(crate) type Checked = Result<(), Stop>;
