//! Many calls in one round trip: requests, and calls of the lab's own `MmCopyMemory`.

use std::io;

use nt_status::NtStatus;
use ringcopy_lab_mailbox::{Call, Called, Command, Exchange, Exchanged};
use ringcopy_transport::Handle;
use zerocopy::{FromBytes, IntoBytes};

use super::{Process, malformed, transport::Side};
use crate::{LabError, channel::status_of};

/// The result of a call of the lab's own `MmCopyMemory`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCopy {
    /// The returned status.
    pub status: NtStatus,
    /// `NumberOfBytesTransferred`.
    pub transferred: u64,
    /// The whole target, [`UNTOUCHED`](crate::UNTOUCHED) where nothing was copied.
    pub target: Vec<u8>,
}

/// The result of one of many requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its status.
    pub status: NtStatus,
    /// Bytes that it returned.
    pub returned: u64,
    /// All of its output buffer, [`UNTOUCHED`](crate::UNTOUCHED) where nothing was written.
    pub output: Vec<u8>,
}

impl Process<'_> {
    /// Calls the lab's own `MmCopyMemory` in this process's context, without the driver, for a
    /// comparison with the driver's engines. `flags` are those of the function. Fails if the target
    /// is longer than [`DATA_LENGTH`](crate::DATA_LENGTH). The function's own status is no error.
    pub fn mm_copy_memory(
        &self,
        flags: u32,
        source: u64,
        length: u64,
    ) -> Result<SystemCopy, LabError> {
        let mut copies = self.mm_copy_memory_each(&[(flags, source, length)])?;
        copies.pop().ok_or_else(malformed)
    }

    /// As [`mm_copy_memory`](Self::mm_copy_memory), for many calls of flags, source and length.
    /// Fails if calls or targets are longer than [`DATA_LENGTH`](crate::DATA_LENGTH).
    pub fn mm_copy_memory_each(
        &self,
        calls: &[(u32, u64, u64)],
    ) -> Result<Vec<SystemCopy>, LabError> {
        let data: Vec<u8> = calls
            .iter()
            .flat_map(|&(flags, source, length)| {
                let flags = flags.into();
                let call = Call {
                    flags,
                    source,
                    length,
                };
                call.as_bytes().to_vec()
            })
            .collect();
        let reply = self.lab.done(Command::CopyMemory, &[self.number], &data)?;
        let mut left = reply.data.as_slice();
        calls
            .iter()
            .map(|&(_, _, length)| {
                let called: Called = take(&mut left)?;
                Ok(SystemCopy {
                    status: status_of(called.status),
                    transferred: called.transferred,
                    target: take_bytes(&mut left, length)?,
                })
            })
            .collect()
    }

    /// Sends many requests of one code, each with an input and a length of the output buffer, in
    /// one round trip. Their instructions count for
    /// [`Lab::instructions_of`](crate::Lab::instructions_of). Fails if the requests or their
    /// outputs are longer than [`DATA_LENGTH`](crate::DATA_LENGTH). A failed request is no error.
    pub fn device_io_control_each(
        &mut self,
        handle: Handle,
        code: u32,
        requests: &[(&[u8], usize)],
    ) -> Result<Vec<Sent>, LabError> {
        let longest = |of: fn(&(&[u8], usize)) -> usize| requests.iter().map(of).max();
        let input = longest(|(input, _)| input.len()).unwrap_or_default();
        let output = longest(|&(_, output)| output).unwrap_or_default();
        let input = self.stage(Side::Input, input).map_err(io::Error::other)?;
        let output = self.stage(Side::Output, output).map_err(io::Error::other)?;
        let mut data = Vec::new();
        for &(input, output) in requests {
            let exchange = Exchange {
                input_length: input.len() as u64,
                output_length: output as u64,
            };
            data.extend(exchange.as_bytes());
            data.extend(input);
        }
        let arguments = [
            self.number,
            handle.0,
            code.into(),
            input.address,
            output.address,
        ];
        let reply = self.lab.done(Command::Exchanges, &arguments, &data)?;
        let mut left = reply.data.as_slice();
        requests
            .iter()
            .map(|&(_, length)| {
                let sent: Exchanged = take(&mut left)?;
                self.lab.add_request(sent.ticks);
                Ok(Sent {
                    status: status_of(sent.status),
                    returned: sent.information,
                    output: take_bytes(&mut left, length as u64)?,
                })
            })
            .collect()
    }
}

/// Takes a record off the front of a reply.
fn take<T: FromBytes>(left: &mut &[u8]) -> Result<T, LabError> {
    let (record, rest) = T::read_from_prefix(left).map_err(|_| malformed())?;
    *left = rest;
    Ok(record)
}

/// Takes `length` bytes off the front of a reply.
fn take_bytes(left: &mut &[u8], length: u64) -> Result<Vec<u8>, LabError> {
    let length = usize::try_from(length).map_err(|_| malformed())?;
    let bytes = left.split_off(..length).ok_or_else(malformed)?;
    Ok(bytes.to_vec())
}
