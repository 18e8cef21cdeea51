//! The project's tasks.
//!
//! | module | purpose |
//! | --- | --- |
//! | `setup` | installs what builds and tests need |
//! | `driver`, `lab_kernel`, `lab_test_driver`, `accessors`, `windows_programs` | build |
//! | `package` | makes and signs the folder for a Windows test machine |
//! | `lab`, `demo`, `wine` | run the driver in QEMU and in Wine |
//! | `new`, `samples` | make a driver of the user's own, and try those of others |
//! | `windows` | the workflow's steps on Windows |
//! | `vm` | runs the package in a Windows virtual machine |
//! | `test`, `soak`, `bench`, `release` | test, measure, and do so on another release of the system |
//! | `cargo`, `program`, `superuser`, `role` | run other programs, and are run by them |
//! | `paths`, `toolchain`, `step` | the tree's paths, the Rust toolchain, progress |

#![forbid(unsafe_code)]

mod accessors;
mod bench;
mod cargo;
mod demo;
#[cfg(test)]
mod documented_commands;
mod driver;
mod framework;
mod lab;
mod lab_kernel;
mod lab_test_driver;
mod new;
mod package;
mod paths;
mod program;
mod release;
mod role;
mod samples;
mod setup;
mod soak;
mod step;
mod superuser;
mod test;
mod toolchain;
#[cfg(unix)]
mod vm;
mod windows;
mod windows_programs;
mod wine;

use anyhow::Result;
use clap::{
    Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser},
    value_parser,
};
use std::{ffi::OsString, path::PathBuf, process::ExitCode};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what a build needs and this machine lacks: system packages, Rust's library for other
    /// targets
    Setup,
    /// Build ringcopy.sys, and the stand-in for the framework that the lab loads with it
    Build,
    /// Boot the driver in the lab and show what it copies and what it refuses
    Demo,
    /// Run a command of the client against a freshly booted lab, as in
    /// `cargo xtask lab --policy all -- read --physical 0x100000`
    Lab {
        /// What the driver may reach besides its callers' own memory
        #[arg(long, default_value = "all", value_parser = ["user", "system", "physical", "all"])]
        policy: String,
        /// Which engine the registry asks for
        #[arg(long, default_value = "auto", value_parser = ["auto", "native", "system"])]
        engine: String,
        /// The lab's processors [default: 2; with --driver 1]
        #[arg(long, value_parser = value_parser!(u32).range(1..=8))]
        processors: Option<u32>,
        /// Show the events that the driver writes for Event Tracing for Windows
        #[arg(long)]
        trace: bool,
        /// Load this driver instead, drive it, and report what was wrong: missing functions, broken rules,
        /// leaks. Further options follow: see `cargo xtask lab --driver FILE --help`
        #[arg(long, value_name = "FILE", num_args = 1.., allow_hyphen_values = true,
            conflicts_with_all = ["policy", "engine", "command"])]
        driver: Vec<OsString>,
        /// The command: see `cargo xtask lab -- --help`
        #[arg(last = true, required_unless_present = "driver")]
        command: Vec<String>,
    },
    /// Make a project for a KMDF driver of your own: it uses the accessors, builds on Linux and on Windows,
    /// and runs in the lab
    New(new::Options),
    /// Build the drivers of somebody else's checkouts, run each in the lab, and print a table of what became
    /// of them
    Samples(samples::Options),
    /// Make the folder that a Windows test machine installs: driver, INF, catalog, test certificate,
    /// client and README, signed; ends with its path
    Package {
        /// An empty folder, or a package to replace [default: target/package]
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
        #[command(flatten)]
        signing: package::Signing,
    },
    /// Run every test: lints, host, Wine, Arm, the package, and the driver in Wine and in the lab
    Test {
        /// Run only these parts
        #[arg(value_name = "PART", value_parser = PossibleValuesParser::new(
            test::PARTS.iter().map(|part| PossibleValue::new(part.name).help(part.what))
        ))]
        parts: Vec<String>,
    },
    /// Send random, abusive and racing requests to the driver in the lab, and compare every result
    /// with a model of what may come back; Ctrl-C ends it with its summary
    Soak(soak::Options),
    /// Break the sources on purpose, one guard at a time; a test must notice each
    Mutants {
        /// Try only mutants whose names contain this
        #[arg(value_name = "WORDS")]
        only: Option<String>,
    },
    /// Install the driver in Wine, drive it with the Windows client, and print the transport matrix
    Wine,
    /// Run the accessors' Windows test programs under Wine
    WineTest,
    /// Install and test the package in a Windows virtual machine on this machine
    #[cfg(unix)]
    #[command(subcommand)]
    Vm(vm::Action),
    /// Steps of the workflow that runs on Windows, each also for people there
    #[command(subcommand)]
    Windows(windows::Step),
    /// Run tasks in the root file system of another release, which debootstrap makes under
    /// target/releases: by default `demo`, then `test`, of the committed state
    Release(release::Options),
    /// Measure, and report which of the project's aims for speed are met
    Bench {
        /// Measure only this
        #[arg(long, value_enum)]
        only: Option<bench::Subject>,
        /// Write the results into the documentation
        #[arg(long)]
        save: bool,
    },
}

fn main() -> ExitCode {
    if let Some(code) = role::play() {
        return code;
    }
    match run(&Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode> {
    match task {
        Task::Setup => setup::run()?,
        Task::Build => {
            setup::run()?;
            let images = driver::build()?;
            println!("{}", images.driver.display());
        }
        Task::Demo => return demo::run(),
        Task::Lab {
            driver,
            processors,
            trace,
            ..
        } if !driver.is_empty() => return lab::other_driver(driver, *processors, *trace),
        Task::Lab {
            policy,
            engine,
            processors,
            trace,
            command,
            ..
        } => return lab::client(policy, engine, processors.unwrap_or(2), *trace, command),
        Task::New(options) => new::run(options)?,
        Task::Samples(options) => samples::run(options)?,
        Task::Package { output, signing } => {
            println!("{}", package::run(output.as_deref(), signing)?.display());
        }
        Task::Test { parts } => test::run(parts)?,
        Task::Soak(options) => return soak::run(options),
        Task::Mutants { only } => test::mutants::run(only.as_deref())?,
        Task::Wine => {
            let package = package::run(None, &package::Signing::default())?;
            wine::run(&package, &driver::build()?.framework)?;
        }
        Task::WineTest => wine::test()?,
        #[cfg(unix)]
        Task::Vm(action) => vm::run(action)?,
        Task::Windows(step) => windows::run(step)?,
        Task::Release(options) => return release::run(options),
        Task::Bench { only, save } => bench::run(*only, *save)?,
    }
    Ok(ExitCode::SUCCESS)
}
