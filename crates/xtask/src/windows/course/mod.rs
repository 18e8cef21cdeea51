//! The course of a package on a Windows machine, as a table of commands. `tests/vm/README.md` has the
//! same commands for people.

mod table;
#[cfg(test)]
mod tests;

use super::kit::Kit;
use crate::program;
use anyhow::{Context as _, Result, ensure};
use fs_err::{self as fs, File};
use sha1::{Digest as _, Sha1};
use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
pub use table::Part;
use table::{COURSE, EVENTS, Entry, Expected, Group, Program, RUNNING, SECURITY_STATUS};

/// A finished command.
struct Ran {
    succeeded: bool,
    output: String,
}

/// Where the commands run.
trait Machine {
    /// Runs a command, and shows its output while it runs.
    fn run(&mut self, number: usize, entry: &Entry) -> Result<Ran>;
    /// Returns whether a file of events is in the reports.
    fn is_traced(&self) -> bool;
    /// Prints a line.
    fn say(&mut self, line: &str);
}

/// Runs the course, or a part of it, on this machine.
pub fn run(package: &Path, reports: &Path, part: Option<Part>) -> Result<()> {
    ensure!(
        cfg!(windows),
        "a package is driven on Windows; on Linux, run: cargo xtask vm test"
    );
    fs::create_dir_all(reports)?;
    let mut machine = ThisMachine {
        folders: Folders::of(package, reports)?,
        kit: Kit::find()?,
    };
    drive(&mut machine, part)
}

/// Prints the commands of the course.
pub fn list(package: &Path) -> Result<()> {
    let folders = Folders::of(package, Path::new("reports"))?;
    for entry in &COURSE {
        println!("{}", folders.fill(&entry.typed()));
    }
    Ok(())
}

/// Runs the course, or a part of it. An error names the commands that did not do what they have to.
fn drive(machine: &mut dyn Machine, part: Option<Part>) -> Result<()> {
    let mut failed = Vec::new();
    let mut withheld = false;
    for (number, entry) in (1..).zip(&COURSE) {
        if part.is_some_and(|part| part != entry.part) {
            continue;
        }
        let runs = match entry.group {
            Group::Course => failed.is_empty(),
            Group::Withheld => failed.is_empty() && withheld,
            Group::Traced => machine.is_traced(),
            Group::Undo | Group::Look => true,
        };
        if !runs {
            continue;
        }
        machine.say(&format!("[{number} of {}] {}", COURSE.len(), entry.name));
        let ran = match machine.run(number, entry) {
            Ok(ran) => ran,
            Err(error) => {
                machine.say(&format!("error: {error:#}"));
                failed.push(entry.name);
                continue;
            }
        };
        if entry.name == SECURITY_STATUS.name {
            withheld = ran.output.trim() == RUNNING;
        }
        let good = match entry.expected {
            Expected::Success => ran.succeeded,
            Expected::Failure => !ran.succeeded,
            Expected::SuccessWithout(text) => ran.succeeded && !ran.output.contains(text),
        };
        if !good {
            machine.say(&format!("FAILED: {}", entry.name));
            failed.push(entry.name);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// What stands in the arguments.
struct Folders {
    package: PathBuf,
    reports: PathBuf,
    certificate: String,
}

impl Folders {
    fn of(package: &Path, reports: &Path) -> Result<Self> {
        let package = std::path::absolute(package)?;
        let certificate = fs::read(package.join("ringcopy.cer"))
            .with_context(|| format!("{} is not a package", package.display()))?;
        Ok(Self {
            package,
            reports: std::path::absolute(reports)?,
            certificate: Sha1::digest(certificate)
                .iter()
                .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}")),
        })
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{package}", &self.package.display().to_string())
            .replace("{reports}", &self.reports.display().to_string())
            .replace("{certificate}", &self.certificate)
    }
}

struct ThisMachine {
    folders: Folders,
    kit: Kit,
}

impl Machine for ThisMachine {
    fn run(&mut self, number: usize, entry: &Entry) -> Result<Ran> {
        let mut command = match entry.program {
            Program::Client => program::named(self.folders.package.join("ringcopy.exe")),
            Program::Kit(name) => program::named(self.kit.tool(name)?),
            Program::System(name) => program::named(name),
        };
        command
            .args(entry.arguments.iter().map(|text| self.folders.fill(text)))
            .current_dir(&self.folders.package);
        let report = format!("{number:02}-{}.txt", entry.name.replace(' ', "-"));
        shown(command, &self.folders.reports.join(report))
    }

    fn is_traced(&self) -> bool {
        Path::new(&self.folders.fill(EVENTS)).is_file()
    }

    fn say(&mut self, line: &str) {
        println!("{line}");
    }
}

/// Runs a command, prints each line of its output at once, and writes it into a file: the machine may
/// stop in the middle.
fn shown(mut command: Command, report: &Path) -> Result<Ran> {
    let (reader, writer) = io::pipe()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    // It holds the other end of the pipe, which would then never close.
    drop(command);
    let mut file = File::create(report)?;
    let mut output = String::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        println!("    {line}");
        writeln!(file, "{line}")?;
        output.push_str(line);
        output.push('\n');
    }
    Ok(Ran {
        succeeded: child.wait()?.success(),
        output,
    })
}
