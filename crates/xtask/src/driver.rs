//! The kernel-mode images: the driver, and the stand-in for the framework that it imports.

use crate::{cargo, paths, program, step::Step, toolchain::Target};
use anyhow::Result;
use fs_err as fs;
use std::path::PathBuf;

/// The built images.
pub struct Images {
    /// `ringcopy.sys`.
    pub driver: PathBuf,
    /// `WDFLDR.SYS`, which the driver imports.
    pub framework: PathBuf,
}

/// Builds both images and the linker's maps, with which addresses are looked up.
pub fn build() -> Result<Images> {
    let [driver, framework, _, _] = build_files(
        "building ringcopy.sys and WDFLDR.SYS",
        &["ringcopy", "wdfldr"],
        [
            ("ringcopy.dll", "ringcopy.sys"),
            ("wdfldr.dll", "WDFLDR.SYS"),
            ("deps/ringcopy.map", "ringcopy.map"),
            ("deps/wdfldr.map", "wdfldr.map"),
        ],
    )?;
    Ok(Images { driver, framework })
}

/// Builds packages for the kernel, and copies `files` from cargo's names to the names that Windows
/// uses. Returns the paths of the copies.
pub fn build_files<const N: usize>(
    title: &str,
    packages: &[&str],
    files: [(&str, &str); N],
) -> Result<[PathBuf; N]> {
    let step = Step::start(title);
    let target_dir = paths::target().join("windows");
    let workspace = paths::root().join("crates/wdk-build-linux");
    let mut cargo = cargo::build(Target::Windows, &workspace, &target_dir)?;
    for package in packages {
        cargo.args(["--package", package]);
    }
    program::run(&step, &mut cargo)?;

    let built = target_dir.join(Target::Windows.triple()).join("release");
    let folder = paths::images();
    fs::create_dir_all(&folder)?;
    for (from, to) in files {
        fs::copy(built.join(from), folder.join(to))?;
    }
    step.done();
    Ok(files.map(|(_, name)| folder.join(name)))
}
