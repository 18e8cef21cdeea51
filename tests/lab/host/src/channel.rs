//! Commands to the guest, through the mailbox in its memory.
//!
//! The memory is reached by reads and writes of the file that backs it: the file's pages are the
//! guest's, so each side sees at once what the other wrote, and no memory need be mapped here.

use std::{
    fs::File,
    io,
    mem::offset_of,
    os::unix::fs::FileExt,
    thread,
    time::{Duration, Instant},
};

use ringcopy_client::protocol::NtStatus;
use ringcopy_lab_mailbox::{
    Command, DATA_LENGTH, DATA_OFFSET, MAGIC, Mailbox, PHYSICAL_ADDRESS, VALUES,
};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::{LabError, machine::Machine};

/// Looks that cost microseconds, before the first that waits.
const EAGER_LOOKS: u32 = 2000;

/// How often a wait looks whether there is still somebody to wait for.
const LOOKS_PER_CHECK: u32 = 256;

/// The mailbox and the machine behind it.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) machine: Machine,
    memory: File,
    patience: Duration,
    /// The number of the last command. Only its lowest byte ever changes, so that a reader never
    /// sees a number that was half written.
    number: u8,
}

/// What a command gave.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: NtStatus,
    pub(crate) results: [u64; VALUES],
    pub(crate) data: Vec<u8>,
}

/// A byte of physical memory that goes back and forth between values while a command is carried
/// out: what another processor, or a device, could do to it. A byte arrives whole.
#[derive(Clone, Copy, Debug)]
pub struct Flicker {
    /// Where it is.
    pub address: u64,
    /// What it becomes, in turn.
    pub values: [u8; 2],
}

impl Channel {
    /// Waits until the guest listens, and its driver's entry point has returned.
    pub(crate) fn open(
        machine: Machine,
        memory: File,
        patience: Duration,
    ) -> Result<Self, LabError> {
        let mut channel = Self {
            machine,
            memory,
            patience,
            number: 0,
        };
        channel.wait_for(offset_of!(Mailbox, magic), MAGIC)?;
        channel.machine.forget_files();
        let status = channel.mailbox()?.status;
        match status_of(status) {
            NtStatus::SUCCESS => Ok(channel),
            status => Err(LabError::DriverEntry {
                status,
                log: channel.machine.log().tail(),
            }),
        }
    }

    /// Has the guest carry out a command.
    pub(crate) fn call(
        &mut self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Answer, LabError> {
        self.send(command, arguments, data)?;
        self.wait_for(offset_of!(Mailbox, answered), self.number.into())?;
        self.answer()
    }

    /// The same, with memory that changes all the time.
    pub(crate) fn call_amid(
        &mut self,
        command: Command,
        arguments: &[u64],
        flicker: &Flicker,
    ) -> Result<Answer, LabError> {
        self.send(command, arguments, &[])?;
        let start = Instant::now();
        let mut look = 0_u32;
        loop {
            look = look.wrapping_add(1);
            for value in flicker.values {
                self.memory.write_all_at(&[value], flicker.address)?;
            }
            if self.value(offset_of!(Mailbox, answered))? == u64::from(self.number) {
                return self.answer();
            }
            self.check(look, start)?;
        }
    }

    fn answer(&self) -> Result<Answer, LabError> {
        let mailbox = self.mailbox()?;
        // The guest is not trusted with the size of the host's memory.
        let length = mailbox.data_length.min(DATA_LENGTH);
        let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
        self.read(DATA_OFFSET, &mut data)?;
        Ok(Answer {
            status: status_of(mailbox.status),
            results: mailbox.results,
            data,
        })
    }

    /// Asks for a command without waiting for it.
    pub(crate) fn send(
        &mut self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<(), LabError> {
        self.machine.go_on()?;
        let mut mailbox = Mailbox::new_zeroed();
        mailbox.command = command as u64;
        for (slot, argument) in mailbox.arguments.iter_mut().zip(arguments) {
            *slot = *argument;
        }
        mailbox.data_length = data.len() as u64;
        if mailbox.data_length > DATA_LENGTH {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
        }
        self.write(DATA_OFFSET, data)?;
        let first = offset_of!(Mailbox, command);
        self.write(first as u64, &mailbox.as_bytes()[first..])?;
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.write(
            offset_of!(Mailbox, asked) as u64,
            &u64::from(self.number).to_le_bytes(),
        )
    }

    fn wait_for(&mut self, offset: usize, value: u64) -> Result<(), LabError> {
        let start = Instant::now();
        let mut look = 0_u32;
        loop {
            look = look.wrapping_add(1);
            if self.value(offset)? == value {
                return Ok(());
            }
            self.check(look, start)?;
            if look < EAGER_LOOKS {
                thread::yield_now();
            } else {
                thread::sleep(Duration::from_micros(100));
            }
        }
    }

    /// Now and then, whether there is still somebody to wait for.
    fn check(&mut self, look: u32, start: Instant) -> Result<(), LabError> {
        if look.is_multiple_of(LOOKS_PER_CHECK) {
            self.machine.check()?;
            if start.elapsed() > self.patience {
                return Err(self.machine.give_up(self.patience));
            }
        }
        Ok(())
    }

    fn value(&self, offset: usize) -> Result<u64, LabError> {
        let mut bytes = [0; size_of::<u64>()];
        self.read(offset as u64, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn mailbox(&self) -> Result<Mailbox, LabError> {
        let mut bytes = [0; size_of::<Mailbox>()];
        self.read(0, &mut bytes)?;
        Mailbox::read_from_bytes(&bytes)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData).into())
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), LabError> {
        Ok(self
            .memory
            .read_exact_at(bytes, PHYSICAL_ADDRESS + offset)?)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), LabError> {
        Ok(self.memory.write_all_at(bytes, PHYSICAL_ADDRESS + offset)?)
    }
}

/// A status as the mailbox holds it: 32 bits of it, whatever the guest made of the rest.
pub(crate) const fn status_of(value: u64) -> NtStatus {
    let [a, b, c, d, ..] = value.to_le_bytes();
    NtStatus(u32::from_le_bytes([a, b, c, d]))
}
