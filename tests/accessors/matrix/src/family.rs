//! The families of functions, in the order in which they run.

use crate::{
    Arena, KernelMemory, alignment, alternating, bulk, compare, cursor, interlocked, moves,
    raising,
    run::Run,
    scalar, string,
    tally::{Checked, Tally},
    unicode_string,
};

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident = $words:literal,)+) => {
        /// A group of functions with the same cases.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Family {
            $($(#[$doc])* $name,)+
        }

        impl Family {
            /// All families.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns a description.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)+
                }
            }
        }
    };
}

families! {
    /// The module `alternating`.
    Alternating = "memory that changes with each access",
    /// The module `moves`.
    Moves = "moves of overlapping ranges",
    /// The module `bulk`, like the next ten.
    FromCaller = "copies from a caller",
    /// Copies of kernel memory to user memory.
    ToCaller = "copies to a caller",
    /// Copies from user memory to user memory.
    BetweenCallers = "copies between callers",
    /// Copies with stores that bypass the cache.
    NonTemporal = "non-temporal copies",
    /// Fills of user memory.
    Fill = "fills of a caller's memory",
    /// Copies with the length of a type, from user memory.
    ReadStructure = "reads of structures",
    /// Copies with the length of a type, to user memory.
    WriteStructure = "writes of structures",
    /// Copies with kernel memory on both sides.
    KernelMode = "copies in kernel mode",
    /// Fills of kernel memory.
    KernelFill = "fills of the kernel's memory",
    /// Copies of volatile memory.
    Volatile = "copies of volatile memory",
    /// Copies of device memory.
    Device = "copies of device memory",
    /// The module `compare`.
    Compare = "comparisons of device memory",
    /// The module `scalar`, like the next two.
    ScalarRead = "reads of one value",
    /// Relaxed writes.
    ScalarWrite = "writes of one value",
    /// Reads with acquire, writes with release, and the methods of `UserPtr`.
    ScalarOrdered = "ordered reads and writes of one value",
    /// The module `interlocked`, like the next two.
    InterlockedAnd = "interlocked AND",
    /// OR.
    InterlockedOr = "interlocked OR",
    /// Compare and exchange.
    CompareExchange = "interlocked compare and exchange",
    /// The module `string`, like the next two.
    StringLength = "lengths of strings",
    /// Characters of two bytes.
    WideStringLength = "lengths of wide strings",
    /// Lengths with a bound.
    BoundedStringLength = "bounded lengths of strings",
    /// The module `unicode_string`.
    UnicodeString = "UNICODE_STRINGs",
    /// The module `alignment`.
    Alignment = "required alignments",
    /// The module `cursor`.
    Cursor = "ranges used in pieces",
    /// The module `raising`.
    Raising = "calls that raise",
}

impl Family {
    /// Returns the family with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let number = usize::try_from(number).ok()?;
        Self::ALL.get(number).copied()
    }

    const fn bulk(self) -> &'static [&'static [bulk::Bulk]] {
        match self {
            Self::FromCaller => &bulk::FROM_CALLER,
            Self::ToCaller => &bulk::TO_CALLER,
            Self::BetweenCallers => &bulk::BETWEEN_CALLERS,
            Self::NonTemporal => &bulk::NON_TEMPORAL,
            Self::Fill => &bulk::FILL,
            Self::ReadStructure => &bulk::READ_STRUCTURE,
            Self::WriteStructure => &bulk::WRITE_STRUCTURE,
            Self::KernelMode => &bulk::KERNEL_MODE,
            Self::KernelFill => &bulk::KERNEL_FILL,
            Self::Volatile => &bulk::COPY_VOLATILE,
            Self::Device => &bulk::DEVICE,
            _ => &[],
        }
    }

    const fn scalars(self) -> &'static [&'static [scalar::Scalar]] {
        match self {
            Self::ScalarRead => scalar::READ,
            Self::ScalarWrite => scalar::WRITE,
            Self::ScalarOrdered => scalar::ORDERED,
            _ => &[],
        }
    }

    const fn locked(self) -> &'static [&'static [interlocked::Locked]] {
        match self {
            Self::InterlockedAnd => &interlocked::AND,
            Self::InterlockedOr => &interlocked::OR,
            Self::CompareExchange => &interlocked::COMPARE_EXCHANGE,
            _ => &[],
        }
    }

    const fn scans(self) -> &'static [&'static [string::Scan]] {
        match self {
            Self::StringLength => &string::NARROW,
            Self::WideStringLength => &string::WIDE,
            _ => &[],
        }
    }

    fn cases<A: Arena>(self, run: &mut Run<'_, A>) -> Checked {
        match self {
            Self::Alternating => alternating::all(run),
            Self::Moves => moves::all(run),
            Self::Compare => compare::all(run),
            Self::BoundedStringLength => string::bounded(run),
            Self::UnicodeString => unicode_string::all(run),
            Self::Alignment => alignment::all(run),
            Self::Cursor => cursor::all(run),
            Self::Raising => raising::all(run),
            _ => {
                self.bulk().iter().try_for_each(|of| bulk::all(run, of))?;
                self.scalars()
                    .iter()
                    .try_for_each(|of| scalar::all(run, of))?;
                self.locked()
                    .iter()
                    .try_for_each(|of| interlocked::all(run, of))?;
                self.scans().iter().try_for_each(|of| string::all(run, of))
            }
        }
    }
}

/// Runs a family in an arena whose pages are in their [states](crate::state_of).
pub fn run<A: Arena>(family: Family, arena: &A, kernel: &mut KernelMemory) -> Tally {
    let mut run = Run::new(arena, kernel);
    // The tally holds the failure.
    let _ = family.cases(&mut run);
    run.tally
}

/// Returns the names of the functions in the matrix. Some occur more than once.
pub fn names() -> impl Iterator<Item = &'static str> {
    let of = |family: &'static Family| {
        let bulk = family.bulk().iter().flat_map(|of| of.iter());
        let scalars = family.scalars().iter().flat_map(|of| of.iter());
        let locked = family.locked().iter().flat_map(|of| of.iter());
        let scans = family.scans().iter().flat_map(|of| of.iter());
        bulk.map(|function| function.name)
            .chain(scalars.map(|function| function.name))
            .chain(locked.map(|function| function.name))
            .chain(scans.map(|function| function.name))
    };
    Family::ALL
        .iter()
        .flat_map(of)
        .chain(moves::MOVES.iter().map(|function| function.name))
        .chain(string::BOUNDED.iter().map(|function| function.name))
        .chain(alignment::names())
        .chain(compare::names())
        .chain(unicode_string::names())
        .chain([raising::CALL])
}
