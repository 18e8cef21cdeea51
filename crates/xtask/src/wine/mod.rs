//! Wine: an implementation of NT that nobody here wrote. What runs in it, and a session of it.
//!
//! - `accessors`: the accessors' Windows test programs.
//! - `prefix`: the folder of such a session.
//! - `end_to_end`: the driver and the Windows client, through Wine's service and I/O managers.

mod accessors;
mod end_to_end;
mod prefix;

pub use accessors::{fails, test};
pub use end_to_end::{run, selftest_record};

use crate::{error::Error, places, program, step::Step};
use prefix::Prefix;
use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::Command,
};

/// What Wine is to say: why it could not do something, since it may end a program over that before
/// the program has said a word.
const ERRORS: &str = "-all,err+all";

/// Parts of Wine that nothing here needs: without Mono and Gecko it asks whether to get them, and it
/// writes its user's menus.
const WITHOUT: &str = "mscoree,mshtml,winemenubuilder.exe=";

/// A Wine of the project's own, under `target/`, while this lives.
pub struct Session {
    prefix: Prefix,
    /// Locked, and so until this process ends, however it does.
    _lock: File,
}

impl Session {
    /// Starts it, after the one of another run if there is one.
    ///
    /// # Errors
    ///
    /// If Wine is not there or does not start.
    pub fn start() -> Result<Self, Error> {
        let folder = places::target().join("wine");
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let session = Self {
            _lock: locked(&folder.join("lock"))?,
            prefix: Prefix::at(folder.join("prefix")),
        };
        session.prefix.start(|| session.end(), || session.boot())?;
        Ok(session)
    }

    fn boot(&self) -> Result<(), Error> {
        let step = Step::start("starting Wine");
        // Kept running, so that Wine's services are not started, and stopped, with each program.
        self.run_into("boot.log", self.command("wineserver").arg("-p"))?;
        // Wine's services say what drivers print, where they began.
        let mut boot = self.command("wine");
        boot.arg("wineboot")
            .env("WINEDEBUG", format!("{ERRORS},+debugstr"));
        self.run_into("boot.log", &mut boot)?;
        step.done();
        Ok(())
    }

    /// Ends it and begins it anew, as a machine is restarted.
    fn restart(&self) -> Result<(), Error> {
        self.end();
        self.boot()
    }

    /// Where [`Self::run_into`] puts what a program says.
    pub fn log(&self, name: &str) -> PathBuf {
        self.prefix.path().with_file_name(name)
    }

    fn end(&self) {
        // At worst, a server stays until it notices that nobody is there.
        for word in ["-k", "-w"] {
            let _ = self.command("wineserver").arg(word).status();
        }
    }

    /// Wine's first programs leave servers behind, which keep their output open for ever: so that
    /// must be a file.
    ///
    /// # Errors
    ///
    /// If the program can't be started or fails.
    pub fn run_into(&self, log: &str, command: &mut Command) -> Result<(), Error> {
        let log = self.log(log);
        program::run_into(command, &log, &log)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = program::named(name);
        self.set_environment(&mut command);
        command
    }

    fn set_environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.prefix.path())
            .env("WINEARCH", "win64")
            .env("WINEDLLOVERRIDES", WITHOUT)
            .env("WINEDEBUG", ERRORS);
    }
}

/// The file, opened and locked.
fn locked(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::file(path))?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        let step = Step::start("waiting until another run is done with Wine");
        file.lock().map_err(Error::file(path))?;
        step.done();
    }
    Ok(file)
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}
