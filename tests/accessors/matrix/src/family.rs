//! The families of functions, in the order in which they run.

use crate::{
    Arena, Room, alignment, alternating, bulk, compare, cursor, interlocked, moves, raising,
    run::Run,
    scalar, string,
    tally::{Checked, Tally},
    unicode_string,
};

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident = $words:literal,)+) => {
        /// Functions that go through the same plan.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Family {
            $($(#[$doc])* $name,)+
        }

        impl Family {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// What it is about.
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
    /// See the module `alternating`.
    Alternating = "memory that changes with each access",
    /// See the module `moves`.
    Moves = "moves of overlapping ranges",
    /// See the module `bulk`, as for the next three.
    FromCaller = "copies from a caller",
    /// To a caller.
    ToCaller = "copies to a caller",
    /// Between two callers.
    BetweenCallers = "copies between callers",
    /// Around the cache.
    NonTemporal = "copies around the cache",
    /// See the module `bulk`, as for the next five.
    Fill = "fills of a caller's memory",
    /// Of a type.
    ReadStructure = "reads of structures",
    /// Of a type.
    WriteStructure = "writes of structures",
    /// With the kernel on both sides.
    KernelMode = "copies in kernel mode",
    /// With the kernel's memory.
    KernelFill = "fills of the kernel's memory",
    /// Volatile memory.
    Volatile = "copies of volatile memory",
    /// Device memory.
    Device = "copies of device memory",
    /// See the module `compare`.
    Compare = "comparisons of device memory",
    /// See the module `scalar`, as for the next two.
    ScalarRead = "reads of one value",
    /// Relaxed.
    ScalarWrite = "writes of one value",
    /// Acquire and release, and the safe layer's.
    ScalarOrdered = "ordered reads and writes of one value",
    /// See the module `interlocked`, as for the next two.
    InterlockedAnd = "interlocked AND",
    /// OR.
    InterlockedOr = "interlocked OR",
    /// Comparisons.
    CompareExchange = "interlocked compare and exchange",
    /// See the module `string`, as for the next two.
    StringLength = "lengths of strings",
    /// Of two bytes a character.
    WideStringLength = "lengths of wide strings",
    /// With a bound.
    BoundedStringLength = "bounded lengths of strings",
    /// See the module `unicode_string`.
    UnicodeString = "UNICODE_STRINGs",
    /// See the module `alignment`.
    Alignment = "alignments asked for",
    /// See the module `cursor`.
    Cursor = "ranges used in pieces",
    /// See the module `raising`.
    Raising = "calls that raise",
}

impl Family {
    /// The family of a number.
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

/// Runs a family in an arena that is [as it has to be](crate::state_of).
pub fn run<A: Arena>(family: Family, arena: &A, room: &mut Room) -> Tally {
    let mut run = Run::new(arena, room);
    // The tally has the failure.
    let _ = family.cases(&mut run);
    run.tally
}

/// The names of the functions that are tried, some of them more than once.
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
