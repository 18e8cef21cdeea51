//! Driver Verifier, through its program `verifier.exe`.
//!
//! Source: "Driver Verifier Command Syntax" and "Low Resources Simulation", Windows driver
//! documentation.

use std::time::Duration;

use super::checks::QUIET_MINUTES;
use crate::machine::{Failure, IMAGE, System};

const PROGRAM: &str = "verifier.exe";

/// The time after the machine's start at which allocations begin to fail.
pub(super) const QUIET_START: Duration = Duration::from_mins(QUIET_MINUTES);

/// The most lines of the driver's counters in a summary: Windows has about ten.
const LINES: usize = 20;

/// The most characters of each line.
const LENGTH: usize = 100;

/// Returns arguments as they are typed.
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

/// Sets Verifier up, from the next start of the machine.
pub(super) fn set(system: &mut dyn System, arguments: &[String]) -> Result<String, Failure> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // Exit code 2 means that a restart is needed.
    run(system, &arguments, &[0, 2])
}

/// Changes a setting at once. If Verifier refuses it, returns a sentence.
///
/// # Errors
/// If the program cannot be run.
pub(super) fn switch(
    system: &mut dyn System,
    arguments: &[String],
) -> Result<Result<(), String>, Failure> {
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let output = system.run(PROGRAM, &words)?;
    let printed = match output.code {
        Some(0) => return Ok(Ok(())),
        // The program changes settings of the next start only where it cannot change them at once.
        Some(2) => "it asks for a restart",
        _ => output.text.trim(),
    };
    let said = match printed {
        "" => "it says nothing",
        said => said,
    };
    Ok(Err(format!(
        "`verifier {}` ended with {}: {said}",
        as_typed(arguments),
        ending(output.code)
    )))
}

/// Returns the other drivers that Verifier is on for, or will be after a restart.
pub(super) fn other_drivers(system: &mut dyn System) -> Result<Vec<String>, Failure> {
    let mut texts = settings(system)?;
    texts.push('\n');
    texts.push_str(&statistics(system)?);
    let is_separator = |letter: char| letter.is_whitespace() || "\"',;:()".contains(letter);
    let mut others: Vec<_> = texts
        .to_lowercase()
        .split(is_separator)
        .filter(|word| *word != IMAGE && word.strip_suffix(".sys").is_some())
        .map(String::from)
        .collect();
    others.sort_unstable();
    others.dedup();
    Ok(others)
}

/// Returns the flags in effect, from Verifier's statistics: the first number in eight hexadecimal digits
/// at the end of a line, before any driver. What stands before it is in the language of the machine.
pub(super) fn flags(statistics: &str) -> Option<u32> {
    statistics
        .lines()
        .take_while(|line| !line.to_lowercase().contains(".sys"))
        .filter_map(|line| line.split_whitespace().next_back()?.strip_prefix("0x"))
        .find(|digits| digits.len() == 8)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
}

/// Turns Verifier off, from the next start of the machine.
pub(super) fn reset(system: &mut dyn System) -> Result<String, Failure> {
    run(system, &["/reset"], &[0, 2])
}

/// Returns Verifier's settings.
pub(super) fn settings(system: &mut dyn System) -> Result<String, Failure> {
    run(system, &["/querysettings"], &[0])
}

/// Returns Verifier's counters since the start of the machine.
pub(super) fn statistics(system: &mut dyn System) -> Result<String, Failure> {
    run(system, &["/query"], &[0])
}

fn run(system: &mut dyn System, arguments: &[&str], good: &[i32]) -> Result<String, Failure> {
    let output = system.run(PROGRAM, arguments)?;
    match output.code {
        Some(code) if good.contains(&code) => Ok(output.text),
        code => Err(Failure(format!(
            "`verifier {}` failed ({}): {}; start this program as an administrator.",
            as_typed(arguments),
            ending(code),
            output.text.trim()
        ))),
    }
}

/// Returns the words for how the program ended.
fn ending(code: Option<i32>) -> String {
    code.map_or_else(
        || "it was terminated".into(),
        |code| format!("exit code {code}"),
    )
}

/// Returns whether a text of the program names the driver.
pub(super) fn names_driver(text: &str) -> bool {
    text.to_lowercase().contains(IMAGE)
}

/// Returns the driver's lines of the statistics, limited in number and length.
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

/// Returns the driver's counters of allocations that are not zero after unloading. The program's
/// text is in the language of the machine, but the names of its counters are not. A counter that
/// cannot be parsed is a finding too.
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
                "{name} is \"{value}\" after unloading, which is not a number: what the driver left \
                 is not known"
            )),
        }
    }
    if named && !counted {
        findings.push(
            "none of the driver's counters says what is still allocated: what it left is not known"
                .into(),
        );
    }
    findings
}

/// Parses a counter: one number or, on Windows 10 and 11, one for each kind of pool, as in
/// `(      0 /      0 )`.
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
    fn allocations_after_unloading_are_found() {
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
    fn allocations_are_found_where_each_pool_has_a_counter() {
        let text = "MODULE: other.sys (load: 1 / unload: 0)\n  CurrentPagedPoolAllocations: 7\n\
                    MODULE: ringcopy.sys (load: 3 / unload: 3)\n  CurrentPagedPoolAllocations: 0\n\
                    \u{20} CurrentNonPagedPoolAllocations: 2\n  PeakNonPagedPoolAllocations: 9\n";
        assert_eq!(
            findings(text),
            ["CurrentNonPagedPoolAllocations is 2 after unloading"]
        );
    }

    #[test]
    fn the_flags_are_read_in_any_language_and_not_from_a_counter() {
        let text = "09/13/2026, 01:02:03\r\n\r\nVerifier Flags: 0x0000013B\r\n\r\n\
                    \u{20}   [X] 0x00000001 Special pool.\r\n\
                    MODULE: ringcopy.sys (load: 1 / unload: 0)\r\n";
        assert_eq!(flags(text), Some(0x13B));
        assert_eq!(flags("Überprüfungsflags: 0x00000000\n"), Some(0));
        assert_eq!(flags("MODULE: a.sys\n  Pool: 0x00000010\n"), None);
        assert_eq!(flags("RaiseIrqls 0x0\nFlags: 0xGGGGGGGG\n"), None);
        assert_eq!(flags(""), None);
    }

    #[test]
    fn only_the_drivers_counters_are_listed_and_bounded() {
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
    fn zero_is_recognised_in_every_notation() {
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
    fn counters_that_cannot_be_parsed_are_findings() {
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
