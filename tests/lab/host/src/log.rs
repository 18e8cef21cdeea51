//! What the guest says on its serial port, and QEMU on its standard error.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// Lines that an error repeats.
const TAIL: usize = 40;

/// What the lab writes when it stops over a defect of the driver's.
const BUGCHECK: &str = "BUGCHECK ";

/// The lines so far, gathered by a thread of their own.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    /// Gathers everything from `port` until it closes; `echo` sees every line at once.
    pub(crate) fn gather(
        port: impl Read + Send + 'static,
        mut echo: impl FnMut(&str) + Send + 'static,
    ) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let gathered = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            let mut port = BufReader::new(port);
            let mut line = Vec::new();
            // A port that fails is one that is closed.
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
            // A reader that panicked has nothing more to say.
            drop(reader.join());
        }
    }

    /// Everything so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// The last lines, for an error.
    pub(crate) fn tail(&self) -> String {
        let lines = lock(&self.lines);
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// The line that names the driver's end, if it came to that.
    pub(crate) fn bugcheck(&self) -> Option<String> {
        lock(&self.lines)
            .iter()
            .find(|line| line.starts_with(BUGCHECK))
            .cloned()
    }
}

fn lock(lines: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    // Lines are pushed whole: those of a reader that panicked are as good as any.
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathers_lines_whatever_their_bytes() {
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
