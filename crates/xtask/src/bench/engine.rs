//! What the driver's two copy engines cost, in instructions that the lab counts.

use crate::{error::Error, lab::Lab, places, program};

/// Prints the tables: reads of eight bytes, single and in batches; bulk copies beside a plain one;
/// how both grow.
///
/// # Errors
///
/// If the lab can't be prepared, or a copy fails. An aim that is missed is told in the table.
pub fn run() -> Result<(), Error> {
    let lab = Lab::prepare()?;
    let mut cargo = program::cargo();
    cargo.current_dir(places::root()).args([
        "test",
        "--quiet",
        "--package",
        "ringcopy-tests",
        "--bench",
        "engines",
    ]);
    lab.tell(&mut cargo);
    program::run_here(&mut cargo)
}
