//! Pages of a process.

use ringcopy_lab_mailbox::{Command, VALUES};
use ringcopy_transport::{PAGE_LENGTH, RequestError, TransportError};

use super::Process;
use crate::PageState;

impl Process<'_> {
    /// Allocates at a given address. Fails if memory is allocated there.
    pub fn allocate_at(&mut self, address: u64, length: u64) -> Result<u64, TransportError> {
        let length = length.max(1).next_multiple_of(PAGE_LENGTH);
        let [allocated, ..] = self.arranged(
            "allocate",
            (address, length),
            Command::Allocate,
            &[self.number, address, length],
            &[],
        )?;
        self.allocations.insert(allocated, length);
        Ok(allocated)
    }

    /// Puts whole pages into a state. Fails if a page of the range is not allocated.
    pub fn set_pages(
        &mut self,
        address: u64,
        length: u64,
        state: PageState,
    ) -> Result<(), TransportError> {
        self.arranged(
            "protect",
            (address, length),
            Command::Protect,
            &[self.number, address, length, state as u64],
            &[],
        )
        .map(drop)
    }

    /// Carries out a command that changes memory.
    pub(super) fn arranged(
        &self,
        action: &'static str,
        (address, length): (u64, u64),
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<[u64; VALUES], TransportError> {
        match self.asked(command, arguments, data) {
            Ok(results) => Ok(results),
            Err(RequestError::Status(status)) => Err(TransportError::Memory {
                action,
                address,
                length,
                status,
            }),
            Err(RequestError::Transport(error)) => Err(error),
        }
    }
}
