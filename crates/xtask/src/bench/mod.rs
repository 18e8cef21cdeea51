//! How fast it is, beside what else there is; and whether that is as fast as it should be.
//!
//! A subject has a room of its own. The accessors' figures are Windows programs' under Wine, the
//! engines' are counts of instructions in the lab.

mod accessors;
mod engine;
mod machine;

use crate::error::Error;
use clap::ValueEnum;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// The guarded accessors beside the C runtime, the bare instructions, and `microseh`
    Accessors,
    /// The driver's two copy engines beside each other and a plain copy
    Engine,
}

impl Subject {
    const ALL: [Self; 2] = [Self::Accessors, Self::Engine];
}

/// Measures `only` this, or everything, and prints what was found; with `save`, writes it into the
/// documentation as well.
///
/// An aim that is not met is told, and is no error: a slower machine, or a busy one, is none.
///
/// # Errors
///
/// If a benchmark can't be built or fails, or a file can't be written.
pub fn run(only: Option<Subject>, save: bool) -> Result<(), Error> {
    for subject in Subject::ALL {
        if only.is_none_or(|only| only == subject) {
            match subject {
                Subject::Accessors => accessors::run(save)?,
                Subject::Engine => engine::run()?,
            }
        }
    }
    Ok(())
}
