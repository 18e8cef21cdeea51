//! Commands to the guest, through the mailbox in its memory.
//!
//! The host reads and writes the file that backs the memory. The file's pages are the guest's, so
//! each side sees at once what the other wrote, and the host maps no memory.

use std::{
    fs::File,
    io,
    mem::offset_of,
    os::unix::fs::FileExt,
    thread,
    time::{Duration, Instant},
};

use nt_status::NtStatus;
use ringcopy_lab_mailbox::{
    Command, DATA_LENGTH, DATA_OFFSET, MAGIC, Mailbox, PHYSICAL_ADDRESS, VALUES,
};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::{LabError, virtual_machine::VirtualMachine};

/// Polls without a pause, before those that sleep.
const EAGER_POLLS: u32 = 2000;

/// Polls between two checks that the machine still runs.
const POLLS_PER_CHECK: u32 = 256;

/// The mailbox, and the machine that it is in.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) vm: VirtualMachine,
    memory: File,
    patience: Duration,
    /// The number of the last command. It has one byte, so that a reader never sees a part of a
    /// write.
    number: u8,
}

/// The reply to a command.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: NtStatus,
    pub(crate) results: [u64; VALUES],
    pub(crate) data: Vec<u8>,
}

impl Reply {
    /// Returns the records in the data.
    pub(crate) fn records<T: FromBytes>(&self) -> Vec<T> {
        self.data
            .chunks_exact(size_of::<T>())
            .filter_map(|bytes| T::read_from_bytes(bytes).ok())
            .collect()
    }
}

/// A byte of physical memory that changes between two values while a command is carried out, as
/// another processor or a device could change it.
#[derive(Clone, Copy, Debug)]
pub struct Flicker {
    /// Its physical address.
    pub address: u64,
    /// Its values, in turn.
    pub values: [u8; 2],
}

impl Channel {
    /// Waits until the guest listens, after its driver's entry point has returned.
    pub(crate) fn open(
        vm: VirtualMachine,
        memory: File,
        patience: Duration,
    ) -> Result<Self, LabError> {
        let mut channel = Self {
            vm,
            memory,
            patience,
            number: 0,
        };
        channel.wait_for(offset_of!(Mailbox, magic), MAGIC)?;
        channel.vm.forget_files();
        let status = channel.mailbox()?.status;
        match status_of(status) {
            NtStatus::SUCCESS => Ok(channel),
            status => {
                // The log is complete once the lab has ended. How it ends says nothing about the driver.
                drop(channel.send(Command::Shutdown, &[], &[]));
                drop(channel.vm.join(patience));
                Err(LabError::DriverEntry {
                    status,
                    log: channel.vm.log().tail(),
                })
            }
        }
    }

    /// Sends a command and waits for the reply.
    pub(crate) fn call(
        &mut self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Reply, LabError> {
        self.send(command, arguments, data)?;
        self.wait_for(offset_of!(Mailbox, finished), self.number.into())?;
        self.reply()
    }

    /// As [`call`](Self::call), with memory that changes all the time.
    pub(crate) fn call_amid(
        &mut self,
        command: Command,
        arguments: &[u64],
        flicker: &Flicker,
    ) -> Result<Reply, LabError> {
        self.send(command, arguments, &[])?;
        let start = Instant::now();
        let mut poll = 0_u32;
        loop {
            poll = poll.wrapping_add(1);
            for value in flicker.values {
                self.memory.write_all_at(&[value], flicker.address)?;
            }
            if self.value(offset_of!(Mailbox, finished))? == u64::from(self.number) {
                return self.reply();
            }
            self.check(poll, start)?;
        }
    }

    fn reply(&self) -> Result<Reply, LabError> {
        let mailbox = self.mailbox()?;
        // The guest is not trusted with the size of the host's memory.
        let length = mailbox.data_length.min(DATA_LENGTH);
        let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
        self.read(DATA_OFFSET, &mut data)?;
        Ok(Reply {
            status: status_of(mailbox.status),
            results: mailbox.results,
            data,
        })
    }

    /// Sends a command without waiting for the reply.
    pub(crate) fn send(
        &mut self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<(), LabError> {
        self.vm.go_on()?;
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
        let mut poll = 0_u32;
        loop {
            poll = poll.wrapping_add(1);
            if self.value(offset)? == value {
                return Ok(());
            }
            self.check(poll, start)?;
            if poll < EAGER_POLLS {
                thread::yield_now();
            } else {
                thread::sleep(Duration::from_micros(100));
            }
        }
    }

    /// Checks from time to time that the machine still runs.
    fn check(&mut self, poll: u32, start: Instant) -> Result<(), LabError> {
        if poll.is_multiple_of(POLLS_PER_CHECK) {
            self.vm.check()?;
            if start.elapsed() > self.patience {
                return Err(self.vm.give_up(self.patience));
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

/// Converts a status of the mailbox: its low 32 bits.
pub(crate) const fn status_of(value: u64) -> NtStatus {
    let [a, b, c, d, ..] = value.to_le_bytes();
    NtStatus(u32::from_le_bytes([a, b, c, d]))
}
