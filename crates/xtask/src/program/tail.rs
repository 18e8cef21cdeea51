//! The last lines that a program wrote before it failed.

use std::{
    collections::VecDeque,
    fmt,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// More lines than a compiler needs for an error or two.
const LINES: usize = 500;

/// More bytes than these lines have, if they are text.
const BYTES: u64 = 256 * 1024;

/// The last lines of an output.
#[derive(Default)]
pub struct Tail(VecDeque<String>);

impl Tail {
    /// Returns the tail of a file, or nothing if it can't be read.
    pub fn of_file(path: &Path) -> Self {
        Self::of_bytes(&last_bytes(path).unwrap_or_default())
    }

    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut tail = Self::default();
        for line in String::from_utf8_lossy(bytes).lines() {
            tail.push(line);
        }
        tail
    }

    pub fn push(&mut self, line: &str) {
        if self.0.len() == LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }

    /// Returns whether there is nothing to read.
    pub fn is_blank(&self) -> bool {
        self.0.iter().all(|line| line.trim().is_empty())
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|line| writeln!(formatter, "{line}"))
    }
}

fn last_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
