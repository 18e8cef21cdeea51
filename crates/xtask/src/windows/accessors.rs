//! The accessors' test programs on Windows: the files that ran under Wine, and the same numbers of cases.

use super::hand_over::{self, COUNTS};
use crate::{accessors::FIGURES, program};
use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use std::{collections::BTreeMap, path::Path};

/// Runs the programs of a folder that `hand-over` made, and compares the counts.
pub fn run(hand_over: &Path, reports: &Path) -> Result<()> {
    fs::create_dir_all(reports)?;
    let reports = std::path::absolute(reports)?;
    let counts = reports.join(COUNTS);
    let mut failed = Vec::new();
    for path in hand_over::programs(hand_over)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        println!("{name}");
        let log = reports.join(&name).with_extension("log");
        let mut command = program::named(std::path::absolute(&path)?);
        command.env(FIGURES, &counts).current_dir(&reports);
        let status = program::status_into(&mut command, &log, &log)?;
        let output = fs::read_to_string(&log)?;
        if !status.success() || !output.contains("test result: ok. ") {
            println!("{output}");
            failed.push(name);
        }
    }
    ensure!(
        failed.is_empty(),
        "failed on this system: {}",
        failed.join(", ")
    );
    let wine = fs::read_to_string(hand_over.join(COUNTS))?;
    let here = fs::read_to_string(&counts)?;
    let different = differences(&parse(&wine)?, &parse(&here)?);
    if different.is_empty() {
        println!("every family has the number of cases that it has under Wine");
        return Ok(());
    }
    bail!("the numbers of cases differ:\n{}", different.join("\n"))
}

/// The cases of a family: those that ran, and those that could not be arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cases {
    ran: u64,
    skipped: u64,
}

fn parse(counts: &str) -> Result<BTreeMap<&str, Cases>> {
    counts
        .lines()
        .map(|line| {
            let mut columns = line.split('\t');
            let family = columns.next().unwrap_or_default();
            let numbers = columns
                .map(str::parse)
                .collect::<Result<Vec<u64>, _>>()
                .with_context(|| format!("no count of cases: {line}"))?;
            let (ran, skipped) = numbers
                .split_first()
                .with_context(|| format!("no count of cases: {line}"))?;
            Ok((
                family,
                Cases {
                    ran: *ran,
                    skipped: skipped.iter().sum(),
                },
            ))
        })
        .collect()
}

/// Returns a sentence for each family whose cases are not the same in both. A family has the same cases
/// if their sum is the same: a system that can arrange more of them runs more and skips fewer. One that
/// runs fewer than Wine has lost some.
fn differences(wine: &BTreeMap<&str, Cases>, here: &BTreeMap<&str, Cases>) -> Vec<String> {
    let mut sentences = Vec::new();
    for (family, under_wine) in wine {
        match here.get(family) {
            None => sentences.push(format!("{family}: did not run")),
            Some(cases) if cases.ran + cases.skipped != under_wine.ran + under_wine.skipped => {
                sentences.push(format!(
                    "{family}: {} cases, and {} under Wine",
                    cases.ran + cases.skipped,
                    under_wine.ran + under_wine.skipped
                ));
            }
            Some(cases) if cases.ran < under_wine.ran => sentences.push(format!(
                "{family}: {} cases ran, and {} under Wine",
                cases.ran, under_wine.ran
            )),
            Some(_) => {}
        }
    }
    sentences.extend(
        here.keys()
            .filter(|family| !wine.contains_key(*family))
            .map(|family| format!("{family}: did not run under Wine")),
    );
    sentences
}

#[cfg(test)]
mod tests {
    use super::{differences, parse};

    fn compared(here: &str) -> Vec<String> {
        let wine = "copies\t100\t5\t2\nfills\t20\t0\t0\n";
        differences(&parse(wine).unwrap(), &parse(here).unwrap())
    }

    #[test]
    fn equal_counts_agree() {
        assert!(compared("fills\t20\t0\t0\ncopies\t100\t5\t2\n").is_empty());
    }

    #[test]
    fn cases_that_only_this_system_can_arrange_agree() {
        assert!(compared("copies\t106\t0\t1\nfills\t20\t0\t0\n").is_empty());
    }

    #[test]
    fn lost_cases_are_named_by_family() {
        for (here, sentence) in [
            ("copies\t100\t5\t2\n", "fills: did not run"),
            (
                "copies\t100\t5\t2\nfills\t19\t0\t0\n",
                "fills: 19 cases, and 20 under Wine",
            ),
            (
                "copies\t100\t5\t2\nfills\t19\t1\t0\n",
                "fills: 19 cases ran, and 20 under Wine",
            ),
            (
                "copies\t100\t5\t2\nfills\t20\t0\t0\nmoves\t1\t0\n",
                "moves: did not run under Wine",
            ),
        ] {
            assert_eq!(compared(here), [sentence]);
        }
    }

    #[test]
    fn what_is_no_count_is_refused() {
        for text in ["copies\tmany\n", "copies\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
