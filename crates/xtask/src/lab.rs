//! Runs the client, or another driver, in the lab: ring 0 under QEMU.

use crate::{driver, lab_kernel, paths, program, setup, step::Step};
use anyhow::Result;
use signal_hook::{consts::SIGINT, flag};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The images that the lab boots.
pub struct Lab {
    kernel: PathBuf,
    images: driver::Images,
    interrupted: Arc<AtomicBool>,
}

impl Lab {
    /// The variable that tells tests where the kernel is.
    pub const KERNEL: &str = "RINGCOPY_LAB_KERNEL";

    /// Installs and builds what the lab needs.
    pub fn prepare() -> Result<Self> {
        setup::run()?;
        Ok(Self {
            images: driver::build()?,
            kernel: lab_kernel::build()?,
            interrupted: Arc::default(),
        })
    }

    /// Does the same as [`Self::prepare`], and builds the program that boots the lab and runs the
    /// client.
    pub fn prepare_with_client() -> Result<Self> {
        let lab = Self::prepare()?;
        Self::build_client()?;
        Ok(lab)
    }

    /// Builds the program that boots the lab and runs the client.
    pub fn build_client() -> Result<()> {
        let step = Step::start("building the client and the lab's host");
        let mut build = program::cargo();
        build
            .current_dir(paths::root())
            .args([
                "build",
                "--package",
                "ringcopy-lab",
                "--package",
                "ringcopy-tests",
            ])
            .args(["--bin", "lab", "--bin", "ringcopy-lab", "--target-dir"])
            .arg(paths::target());
        program::run(&step, &mut build)?;
        step.done();
        Ok(())
    }

    /// Returns a program that boots the lab.
    fn program(&self, name: &str) -> Command {
        let mut host = program::named(paths::target().join("debug").join(name));
        host.arg("--kernel").arg(&self.kernel);
        host
    }

    /// Returns the program that drives any driver, without that driver.
    pub fn driving(&self) -> Command {
        let mut host = self.program("lab");
        host.arg("--framework").arg(&self.images.framework);
        host
    }

    /// Boots the driver and runs one command of the client against it. Returns the command's exit
    /// code. [`Self::build_client`] builds the client.
    pub fn client(
        &self,
        policy: &str,
        engine: &str,
        lab_options: &[&str],
        arguments: &[impl AsRef<std::ffi::OsStr>],
    ) -> Result<ExitCode> {
        self.run(&mut self.client_command(policy, engine, lab_options, arguments))
    }

    /// Returns the program that does so.
    pub fn client_command(
        &self,
        policy: &str,
        engine: &str,
        lab_options: &[&str],
        arguments: &[impl AsRef<std::ffi::OsStr>],
    ) -> Command {
        let mut command = self.program("ringcopy-lab");
        command
            .arg("--image")
            .arg(&self.images.framework)
            .arg("--image")
            .arg(&self.images.driver)
            .args(["--policy", policy, "--engine", engine])
            .args(lab_options)
            .arg("--")
            .args(arguments);
        command
    }

    /// Runs the lab's host to its end.
    fn run(&self, host: &mut Command) -> Result<ExitCode> {
        self.leave_interrupts_to_the_host();
        program::exit_code_of(host)
    }

    /// Makes this program go on after Ctrl-C, which reaches every program of the terminal: it waits until
    /// the lab's host has reported the interrupt.
    pub fn leave_interrupts_to_the_host(&self) {
        // If this fails, Ctrl-C ends this program at once.
        drop(flag::register(SIGINT, Arc::clone(&self.interrupted)));
    }

    /// Returns whether the user has pressed Ctrl-C while a host ran.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Returns the driver and its framework.
    pub const fn images(&self) -> &driver::Images {
        &self.images
    }

    /// Sets the variables that tell tests where the images are.
    pub fn set_variables(&self, command: &mut Command) {
        command
            .env("RINGCOPY_DRIVER", &self.images.driver)
            .env("RINGCOPY_WDFLDR", &self.images.framework)
            .env(Self::KERNEL, &self.kernel);
    }
}

/// Prepares the lab, boots the driver and runs one command of the client against it. Returns the
/// command's exit code.
pub fn client(
    policy: &str,
    engine: &str,
    processors: u32,
    trace: bool,
    arguments: &[String],
) -> Result<ExitCode> {
    let processors = processors.to_string();
    let mut options = vec!["--processors", &processors];
    options.extend(trace_option(trace));
    Lab::prepare_with_client()?.client(policy, engine, &options, arguments)
}

/// Runs the program that drives another driver. Its arguments start with the driver.
pub fn other_driver(
    arguments: &[std::ffi::OsString],
    processors: Option<u32>,
    trace: bool,
) -> Result<ExitCode> {
    let lab = Lab::prepare_with_client()?;
    let mut host = lab.driving();
    if let Some(processors) = processors {
        host.args(["--processors", &processors.to_string()]);
    }
    host.args(trace_option(trace))
        .arg("--driver")
        .args(arguments);
    lab.run(&mut host)
}

/// The option of the lab's host that shows events.
const fn trace_option(trace: bool) -> &'static [&'static str] {
    if trace { &["--trace"] } else { &[] }
}
