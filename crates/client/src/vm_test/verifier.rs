//! Driver Verifier, as its program `verifier.exe` offers it.
//!
//! Source: "Driver Verifier Command Syntax", Windows driver documentation.

use std::time::Duration;

use crate::machine::{Failure, IMAGE, Machine};

const PROGRAM: &str = "verifier.exe";

/// Low-resources simulation lets a machine start up in peace: so long after its start.
pub(super) const QUIET_START: Duration = Duration::from_mins(8);

/// With what settings the driver is exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [&'static str],
    /// Whether allocations fail on purpose.
    pub(super) low_resources: bool,
}

/// First whether the driver keeps the rules, then whether it does when allocations fail. 0x209BB
/// is what `/standard` stands for.
pub(super) const ROUNDS: [Round; 2] = [
    Round {
        name: "standard",
        arguments: &["/standard", "/driver", IMAGE],
        low_resources: false,
    },
    Round {
        name: "low resources",
        arguments: &["/flags", "0x209BB", "/faults", "/driver", IMAGE],
        low_resources: true,
    },
];

/// Sets a round up, for the next start of the machine.
pub(super) fn set(machine: &mut dyn Machine, round: &Round) -> Result<String, Failure> {
    // 2 says that a restart is needed.
    run(machine, round.arguments, &[0, 2])
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
            arguments.join(" "),
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
