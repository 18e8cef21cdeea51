//! The lab's kernel, which QEMU boots.

use crate::{cargo, paths, program, step::Step, toolchain::Target};
use anyhow::Result;
use std::path::PathBuf;

/// Builds the kernel. Returns the path of the ELF file.
pub fn build() -> Result<PathBuf> {
    let step = Step::start("building the lab's kernel");
    let target_dir = paths::target().join("lab-kernel");
    let workspace = paths::root().join("tests/lab/kernel");
    let mut build = cargo::build(Target::BareMetal, &workspace, &target_dir)?;
    program::run(&step, &mut build)?;
    step.done();
    Ok(target_dir
        .join(Target::BareMetal.triple())
        .join("release/ringcopy-lab-kernel"))
}
