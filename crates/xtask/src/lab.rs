//! Runs the client, or another driver, in the lab: QEMU in ring 0.

use crate::{driver, error::Error, lab_kernel, places, program, setup, step::Step};
use signal_hook::{consts::SIGINT, flag};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What the lab boots with.
pub struct Lab {
    kernel: PathBuf,
    images: driver::Images,
    interrupted: Arc<AtomicBool>,
}

impl Lab {
    /// Gets and builds all that a run in the lab needs.
    ///
    /// # Errors
    ///
    /// What is missing, or what the compiler said.
    pub fn prepare() -> Result<Self, Error> {
        setup::run()?;
        Ok(Self {
            images: driver::build()?,
            kernel: lab_kernel::build()?,
            interrupted: Arc::default(),
        })
    }

    /// As [`Self::prepare`], and builds the program that boots the lab and runs the client.
    ///
    /// # Errors
    ///
    /// What is missing, or what the compiler said.
    pub fn prepare_with_client() -> Result<Self, Error> {
        let lab = Self::prepare()?;
        let step = Step::start("building the client and the lab's host");
        let mut build = program::cargo();
        build
            .current_dir(places::root())
            .args(["build", "--package", "ringcopy-lab", "--target-dir"])
            .arg(places::target());
        program::run(&step, &mut build)?;
        step.done();
        Ok(lab)
    }

    /// The program that boots the lab, with the images of this tree but the driver.
    fn host(&self) -> Command {
        let mut host = program::named(places::target().join("debug/ringcopy-lab"));
        host.arg("--kernel")
            .arg(&self.kernel)
            .arg("--image")
            .arg(&self.images.framework);
        host
    }

    /// Boots the driver and runs one command of the client against it, which
    /// [`Self::prepare_with_client`] built.
    ///
    /// # Errors
    ///
    /// If the lab can't be started. That the command failed is in the exit code.
    pub fn client(
        &self,
        policy: &str,
        engine: &str,
        arguments: &[impl AsRef<std::ffi::OsStr>],
    ) -> Result<ExitCode, Error> {
        let mut command = self.host();
        command
            .arg("--image")
            .arg(&self.images.driver)
            .args(["--policy", policy, "--engine", engine, "--"])
            .args(arguments);
        self.run(&mut command)
    }

    /// Runs the lab's host to its end. Ctrl-C goes to every program of the terminal: the host says
    /// that it was interrupted, and this program waits until it has.
    fn run(&self, host: &mut Command) -> Result<ExitCode, Error> {
        // If this fails, Ctrl-C ends this program at once.
        drop(flag::register(SIGINT, Arc::clone(&self.interrupted)));
        program::exit_code_of(host)
    }

    /// Whether the user has pressed Ctrl-C while a host ran.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The driver, and what it binds to.
    pub const fn images(&self) -> &driver::Images {
        &self.images
    }

    /// Tells tests where the images are, by the variables that they read.
    pub fn tell(&self, command: &mut Command) {
        command
            .env("RINGCOPY_DRIVER", &self.images.driver)
            .env("RINGCOPY_WDFLDR", &self.images.framework)
            .env("RINGCOPY_LAB_KERNEL", &self.kernel);
    }
}

/// Boots the driver and runs one command of the client against it.
///
/// # Errors
///
/// If the lab can't be prepared or started. That the command failed is in the exit code.
pub fn client(policy: &str, engine: &str, arguments: &[String]) -> Result<ExitCode, Error> {
    Lab::prepare_with_client()?.client(policy, engine, arguments)
}

/// Loads another driver, reports what it prints, lacks and leaks.
///
/// # Errors
///
/// As for [`client`].
pub fn other_driver(file: &std::path::Path) -> Result<ExitCode, Error> {
    let lab = Lab::prepare_with_client()?;
    lab.run(lab.host().arg("--load").arg(file))
}
