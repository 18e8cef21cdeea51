//! Requests that are cancelled, that are sent while memory or a handle changes, or that both
//! processors send at once.

use ringcopy_client::{Buffer, Handle, RequestError, protocol::NtStatus};
use ringcopy_lab_mailbox::{Command, Interference};

use super::{Caller, Process, information, malformed};
use crate::{Flicker, LabError, channel::status_of};

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

impl Process<'_> {
    /// Sends a request while a byte of memory changes.
    ///
    /// # Errors
    /// The status of the request.
    pub fn device_io_control_amid(
        &mut self,
        flicker: &Flicker,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        let arguments = self.control_arguments(Caller::User, handle, code, input, output);
        let control = Command::DeviceIoControl;
        information(&self.lab.call_amid(control, &arguments, flicker)?)
    }

    /// Sends a request that is cancelled before the driver sees it.
    ///
    /// # Errors
    /// The status of the request.
    pub fn device_io_control_cancelled(
        &mut self,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        let arguments = self.control_arguments(Caller::User, handle, code, input, output);
        self.send(&[&arguments[..], &[1]].concat())
    }

    /// Sends the same request from both processors at once, `times` from each, with buffers for
    /// each.
    ///
    /// # Errors
    /// If there is no second processor, or interference is in progress.
    pub fn device_io_control_on_both(
        &mut self,
        handle: Handle,
        code: u32,
        buffers: [(Buffer, Buffer); 2],
        times: u64,
    ) -> Result<[Repeated; 2], LabError> {
        self.on_both(handle, code, buffers, times, None, false)
    }

    /// As [`device_io_control_on_both`](Self::device_io_control_on_both), with the second processor
    /// in another process, with a handle and memory of its own.
    ///
    /// # Errors
    /// Those of [`device_io_control_on_both`](Self::device_io_control_on_both).
    pub fn device_io_control_in_both(
        &mut self,
        handle: Handle,
        code: u32,
        buffers: [(Buffer, Buffer); 2],
        times: u64,
        (other, other_handle): (&Process<'_>, Handle),
    ) -> Result<[Repeated; 2], LabError> {
        let other = Some((other.number, other_handle));
        self.on_both(handle, code, buffers, times, other, false)
    }

    /// Sends a request `times` while the second processor does the same, then closes the handle.
    /// The second processor goes on until the handle is invalid.
    ///
    /// # Errors
    /// Those of [`device_io_control_on_both`](Self::device_io_control_on_both).
    pub fn close_amid_requests(
        &mut self,
        handle: Handle,
        code: u32,
        buffers: [(Buffer, Buffer); 2],
        times: u64,
    ) -> Result<[Repeated; 2], LabError> {
        self.on_both(handle, code, buffers, times, None, true)
    }

    fn on_both(
        &self,
        handle: Handle,
        code: u32,
        [(input, output), (other_input, other_output)]: [(Buffer, Buffer); 2],
        times: u64,
        other: Option<(u64, Handle)>,
        close: bool,
    ) -> Result<[Repeated; 2], LabError> {
        let (other, Handle(other_handle)) = other.unwrap_or((0, Handle(0)));
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
            close.into(),
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

    /// Starts to change a page on the second processor.
    ///
    /// # Errors
    /// If there is no second processor, or no such page.
    pub fn start_interference(
        &mut self,
        address: u64,
        interference: Interference,
    ) -> Result<(), LabError> {
        self.lab.interfere(self.number, address, interference)
    }

    /// Stops the changes, restores the page and returns the number of changes.
    ///
    /// # Errors
    /// If it was not started.
    pub fn stop_interference(&mut self) -> Result<u64, LabError> {
        self.lab.stop_interference()
    }
}
