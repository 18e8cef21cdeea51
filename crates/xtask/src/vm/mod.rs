//! A Windows virtual machine on a Linux host, under QEMU.
//!
//! | module | purpose |
//! | --- | --- |
//! | `create` | installs Windows from its disc into a disk image, without a person |
//! | `course` | drives a package through its tests in that image |
//! | `conversation` | talks to `ringcopy guest` over the machine's serial port |
//! | `machine`, `resources` | QEMU, and what it needs of the host |
//! | `unattend_file`, `disc`, `medium` | the installation's settings, discs for the guest, the disc of Windows |
//! | `pseudo_terminal` | a serial port for tests without a virtual machine |
//! | `stand_in` | guests that are not Windows, to try all this without it |

pub mod conversation;
mod course;
mod create;
mod disc;
mod machine;
mod medium;
pub mod pseudo_terminal;
#[cfg(test)]
mod real_guest;
mod resources;
pub mod stand_in;
mod unattend_file;

use crate::{package, paths, setup};
use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use fs_err as fs;
use machine::{Guest, Hardware};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::{
    env,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// What to do with a virtual machine.
#[derive(Subcommand)]
pub enum Action {
    /// Install Windows from its disc into a disk image, unattended: test signing on, an administrator
    /// logged on, no network
    Create(create::Options),
    /// Install the package in a copy of the image that is dropped at the end, run the tests under Driver
    /// Verifier through their restarts, and bring the reports back
    Test(TestOptions),
}

/// The options of `vm test`.
#[derive(Args)]
pub struct TestOptions {
    /// The disk image [default: target/vm/windows.qcow2, where `vm create` puts it]
    #[arg(long, value_name = "DISK")]
    image: Option<PathBuf>,
    #[command(flatten)]
    verification: course::Verification,
    /// A package's folder [default: one that is made of this tree]
    #[arg(long, value_name = "DIR")]
    package: Option<PathBuf>,
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "target/vm/reports")]
    reports: PathBuf,
    #[command(flatten)]
    hardware: Hardware,
    /// How many minutes the guest may say nothing
    #[arg(long, value_name = "MINUTES", default_value_t = 30)]
    patience: u64,
    /// A guest that is not Windows, in place of QEMU and an image
    #[arg(long, value_name = "BEHAVIOUR", conflicts_with = "image")]
    stand_in: Option<stand_in::Behaviour>,
}

/// The image that `create` makes by default.
fn default_image() -> PathBuf {
    paths::target().join("vm/windows.qcow2")
}

/// Set when a person ends this program, which then ends the machine and removes what is half-made.
fn interruption() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register(signal, Arc::clone(&interrupted))?;
    }
    Ok(interrupted)
}

/// Runs an action.
pub fn run(action: &Action) -> Result<()> {
    match action {
        Action::Create(options) => create::run(options),
        Action::Test(options) => test(options),
    }
}

fn test(options: &TestOptions) -> Result<()> {
    let guest = options.stand_in.map_or_else(
        || windows(options),
        |behaviour| Ok(Guest::StandIn(behaviour)),
    )?;
    let reports = std::path::absolute(&options.reports)?;
    fs::create_dir_all(&reports)?;
    let interrupted = interruption()?;
    let machine = guest.boot(&options.hardware, &interrupted)?;
    let patience = Duration::from_mins(options.patience);
    course::run(
        machine,
        options.verification,
        &reports,
        patience,
        &interrupted,
    )
}

/// Returns Windows in an image, with a package on a disc.
fn windows(options: &TestOptions) -> Result<Guest> {
    let image = options.image.clone().unwrap_or_else(default_image);
    ensure!(
        image.is_file(),
        "{} does not exist; make it with `cargo xtask vm create --iso WINDOWS.iso`, or name an image with \
         --image",
        image.display()
    );
    setup::packages(&[setup::VIRTUAL_MACHINES])?;
    resources::check_memory(options.hardware.memory)?;
    resources::check_disk(&env::temp_dir(), resources::OVERLAY)?;
    let package = match &options.package {
        Some(package) => package.clone(),
        None => package::run(None, &package::Signing::default())?,
    };
    Ok(Guest::Image {
        image,
        disc: disc::of_package(&package)?,
    })
}
