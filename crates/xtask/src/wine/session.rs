//! A running Wine of this tree's own.

use super::prefix::Prefix;
use crate::{paths, program, step::Step};
use anyhow::Result;
use fs_err::{self as fs, File};
use std::{
    fs::TryLockError,
    path::{Path, PathBuf},
    process::Command,
};

/// The kinds of Wine's messages: errors, since Wine may end a program over one before the program has
/// printed anything.
const ERRORS: &str = "-all,err+all";

/// Parts of Wine to leave out. If Mono and Gecko are missing, Wine asks whether to install them; the
/// third writes its user's menus.
const WITHOUT: &str = "mscoree,mshtml,winemenubuilder.exe=";

/// A running Wine, under `target/`. It ends when this is dropped.
pub struct Session {
    pub(super) prefix: Prefix,
    /// Locked until this process ends.
    _lock: File,
}

impl Session {
    /// Starts Wine, after waiting for other runs.
    pub fn start() -> Result<Self> {
        let folder = paths::target().join("wine");
        fs::create_dir_all(&folder)?;
        let session = Self {
            _lock: locked(&folder.join("lock"))?,
            prefix: Prefix::at(folder.join("prefix")),
        };
        session.prefix.start(|| session.end(), || session.boot())?;
        Ok(session)
    }

    fn boot(&self) -> Result<()> {
        let step = Step::start("starting Wine");
        // Kept running, so that Wine's services do not start and stop with each program.
        self.run_into("boot.log", self.command("wineserver").arg("-p"))?;
        // Wine's services print the output of drivers where the services were started.
        let mut boot = self.command("wine");
        boot.arg("wineboot")
            .env("WINEDEBUG", format!("{ERRORS},+debugstr"));
        self.run_into("boot.log", &mut boot)?;
        step.done();
        Ok(())
    }

    /// Ends Wine and starts it again, as a machine is restarted.
    #[cfg(unix)]
    pub(super) fn restart(&self) -> Result<()> {
        self.end();
        self.boot()
    }

    /// Returns the path of a log of [`Self::run_into`].
    pub fn log(&self, name: &str) -> PathBuf {
        self.prefix.path().with_file_name(name)
    }

    pub(super) fn end(&self) {
        // If this fails, the server ends by itself some time after its last program.
        for word in ["-k", "-w"] {
            let _ = self.command("wineserver").arg(word).status();
        }
    }

    /// Runs a program with its output in a log. Not in a pipe: Wine's first programs leave servers
    /// running, which keep their output open.
    pub fn run_into(&self, log: &str, command: &mut Command) -> Result<()> {
        let log = self.log(log);
        program::run_into(command, &log)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = program::named(name);
        self.set_environment(&mut command);
        command
    }

    pub(super) fn set_environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.prefix.path())
            .env("WINEARCH", "win64")
            .env("WINEDLLOVERRIDES", WITHOUT)
            .env("WINEDEBUG", ERRORS);
    }
}

/// Opens and locks the file.
fn locked(path: &Path) -> Result<File> {
    let file = File::create(path)?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        let step = Step::start("waiting until another run is done with Wine");
        file.lock()?;
        step.done();
    }
    Ok(file)
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}
