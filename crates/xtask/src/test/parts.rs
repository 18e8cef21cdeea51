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
    pub run: fn(&Lab) -> Result<()>,
}

/// A run of some parts.
pub struct Run<'a> {
    parts: Vec<&'a Part>,
    /// The time of each finished part, the preparation first.
    times: Vec<(&'a str, Duration)>,
}

impl<'a> Run<'a> {
    /// Returns a run of the parts named in `only`, or of all parts if that is empty.
    pub fn of(parts: &'a [Part], only: &[String]) -> Self {
        Self {
            parts: parts
                .iter()
                .filter(|part| only.is_empty() || only.iter().any(|name| name == part.name))
                .collect(),
            times: Vec::new(),
        }
    }

    /// Does the work before the first part.
    pub fn prepare<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let done = work();
        self.times
            .push(("set-up, driver and lab", started.elapsed()));
        done
    }

    /// Runs the parts up to the first that fails, and prints the time of each.
    pub fn each(&mut self, lab: &Lab) -> Result<()> {
        let count = self.parts.len();
        let mut done = Ok(());
        for (number, part) in (1..).zip(&self.parts) {
            eprintln!("\n[{number} of {count}] {}: {}", part.name, part.what);
            let started = Instant::now();
            done = (part.run)(lab);
            self.times.push((part.name, started.elapsed()));
            if done.is_err() {
                eprintln!("[{number} of {count}] {} failed", part.name);
                break;
            }
        }
        eprintln!("\n{}", self.table());
        done
    }

    fn table(&self) -> String {
        let all: Duration = self.times.iter().map(|(_, time)| time).sum();
        self.times
            .iter()
            .chain([&("all", all)])
            .map(|(name, time)| format!("{name:<24} {:>6}", minutes(*time)))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Returns a time as minutes and seconds.
fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [Part; 2] = [
        Part {
            name: "one",
            what: "",
            run: |_| Ok(()),
        },
        Part {
            name: "other",
            what: "",
            run: |_| Ok(()),
        },
    ];

    fn names(only: &[&str]) -> Vec<&'static str> {
        let only: Vec<String> = only.iter().map(ToString::to_string).collect();
        let run = Run::of(&PARTS, &only);
        run.parts.iter().map(|part| part.name).collect()
    }

    #[test]
    fn all_parts_run_unless_some_are_named() {
        assert_eq!(names(&[]), ["one", "other"]);
        assert_eq!(names(&["other"]), ["other"]);
    }

    #[test]
    fn the_table_ends_with_the_sum() {
        let run = Run {
            parts: Vec::new(),
            times: vec![
                ("one", Duration::from_secs(65)),
                ("other", Duration::from_millis(600_900)),
            ],
        };
        let expected = ["one", "1:05", "other", "10:00", "all", "11:05"];
        let table = run.table();
        assert_eq!(table.split_whitespace().collect::<Vec<_>>(), expected);
    }
}
