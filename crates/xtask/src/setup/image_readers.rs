//! Other people's readers of memory images, in a Python environment under `target/`.

use super::system_packages;
use crate::{error::Error, places, program, step::Step};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Volatility 3, and the library that `MemProcFS` reads memory with.
const PACKAGES: [&str; 2] = ["volatility3", "leechcorepyc"];

/// Imports them all.
const IMPORT: &str = "import volatility3.framework, leechcorepyc";

/// Makes the environment, if it is not there and whole. Gives its Python.
///
/// # Errors
///
/// [`Error::Missing`] if it can't be made, with the commands that would make it.
pub(super) fn get_missing() -> Result<PathBuf, Error> {
    system_packages::get_missing(&[system_packages::IMAGE_READERS])?;
    let folder = places::target().join("image-readers");
    let python = folder.join("bin/python");
    if is_whole(&python) {
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
    if made.is_err() || !is_whole(&python) {
        let why = made
            .err()
            .map_or(String::new(), |error| format!(": {error}"));
        return Err(Error::Missing {
            what: format!("the readers of memory images can't be had{why}"),
            command: format!(
                "python3 -m venv --clear '{}' && '{}' -m pip install {}",
                folder.display(),
                python.display(),
                PACKAGES.join(" ")
            ),
        });
    }
    step.done();
    Ok(python)
}

/// Whether it has what is needed, and not half of it.
fn is_whole(python: &Path) -> bool {
    python.is_file() && program::output_of(isolated(python).args(["-c", IMPORT])).is_ok()
}

/// A Python that is led nowhere else by its user's variables and folders.
fn isolated(python: &Path) -> Command {
    let mut command = program::named(python);
    command.arg("-I");
    command
}
