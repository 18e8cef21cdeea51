//! Independent readers of memory images, in a Python environment under `target/`.

use super::system_packages;
use crate::{paths, program, step::Step};
use anyhow::{Result, bail};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Volatility 3, and the library with which `MemProcFS` reads memory.
const PACKAGES: [&str; 2] = ["volatility3", "leechcorepyc"];

/// Imports them all.
const IMPORT: &str = "import volatility3.framework, leechcorepyc";

/// Makes the environment unless it is complete. Returns its Python.
pub fn install() -> Result<PathBuf> {
    system_packages::install(&[system_packages::IMAGE_READERS])?;
    let folder = paths::target().join("image-readers");
    let python = folder.join("bin/python");
    if is_complete(&python) {
        return Ok(python);
    }
    let step = Step::start(format!("getting {}", PACKAGES.join(" and ")));
    let made = program::run(
        &step,
        isolated(Path::new("python3"))
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )
    .and_then(|()| {
        let mut pip = isolated(&python);
        pip.args(["-m", "pip", "install", "--quiet"]).args(PACKAGES);
        program::run(&step, &mut pip)
    });
    if made.is_err() || !is_complete(&python) {
        let why = made
            .err()
            .map_or(String::new(), |error| format!(": {error:#}"));
        bail!(
            "the readers of memory images can't be installed{why}; run: \
             python3 -m venv --clear '{}' && '{}' -m pip install {}",
            folder.display(),
            python.display(),
            PACKAGES.join(" ")
        );
    }
    step.done();
    Ok(python)
}

/// Returns whether it has all packages.
fn is_complete(python: &Path) -> bool {
    python.is_file() && program::output_of(isolated(python).args(["-c", IMPORT])).is_ok()
}

/// Returns a Python that ignores its user's variables and folders.
fn isolated(python: &Path) -> Command {
    let mut command = program::named(python);
    command.arg("-I");
    command
}
