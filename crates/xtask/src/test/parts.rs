//! The parts of a long task: progress, and the time of each part.

use crate::lab::Lab;
use anyhow::Result;
use std::time::{Duration, Instant};

/// A part of the tests.
pub struct Part {
    /// The name on the command line.
    pub name: &'static str,
    /// What it tests.
    pub what: &'static str,
    /// Whether it runs only if it is named.
    pub by_name: bool,
    pub run: fn(&Lab) -> Result<()>,
}

/// Runs the parts named in `only`, or all but those that run by name if that is empty, up to the first
/// that fails. Then prints the time of each.
pub fn run(parts: &[Part], only: &[String], prepare: fn() -> Result<Lab>) -> Result<()> {
    let started = Instant::now();
    let lab = prepare()?;
    let mut times = vec![("set-up, driver and lab", started.elapsed())];
    let chosen = chosen(parts, only);
    let count = chosen.len();
    let mut done = Ok(());
    for (number, part) in (1..).zip(chosen) {
        eprintln!("\n[{number} of {count}] {}: {}", part.name, part.what);
        let started = Instant::now();
        done = (part.run)(&lab);
        times.push((part.name, started.elapsed()));
        if done.is_err() {
            eprintln!("[{number} of {count}] {} failed", part.name);
            break;
        }
    }
    eprintln!("\n{}", table(&times));
    done
}

fn chosen<'a>(parts: &'a [Part], only: &[String]) -> Vec<&'a Part> {
    parts
        .iter()
        .filter(|part| {
            let is_named = only.iter().any(|name| name == part.name);
            is_named || only.is_empty() && !part.by_name
        })
        .collect()
}

/// Returns a table of times in minutes and seconds, with their sum.
fn table(times: &[(&str, Duration)]) -> String {
    let all = times.iter().map(|(_, time)| time).sum();
    times
        .iter()
        .chain([&("all", all)])
        .map(|(name, time)| {
            let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
            format!("{name:<24} {:>6}", format!("{minutes}:{seconds:02}"))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_run_unless_some_are_named() {
        let parts =
            [("one", false), ("other", false), ("slow", true)].map(|(name, by_name)| Part {
                name,
                what: "",
                by_name,
                run: |_| Ok(()),
            });
        for (only, expected) in [
            (&[][..], &["one", "other"][..]),
            (&["other"], &["other"]),
            (&["slow"], &["slow"]),
        ] {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            let names: Vec<&str> = chosen(&parts, &only).iter().map(|part| part.name).collect();
            assert_eq!(names, expected);
        }
    }

    #[test]
    fn the_table_ends_with_the_sum() {
        let table = table(&[
            ("one", Duration::from_secs(65)),
            ("other", Duration::from_millis(600_900)),
        ]);
        let expected = ["one", "1:05", "other", "10:00", "all", "11:05"];
        assert_eq!(table.split_whitespace().collect::<Vec<_>>(), expected);
    }
}
