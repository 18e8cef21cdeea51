//! Running other programs, and finding out whether they are there.
//!
//! `xshell` is not used: it gives a program this process's environment and shows nothing while the
//! program runs, so the code of this module would stay as it is, on top of it.

mod environment;
mod tail;

use crate::step::Step;
use anyhow::{Context as _, Result, bail};
use fs_err::File;
use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Output, Stdio},
};
use tail::Tail;

/// Returns the program's path if it is in `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Returns a command of this name, with an environment of the project's making.
pub fn named(name: impl AsRef<OsStr>) -> Command {
    let mut command = inheriting(name);
    environment::set(&mut command);
    command
}

/// Returns a command of this name with this process's environment, for what a build starts.
#[expect(
    clippy::disallowed_methods,
    reason = "callers of this function want that environment"
)]
pub fn inheriting(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}

/// Returns the cargo that runs this program.
pub fn cargo() -> Command {
    named(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns a git that works in `folder`.
pub fn git(folder: &Path) -> Command {
    let mut git = named("git");
    git.current_dir(folder);
    git
}

/// Runs `command` to its end as the work of `step`. Its output is shown line by line while it runs;
/// if it fails, the error holds the last lines.
pub fn run(step: &Step, command: &mut Command) -> Result<()> {
    let (reader, writer) = io::pipe()?;
    let started = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        // `step` shows cargo's lines without colours.
        .env("CARGO_TERM_COLOR", "never")
        .spawn();
    // The command holds the other end of the pipe, too, which would then never close.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = started.with_context(|| not_run(command))?;

    let mut tail = Tail::default();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        step.detail(&line);
        if !is_progress(&line) {
            tail.push(&line);
        }
    }
    let status = child.wait().with_context(|| not_run(command))?;
    check(command, status, &[tail])
}

/// Runs `command` on this process's own output, as the whole task. Returns its exit code.
pub fn exit_code_of(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().with_context(|| not_run(command))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Runs `command` on this process's own output, as a part of the task. If it fails, its output has
/// said why.
pub fn run_here(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| not_run(command))?;
    if !status.success() {
        bail!("{} failed, as it says above", as_typed(command));
    }
    Ok(())
}

/// Runs `command` with its output in two files, which may be one file.
pub fn status_into(command: &mut Command, output: &Path, errors: &Path) -> Result<ExitStatus> {
    let output_file = File::create(output)?;
    let errors_file = if errors == output {
        output_file.try_clone()
    } else {
        File::create(errors)
    }?;
    command
        .stdin(Stdio::null())
        .stdout(output_file.into_file())
        .stderr(errors_file.into_file())
        .status()
        .with_context(|| not_run(command))
}

/// Runs `command` with its output in `log`. If it fails, the error holds the last lines.
pub fn run_into(command: &mut Command, log: &Path) -> Result<()> {
    let status = status_into(command, log, log)?;
    check(command, status, &[Tail::of_file(log)])
}

/// Returns what `command` writes to standard output, also if it fails.
pub fn output_even_of_failure(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&finished(command)?.stdout).into_owned())
}

/// Returns what `command` writes to standard output. If it fails, the error holds the last lines.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = finished(command)?;
    let tails = [&output.stdout, &output.stderr].map(|bytes| Tail::of_bytes(bytes));
    check(command, output.status, &tails)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn finished(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| not_run(command))
}

/// Checks that the program succeeded. The error names the exit status where the output does not
/// explain the failure.
fn check(command: &Command, status: ExitStatus, tails: &[Tail]) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let mut output: String = tails.iter().map(Tail::to_string).collect();
    if status.code().is_none() || tails.iter().all(Tail::is_blank) {
        let _ = write!(output, "it ended with {status}");
    }
    bail!("{} failed:\n{output}", as_typed(command));
}

fn not_run(command: &Command) -> String {
    format!("cannot run {}", as_typed(command))
}

/// Returns the program's name and its arguments up to the first option.
fn as_typed(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name();
    program
        .into_iter()
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .take_while(|word| !word.starts_with('-'))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns whether a line of cargo's only reports progress and explains no error.
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
        let mut command = named("/opt/bin/cargo");
        command.args(["build", "--release", "--package", "a"]);
        assert_eq!(as_typed(&command), "cargo build");
    }

    /// Returns the errors for a shell that runs `script`, for each way to run it.
    fn failures_of(script: &str) -> [String; 3] {
        let shell = || {
            let mut shell = named("sh");
            shell.args(["-c", script]);
            shell
        };
        let log = tempfile::NamedTempFile::new().unwrap();
        [
            run(&Step::start("a test"), &mut shell()),
            output_of(&mut shell()).map(drop),
            run_into(&mut shell(), log.path()),
        ]
        .map(|result| result.unwrap_err().to_string())
    }

    #[test]
    fn the_last_lines_of_a_failed_program_are_in_the_error() {
        for error in failures_of("echo one; echo two >&2; exit 3") {
            assert_eq!(error, "sh failed:\none\ntwo\n");
        }
    }

    #[test]
    fn the_exit_status_of_a_silent_program_is_in_the_error() {
        for error in failures_of("exit 3") {
            assert_eq!(error, "sh failed:\nit ended with exit status: 3");
        }
    }

    #[test]
    fn the_signal_that_ended_a_program_is_in_the_error() {
        for error in failures_of("echo busy; kill -TERM $$") {
            assert!(error.starts_with("sh failed:\nbusy\n"), "{error}");
            assert!(error.contains("SIGTERM"), "{error}");
        }
    }

    #[test]
    fn an_error_is_not_progress() {
        assert!(is_progress("   Compiling a v0.1.0"));
        assert!(!is_progress("Compiling this failed"));
        assert!(!is_progress("error: no"));
    }
}
