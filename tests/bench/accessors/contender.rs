//! The contenders, their order, and the sizes.

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};

/// One way to do the work of an accessor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// This project's accessor: checked, guarded, counted.
    Guarded,
    /// The C runtime's function, or a plain volatile access: a fault ends the program.
    Plain,
    /// The processor's string instruction alone: a fault ends the program.
    Instruction,
    /// The C runtime's function, or a plain volatile access, in a closure guarded by `microseh`.
    #[cfg(windows)]
    Microseh,
}

impl Contender {
    /// Those that survive a fault.
    #[cfg(windows)]
    pub const SAFE: &[Self] = &[Self::Guarded, Self::Microseh];
    /// The contenders where no single instruction does the work.
    #[cfg(windows)]
    pub const WITHOUT_INSTRUCTION: &[Self] = &[Self::Guarded, Self::Plain, Self::Microseh];
    pub const ALL: &[Self] = &[
        Self::Guarded,
        Self::Plain,
        Self::Instruction,
        #[cfg(windows)]
        Self::Microseh,
    ];

    /// Returns the name in criterion's records. `cargo xtask bench` reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guarded => "guarded",
            Self::Plain => "plain",
            Self::Instruction => "instruction",
            #[cfg(windows)]
            Self::Microseh => "microseh",
        }
    }
}

/// Returns the contenders of a round. Each round begins with another one.
pub fn in_turn(contenders: &[Contender], round: usize) -> impl Iterator<Item = Contender> {
    let count = contenders.len();
    (0..count).map(move |place| contenders[(place + round) % count])
}

/// Returns criterion's group of a comparison and a round. `cargo xtask bench` parses its name.
pub fn group<'a>(
    criterion: &'a mut Criterion,
    comparison: &str,
    round: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(format!("{comparison}@{round}"));
    group.sampling_mode(SamplingMode::Flat);
    group
}

/// Returns sizes from 2 to the power of `smallest` to 2 to the power of `largest`: each power of two up
/// to 1 MiB, then each second one, because those take long and differ little.
pub fn sizes(smallest: u32, largest: u32) -> impl Iterator<Item = usize> {
    const DENSE: u32 = 20;
    (smallest..=largest)
        .filter(|bits| *bits <= DENSE || bits % 2 == DENSE % 2)
        .map(|bits| 1 << bits)
}
