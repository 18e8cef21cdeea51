//! Holds the commands in documents and workflows to the command line: each must parse. Holds the jobs that
//! README names to those of the workflow.

use crate::Arguments;
use clap::Parser as _;
use fs_err as fs;
use std::{collections::BTreeSet, iter, path::Path};

/// What stands before a command in these files.
const FILES: [(&str, &str); 6] = [
    (".github/workflows/test.yml", "run: cargo xtask "),
    ("README.md", "$ cargo xtask "),
    ("CONTRIBUTING.md", "$ cargo xtask "),
    ("tests/lab/README.md", "$ cargo xtask "),
    ("tests/vm/README.md", "$ cargo xtask "),
    ("tests/wdf/README.md", "$ cargo xtask "),
];

fn commands(file: &Path, prefix: &str) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let (_, command) = line.split_once(prefix)?;
            // A comment, or the next part of a command line.
            let end = ["#", "|", "`", ">", "&&"]
                .iter()
                .filter_map(|mark| command.find(mark))
                .min();
            Some(command[..end.unwrap_or(command.len())].to_owned())
        })
        .collect()
}

/// Returns the words of a command, of which one in quotes may have spaces.
fn words(command: &str) -> Vec<&str> {
    let parts = command.split('"').enumerate();
    parts
        .flat_map(|(number, part)| match number % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        })
        .collect()
}

#[test]
fn every_documented_command_parses() {
    for (file, prefix) in FILES {
        let commands = commands(&crate::paths::root().join(file), prefix);
        assert!(!commands.is_empty(), "{file} has no command");
        for command in commands {
            let words = iter::once("cargo xtask").chain(words(&command));
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{file}: {command}: {error}");
            }
        }
    }
}

/// Returns the text between two texts.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[test]
fn every_claim_names_jobs_of_the_workflow_and_each_job_has_a_claim() {
    let root = crate::paths::root();
    let workflow = fs::read_to_string(root.join(".github/workflows/test.yml")).unwrap();
    let (_, jobs) = workflow.split_once("\njobs:\n").unwrap();
    let jobs: BTreeSet<&str> = jobs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with([' ', '#']))
        .collect();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let table = between(&readme, "**None has run yet**:\n", "\n## ");
    let mut named = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let (_, column) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        let commands: Vec<&str> = column.split('`').skip(1).step_by(2).collect();
        assert!(!commands.is_empty(), "{row}");
        for command in commands {
            if let Some(task) = command.strip_prefix("cargo xtask ") {
                assert!(task.starts_with("vm "), "{row}");
            } else {
                assert!(jobs.contains(command), "no job is named {command}: {row}");
                named.insert(command);
            }
        }
    }
    assert_eq!(named, jobs);
}
