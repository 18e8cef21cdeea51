//! A process of the lab.
//!
//! - `memory`: its pages.
//! - `transport`: the client's `Transport`.
//! - `concurrent`: requests that several processors send at once.
//! - `batch`: many calls in one round trip.
//! - `requests`: requests whose status and information come back as they are.

mod batch;
mod concurrent;
mod memory;
mod requests;
mod transport;

use std::{collections::BTreeMap, io};

use nt_status::NtStatus;
use ringcopy_lab_mailbox::{Command, VALUES};
use ringcopy_transport::{Buffer, Handle, RequestError};

use crate::{Flicker, Lab, LabError, channel::Reply};

pub use batch::{Sent, SystemCopy};
pub use concurrent::{Beside, Repeated, Sender};
pub(crate) use requests::RawError;
use transport::Staging;

/// Who sends a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Kernel code, with kernel pointers.
    Kernel = 0,
    /// The process.
    #[default]
    User = 1,
}

/// How a request is sent. By default, the process sends it at `PASSIVE_LEVEL`, and no other thread
/// interferes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sending<'f> {
    /// Who sends it.
    pub caller: Caller,
    /// The IRQL of the request.
    pub level: u8,
    /// Whether it is cancelled before the driver sees it.
    pub cancelled: bool,
    /// Whether the thread that sends it is ending meanwhile.
    pub thread_ends: bool,
    /// A byte of memory that changes meanwhile.
    pub flicker: Option<&'f Flicker>,
}

impl From<Caller> for Sending<'_> {
    fn from(caller: Caller) -> Self {
        Self {
            caller,
            ..Self::default()
        }
    }
}

/// A process with an address space of its own. It ends when dropped.
#[derive(Debug)]
pub struct Process<'l> {
    lab: &'l Lab,
    pub(crate) number: u64,
    /// The length of each allocation, by address.
    allocations: BTreeMap<u64, u64>,
    /// Buffers for requests that are sent without addresses.
    input: Staging,
    output: Staging,
}

impl<'l> Process<'l> {
    pub(crate) const fn of(lab: &'l Lab, number: u64) -> Self {
        Self {
            lab,
            number,
            allocations: BTreeMap::new(),
            input: Staging::NONE,
            output: Staging::NONE,
        }
    }

    /// Returns the lab that it runs in.
    #[must_use]
    pub const fn lab(&self) -> &'l Lab {
        self.lab
    }

    /// Opens a device by name, with these access bits. An error is the status of the open.
    pub fn open_name(&mut self, name: &str, access: u64) -> Result<Handle, RequestError> {
        self.open_name_as(name, access, 0, 0)
    }

    /// Opens a device as another opener: bits of [`opener`](crate::opener), and the token that the
    /// opener impersonates. An error is the status of the open.
    pub fn open_name_as(
        &mut self,
        name: &str,
        access: u64,
        opener: u64,
        impersonated: u64,
    ) -> Result<Handle, RequestError> {
        let arguments = [self.number, access, opener, impersonated];
        let [handle, ..] = self.asked(Command::Open, &arguments, name.as_bytes())?;
        Ok(Handle(handle))
    }

    /// Sends a device control request without buffers, and does not wait for its end. Returns a number for
    /// [`Lab::finish_request`]. An error is the status of a request that was not sent.
    pub fn start_request(&self, handle: Handle, code: u32) -> Result<u64, RequestError> {
        let arguments = [self.number, handle.0, code.into()];
        let [number, ..] = self.asked(Command::Start, &arguments, &[])?;
        Ok(number)
    }

    /// Sends a request with buffers at given addresses. An error is the status of the request.
    pub fn device_io_control_sent(
        &mut self,
        sending: Sending<'_>,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        let how = [
            sending.caller as u64,
            sending.cancelled.into(),
            sending.level.into(),
            sending.thread_ends.into(),
        ];
        let arguments = [&self.request(handle, code, input, output)[..], &how].concat();
        let command = Command::DeviceIoControl;
        information(&match sending.flicker {
            Some(flicker) => self.lab.call_amid(command, &arguments, flicker)?,
            None => self.lab.request(command, &arguments, &[])?,
        })
    }

    /// Returns the first arguments of each command that sends a device control request.
    fn request(&self, handle: Handle, code: u32, input: Buffer, output: Buffer) -> [u64; 7] {
        [
            self.number,
            handle.0,
            code.into(),
            input.address,
            input.length.into(),
            output.address,
            output.length.into(),
        ]
    }

    /// Returns the number of the process, which another one may get once it has ended.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Starts another process with a token: bits of [`token`](crate::token).
    pub fn another(&self, token: u64) -> Result<Self, LabError> {
        self.lab.process(token)
    }

    /// Gives another process a handle to the same file object. Fails if there is no such handle or
    /// process.
    pub fn duplicate(&mut self, handle: Handle, to: &Process<'_>) -> Result<Handle, LabError> {
        let arguments = [self.number, handle.0, to.number];
        let [copy, ..] = self.lab.done(Command::Duplicate, &arguments, &[])?.results;
        Ok(Handle(copy))
    }

    /// Carries out a command whose status is that of a request.
    fn asked(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<[u64; VALUES], RequestError> {
        let reply = self.lab.call(command, arguments, data)?;
        results_of(&reply)
    }
}

/// The error for a reply that breaks the rules of the mailbox.
fn malformed() -> LabError {
    io::Error::from(io::ErrorKind::InvalidData).into()
}

const fn results_of(reply: &Reply) -> Result<[u64; VALUES], RequestError> {
    match reply.status {
        NtStatus::SUCCESS => Ok(reply.results),
        status => Err(RequestError::Status(status)),
    }
}

/// Returns the result of a request: its status, or the bytes that it returned.
fn information(reply: &Reply) -> Result<usize, RequestError> {
    let [information, ..] = results_of(reply)?;
    Ok(usize::try_from(information).unwrap_or(usize::MAX))
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        // A lab that has ended has no processes.
        drop(self.lab.call(Command::EndProcess, &[self.number], &[]));
    }
}
