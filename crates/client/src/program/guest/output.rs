//! What a command prints, on its way to the host.

use std::{
    cell::RefCell,
    io::{self, Write},
    mem,
};

use ringcopy_guest_protocol::{TEXT_LIMIT, ToHost};

use super::{Port, send};

/// The output of one command. Each line is sent when it ends, since the machine may not survive the next
/// moment.
pub(super) struct Output<'p>(RefCell<Sink<'p>>);

struct Sink<'p> {
    port: &'p mut dyn Port,
    number: u32,
    /// The number of bytes that were sent.
    offset: u64,
    /// What was printed and not sent.
    line: Vec<u8>,
}

/// Standard output or standard error of the command: both go the same way.
pub(super) struct Stream<'o, 'p>(&'o Output<'p>);

impl<'p> Output<'p> {
    pub(super) const fn new(port: &'p mut dyn Port, number: u32) -> Self {
        Self(RefCell::new(Sink {
            port,
            number,
            offset: 0,
            line: Vec::new(),
        }))
    }

    pub(super) const fn stream(&self) -> Stream<'_, 'p> {
        Stream(self)
    }
}

impl Sink<'_> {
    fn print(&mut self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() >= TEXT_LIMIT {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Sends what was printed.
    fn send(&mut self) -> io::Result<()> {
        let line = mem::take(&mut self.line);
        // A byte that is no text takes three in its place.
        for part in line.chunks(TEXT_LIMIT / 3) {
            let message = ToHost::Output {
                number: self.number,
                offset: self.offset,
                text: String::from_utf8_lossy(part).into_owned(),
            };
            send(self.port, &message)?;
            self.offset = self.offset.saturating_add(part.len() as u64);
        }
        Ok(())
    }
}

impl Write for Stream<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.borrow_mut().print(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.0.borrow_mut().send()
    }
}
