//! Requests that both processors send at once.

use ringcopy_client::{Buffer, Handle, protocol::NtStatus};
use ringcopy_lab_mailbox::Command;

use super::{Process, malformed};
use crate::{LabError, channel::status_of};

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

impl Process<'_> {
    /// Sends a request `times` while the second processor does the same, with buffers for each.
    /// Fails if there is no second processor, or interference is in progress.
    pub fn device_io_control_on_both(
        &mut self,
        handle: Handle,
        code: u32,
        [(input, output), (other_input, other_output)]: [(Buffer, Buffer); 2],
        times: u64,
        beside: Beside<'_>,
    ) -> Result<[Repeated; 2], LabError> {
        let (other, Handle(other_handle)) = match beside {
            Beside::Same | Beside::UntilClosed => (0, Handle(0)),
            Beside::Other(process, handle) => (process.number, handle),
        };
        let arguments = [
            self.number,
            handle.0,
            code.into(),
            input.length.into(),
            output.length.into(),
            input.address,
            output.address,
            other_input.address,
            other_output.address,
            times,
            other,
            other_handle,
            matches!(beside, Beside::UntilClosed).into(),
        ];
        let results = self.lab.done(Command::Parallel, &arguments, &[])?.results;
        let of = |[status, returned, different, sent]: [u64; 4]| Repeated {
            status: status_of(status),
            returned,
            different,
            sent,
        };
        let [one, another, ..] = results.as_chunks::<4>().0 else {
            return Err(malformed());
        };
        Ok([of(*one), of(*another)])
    }
}
