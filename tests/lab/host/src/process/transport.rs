//! The `Transport` of a process of the lab.

use nt_status::NtStatus;
use ringcopy_lab_mailbox::{Command, DATA_LENGTH, MachineFact};
use ringcopy_transport::{
    Buffer, Handle, Landmarks, OpenAccess, PAGE_LENGTH, Protection, RequestError, Transport,
    TransportError,
};

use super::{Process, Sending, information};
use crate::{LabError, PageState};

/// Memory of the process for a buffer, which grows as needed.
#[derive(Debug)]
pub(super) struct Staging {
    address: u64,
    length: u64,
}

impl Staging {
    pub(super) const NONE: Self = Self {
        address: 0,
        length: 0,
    };
}

#[derive(Clone, Copy)]
pub(super) enum Side {
    Input,
    Output,
}

impl Process<'_> {
    /// Sends a request whose buffers fit into the mailbox: one round trip instead of four.
    fn exchange(
        &self,
        handle: Handle,
        code: u32,
        (input_buffer, input): (Buffer, &[u8]),
        (output_buffer, output): (Buffer, &mut [u8]),
    ) -> Result<usize, RequestError> {
        let arguments = self.request(handle, code, input_buffer, output_buffer);
        let reply = self
            .lab
            .request(Command::Exchange, &arguments, &[input, output].concat())?;
        // A failed request has an output, too: the caller checks that it is unchanged.
        if reply.data.len() == output.len() {
            output.copy_from_slice(&reply.data);
        }
        information(&reply)
    }

    /// Returns a buffer of `length` bytes; a null pointer for none, as callers without a buffer
    /// pass.
    pub(super) fn stage(&mut self, which: Side, length: usize) -> Result<Buffer, TransportError> {
        let needed = length as u64;
        let staging = match which {
            Side::Input => &self.input,
            Side::Output => &self.output,
        };
        let mut address = staging.address;
        if needed > staging.length {
            let old = (staging.length > 0).then_some(staging.address);
            if let Some(old) = old {
                self.free(old)?;
            }
            let length = needed.next_multiple_of(PAGE_LENGTH);
            address = self.allocate(length)?;
            let staging = Staging { address, length };
            match which {
                Side::Input => self.input = staging,
                Side::Output => self.output = staging,
            }
        }
        Ok(Buffer {
            address: if length == 0 { 0 } else { address },
            length: u32::try_from(length).unwrap_or(u32::MAX),
        })
    }
}

impl Transport for Process<'_> {
    fn open(&mut self, access: OpenAccess) -> Result<Handle, RequestError> {
        let access = match access {
            OpenAccess::Read => 1,
            OpenAccess::Write => 2,
            OpenAccess::ReadWrite => 3,
        };
        self.open_name(&self.lab.options().device, access)
    }

    fn close(&mut self, handle: Handle) -> Result<(), RequestError> {
        self.asked(Command::Close, &[self.number, handle.0], &[])
            .map(drop)
    }

    fn device_io_control(
        &mut self,
        handle: Handle,
        code: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, RequestError> {
        let input_buffer = self.stage(Side::Input, input.len())?;
        let output_buffer = self.stage(Side::Output, output.len())?;
        if input.len().saturating_add(output.len()) as u64 <= DATA_LENGTH {
            return self.exchange(handle, code, (input_buffer, input), (output_buffer, output));
        }
        self.write(input_buffer.address, input)?;
        self.write(output_buffer.address, output)?;
        let returned = self.device_io_control_at(handle, code, input_buffer, output_buffer);
        // A failed request has an output, too: the caller checks that it is unchanged.
        self.read(output_buffer.address, output)?;
        returned
    }

    fn device_io_control_at(
        &mut self,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        self.device_io_control_sent(Sending::default(), handle, code, input, output)
    }

    fn allocate(&mut self, length: u64) -> Result<u64, TransportError> {
        self.allocate_at(0, length)
    }

    fn free(&mut self, address: u64) -> Result<(), TransportError> {
        let length = self
            .allocations
            .remove(&address)
            .ok_or(TransportError::Memory {
                action: "free",
                address,
                length: 0,
                status: NtStatus::INVALID_PARAMETER,
            })?;
        let whole = self.set_pages(address, length, PageState::Unmapped);
        if !matches!(whole, Err(TransportError::Memory { .. })) {
            return whole;
        }
        // Some pages were unmapped already: unmap the rest one by one.
        for page in 0..length / PAGE_LENGTH {
            let page = address + page * PAGE_LENGTH;
            match self.set_pages(page, PAGE_LENGTH, PageState::Unmapped) {
                Ok(()) | Err(TransportError::Memory { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError> {
        let state = match protection {
            Protection::NoAccess => PageState::NoAccess,
            Protection::ReadOnly => PageState::ReadOnly,
            Protection::ReadWrite => PageState::ReadWrite,
            Protection::Guard => PageState::Guard,
            Protection::Unmapped => PageState::Unmapped,
        };
        self.set_pages(address, length, state)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError> {
        let chunk = usize::try_from(DATA_LENGTH).unwrap_or(usize::MAX);
        let mut at = address;
        for piece in bytes.chunks(chunk) {
            self.arranged(
                "write",
                (address, bytes.len() as u64),
                Command::WriteUser,
                &[self.number, at],
                piece,
            )?;
            at = at.wrapping_add(piece.len() as u64);
        }
        Ok(())
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError> {
        let length = bytes.len() as u64;
        let found = self
            .lab
            .pieces(Command::ReadUser, &[self.number], address, length)
            .map_err(|error| match error {
                LabError::Refused { status, .. } => TransportError::Memory {
                    action: "read",
                    address,
                    length,
                    status,
                },
                error => error.into(),
            })?;
        bytes.copy_from_slice(&found);
        Ok(())
    }

    fn physical_address(&mut self, address: u64) -> Result<Option<u64>, TransportError> {
        let [physical, ..] = self.arranged(
            "translate",
            (address, 1),
            Command::Translate,
            &[self.number, address],
            &[],
        )?;
        Ok(Some(physical))
    }

    fn landmarks(&mut self) -> Result<Landmarks, TransportError> {
        let facts = self.lab.facts()?;
        let fact = |fact| Some(facts.get(fact));
        let address = facts.get(MachineFact::SystemAddress);
        let length = facts.get(MachineFact::SystemLength);
        Ok(Landmarks {
            foreign_addresses: None,
            io_address: fact(MachineFact::IoAddress),
            ram_end: fact(MachineFact::RamEnd),
            hole_address: fact(MachineFact::HoleAddress),
            system_data: Some((address, self.lab.read_system(address, length)?)),
            unmapped_system_address: fact(MachineFact::UnmappedSystemAddress),
            io_system_address: fact(MachineFact::IoSystemAddress),
        })
    }
}
