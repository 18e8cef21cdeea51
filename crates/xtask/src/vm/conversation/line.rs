//! The line to a guest. Whatever comes over it, waiting for a message ends.

use anyhow::{Result, bail, ensure};
use ringcopy_guest_protocol::{Received, Receiver, ToGuest, ToHost, encode};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// The most bytes that a guest may send without a message among them.
const NOISE_LIMIT: u64 = 16 << 20;

/// The most messages that reply to nothing, since the host has sent a request. Some reply to a request that
/// was sent twice.
const IGNORED_LIMIT: u32 = 1000;

/// The host's end of a serial port. If nothing arrives for a moment, reading ends with an error of a kind
/// that says so. Writing ends, too, if nobody reads.
pub trait Serial: Read + Write + Send {}

impl<T: Read + Write + Send> Serial for T {}

pub struct Line<'i> {
    serial: Box<dyn Serial>,
    receiver: Receiver,
    /// What was received, and not looked at yet.
    received: VecDeque<Received<ToHost>>,
    /// How long the guest may send no message.
    pub patience: Duration,
    interrupted: &'i AtomicBool,
    /// Bytes since the last message.
    noise: u64,
    /// Messages that were ignored since the last request.
    ignored: u32,
    /// The console: prints a line.
    pub say: fn(&str),
}

/// What came from the guest, or did not.
pub enum Heard {
    Message(ToHost),
    Silence,
}

impl<'i> Line<'i> {
    pub fn new(
        serial: Box<dyn Serial>,
        patience: Duration,
        interrupted: &'i AtomicBool,
        say: fn(&str),
    ) -> Self {
        Self {
            serial,
            receiver: Receiver::new(),
            received: VecDeque::new(),
            patience,
            interrupted,
            noise: 0,
            ignored: 0,
            say,
        }
    }

    pub fn send(&mut self, request: &ToGuest) -> Result<()> {
        self.ignored = 0;
        let sent = self.serial.write_all(&encode(request)?);
        sent.map_err(|_| {
            anyhow::anyhow!("the virtual machine has ended, or does not read its serial port")
        })
    }

    /// Counts a message that replies to nothing.
    pub fn ignore(&mut self) -> Result<()> {
        self.ignored += 1;
        ensure!(
            self.ignored <= IGNORED_LIMIT,
            "the guest sends message after message, and no reply"
        );
        Ok(())
    }

    /// Returns the next message, or that there was none in time.
    pub fn hear(&mut self) -> Result<Heard> {
        let since = Instant::now();
        let mut bytes = [0; 4096];
        loop {
            while let Some(received) = self.received.pop_front() {
                match received {
                    Received::Message(message) => {
                        self.noise = 0;
                        return Ok(Heard::Message(message));
                    }
                    Received::Noise(line) => (self.say)(&format!("  | {}", printable(&line))),
                    Received::Damaged(damage) => (self.say)(&format!("  | {damage}")),
                }
            }
            ensure!(!self.interrupted.load(Ordering::Relaxed), "interrupted");
            let length = match self.serial.read(&mut bytes) {
                Ok(0) => bail!("the virtual machine has ended in the middle"),
                Ok(length) => length,
                Err(error) if is_timeout(error.kind()) => {
                    if since.elapsed() >= self.patience {
                        return Ok(Heard::Silence);
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    bail!("the virtual machine has ended in the middle")
                }
                Err(error) => return Err(error.into()),
            };
            self.noise += length as u64;
            ensure!(
                self.noise <= NOISE_LIMIT,
                "the guest has sent {} MiB without a message",
                NOISE_LIMIT >> 20
            );
            let bytes = bytes.get(..length).unwrap_or_default();
            self.received.extend(self.receiver.receive(bytes));
        }
    }
}

const fn is_timeout(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// Returns the beginning of a line, without what would move a terminal's cursor.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .chars()
        .take(200)
        .filter(|character| !character.is_control())
        .collect()
}
