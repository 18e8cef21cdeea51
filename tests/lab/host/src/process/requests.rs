//! Requests whose status and information come back as they are.

use nt_status::NtStatus;
use ringcopy_lab_mailbox::Command;
use ringcopy_transport::{Buffer, Handle, Transport as _, TransportError};

use super::{Caller, Process, transport::Side};
use crate::{LabError, channel::Reply};

/// An error of the memory of a process, or of the lab.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RawError {
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error(transparent)]
    Memory(#[from] TransportError),
}

const fn ended(reply: &Reply) -> (NtStatus, u64) {
    let [information, ..] = reply.results;
    (reply.status, information)
}

impl Process<'_> {
    /// Sends a device control request. The output is what its buffer holds afterwards.
    pub(crate) fn control_raw(
        &mut self,
        handle: Handle,
        code: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(NtStatus, u64), RawError> {
        let from = self.staged(Side::Input, input)?;
        let to = self.staged(Side::Output, output)?;
        let request = self.request(handle, code, from, to);
        let arguments = [&request[..], &[Caller::User as u64]].concat();
        let command = Command::DeviceIoControl;
        let reply = self.lab.request(command, &arguments, &[])?;
        self.read(to.address, output)?;
        Ok(ended(&reply))
    }

    /// Reads from a file of a device.
    pub(crate) fn read_raw(
        &mut self,
        handle: Handle,
        offset: u64,
        output: &mut [u8],
    ) -> Result<(NtStatus, u64), RawError> {
        let buffer = self.staged(Side::Output, output)?;
        let done = self.transfer_raw(Command::ReadFile, handle, buffer, offset)?;
        self.read(buffer.address, output)?;
        Ok(done)
    }

    /// Writes to a file of a device.
    pub(crate) fn write_raw(
        &mut self,
        handle: Handle,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(NtStatus, u64), RawError> {
        let buffer = self.staged(Side::Input, bytes)?;
        self.transfer_raw(Command::WriteFile, handle, buffer, offset)
    }

    fn transfer_raw(
        &self,
        command: Command,
        handle: Handle,
        buffer: Buffer,
        offset: u64,
    ) -> Result<(NtStatus, u64), RawError> {
        let arguments = [
            self.number,
            handle.0,
            buffer.address,
            buffer.length.into(),
            offset,
        ];
        Ok(ended(&self.lab.request(command, &arguments, &[])?))
    }

    /// Closes a handle, and returns the status of that.
    pub(crate) fn close_raw(&self, handle: Handle) -> Result<NtStatus, LabError> {
        let reply = self
            .lab
            .call(Command::Close, &[self.number, handle.0], &[])?;
        Ok(reply.status)
    }

    /// Ends the process, which closes its handles.
    pub(crate) fn end(self) -> Result<(), LabError> {
        // Its drop finds no process, which is no error there.
        self.lab
            .call(Command::EndProcess, &[self.number], &[])
            .map(drop)
    }

    /// Puts bytes into a buffer of the process.
    fn staged(&mut self, side: Side, bytes: &[u8]) -> Result<Buffer, RawError> {
        let buffer = self.stage(side, bytes.len())?;
        self.write(buffer.address, bytes)?;
        Ok(buffer)
    }
}
