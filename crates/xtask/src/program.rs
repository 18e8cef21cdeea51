//! Running other programs, and finding out whether they are there.

use crate::{error::Error, step::Step};
use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
};

/// The program's path, if it is in `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Runs `command` to its end as the work of `step`. What it writes to standard error is shown
/// while it runs, and again in the error if it fails; standard output is dropped.
///
/// # Errors
///
/// If the program can't be started or fails.
pub fn run(step: &Step, command: &mut Command) -> Result<(), Error> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| not_started(command, source))?;

    let mut output = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            step.detail(&line);
            if !is_progress(&line) {
                output.push_str(&line);
                output.push('\n');
            }
        }
    }

    let status = child
        .wait()
        .map_err(|source| not_started(command, source))?;
    judged(command, status, output)
}

/// The cargo that runs this program. What it builds lies where this program looks for it, wherever
/// its user has other builds go.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in ELSEWHERE {
        cargo.env_remove(variable);
    }
    cargo
}

/// What leads a build to another folder than the one that `--target-dir` names.
const ELSEWHERE: [&str; 2] = ["CARGO_BUILD_TARGET", "CARGO_BUILD_BUILD_DIR"];

/// A git that asks about `folder`, whatever repository's hook runs this: a hook gets variables that
/// name its own.
pub fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder);
    for variable in OF_ONE_REPOSITORY {
        git.env_remove(variable);
    }
    git
}

/// What names a repository, or a part of one ("git rev-parse --local-env-vars").
const OF_ONE_REPOSITORY: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
];

/// Runs `command` on this process's own output, as the task itself.
///
/// # Errors
///
/// If the program can't be started. That it failed is in the exit code.
pub fn exit_code_of(command: &mut Command) -> Result<ExitCode, Error> {
    let status = command
        .status()
        .map_err(|source| not_started(command, source))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs `command` on this process's own output, as a part of the task.
///
/// # Errors
///
/// If the program can't be started or fails, which it has then explained.
pub fn run_here(command: &mut Command) -> Result<(), Error> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|source| not_started(command, source))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::FailedHere {
            program: as_typed(command),
        })
    }
}

/// Runs `command` with its output in files.
///
/// # Errors
///
/// If the program can't be started or fails.
pub fn run_into(command: &mut Command, output: File, errors: File) -> Result<(), Error> {
    let status = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(|source| not_started(command, source))?;
    judged(command, status, String::new())
}

/// What `command` writes to standard output, whether it fails or not.
///
/// # Errors
///
/// If the program can't be started.
pub fn outcome_of(command: &mut Command) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| not_started(command, source))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What `command` writes to standard output.
///
/// # Errors
///
/// If the program can't be started or fails.
pub fn output_of(command: &mut Command) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| not_started(command, source))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::Failed {
            program: as_typed(command),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

fn judged(command: &Command, status: ExitStatus, output: String) -> Result<(), Error> {
    if status.success() {
        Ok(())
    } else {
        Err(Error::Failed {
            program: as_typed(command),
            output,
        })
    }
}

fn not_started(command: &Command, source: std::io::Error) -> Error {
    Error::NotStarted {
        program: as_typed(command),
        source,
    }
}

/// The program's name and what it was asked for, without options.
fn as_typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let asked = command.get_args().map(OsStr::to_string_lossy);
    program
        .file_name()
        .map(OsStr::to_string_lossy)
        .into_iter()
        .chain(asked.take_while(|word| !word.starts_with('-')))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a line tells a watcher of cargo's what it is at, and a reader of the error nothing.
fn is_progress(line: &str) -> bool {
    ["Compiling ", "Downloading ", "Downloaded ", "Updating "]
        .iter()
        .any(|verb| line.starts_with(' ') && line.trim_start().starts_with(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_without_its_options() {
        let mut command = Command::new("/opt/bin/cargo");
        command.args(["build", "--release", "--package", "a"]);
        assert_eq!(as_typed(&command), "cargo build");
    }

    #[test]
    fn cargo_is_not_told_to_build_elsewhere() {
        let cargo = cargo();
        for variable in ["CARGO_BUILD_TARGET", "CARGO_BUILD_BUILD_DIR"] {
            let told = cargo.get_envs().find(|(name, _)| *name == variable);
            assert_eq!(told, Some((OsStr::new(variable), None)));
        }
    }

    #[test]
    fn git_is_not_told_of_the_repository_whose_hook_runs() {
        let git = git(Path::new("/"));
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            let told = git.get_envs().find(|(name, _)| *name == variable);
            assert_eq!(told, Some((OsStr::new(variable), None)));
        }
    }

    #[test]
    fn an_error_is_not_progress() {
        assert!(is_progress("   Compiling a v0.1.0"));
        assert!(!is_progress("Compiling this failed"));
        assert!(!is_progress("error: no"));
    }
}
