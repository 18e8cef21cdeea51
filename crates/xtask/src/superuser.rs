//! Running programs as root.

use crate::program;
use std::process::Command;

/// The right to run programs as root.
pub struct Superuser {
    through_sudo: bool,
}

impl Superuser {
    /// Returns the right of this process: it is root's, or sudo asks no password.
    pub fn of_this_process() -> Option<Self> {
        let is_root =
            program::output_of(program::named("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
        let may_sudo = || program::output_of(program::named("sudo").args(["-n", "true"])).is_ok();
        (is_root || may_sudo()).then_some(Self {
            through_sudo: !is_root,
        })
    }

    /// Returns a command of this name that runs as root.
    pub fn named(&self, name: &str) -> Command {
        if !self.through_sudo {
            return program::named(name);
        }
        let mut sudo = program::named("sudo");
        sudo.args(["-n", name]);
        sudo
    }
}
