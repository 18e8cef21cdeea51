//! The lab's kernel, which QEMU boots.

use crate::{
    cargo,
    error::Error,
    places, program,
    step::Step,
    toolchain::{Target, Toolchain},
};
use std::path::PathBuf;

/// Builds it; returns the path of the ELF file.
///
/// # Errors
///
/// If the build fails; the error holds what the compiler said.
pub fn build() -> Result<PathBuf, Error> {
    let step = Step::start("building the lab's kernel");
    let target_dir = places::target().join("lab-kernel");
    program::run(
        &step,
        &mut cargo::build(
            &Toolchain::of_rustc()?,
            Target::BareMetal,
            &places::root().join("tests/lab/kernel"),
            &target_dir,
        ),
    )?;
    step.done();
    Ok(target_dir
        .join(Target::BareMetal.triple())
        .join("release/ringcopy-lab-kernel"))
}
