//! One virtual machine with one driver.

use std::{
    cell::{Cell, RefCell},
    io::{self, Write as _},
};

use ringcopy_client::protocol::NtStatus;
use ringcopy_lab_mailbox::{
    Command, Count, DATA_LENGTH, Interference, MachineFact, RamState, VALUES, Withheld,
};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::{
    LabError, Mosaic, Options, Process,
    channel::{Answer, Channel, Flicker},
    machine::Machine,
};

/// A running lab. Its driver is loaded.
#[derive(Debug)]
pub struct Lab {
    channel: RefCell<Channel>,
    options: Options,
    /// How far the time-stamp counter went during all requests.
    ticks: Cell<u64>,
    requests: Cell<u64>,
}

/// How a lab ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the driver left behind when it was unloaded, a line each.
    pub leaks: Vec<String>,
    /// The bugcheck, if the driver brought the lab down.
    pub bugcheck: Option<String>,
    /// Everything that the lab and the driver said.
    pub log: Vec<String>,
}

/// What the lab's machine is, by [`MachineFact`].
#[derive(Clone, Copy, Debug)]
pub struct Facts([u64; VALUES]);

impl Facts {
    /// One of them.
    #[must_use]
    pub const fn get(&self, fact: MachineFact) -> u64 {
        self.0[fact as usize]
    }
}

/// What the lab counts, by [`Count`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts([u64; VALUES]);

impl Counts {
    /// One of them.
    #[must_use]
    pub const fn get(&self, count: Count) -> u64 {
        self.0[count as usize]
    }
}

/// A run of RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RamRange {
    /// The first byte's physical address.
    pub base: u64,
    /// Bytes.
    pub length: u64,
}

impl Lab {
    /// Starts a lab, and waits until its driver is loaded.
    ///
    /// # Errors
    /// If there is no QEMU, if a file cannot be read, if the driver does not load or brings the
    /// lab down.
    pub fn boot(options: Options) -> Result<Self, LabError> {
        let verbose = options.verbose;
        let (machine, memory) = Machine::start(&options, "serve", move |line| {
            if verbose {
                drop(writeln!(io::stderr(), "{line}"));
            }
        })?;
        Ok(Self {
            channel: RefCell::new(Channel::open(machine, memory, options.patience)?),
            options,
            ticks: Cell::new(0),
            requests: Cell::new(0),
        })
    }

    /// What it was started with.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Starts a process. `token`: bits of [`token`](crate::token).
    ///
    /// # Errors
    /// If the lab refuses or is gone.
    pub fn process(&self, token: u64) -> Result<Process<'_>, LabError> {
        let [process, ..] = self.done(Command::CreateProcess, &[token], &[])?.results;
        Ok(Process::of(self, process))
    }

    /// What its machine is.
    ///
    /// # Errors
    /// If the lab is gone.
    pub fn facts(&self) -> Result<Facts, LabError> {
        Ok(Facts(self.done(Command::Machine, &[], &[])?.results))
    }

    /// What it counts.
    ///
    /// # Errors
    /// If the lab is gone.
    pub fn counts(&self) -> Result<Counts, LabError> {
        Ok(Counts(self.done(Command::Counts, &[], &[])?.results))
    }

    /// The runs of RAM that the driver is told of.
    ///
    /// # Errors
    /// If the lab is gone.
    pub fn ram_ranges(&self) -> Result<Vec<RamRange>, LabError> {
        let answer = self.done(Command::RamRanges, &[], &[])?;
        Ok(answer
            .data
            .chunks_exact(size_of::<RamRange>())
            .filter_map(|bytes| RamRange::read_from_bytes(bytes).ok())
            .collect())
    }

    /// The mosaic: system virtual memory of every kind. It is laid out by the first call.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn mosaic(&self) -> Result<Mosaic, LabError> {
        Mosaic::of(self)
    }

    /// Pages a page of the mosaic's out, if it was brought in.
    ///
    /// # Errors
    /// If it is none that can be.
    pub fn page_out(&self, address: u64) -> Result<(), LabError> {
        self.done(Command::PageOut, &[address], &[]).map(drop)
    }

    /// Withholds a frame from the driver's own mappings, as a hypervisor does, or gives it back;
    /// returns its physical address. On the first processor.
    ///
    /// # Errors
    /// If there is no such page table.
    pub fn withhold(&self, address: u64, what: Withheld, withheld: bool) -> Result<u64, LabError> {
        let arguments = [address, what as u64, withheld.into()];
        let [frame, ..] = self.done(Command::Withhold, &arguments, &[])?.results;
        Ok(frame)
    }

    /// Adds RAM or removes it, in whole pages.
    ///
    /// # Errors
    /// If the lab is gone.
    pub fn set_ram(&self, address: u64, length: u64, state: RamState) -> Result<(), LabError> {
        let arguments = [address, length, state as u64];
        self.done(Command::SetRam, &arguments, &[]).map(drop)
    }

    /// Has the second processor remove a range of RAM and add it, over and over.
    ///
    /// # Errors
    /// If there is no second processor.
    pub fn start_changing_ram(&self, address: u64, length: u64) -> Result<(), LabError> {
        self.interfere(length, address, Interference::Ram)
    }

    /// Has the second processor change a small page of RAM of the mosaic's, over and over.
    ///
    /// # Errors
    /// If there is no second processor, or no such page.
    pub fn start_system_interference(
        &self,
        address: u64,
        interference: Interference,
    ) -> Result<(), LabError> {
        self.interfere(0, address, interference)
    }

    /// Has the second processor cancel the requests that are under way, until
    /// [`stop_interference`](Self::stop_interference).
    ///
    /// # Errors
    /// If there is no second processor.
    pub fn start_cancelling(&self) -> Result<(), LabError> {
        self.interfere(0, 0, Interference::Cancel)
    }

    pub(crate) fn interfere(
        &self,
        process: u64,
        address: u64,
        interference: Interference,
    ) -> Result<(), LabError> {
        let arguments = [process, address, interference as u64];
        self.done(Command::StartInterference, &arguments, &[])
            .map(drop)
    }

    /// Has the second processor stop what it was started for; gives how often it did it. A page is
    /// as it was.
    ///
    /// # Errors
    /// If it had not been started.
    pub fn stop_interference(&self) -> Result<u64, LabError> {
        let [changes, ..] = self.done(Command::StopInterference, &[], &[])?.results;
        Ok(changes)
    }

    /// Reads physical memory, without the driver.
    ///
    /// # Errors
    /// If nothing answers there.
    pub fn read_physical(&self, address: u64, length: u64) -> Result<Vec<u8>, LabError> {
        self.pieces(length, |offset, piece| {
            (
                Command::ReadPhysical,
                vec![address.wrapping_add(offset), piece],
            )
        })
    }

    /// Reads system virtual memory, without the driver.
    ///
    /// # Errors
    /// If nothing is mapped there.
    pub fn read_system(&self, address: u64, length: u64) -> Result<Vec<u8>, LabError> {
        self.pieces(length, |offset, piece| {
            (
                Command::ReadSystem,
                vec![address.wrapping_add(offset), piece],
            )
        })
    }

    /// Writes to the memory that is set aside for requests in kernel mode; gives its address.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn write_kernel_scratch(&self, offset: u64, bytes: &[u8]) -> Result<u64, LabError> {
        let [address, ..] = self
            .done(Command::WriteKernelScratch, &[offset], bytes)?
            .results;
        Ok(address)
    }

    /// Reads from that memory.
    ///
    /// # Errors
    /// If it is not that large.
    pub fn read_kernel_scratch(&self, offset: u64, length: u64) -> Result<Vec<u8>, LabError> {
        Ok(self
            .done(Command::ReadKernelScratch, &[offset, length], &[])?
            .data)
    }

    /// Has one pool allocation fail, after so many more that succeed; `None`: none.
    ///
    /// # Errors
    /// If the lab is gone.
    pub fn fail_allocation(&self, after: Option<u64>) -> Result<(), LabError> {
        let after = after.unwrap_or(u64::MAX);
        self.done(Command::FailAllocation, &[after], &[])?;
        Ok(())
    }

    /// Stops the driver; gives what it left behind, a line each.
    ///
    /// # Errors
    /// [`LabError::Refused`] with `STATUS_INVALID_DEVICE_REQUEST` while handles are open.
    pub fn unload(&self) -> Result<Vec<String>, LabError> {
        let answer = self.done(Command::Unload, &[], &[])?;
        let mut leaks: Vec<_> = String::from_utf8_lossy(&answer.data)
            .lines()
            .map(str::to_owned)
            .collect();
        let [count, ..] = answer.results;
        if leaks.is_empty() && count > 0 {
            leaks.push(format!("{count} objects or allocations without a name"));
        }
        Ok(leaks)
    }

    /// Loads the driver again, after [`unload`](Self::unload). The answer is what its entry point
    /// returned.
    ///
    /// # Errors
    /// If the lab is gone.
    pub fn load(&self) -> Result<NtStatus, LabError> {
        Ok(self.call(Command::Load, &[], &[])?.status)
    }

    /// Unloads the driver and ends the lab.
    ///
    /// # Errors
    /// If handles are open, or if the lab does not stop. A lab that stops with a bugcheck is no
    /// error here: the report names it.
    pub fn finish(self) -> Result<Report, LabError> {
        let leaks = match self.unload() {
            Ok(leaks) => leaks,
            Err(LabError::Stopped { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut channel = self.channel.into_inner();
        if channel.machine.check().is_ok() {
            channel.send(Command::Shutdown, &[], &[])?;
        }
        let bugcheck = match channel.machine.join(self.options.patience) {
            Ok(()) => channel.machine.log().bugcheck(),
            Err(error) => Some(channel.machine.log().bugcheck().ok_or(error)?),
        };
        Ok(Report {
            leaks,
            bugcheck,
            log: channel.machine.log().lines(),
        })
    }

    /// The process that is the lab's machine.
    pub fn machine_process(&self) -> u32 {
        self.channel.borrow().machine.process()
    }

    /// Whether a request has ended with an error that tells that the lab is gone, or does not
    /// answer any more.
    pub fn is_gone(&self) -> bool {
        self.channel.borrow().machine.is_gone()
    }

    /// What `work` gives, and how many instructions the driver, and the lab on its behalf, took for
    /// all device control requests that it sent: from the call of the dispatch routine to its
    /// return. The lab counts them if it was started with [`Options::icount`]; the same request in
    /// the same lab then takes the same number, whatever else the machine is doing, but for what
    /// the lab's allocators differ by: less than one in a hundred. An instruction with a `rep`
    /// prefix counts once for each time that it repeats. What the copy itself costs is the
    /// difference between two lengths: a request has costs of its own, most of them the lab's.
    ///
    /// # Errors
    /// [`LabError::NotCounted`] if the lab was started without.
    pub fn instructions_of<R>(&self, work: impl FnOnce() -> R) -> Result<(R, u64), LabError> {
        let before = self.instructions().ok_or(LabError::NotCounted)?;
        let result = work();
        Ok((result, self.ticks.get().wrapping_sub(before)))
    }

    /// The same for all requests so far; `None` if nobody counts.
    #[must_use]
    pub fn instructions(&self) -> Option<u64> {
        self.options.icount.then(|| self.ticks.get())
    }

    /// Sends a device control request, and adds up what it took.
    pub(crate) fn request(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Answer, LabError> {
        let answer = self.call(command, arguments, data)?;
        let [_, ticks, ..] = answer.results;
        self.add_request(ticks);
        Ok(answer)
    }

    /// Adds a request, and what it took.
    pub(crate) fn add_request(&self, ticks: u64) {
        self.ticks.set(self.ticks.get().wrapping_add(ticks));
        self.requests.set(self.requests.get().wrapping_add(1));
    }

    /// How many requests were sent, but for those that both processors sent at once or that were
    /// sent amid changes.
    pub const fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Carries a command out, whatever its status.
    pub(crate) fn call(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Answer, LabError> {
        self.channel.borrow_mut().call(command, arguments, data)
    }

    /// Carries a command out, and changes memory for as long as that takes.
    pub(crate) fn call_amid(
        &self,
        command: Command,
        arguments: &[u64],
        flicker: &Flicker,
    ) -> Result<Answer, LabError> {
        self.channel
            .borrow_mut()
            .call_amid(command, arguments, flicker)
    }

    /// Carries a command out that has to succeed.
    pub(crate) fn done(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Answer, LabError> {
        let answer = self.call(command, arguments, data)?;
        match answer.status {
            NtStatus::SUCCESS => Ok(answer),
            status => Err(LabError::Refused { command, status }),
        }
    }

    /// Reads more than one command can carry. `command` gives the one for an offset and a length.
    pub(crate) fn pieces(
        &self,
        length: u64,
        command: impl Fn(u64, u64) -> (Command, Vec<u64>),
    ) -> Result<Vec<u8>, LabError> {
        let mut bytes = Vec::new();
        let mut offset = 0;
        while offset < length {
            let piece = DATA_LENGTH.min(length - offset);
            let (command, arguments) = command(offset, piece);
            let answer = self.done(command, &arguments, &[])?;
            if answer.data.len() as u64 != piece {
                return Err(LabError::Refused {
                    command,
                    status: NtStatus::PARTIAL_COPY,
                });
            }
            bytes.extend(answer.data);
            offset += piece;
        }
        Ok(bytes)
    }
}

/// Loads a driver, unloads it, and tells what became of it: its output, the functions that it
/// imports and nobody has, what it left behind. Every line goes to `echo` as it comes.
///
/// # Errors
/// If QEMU cannot run it, or a file cannot be read; [`LabError::Stopped`] if anything is wrong with
/// the driver; [`LabError::Interrupted`] if nobody wants to wait.
pub fn load(options: &Options, echo: impl FnMut(&str) + Send + 'static) -> Result<(), LabError> {
    let (mut machine, _memory) = Machine::start(options, "load", echo)?;
    machine.join(options.patience)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_or_image_that_is_not_there_is_named() {
        let error = Lab::boot(Options::new("/no/such/kernel", [])).unwrap_err();
        assert!(
            error.to_string().starts_with("/no/such/kernel: "),
            "{error}"
        );
        let error = Lab::boot(Options::new("/no/such/kernel", ["/no/driver.sys".into()]));
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("/no/driver.sys: ")
        );
    }
}
