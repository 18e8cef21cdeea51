//! Requests that several processors send at once.

use nt_status::NtStatus;
use ringcopy_lab_mailbox as mailbox;
use ringcopy_transport::{Buffer, Handle};
use zerocopy::IntoBytes;

use super::{Process, malformed};
use crate::{Lab, LabError, channel::status_of};

/// What one processor sends.
#[derive(Clone, Copy, Debug)]
pub struct Sender(mailbox::Sender);

/// The results of a request that one processor sent many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The status of the first.
    pub status: NtStatus,
    /// Bytes that the first returned.
    pub returned: u64,
    /// Requests with another status, other information or other bytes than the first.
    pub different: u64,
    /// Requests sent.
    pub sent: u64,
}

/// What the second processor does beside the first.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'p> {
    /// It sends the same request on the same handle.
    Same,
    /// As [`Beside::Same`], until the handle is invalid: the first processor closes it at the end.
    UntilClosed,
    /// It sends the request from another process, with a handle and memory of that process.
    Other(&'p Process<'p>, Handle),
}

impl Lab {
    /// Has one processor for each sender send a request `times`. If `closes`, all have the handle of
    /// the first, which closes it at the end, and the others go on until the handle is invalid. Fails
    /// if there are not as many processors, if there is one sender only, or if interference is in
    /// progress.
    pub fn device_io_control_at_once(
        &self,
        senders: &[Sender],
        code: u32,
        times: u64,
        closes: bool,
    ) -> Result<Vec<Repeated>, LabError> {
        let records: Vec<_> = senders.iter().map(|sender| sender.0).collect();
        let arguments = [code.into(), times, closes.into()];
        let command = mailbox::Command::Parallel;
        let reply = self.done(command, &arguments, records.as_bytes())?;
        let repeated = reply.records::<mailbox::Repeated>().into_iter();
        Ok(repeated
            .map(|repeated| Repeated {
                status: status_of(repeated.status),
                returned: repeated.information,
                different: repeated.different,
                sent: repeated.sent,
            })
            .collect())
    }
}

impl Process<'_> {
    /// Describes what a processor sends in the context of this process.
    #[must_use]
    pub fn sender(&self, handle: Handle, (input, output): (Buffer, Buffer)) -> Sender {
        Sender(mailbox::Sender {
            process: self.number,
            handle: handle.0,
            input: input.address,
            input_length: input.length.into(),
            output: output.address,
            output_length: output.length.into(),
        })
    }

    /// Sends a request `times` while the second processor does the same, with buffers for each.
    /// Fails if there is no second processor, or interference is in progress.
    pub fn device_io_control_on_both(
        &mut self,
        handle: Handle,
        code: u32,
        [buffers, other_buffers]: [(Buffer, Buffer); 2],
        times: u64,
        beside: Beside<'_>,
    ) -> Result<[Repeated; 2], LabError> {
        let other = match beside {
            Beside::Same | Beside::UntilClosed => self.sender(handle, other_buffers),
            Beside::Other(process, handle) => process.sender(handle, other_buffers),
        };
        let senders = [self.sender(handle, buffers), other];
        let closes = matches!(beside, Beside::UntilClosed);
        self.lab
            .device_io_control_at_once(&senders, code, times, closes)?
            .try_into()
            .map_err(|_| malformed())
    }
}
