//! Holds the commands in documents and workflows to the command line: each must parse.

use crate::Arguments;
use clap::Parser as _;
use fs_err as fs;
use std::{iter, path::Path};

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
