//! The log: the guest's serial port and QEMU's standard error.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// Lines of the log in an error.
const TAIL: usize = 40;

/// The start of the line that the lab prints when a driver breaks a rule.
const BUGCHECK: &str = "BUGCHECK ";

/// The lines of the log, which a thread reads.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    /// Reads `port` until it closes. `echo` gets every line at once.
    pub(crate) fn gather(
        port: impl Read + Send + 'static,
        mut echo: impl FnMut(&str) + Send + 'static,
    ) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let gathered = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            let mut port = BufReader::new(port);
            let mut line = Vec::new();
            // A failure to read is an end of the port.
            while matches!(port.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\r', '\n']);
                echo(text);
                lock(&gathered).push(text.to_owned());
                line.clear();
            }
        });
        Self {
            lines,
            reader: Some(reader),
        }
    }

    /// Waits until the port is closed.
    pub(crate) fn close(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A reader that panicked adds no more lines.
            drop(reader.join());
        }
    }

    /// Returns all lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// Returns the last lines, for an error.
    pub(crate) fn tail(&self) -> String {
        let lines = lock(&self.lines);
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// Returns the line of the bugcheck, if there was one.
    pub(crate) fn bugcheck(&self) -> Option<String> {
        lock(&self.lines)
            .iter()
            .find(|line| line.starts_with(BUGCHECK))
            .cloned()
    }
}

fn lock(lines: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    // Lines are pushed whole, so that the list is valid after a panic, too.
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_have_any_bytes() {
        let mut log = Log::gather(&b"one\r\ntwo \xFF\nBUGCHECK 0x50 (1)\nlast"[..], |_| {});
        log.close();
        assert_eq!(
            log.lines(),
            ["one", "two \u{FFFD}", "BUGCHECK 0x50 (1)", "last"]
        );
        assert_eq!(log.bugcheck().unwrap(), "BUGCHECK 0x50 (1)");
        assert!(log.tail().ends_with("last"));
    }

    #[test]
    fn the_tail_is_bounded() {
        let mut log = Log::gather(&[b'\n'; 1000][..], |_| {});
        log.close();
        assert_eq!(log.tail(), "\n".repeat(TAIL - 1));
        assert_eq!(log.bugcheck(), None);
    }
}
