//! Programs and libraries from Python's package index, in environments under `target/`.

use super::system_packages;
use crate::{paths, program, step::Step};
use anyhow::{Result, bail};
use fs_err as fs;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Packages that are installed together.
pub struct Environment {
    /// The folder under `target/`.
    pub folder: &'static str,
    /// A description for messages.
    pub what: &'static str,
    /// A file for `pip install --requirement`.
    pub requirements: &'static str,
    /// Returns whether the packages are there, in these versions. The argument is the environment.
    pub is_complete: fn(&Installed) -> bool,
}

/// An environment's folder.
pub struct Installed(PathBuf);

impl Installed {
    /// Returns the path of a program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// Returns a run of its Python that ignores its user's variables and folders.
    pub fn python(&self) -> Command {
        isolated(&self.program("python"))
    }
}

impl Environment {
    /// Makes the environment, unless it is complete.
    pub fn install(&self) -> Result<Installed> {
        system_packages::install(&[system_packages::PYTHON])?;
        let installed = Installed(paths::target().join(self.folder));
        if (self.is_complete)(&installed) {
            return Ok(installed);
        }
        let step = Step::start(format!("getting {}", self.what));
        let requirements = installed.0.with_extension("requirements.txt");
        let made = program::run(
            &step,
            isolated(Path::new("python3"))
                .args(["-m", "venv", "--clear"])
                .arg(&installed.0),
        )
        .and_then(|()| {
            fs::write(&requirements, self.requirements)?;
            let mut pip = installed.python();
            pip.args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(&requirements);
            program::run(&step, &mut pip)
        });
        if made.is_err() || !(self.is_complete)(&installed) {
            let why = made
                .err()
                .map_or(String::new(), |error| format!(": {error:#}"));
            bail!(
                "{} can't be installed{why}; run: \
                 python3 -m venv --clear '{}' && '{}' -m pip install --requirement '{}'",
                self.what,
                installed.0.display(),
                installed.program("python").display(),
                requirements.display()
            );
        }
        step.done();
        Ok(installed)
    }
}

fn isolated(python: &Path) -> Command {
    let mut command = program::named(python);
    command.arg("-I");
    command
}
