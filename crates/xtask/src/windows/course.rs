//! The course of a package on a Windows machine, as a table of commands. `tests/vm/README.md` has the
//! same commands for people.

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

/// A command of the course. It runs in the package's folder.
struct Entry {
    /// What it does, for people, and for the name of its report.
    name: &'static str,
    program: Program,
    /// `{package}`, `{reports}` and `{certificate}` stand for the folders, and for the hash that
    /// certutil knows the certificate by.
    arguments: &'static [&'static str],
    expected: Expected,
    group: Group,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    /// `ringcopy.exe` of the package.
    Client,
    /// A tool of the WDK.
    Kit(&'static str),
    /// A program of Windows.
    System(&'static str),
}

/// What a command has to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Success,
    /// It asks for something that must not be there.
    Failure,
    /// It succeeds, and its output does not have this text.
    SuccessWithout(&'static str),
}

/// When a command runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Unless an earlier one failed.
    Course,
    /// If virtualization-based security runs. Then Windows withholds pages that the driver's own engine
    /// would read.
    Withheld,
    /// In any case, at the end.
    Undo,
    /// In any case, after that.
    Look,
}

/// Prints 2 if virtualization-based security runs. Source: "Validate enabled
/// VBS and memory integrity features", Windows security documentation.
const SECURITY_STATUS: Entry = Entry {
    name: "virtualization-based security",
    program: Program::System("powershell"),
    arguments: &[
        "-NoProfile",
        "-Command",
        r"(Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard -ClassName Win32_DeviceGuard).VirtualizationBasedSecurityStatus",
    ],
    expected: Expected::Success,
    group: Group::Course,
};

/// What [`SECURITY_STATUS`] prints if it runs.
const RUNNING: &str = "2";

const fn entry(name: &'static str, program: Program, arguments: &'static [&'static str]) -> Entry {
    Entry {
        name,
        program,
        arguments,
        expected: Expected::Success,
        group: Group::Course,
    }
}

const fn client(name: &'static str, arguments: &'static [&'static str]) -> Entry {
    entry(name, Program::Client, arguments)
}

impl Entry {
    const fn in_group(mut self, group: Group) -> Self {
        self.group = group;
        self
    }

    /// Returns the command as a person types it, with the placeholders.
    fn typed(&self) -> String {
        let program = match self.program {
            Program::Client => r".\ringcopy",
            Program::Kit(name) | Program::System(name) => name,
        };
        format!("{program} {}", self.arguments.join(" "))
    }

    const fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }
}

const SIGNTOOL: Program = Program::Kit("signtool.exe");

/// The course. The tools' options are from "Running `InfVerif` from the Command Line", "`Inf2Cat`" and
/// "Verifying the Test Signature", Windows driver documentation.
const COURSE: [Entry; 25] = [
    entry(
        "check the INF",
        Program::Kit("infverif.exe"),
        &["/v", "/w", "ringcopy.inf"],
    ),
    entry(
        "check what a catalog needs",
        Program::Kit("Inf2Cat.exe"),
        &[
            "/driver:{package}",
            "/os:10_VB_X64,ServerFE_X64",
            "/nocat",
            "/uselocaltime",
        ],
    ),
    client("install", &["install", "--trust-certificate"]),
    entry(
        "check the driver's signature",
        SIGNTOOL,
        &["verify", "/v", "/pa", "ringcopy.sys"],
    ),
    entry(
        "check the catalog's signature",
        SIGNTOOL,
        &["verify", "/v", "/pa", "ringcopy.cat"],
    ),
    entry(
        "find the driver in the catalog",
        SIGNTOOL,
        &["verify", "/v", "/pa", "/c", "ringcopy.cat", "ringcopy.sys"],
    ),
    entry(
        "find the INF in the catalog",
        SIGNTOOL,
        &["verify", "/v", "/pa", "/c", "ringcopy.cat", "ringcopy.inf"],
    ),
    client("doctor", &["doctor"]),
    SECURITY_STATUS,
    client(
        "leave withheld memory alone",
        &["policy", "set", "--engine", "system"],
    )
    .in_group(Group::Withheld),
    client(
        "under Driver Verifier",
        &["vm-test", "--no-restart", "--folder", "{reports}"],
    ),
    client("load", &["start"]),
    client("information", &["info"]),
    client("self-test", &["selftest", "--json"]),
    client("unload", &["stop"]),
    client(
        "widen the policy",
        &["policy", "set", "--reach", "system,physical"],
    ),
    client("load with the wider policy", &["start"]),
    client("self-test with the wider policy", &["selftest", "--json"]),
    client(
        "compare both engines",
        &["verify", "--random", "10000", "--seed", "1"],
    ),
    client("uninstall", &["uninstall"]).in_group(Group::Undo),
    entry("no service", Program::System("sc"), &["query", "ringcopy"])
        .expecting(Expected::Failure)
        .in_group(Group::Look),
    entry(
        "no setting",
        Program::System("reg"),
        &["query", r"HKLM\SYSTEM\CurrentControlSet\Services\ringcopy"],
    )
    .expecting(Expected::Failure)
    .in_group(Group::Look),
    entry(
        "no image",
        Program::System("cmd"),
        &["/c", "dir", r"%SystemRoot%\System32\drivers\ringcopy.sys"],
    )
    .expecting(Expected::Failure)
    .in_group(Group::Look),
    entry(
        "no certificate",
        Program::System("certutil"),
        &["-store", "Root", "{certificate}"],
    )
    .expecting(Expected::Failure)
    .in_group(Group::Look),
    entry(
        "no Verifier setting",
        Program::System("verifier"),
        &["/querysettings"],
    )
    .expecting(Expected::SuccessWithout("ringcopy.sys"))
    .in_group(Group::Look),
];

/// A finished command.
struct Ran {
    succeeded: bool,
    output: String,
}

/// Where the commands run.
trait Machine {
    /// Runs a command, and shows its output while it runs.
    fn run(&mut self, number: usize, entry: &Entry) -> Result<Ran>;
    /// Prints a line.
    fn say(&mut self, line: &str);
}

/// Runs the course on this machine.
pub fn run(package: &Path, reports: &Path) -> Result<()> {
    ensure!(
        cfg!(windows),
        "a package is driven on Windows; on Linux, run: cargo xtask vm test"
    );
    fs::create_dir_all(reports)?;
    let mut machine = ThisMachine {
        folders: Folders::of(package, reports)?,
        kit: Kit::find()?,
    };
    drive(&mut machine)
}

/// Prints the commands of the course.
pub fn list(package: &Path) -> Result<()> {
    let folders = Folders::of(package, Path::new("reports"))?;
    for entry in &COURSE {
        println!("{}", folders.fill(&entry.typed()));
    }
    Ok(())
}

/// Runs the course. An error names the commands that did not do what they have to.
fn drive(machine: &mut dyn Machine) -> Result<()> {
    let mut failed = Vec::new();
    let mut withheld = false;
    for (number, entry) in (1..).zip(&COURSE) {
        let runs = match entry.group {
            Group::Course => failed.is_empty(),
            Group::Withheld => failed.is_empty() && withheld,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which every command does what it has to, but for some.
    #[derive(Default)]
    struct Simulated {
        /// Names of entries that do the opposite.
        broken: &'static [&'static str],
        /// Names of entries that cannot be run.
        missing: &'static [&'static str],
        security: &'static str,
        ran: Vec<&'static str>,
    }

    impl Machine for Simulated {
        fn run(&mut self, _: usize, entry: &Entry) -> Result<Ran> {
            self.ran.push(entry.name);
            ensure!(!self.missing.contains(&entry.name), "cannot run it");
            let broken = self.broken.contains(&entry.name);
            let output = match entry.expected {
                Expected::SuccessWithout(text) if broken => text,
                _ if entry.name == SECURITY_STATUS.name => self.security,
                _ => "",
            };
            Ok(Ran {
                succeeded: matches!(entry.expected, Expected::SuccessWithout(_))
                    || (entry.expected == Expected::Success) != broken,
                output: output.to_owned(),
            })
        }

        fn say(&mut self, _: &str) {}
    }

    fn names(of: &[Group]) -> Vec<&'static str> {
        let entries = COURSE.iter().filter(|entry| of.contains(&entry.group));
        entries.map(|entry| entry.name).collect()
    }

    #[test]
    fn a_good_package_runs_through() {
        let mut machine = Simulated::default();
        drive(&mut machine).unwrap();
        assert_eq!(
            machine.ran,
            names(&[Group::Course, Group::Undo, Group::Look])
        );
    }

    #[test]
    fn withheld_memory_is_left_alone_before_the_driver_is_loaded() {
        for (security, expected) in [("0\n", false), ("1\n", false), ("2\r\n", true)] {
            let mut machine = Simulated {
                security,
                ..Simulated::default()
            };
            drive(&mut machine).unwrap();
            let at = |name| machine.ran.iter().position(|ran| *ran == name);
            let engine = at("leave withheld memory alone");
            assert_eq!(engine.is_some(), expected, "{security:?}");
            assert!(engine < at("under Driver Verifier"));
        }
    }

    #[test]
    fn each_failure_is_named_ends_the_course_and_undoes_it() {
        let of_course = names(&[Group::Course]);
        let undone = names(&[Group::Undo, Group::Look]);
        for entry in COURSE.iter().filter(|entry| entry.group != Group::Withheld) {
            let name: &'static [&'static str] = Vec::leak(vec![entry.name]);
            for (broken, missing) in [(name, &[][..]), (&[], name)] {
                let mut machine = Simulated {
                    broken,
                    missing,
                    ..Simulated::default()
                };
                let error = drive(&mut machine).unwrap_err().to_string();
                assert_eq!(error, format!("failed: {}", entry.name));
                let until = of_course.iter().position(|name| *name == entry.name);
                let begun = until.map_or(&of_course[..], |until| &of_course[..=until]);
                assert_eq!(machine.ran, [begun, &undone].concat());
            }
        }
    }

    #[test]
    fn reports_have_names_of_their_own() {
        let mut names: Vec<_> = COURSE.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COURSE.len());
    }

    #[test]
    fn people_are_told_the_same_commands() {
        let page = crate::paths::root().join("tests/vm/README.md");
        let page = fs::read_to_string(page).unwrap();
        let told: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("> "))
            .collect();
        let commands: Vec<_> = COURSE.iter().map(Entry::typed).collect();
        assert_eq!(told, commands);
    }
}
