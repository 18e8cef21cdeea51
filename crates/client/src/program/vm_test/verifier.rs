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

/// The most lines of the driver's counters that a summary shows: Windows has some ten.
const LINES: usize = 20;

/// The most characters of each.
const LENGTH: usize = 100;

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

/// The driver's own lines of a statistics' text, no more and no longer than a person reads.
pub(super) fn counters(statistics: &str) -> Vec<String> {
    let mut ours = false;
    statistics
        .lines()
        .filter(|line| {
            let lower = line.to_lowercase();
            if lower.contains(".sys") {
                ours = lower.contains(IMAGE);
            }
            ours && !line.trim().is_empty()
        })
        .take(LINES)
        .map(|line| line.trim_end().chars().take(LENGTH).collect())
        .collect()
}

/// What the counters of the driver say that they should not, once it is unloaded: what is still
/// allocated. The program's words are in the language of the machine, its counters' names are not.
/// What cannot be told is said as well.
pub(super) fn findings(statistics: &str) -> Vec<String> {
    let (mut ours, mut named, mut counted) = (false, false, false);
    let mut findings = Vec::new();
    for line in statistics.lines() {
        let lower = line.to_lowercase();
        if lower.contains(".sys") {
            ours = lower.contains(IMAGE);
            named |= ours;
        }
        let Some((name, value)) = line.split_once([':', '=']) else {
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        if !ours || !name.starts_with("Current") || !name.contains("Pool") {
            continue;
        }
        counted = true;
        match amounts(value) {
            Some(amounts) if amounts.iter().all(|amount| *amount == 0) => {}
            Some(_) => findings.push(format!("{name} is {value} after unloading")),
            None => findings.push(format!(
                "{name} is \"{value}\" after unloading, which is no number: what the driver left \
                 behind is not known"
            )),
        }
    }
    if named && !counted {
        findings.push(
            "none of the driver's counters says what is still allocated: what it left behind is \
             not known"
                .into(),
        );
    }
    findings
}

/// What a counter counts: one number or, as Windows 10 and 11 have it, one for each kind of pool,
/// as in `(      0 /      0 )`. Nothing, if that is not what it says.
fn amounts(value: &str) -> Option<Vec<u64>> {
    value
        .trim_start_matches('(')
        .trim_end_matches(')')
        .split('/')
        .map(|part| {
            let part = part.trim();
            part.strip_prefix("0x")
                .map_or_else(|| part.parse(), |digits| u64::from_str_radix(digits, 16))
                .ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_allocated_is_found() {
        let text = "MODULE: other.sys (load: 1 / unload: 0)\n\
                    \u{20}   Current Pool Allocations:  (      7 /      0 )\n\
                    MODULE: ringcopy.sys (load: 3 / unload: 3)\n\
                    \u{20}   Current Pool Allocations:  (      0 /      0 )\n\
                    \u{20}   Current Pool Bytes:        (      0 /    112 )\n\
                    \u{20}   Peak Pool Allocations:     (     33 /      9 )\n";
        assert_eq!(
            findings(text),
            ["Current Pool Bytes is (      0 /    112 ) after unloading"]
        );
        assert_eq!(
            findings("MODULE: other.sys\nCurrentPagedPoolBytes: 5\n"),
            [""; 0]
        );
    }

    #[test]
    fn what_is_still_allocated_is_found_where_each_pool_has_a_counter() {
        let text = "MODULE: other.sys (load: 1 / unload: 0)\n  CurrentPagedPoolAllocations: 7\n\
                    MODULE: ringcopy.sys (load: 3 / unload: 3)\n  CurrentPagedPoolAllocations: 0\n\
                    \u{20} CurrentNonPagedPoolAllocations: 2\n  PeakNonPagedPoolAllocations: 9\n";
        assert_eq!(
            findings(text),
            ["CurrentNonPagedPoolAllocations is 2 after unloading"]
        );
    }

    #[test]
    fn the_counters_are_the_drivers_own_and_bounded() {
        let text = "Verifier Flags: 0x209bb\n\nMODULE: other.sys\n  Peak Pool Bytes: ( 1 / 1 )\n\
                    MODULE: ringcopy.sys (load: 3 / unload: 3)\r\n\n  Peak Pool Bytes: ( 2 / 2 )\n\
                    MODULE: more.sys\n  Peak Pool Bytes: ( 3 / 3 )\n";
        assert_eq!(
            counters(text),
            [
                "MODULE: ringcopy.sys (load: 3 / unload: 3)",
                "  Peak Pool Bytes: ( 2 / 2 )"
            ]
        );
        let endless = format!("MODULE: ringcopy.sys\n{}", "é".repeat(5000));
        let many = format!("{endless}\n{}", "x\n".repeat(5000));
        let shown = counters(&many);
        assert_eq!(shown.len(), LINES);
        assert!(shown.iter().all(|line| line.chars().count() <= LENGTH));
    }

    #[test]
    fn nothing_is_nothing_however_it_is_written() {
        for value in ["0", "000", "0x0", "(0/0)", "( 0x00000000 / 0x00000000 )"] {
            let text = format!("MODULE: ringcopy.sys\n  Current Pool Bytes: {value}\n");
            assert_eq!(findings(&text), [""; 0], "{value}");
        }
        for value in ["1", "10", "0x10", "( 0 / 0xA0 )"] {
            let text = format!("MODULE: ringcopy.sys\n  Current Pool Bytes: {value}\n");
            assert_eq!(
                findings(&text),
                [format!("Current Pool Bytes is {value} after unloading")]
            );
        }
    }

    #[test]
    fn counters_that_cannot_be_told_are_not_passed_over() {
        for value in ["", "none", "( 0 / )", "( 0 / ? )", "0 of 0"] {
            let text = format!("MODULE: ringcopy.sys\n  Current Pool Bytes: {value}\n");
            let findings = findings(&text);
            assert_eq!(findings.len(), 1, "{value}");
            assert!(findings[0].contains("not known"), "{findings:?}");
        }
        let findings = findings("MODULE: ringcopy.sys\n  Peak Pool Bytes: 0\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("none of"), "{findings:?}");
    }
}
