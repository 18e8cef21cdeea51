//! The project's tasks on another release of Debian, or on Ubuntu: in a root file system that
//! debootstrap makes, under this machine's kernel. What is promised of a release can so be seen on
//! any machine.

mod root;

use crate::{error::Error, setup};
use clap::ValueEnum;
use root::Root;
use std::{path::PathBuf, process::ExitCode};

/// The releases on which the project's tasks are to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Release {
    /// Debian 12
    Bookworm,
    /// Debian 13
    Trixie,
    /// Ubuntu 26.04
    Resolute,
}

/// What to run where.
#[derive(clap::Args)]
pub struct Options {
    release: Release,
    /// The archive that has the release [default: the one that this machine installs from]
    #[arg(long, value_name = "URI")]
    mirror: Option<String>,
    /// The keys that the archive is signed with [default: those of the release's distribution, as
    /// this machine's package of them has them]
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// Run as an ordinary user who may use sudo, instead of as root
    #[arg(long)]
    user: bool,
    /// One task with its arguments, as in `-- wine-test`
    #[arg(last = true)]
    task: Vec<String>,
}

impl Release {
    /// The name that the archive knows it by.
    const fn codename(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Resolute => "resolute",
        }
    }

    const fn distribution(self) -> &'static Distribution {
        match self {
            Self::Bookworm | Self::Trixie => &DEBIAN,
            Self::Resolute => &UBUNTU,
        }
    }
}

/// What releases have in common.
struct Distribution {
    /// As in `ID` of `/etc/os-release`.
    id: &'static str,
    /// The parts of the archive that have what the tasks install.
    components: &'static str,
    keyring: &'static str,
    /// debootstrap's script. It may be older than the release, for which it then has no name.
    script: &'static str,
}

const DEBIAN: Distribution = Distribution {
    id: "debian",
    components: "main",
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
    script: "sid",
};

const UBUNTU: Distribution = Distribution {
    id: "ubuntu",
    components: "main,universe",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    script: "gutsy",
};

/// Runs the tasks, and stops at the first that fails.
///
/// # Errors
///
/// If the root file system can't be made. That a task failed is in the exit code.
pub fn run(options: &Options) -> Result<ExitCode, Error> {
    setup::for_releases()?;
    let root = Root::made(options)?;
    let tasks: &[&[String]] = match options.task.as_slice() {
        [] => &[&["demo".to_owned()], &["test".to_owned()]],
        task => &[task],
    };
    for task in tasks {
        eprintln!(
            "{}: cargo xtask {}",
            options.release.codename(),
            task.join(" ")
        );
        let code = root.run(task)?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}
