//! Commands that need root's rights.

use crate::program;
use std::process::Command;

/// How to run programs as root: as they are, or through sudo where it asks nothing. None without
/// the right to.
pub fn commands() -> Option<impl Fn(&str) -> Command> {
    let is_root =
        program::output_of(program::named("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let may_sudo = || program::output_of(program::named("sudo").args(["-n", "true"])).is_ok();
    if !is_root && !may_sudo() {
        return None;
    }
    Some(move |program: &str| {
        if is_root {
            return program::named(program);
        }
        let mut sudo = program::named("sudo");
        sudo.args(["-n", program]);
        sudo
    })
}
