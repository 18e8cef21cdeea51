//! Benchmarks: how fast accessors and engines are beside alternatives, and whether the aims are met.
//!
//! The accessors are measured in Windows programs under Wine, the engines by counting instructions in
//! the lab.

mod accessors;
mod engines;
mod machine;

use anyhow::Result;
use clap::ValueEnum;

/// A subject of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// The guarded accessors beside the C runtime, the bare instructions, and `microseh`
    Accessors,
    /// The driver's two copy engines beside each other and a plain copy
    Engines,
}

impl Subject {
    const ALL: [Self; 2] = [Self::Accessors, Self::Engines];
}

/// Measures `only` this, or everything, and prints the results. With `save`, writes them into the
/// documentation as well.
///
/// A missed aim is reported and is no error, since it depends on the machine.
pub fn run(only: Option<Subject>, save: bool) -> Result<()> {
    for subject in Subject::ALL {
        if only.is_none_or(|only| only == subject) {
            match subject {
                Subject::Accessors => accessors::run(save)?,
                Subject::Engines => engines::run()?,
            }
        }
    }
    Ok(())
}
