//! The costs of the driver's two copy engines, in instructions that the lab counts.

use crate::{lab::Lab, paths, program};
use anyhow::Result;

/// Prints tables of reads of eight bytes, single and in batches, and of bulk copies beside a plain
/// copy, by size. A missed aim is in the table, and no error.
pub fn run() -> Result<()> {
    let lab = Lab::prepare()?;
    let mut cargo = program::cargo();
    cargo.current_dir(paths::root()).args([
        "test",
        "--quiet",
        "--package",
        "ringcopy-tests",
        "--bench",
        "engines",
    ]);
    lab.set_variables(&mut cargo);
    program::run_here(&mut cargo)
}
