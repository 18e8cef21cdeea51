//! Driver Verifier, as its program `verifier.exe` offers it.
//!
//! Source: "Driver Verifier Command Syntax" and "Low Resources Simulation", Windows driver
//! documentation.

use std::time::Duration;

use crate::machine::{Failure, IMAGE, Machine};

const PROGRAM: &str = "verifier.exe";

/// What `/standard` stands for.
const STANDARD_FLAGS: &str = "0x209BB";

/// So many minutes after the machine's start allocations begin to fail. Verifier is told: of its
/// own delay one page of the documentation says that it is 8 minutes, the other 7.
pub(super) const QUIET_MINUTES: u64 = 8;

/// Likewise, as a time.
pub(super) const QUIET_START: Duration = Duration::from_mins(QUIET_MINUTES);

/// Of ten thousand allocations so many fail: Verifier's own default, given because what follows it
/// on the command line cannot be given without it.
const PROBABILITY: &str = "600";

/// With what settings the driver is exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) name: &'static str,
    /// Whether allocations fail on purpose.
    pub(super) low_resources: bool,
}

/// First whether the driver keeps the rules, then whether it does when allocations fail.
pub(super) const ROUNDS: [Round; 2] = [
    Round {
        name: "standard",
        low_resources: false,
    },
    Round {
        name: "low resources",
        low_resources: true,
    },
];

impl Round {
    /// What the program is told.
    pub(super) fn arguments(&self) -> Vec<String> {
        let minutes = QUIET_MINUTES.to_string();
        let checks: &[&str] = if self.low_resources {
            // Of all pool tags and of all applications, says an empty pair of quotation marks.
            &[
                "/flags",
                STANDARD_FLAGS,
                "/faults",
                PROBABILITY,
                "",
                "",
                &minutes,
            ]
        } else {
            &["/standard"]
        };
        [checks, &["/driver", IMAGE]]
            .concat()
            .into_iter()
            .map(String::from)
            .collect()
    }
}

/// Arguments as one types them.
pub(super) fn as_typed(arguments: &[impl AsRef<str>]) -> String {
    let words: Vec<_> = arguments
        .iter()
        .map(|argument| match argument.as_ref() {
            "" => "\"\"",
            word => word,
        })
        .collect();
    words.join(" ")
}

/// Sets a round up, for the next start of the machine.
pub(super) fn set(machine: &mut dyn Machine, round: &Round) -> Result<String, Failure> {
    let arguments = round.arguments();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // 2 says that a restart is needed.
    run(machine, &arguments, &[0, 2])
}

/// Turns it off, from the next start of the machine on.
pub(super) fn reset(machine: &mut dyn Machine) -> Result<String, Failure> {
    run(machine, &["/reset"], &[0, 2])
}

/// What it is set to.
pub(super) fn settings(machine: &mut dyn Machine) -> Result<String, Failure> {
    run(machine, &["/querysettings"], &[0])
}

/// What it has counted since the start of the machine.
pub(super) fn statistics(machine: &mut dyn Machine) -> Result<String, Failure> {
    run(machine, &["/query"], &[0])
}

fn run(machine: &mut dyn Machine, arguments: &[&str], good: &[i32]) -> Result<String, Failure> {
    let said = machine.run(PROGRAM, arguments)?;
    match said.code {
        Some(code) if good.contains(&code) => Ok(said.text),
        code => Err(Failure(format!(
            "`verifier {}` failed ({}): {}; start this program as an administrator.",
            as_typed(arguments),
            code.map_or_else(|| "it was ended".into(), |code| format!("exit code {code}")),
            said.text.trim()
        ))),
    }
}

/// Whether a text of the program's names the driver.
pub(super) fn names_driver(text: &str) -> bool {
    text.to_lowercase().contains(IMAGE)
}

/// What the counters of the driver say that they should not, once it is unloaded: what is still
/// allocated. The program's words are in the language of the machine, its counters' names are not.
pub(super) fn findings(statistics: &str) -> Vec<String> {
    let mut ours = false;
    let mut findings = Vec::new();
    for line in statistics.lines() {
        let lower = line.to_lowercase();
        if lower.contains(".sys") {
            ours = lower.contains(IMAGE);
        }
        let Some((name, value)) = line.split_once([':', '=']) else {
            continue;
        };
        let name = name.trim();
        let current = name.starts_with("Current") && name.contains("Pool");
        let value = value.trim().trim_start_matches('(').trim_end_matches(')');
        if ours && current && !value.is_empty() && !value.trim_matches('0').is_empty() {
            findings.push(format!("{name} is {value} after unloading"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_allocated_is_found() {
        let text = "MODULE: other.sys (load: 1 / unload: 0)\n  CurrentPagedPoolAllocations: 7\n\
                    MODULE: ringcopy.sys (load: 3 / unload: 3)\n  CurrentPagedPoolAllocations: 0\n\
                    \u{20} CurrentNonPagedPoolAllocations: 2\n  PeakNonPagedPoolAllocations: 9\n";
        assert_eq!(
            findings(text),
            ["CurrentNonPagedPoolAllocations is 2 after unloading"]
        );
        assert_eq!(
            findings("MODULE: other.sys\nCurrentPagedPoolBytes: 5\n"),
            [""; 0]
        );
    }
}
