//! The roles of this program. In a build, cargo starts it as the wrapper of rustc, and rustc starts it
//! as `dlltool`; `cargo xtask vm` starts it as a guest that is not Windows. A script would need an
//! executable bit and Unix line ends, which not every checkout keeps.

mod dlltool;
mod rustc;
mod variable;

use crate::paths;
use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode},
};
#[cfg(unix)]
use variable::STAND_IN;
use variable::{DLLTOOL, ROLE, RUSTC};

/// Names the user's own wrapper, such as a cache. This program starts it.
const NEXT_WRAPPER: &str = "RINGCOPY_XTASK_NEXT_WRAPPER";

/// Makes `cargo` start this program as the wrapper of rustc.
pub fn wrap_rustc(cargo: &mut Command) {
    const WRAPPER: &str = "RUSTC_WRAPPER";
    if let Some(next) = env::var_os(WRAPPER).filter(|next| !next.is_empty()) {
        cargo.env(NEXT_WRAPPER, next);
    }
    cargo.env(WRAPPER, paths::this_program()).env(ROLE, RUSTC);
}

/// Makes `command` start this program as a guest that is not Windows.
#[cfg(unix)]
pub fn stand_in(command: &mut Command) {
    command.env(ROLE, STAND_IN);
}

/// Takes the role that this process was started for. Returns None if there is none: then a person
/// started it, for a task.
pub fn play() -> Option<ExitCode> {
    let role = env::var_os(ROLE)?;
    #[cfg(unix)]
    if role == STAND_IN {
        return Some(crate::vm::stand_in::play());
    }
    let arguments = env::args_os().skip(1).collect();
    let mut command = if role == RUSTC {
        // "Environment variables Cargo sets for crates", the Cargo Book.
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        rustc::command(arguments, package.as_deref(), env::var_os(NEXT_WRAPPER))?
    } else if role == DLLTOOL {
        dlltool::command(arguments)
    } else {
        return None;
    };
    let failed = become_of(&mut command);
    eprintln!("{}: {failed}", command.get_program().display());
    Some(ExitCode::FAILURE)
}

/// Replaces this process by another program. Returns only if that can't be started.
#[cfg(unix)]
fn become_of(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

/// Builds use this only on Linux.
#[cfg(not(unix))]
fn become_of(_: &mut Command) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}
