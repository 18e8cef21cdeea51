//! The options of the task, and the releases.

use crate::setup::DEBIAN_KEYRING;
use clap::ValueEnum;
use std::path::PathBuf;

/// A release on which the project's tasks have to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Release {
    /// Debian 12
    Bookworm,
    /// Debian 13
    Trixie,
    /// Ubuntu 26.04
    Resolute,
}

/// What to run, and where.
#[derive(clap::Args)]
pub struct Options {
    pub release: Release,
    /// The archive with the release [default: the archive that this machine installs from]
    #[arg(long, value_name = "URI")]
    pub mirror: Option<String>,
    /// The keys with which the archive is signed [default: the distribution's, from its package on this
    /// machine]
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
    /// Run as an ordinary user who may use sudo, instead of as root
    #[arg(long)]
    pub user: bool,
    /// One task with its arguments, as in `-- wine-test`
    #[arg(last = true)]
    pub task: Vec<String>,
}

impl Release {
    /// Returns its name in the archive.
    pub const fn codename(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Resolute => "resolute",
        }
    }

    /// Returns its distribution.
    pub const fn distribution(self) -> &'static Distribution {
        match self {
            Self::Bookworm | Self::Trixie => &DEBIAN,
            Self::Resolute => &UBUNTU,
        }
    }
}

/// What the releases of a distribution have in common.
pub struct Distribution {
    /// As in `ID` of `/etc/os-release`.
    pub id: &'static str,
    /// The components of the archive with the packages that tasks install.
    pub components: &'static str,
    pub keyring: &'static str,
    /// debootstrap's script, under a name that also an older debootstrap has.
    pub script: &'static str,
}

const DEBIAN: Distribution = Distribution {
    id: "debian",
    components: "main",
    keyring: DEBIAN_KEYRING,
    script: "sid",
};

const UBUNTU: Distribution = Distribution {
    id: "ubuntu",
    components: "main,universe",
    keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    script: "gutsy",
};
