//! A process of the lab, as a client sees it.
//!
//! - `memory`: its pages, and what they are.
//! - `transport`: what the client asks of any machine.
//! - `disturbed`: requests that somebody interferes with.
//! - `many`: calls by the dozen, in one round trip.

mod disturbed;
mod many;
mod memory;
mod transport;

use std::{collections::BTreeMap, io};

use ringcopy_client::{Buffer, Handle, RequestError, protocol::NtStatus};
use ringcopy_lab_mailbox::{Command, VALUES};

use crate::{Lab, LabError, channel::Answer};

pub use disturbed::Repeated;
pub use many::{Sent, SystemCopy};
use transport::Staging;

/// In whose name a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Kernel code: its pointers are the kernel's own.
    Kernel = 0,
    /// The process.
    User = 1,
}

/// A process of its own address space; ended when dropped.
#[derive(Debug)]
pub struct Process<'l> {
    lab: &'l Lab,
    number: u64,
    /// Length of each allocation, by address.
    allocations: BTreeMap<u64, u64>,
    /// Where the buffers of requests go that name no addresses of their own.
    input: Staging,
    output: Staging,
}

impl<'l> Process<'l> {
    pub(crate) const fn of(lab: &'l Lab, number: u64) -> Self {
        Self {
            lab,
            number,
            allocations: BTreeMap::new(),
            input: Staging {
                address: 0,
                length: 0,
            },
            output: Staging {
                address: 0,
                length: 0,
            },
        }
    }

    /// The lab that it runs in.
    #[must_use]
    pub const fn lab(&self) -> &'l Lab {
        self.lab
    }

    /// Opens a device by name, for these access bits.
    ///
    /// # Errors
    /// The status of the open.
    pub fn open_name(&mut self, name: &str, access: u64) -> Result<Handle, RequestError> {
        let [handle, ..] = self.asked(Command::Open, &[self.number, access], name.as_bytes())?;
        Ok(Handle(handle))
    }

    /// Opens a device in somebody else's name: bits of [`opener`](crate::opener), and the token of
    /// whom the opener impersonates.
    ///
    /// # Errors
    /// The status of the open.
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

    /// Sends a request in somebody's name, with buffers where the caller says.
    ///
    /// # Errors
    /// The status of the request.
    pub fn device_io_control_as(
        &mut self,
        caller: Caller,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        self.device_io_control_raised(0, caller, handle, code, input, output)
    }

    /// As [`device_io_control_as`](Self::device_io_control_as), at this IRQL.
    ///
    /// # Errors
    /// The status of the request.
    pub fn device_io_control_raised(
        &mut self,
        level: u8,
        caller: Caller,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        let of_request = self.control_arguments(caller, handle, code, input, output);
        let mut arguments = [0; 10];
        arguments[..of_request.len()].copy_from_slice(&of_request);
        arguments[9] = level.into();
        let control = Command::DeviceIoControl;
        came_to(&self.lab.request(control, &arguments, &[])?)
    }

    const fn control_arguments(
        &self,
        caller: Caller,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> [u64; 8] {
        [
            self.number,
            handle.0,
            code as u64,
            input.address,
            input.length as u64,
            output.address,
            output.length as u64,
            caller as u64,
        ]
    }

    /// Starts another process, with a token of its own: bits of [`token`](crate::token).
    ///
    /// # Errors
    /// If the lab refuses or is gone.
    pub fn another(&self, token: u64) -> Result<Self, LabError> {
        self.lab.process(token)
    }

    /// Gives another process a handle to the same file object.
    ///
    /// # Errors
    /// If there is no such handle or process.
    pub fn duplicate(&mut self, handle: Handle, to: &Process<'_>) -> Result<Handle, LabError> {
        let arguments = [self.number, handle.0, to.number];
        let [copy, ..] = self.lab.done(Command::Duplicate, &arguments, &[])?.results;
        Ok(Handle(copy))
    }

    /// A command whose status is that of a request.
    fn asked(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<[u64; VALUES], RequestError> {
        let answer = self.lab.call(command, arguments, data)?;
        results_of(&answer)
    }
}

/// An answer that is not what the mailbox promises.
fn malformed() -> LabError {
    io::Error::from(io::ErrorKind::InvalidData).into()
}

const fn results_of(answer: &Answer) -> Result<[u64; VALUES], RequestError> {
    match answer.status {
        NtStatus::SUCCESS => Ok(answer.results),
        status => Err(RequestError::Status(status)),
    }
}

/// What a request came to, of which the answer tells: its status, or the bytes that it returned.
fn came_to(answer: &Answer) -> Result<usize, RequestError> {
    let [information, ..] = results_of(answer)?;
    Ok(usize::try_from(information).unwrap_or(usize::MAX))
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        // A lab that is gone has no processes.
        drop(self.lab.call(Command::EndProcess, &[self.number], &[]));
    }
}
