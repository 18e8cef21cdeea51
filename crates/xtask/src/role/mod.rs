//! What this program is when a build starts it: cargo starts it as the wrapper of rustc, and rustc as
//! its `dlltool`. A script would need its run bit and its line ends, which not every checkout keeps.

mod dlltool;
mod rustc;

use crate::places;
use std::{
    env,
    ffi::{OsStr, OsString},
    process::{Command, ExitCode},
};

/// Names the part to play.
const ROLE: &str = "RINGCOPY_XTASK_ROLE";

const RUSTC: &str = "rustc";
const DLLTOOL: &str = "dlltool";

/// Names the wrapper of the user's own, a cache say, which comes next.
const NEXT_WRAPPER: &str = "RINGCOPY_XTASK_NEXT_WRAPPER";

/// Has `cargo` start this program as the wrapper of rustc.
pub fn wrap_rustc(cargo: &mut Command) {
    const WRAPPER: &str = "RUSTC_WRAPPER";
    if let Some(next) = env::var_os(WRAPPER).filter(|next| !next.is_empty()) {
        cargo.env(NEXT_WRAPPER, next);
    }
    cargo.env(WRAPPER, places::this_program()).env(ROLE, RUSTC);
}

/// Plays the part that this process was started for. None if a person started it, for a task.
pub fn play() -> Option<ExitCode> {
    let role = env::var_os(ROLE)?;
    let arguments = env::args_os().skip(1).collect();
    let mut command = if role == RUSTC {
        rustc::command(arguments, env::var_os(NEXT_WRAPPER))?
    } else if role == DLLTOOL {
        dlltool::command(arguments)
    } else {
        return None;
    };
    let failed = become_of(&mut command);
    eprintln!("{}: {failed}", command.get_program().display());
    Some(ExitCode::FAILURE)
}

/// Goes on as another program. Returns if that can't be started.
#[cfg(unix)]
fn become_of(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

/// Builds run this on Linux alone.
#[cfg(not(unix))]
fn become_of(_: &mut Command) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}

/// The argument that follows `name`.
fn value_of<'a>(arguments: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(OsString::as_os_str)
}
