//! The kernel-mode images: the driver, and the stand-in for the framework it binds to.

use crate::{
    cargo,
    error::Error,
    places, program,
    step::Step,
    toolchain::{Target, Toolchain},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The built images, named as Windows knows them.
pub struct Images {
    /// `ringcopy.sys`.
    pub driver: PathBuf,
    /// `WDFLDR.SYS`, which the driver imports.
    pub framework: PathBuf,
}

/// Builds both. The linker's maps, by which an address is looked up, are put beside them.
///
/// # Errors
///
/// If a build fails; the error holds what the compiler said.
pub fn build() -> Result<Images, Error> {
    let step = Step::start("building ringcopy.sys and WDFLDR.SYS");
    let target_dir = places::target().join("windows");
    program::run(
        &step,
        cargo::build(
            &Toolchain::of_rustc()?,
            Target::Windows,
            &places::root().join("crates/wdk-build-linux"),
            &target_dir,
        )
        .args(["--package", "ringcopy", "--package", "wdfldr"]),
    )?;

    let built = target_dir.join(Target::Windows.triple()).join("release");
    let folder = places::images();
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let images = Images {
        driver: deliver(&built.join("ringcopy.dll"), &folder.join("ringcopy.sys"))?,
        framework: deliver(&built.join("wdfldr.dll"), &folder.join("WDFLDR.SYS"))?,
    };
    for map in ["ringcopy.map", "wdfldr.map"] {
        deliver(&built.join("deps").join(map), &folder.join(map))?;
    }
    step.done();
    Ok(images)
}

fn deliver(from: &Path, to: &Path) -> Result<PathBuf, Error> {
    fs::copy(from, to).map_err(Error::file(from))?;
    Ok(to.to_owned())
}
