//! Running other programs, and finding out whether they are there.

mod environment;
mod tail;

use crate::{error::Error, step::Step};
use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
};
use tail::Tail;

/// The program's path, if it is in `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A command of this name, in an environment of the project's making.
pub fn named(name: impl AsRef<OsStr>) -> Command {
    let mut command = inheriting(name);
    environment::set(&mut command);
    command
}

/// A command of this name, in the environment of this process: for what a build starts through it.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever asks for this wants that environment"
)]
pub fn inheriting(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}

/// Runs `command` to its end as the work of `step`. What it writes is shown while it runs, and the
/// last of it again in the error if it fails.
///
/// # Errors
///
/// If the program can't be started or fails.
pub fn run(step: &Step, command: &mut Command) -> Result<(), Error> {
    let (reader, writer) = io::pipe().map_err(|source| not_started(command, source))?;
    let errors = writer
        .try_clone()
        .map_err(|source| not_started(command, source))?;
    let started = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        // Cargo's lines are read here.
        .env("CARGO_TERM_COLOR", "never")
        .spawn();
    // The command holds the pipe's other end, too, which would then never close.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = started.map_err(|source| not_started(command, source))?;

    let mut tail = Tail::default();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        step.detail(&line);
        if !is_progress(&line) {
            tail.push(&line);
        }
    }

    let status = child
        .wait()
        .map_err(|source| not_started(command, source))?;
    judged(command, status, &[tail])
}

/// The cargo that runs this program.
pub fn cargo() -> Command {
    named(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A git that asks about `folder`.
pub fn git(folder: &Path) -> Command {
    let mut git = named("git");
    git.current_dir(folder);
    git
}

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

/// Runs `command` with its output in files, which may be one.
///
/// # Errors
///
/// If the program can't be started or fails: with the last of what is in the files.
pub fn run_into(command: &mut Command, output: &Path, errors: &Path) -> Result<(), Error> {
    let file = File::create(output).map_err(Error::file(output))?;
    let errors_file = if errors == output {
        file.try_clone()
    } else {
        File::create(errors)
    }
    .map_err(Error::file(errors))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors_file)
        .status()
        .map_err(|source| not_started(command, source))?;
    let mut tails = vec![Tail::of_file(output)];
    if errors != output {
        tails.push(Tail::of_file(errors));
    }
    judged(command, status, &tails)
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
    let said = [&output.stdout, &output.stderr].map(|bytes| Tail::of_bytes(bytes));
    judged(command, output.status, &said)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether it ended well. If not, how it ended is told where it has said nothing, or was not let.
fn judged(command: &Command, status: ExitStatus, said: &[Tail]) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    let mut output: String = said.iter().map(Tail::to_string).collect();
    if status.code().is_none() || said.iter().all(Tail::is_blank) {
        let _ = write!(output, "it ended with {status}");
    }
    Err(Error::Failed {
        program: as_typed(command),
        output,
    })
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
    use std::process;

    #[test]
    fn a_command_is_named_without_its_options() {
        let mut command = named("/opt/bin/cargo");
        command.args(["build", "--release", "--package", "a"]);
        assert_eq!(as_typed(&command), "cargo build");
    }

    /// What is told of a shell that runs `script`, whichever way it is run.
    fn failures_of(name: &str, script: &str) -> [String; 3] {
        let shell = || {
            let mut shell = named("sh");
            shell.args(["-c", script]);
            shell
        };
        let file = env::temp_dir().join(format!("ringcopy-{name}-{}", process::id()));
        let said = [
            run(&Step::start("a test"), &mut shell()),
            output_of(&mut shell()).map(drop),
            run_into(&mut shell(), &file, &file),
        ]
        .map(|result| result.unwrap_err().to_string());
        std::fs::remove_file(file).unwrap();
        said
    }

    #[test]
    fn f4_a_failed_programs_last_words_are_told_wherever_they_went() {
        for said in failures_of("words", "echo one; echo two >&2; exit 3") {
            assert_eq!(said, "sh failed:\none\ntwo\n");
        }
    }

    #[test]
    fn f4_how_it_ended_is_told_of_a_program_that_said_nothing() {
        for said in failures_of("nothing", "exit 3") {
            assert_eq!(said, "sh failed:\nit ended with exit status: 3");
        }
    }

    #[test]
    fn f4_a_program_that_was_ended_is_told_as_one() {
        for said in failures_of("ended", "echo busy; kill -TERM $$") {
            assert!(said.starts_with("sh failed:\nbusy\n"), "{said}");
            assert!(said.contains("SIGTERM"), "{said}");
        }
    }

    #[test]
    fn an_error_is_not_progress() {
        assert!(is_progress("   Compiling a v0.1.0"));
        assert!(!is_progress("Compiling this failed"));
        assert!(!is_progress("error: no"));
    }
}
