//! The project's tasks. Each room is one thing that a task needs: `setup` makes the machine able to
//! build, `driver` and `lab_kernel` build, `package` makes what Windows installs, `lab` and `demo`
//! run what was built, `test` proves it, `release` runs tasks on another release of the system,
//! `bench` measures, `accessors` is what the two runs of the accessors' matrix have in common, `step`
//! shows what is going on, `program` and `superuser` run the programs that do the work, `role` is
//! what this program does when those start it.

#![forbid(unsafe_code)]

mod accessors;
mod bench;
mod cargo;
mod demo;
mod driver;
mod error;
mod lab;
mod lab_kernel;
mod package;
mod places;
mod program;
mod release;
mod role;
mod setup;
mod step;
mod superuser;
mod test;
mod toolchain;
mod windows_programs;
mod wine;

use clap::{
    Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser},
};
use error::Error;
use std::{path::PathBuf, process::ExitCode};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Get what a build needs and this machine lacks: system packages, Rust's library for other
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
        /// Load this KMDF driver instead; say what it prints, lacks and leaks
        #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "engine", "command"])]
        driver: Option<PathBuf>,
        /// The command: see `cargo xtask lab -- --help`
        #[arg(last = true, required_unless_present = "driver")]
        command: Vec<String>,
    },
    /// Make the folder that a Windows test machine installs: driver, INF, catalog, test certificate,
    /// client and README, signed; ends with its path
    Package {
        /// Where to; an empty folder, or a package to be replaced [default: target/package]
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
        #[command(flatten)]
        signing: package::Signing,
    },
    /// Run every test: lints, host, Wine, Arm, the package, and the driver in Wine and in the lab
    Test {
        /// Run these parts alone
        #[arg(value_name = "PART", value_parser = PossibleValuesParser::new(
            test::PARTS.iter().map(|part| PossibleValue::new(part.name).help(part.what))
        ))]
        parts: Vec<String>,
    },
    /// Break the sources on purpose, one guard at a time; a test must notice each
    Mutants {
        /// Try those alone whose names contain this
        #[arg(value_name = "WORDS")]
        only: Option<String>,
    },
    /// Install the driver in Wine, drive it with the Windows client, and print the transport matrix
    Wine,
    /// Run the accessors' Windows test programs under Wine
    WineTest,
    /// Run this project's tasks in the root file system of another release, which debootstrap makes
    /// under target/releases: by default `demo`, then `test`. What is committed is run
    Release(release::Options),
    /// Measure, and say which of the project's aims for speed are met
    Bench {
        /// Measure this alone
        #[arg(long, value_enum)]
        only: Option<bench::Subject>,
        /// Write what was found into the documentation
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
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode, Error> {
    match task {
        Task::Setup => setup::run()?,
        Task::Build => {
            setup::run()?;
            let images = driver::build()?;
            println!("{}", images.driver.display());
        }
        Task::Demo => return demo::run(),
        Task::Lab {
            driver: Some(file), ..
        } => return lab::other_driver(file),
        Task::Lab {
            policy,
            engine,
            command,
            ..
        } => return lab::client(policy, engine, command),
        Task::Package { output, signing } => {
            println!("{}", package::run(output.as_deref(), signing)?.display());
        }
        Task::Test { parts } => test::run(parts)?,
        Task::Mutants { only } => test::mutants::run(only.as_deref())?,
        Task::Wine => {
            let package = package::run(None, &package::Signing::default())?;
            wine::run(&package, &driver::build()?.framework)?;
        }
        Task::WineTest => wine::test()?,
        Task::Release(options) => return release::run(options),
        Task::Bench { only, save } => bench::run(*only, *save)?,
    }
    Ok(ExitCode::SUCCESS)
}
