//! QEMU's control monitor, on its standard input and output: what QEMU is told, and why it says
//! that its machine ends.
//!
//! Source: "QEMU QMP Reference Manual".

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{ChildStdin, ChildStdout},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use serde_json::Value;

/// The monitor hears nothing else before the first of these, and the machine stands still until the
/// second: no event is lost.
const BEGIN: &str = r#"{"execute":"qmp_capabilities"}{"execute":"cont"}"#;

/// Has the guest say where it hangs.
const INTERRUPT_PROCESSORS: &str = r#"{"execute":"inject-nmi"}"#;

/// The monitor of a QEMU that was started with its machine stopped.
#[derive(Debug)]
pub(crate) struct Control {
    orders: Option<ChildStdin>,
    reason: Arc<Mutex<Option<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Control {
    /// Lets the machine run.
    pub(crate) fn begin(orders: Option<ChildStdin>, events: Option<ChildStdout>) -> Self {
        let reason = Arc::<Mutex<Option<String>>>::default();
        let told = Arc::clone(&reason);
        let reader = events.map(|events| {
            thread::spawn(move || {
                if let Some(reason) = reason_in(events) {
                    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                }
            })
        });
        let mut control = Self {
            orders,
            reason,
            reader,
        };
        // A QEMU that has failed already hears nothing; its exit code tells.
        drop(control.order(BEGIN));
        control
    }

    /// Interrupts all processors, so that the guest says where it hangs.
    pub(crate) fn interrupt_processors(&mut self) -> io::Result<()> {
        self.order(INTERRUPT_PROCESSORS)
    }

    /// Why the machine ended (`ShutdownCause`), if QEMU said so. To be called once QEMU has ended.
    pub(crate) fn reason(&mut self) -> Option<String> {
        // Whatever QEMU was started through, and still listens, ends with its input.
        self.orders = None;
        if let Some(reader) = self.reader.take() {
            // A reader that panicked has nothing to say.
            drop(reader.join());
        }
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn order(&mut self, order: &str) -> io::Result<()> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(order.as_bytes())?;
        orders.flush()
    }
}

/// The reason of the first `SHUTDOWN` event. Reads all there is, so that QEMU never waits.
fn reason_in(events: impl Read) -> Option<String> {
    let mut first = None;
    // What cannot be read has ended.
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
    fn the_first_shutdown_tells_why() {
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
