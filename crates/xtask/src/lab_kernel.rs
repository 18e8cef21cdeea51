//! The lab's kernel, which QEMU boots.

use crate::{cargo, paths, program, step::Step, toolchain::Target};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Builds the kernel. Returns the path of the ELF file.
pub fn build() -> Result<PathBuf> {
    let step = Step::start("building the lab's kernel");
    let kernel = build_in(&step, &paths::root(), &paths::target().join("lab-kernel"))?;
    step.done();
    Ok(kernel)
}

/// Builds the kernel from the sources in a tree. Returns the path of the ELF file.
pub fn build_in(step: &Step, tree: &Path, target_dir: &Path) -> Result<PathBuf> {
    let workspace = tree.join("tests/lab/kernel");
    let mut build = cargo::build(Target::BareMetal, &workspace, target_dir)?;
    program::run(step, &mut build)?;
    Ok(target_dir
        .join(Target::BareMetal.triple())
        .join("release/ringcopy-lab-kernel"))
}
