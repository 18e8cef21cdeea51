//! QEMU's control monitor, on its standard input and output: commands to QEMU, and the reason that
//! it gives when the machine ends.
//!
//! Source: "QEMU QMP Reference Manual".

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{ChildStdin, ChildStdout},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use serde_json::Value;

/// The first command opens the monitor, the second starts the machine: no event is lost.
const BEGIN: &str = r#"{"execute":"qmp_capabilities"}{"execute":"cont"}"#;

/// Makes the guest print where it hangs.
const INTERRUPT_PROCESSORS: &str = r#"{"execute":"inject-nmi"}"#;

/// The monitor of a QEMU whose machine is stopped at first.
#[derive(Debug)]
pub(crate) struct Control {
    commands: Option<ChildStdin>,
    reason: Arc<Mutex<Option<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Control {
    /// Starts the machine.
    pub(crate) fn begin(commands: Option<ChildStdin>, events: Option<ChildStdout>) -> Self {
        let reason = Arc::<Mutex<Option<String>>>::default();
        let found = Arc::clone(&reason);
        let reader = events.map(|events| {
            thread::spawn(move || {
                if let Some(reason) = reason_in(events) {
                    *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                }
            })
        });
        let mut control = Self {
            commands,
            reason,
            reader,
        };
        // If QEMU has already failed, its exit code says so.
        drop(control.send(BEGIN));
        control
    }

    /// Interrupts all processors, so that the guest prints where it hangs.
    pub(crate) fn interrupt_processors(&mut self) -> io::Result<()> {
        self.send(INTERRUPT_PROCESSORS)
    }

    /// Returns why the machine ended (`ShutdownCause`), if QEMU said so. To be called once QEMU has
    /// ended.
    pub(crate) fn reason(&mut self) -> Option<String> {
        // A wrapper that started QEMU may still read its input.
        self.commands = None;
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has no reason.
            drop(reader.join());
        }
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn send(&mut self, command: &str) -> io::Result<()> {
        let commands = self.commands.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        commands.write_all(command.as_bytes())?;
        commands.flush()
    }
}

/// Returns the reason of the first `SHUTDOWN` event. Reads everything, so that QEMU never waits.
fn reason_in(events: impl Read) -> Option<String> {
    let mut first = None;
    // A failure to read is an end of the output.
    for line in BufReader::new(events).split(b'\n').map_while(Result::ok) {
        let Ok(event) = serde_json::from_slice::<Value>(&line) else {
            continue;
        };
        if event["event"] == "SHUTDOWN" && first.is_none() {
            first = event["data"]["reason"].as_str().map(str::to_owned);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_shutdown_has_the_reason() {
        let said = br#"{"QMP": {"version": {}, "capabilities": ["oob"]}}
{"return": {}}
no JSON
{"timestamp": {"seconds": 1}, "event": "RESUME"}
{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}
{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-signal"}}
"#;
        assert_eq!(reason_in(&said[..]).unwrap(), "guest-reset");
        assert_eq!(reason_in(&said[..90]), None);
    }
}
