//! The course of a package in a virtual machine.

use super::{conversation::Conversation, machine::Machine};
use anyhow::{Result, ensure};
use clap::Args;
use fs_err as fs;
use ringcopy_guest_protocol::{Command, Outcome};
use std::{fmt::Write as _, path::Path, sync::atomic::AtomicBool, time::Duration};

/// A command of the course.
struct Entry {
    /// As a person types it.
    typed: &'static str,
    command: Command,
    /// Whether it runs also after a failure.
    always: bool,
}

const fn entry(typed: &'static str, command: Command) -> Entry {
    Entry {
        typed,
        command,
        always: false,
    }
}

/// What the course does in its test under Driver Verifier.
#[derive(Clone, Copy, Args)]
pub struct Verification {
    /// Test under the settings of Driver Verifier that take effect at once
    #[arg(long)]
    pub no_restart: bool,
    /// How often to load and unload the driver in each round [default: 100]
    #[arg(long, value_name = "TIMES")]
    pub loads: Option<u32>,
}

/// The course.
const fn entries(verification: Verification) -> [Entry; 7] {
    let Verification { no_restart, loads } = verification;
    [
        entry(
            "ringcopy install --trust-certificate",
            Command::Install {
                trust_certificate: true,
            },
        ),
        entry("ringcopy doctor", Command::Doctor),
        entry(
            if no_restart {
                "ringcopy vm-test --no-restart"
            } else {
                "ringcopy vm-test"
            },
            Command::VmTest {
                no_restart,
                risky: false,
                loads,
            },
        ),
        entry("ringcopy start", Command::Start),
        entry("ringcopy selftest", Command::Selftest),
        entry("ringcopy stop", Command::Stop),
        Entry {
            always: true,
            ..entry("ringcopy uninstall", Command::Uninstall)
        },
    ]
}

/// Runs the course in a machine that has been started, and shuts it down. The reports and a summary are
/// in the folder, whatever happened.
pub fn run(
    mut machine: Machine,
    verification: Verification,
    reports: &Path,
    patience: Duration,
    interrupted: &AtomicBool,
) -> Result<()> {
    let mut summary = String::new();
    let serial = machine.serial.try_clone()?;
    let mut conversation =
        Conversation::new(serial, patience, interrupted, |line| println!("{line}"));
    let ran = drive(&mut conversation, verification, reports, &mut summary);
    let ended = ran.and_then(|failed| {
        conversation.shut_down()?;
        machine.wait(patience, interrupted)?;
        Ok(failed)
    });
    let conclusion = match &ended {
        Ok(failed) if failed.is_empty() => "passed".to_owned(),
        Ok(failed) => format!("failed: {}", failed.join(", ")),
        Err(error) => machine.last_words().map_or_else(
            || format!("ended early: {error:#}"),
            |words| format!("ended early: {error:#} ({words})"),
        ),
    };
    let _ = writeln!(summary, "{conclusion}");
    println!("\n{summary}");
    fs::write(reports.join("summary.txt"), &summary)?;
    ensure!(ended.is_ok_and(|failed| failed.is_empty()), "{conclusion}");
    Ok(())
}

/// Runs the commands, and copies the reports. Returns the commands that failed.
pub(super) fn drive(
    conversation: &mut Conversation<'_>,
    verification: Verification,
    reports: &Path,
    summary: &mut String,
) -> Result<Vec<&'static str>> {
    let hello = conversation.greeting()?;
    let [major, minor, build] = hello.windows;
    let _ = writeln!(
        summary,
        "Windows {major}.{minor}, build {build}; ringcopy {}",
        hello.client
    );
    let mut failed = Vec::new();
    let mut number = 0;
    for entry in entries(verification) {
        if !failed.is_empty() && !entry.always {
            continue;
        }
        println!("> {}", entry.typed);
        let (outcome, output) = conversation.run(entry.command)?;
        number += 1;
        fs::write(reports.join(format!("command-{number}.txt")), output)?;
        let how = match outcome {
            Outcome::Exit(0) => "good".to_owned(),
            Outcome::Exit(code) => format!("exit code {code}"),
            Outcome::Lost => "the machine stopped in it".to_owned(),
        };
        let _ = writeln!(summary, "{:<40} {how}", entry.typed);
        if outcome != Outcome::Exit(0) {
            failed.push(entry.typed);
        }
    }
    for name in conversation.fetch(reports)? {
        let _ = writeln!(summary, "{}", reports.join(name.as_str()).display());
    }
    Ok(failed)
}
