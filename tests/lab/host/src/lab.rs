//! One virtual machine with one driver.

use std::{
    cell::{Cell, RefCell},
    io::{self, Write as _},
    time::Duration,
};

use nt_status::NtStatus;
use ringcopy_driver_events::Raw;
use ringcopy_lab_mailbox::{
    Command, Count, DATA_LENGTH, Interference, MachineFact, PnpRequest, RamRange, RamState, VALUES,
    Withheld, rules::Rule,
};

use crate::{
    Counted, LabError, MixedMappings, Options, Process,
    channel::{Channel, Flicker, Reply},
    virtual_machine::VirtualMachine,
};

/// A running lab, whose driver is loaded. Its methods, and those of its processes, also fail if the
/// lab is gone.
#[derive(Debug)]
pub struct Lab {
    channel: RefCell<Channel>,
    options: Options,
    /// Ticks of the time-stamp counter during all requests.
    ticks: Cell<u64>,
    requests: Cell<u64>,
}

/// How a lab ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// A line for each thing that the driver leaked when it was unloaded.
    pub leaks: Vec<String>,
    /// The bugcheck, if the driver caused one.
    pub bugcheck: Option<String>,
    /// The whole log.
    pub log: Vec<String>,
}

/// The description of the lab's machine, by [`MachineFact`].
#[derive(Clone, Copy, Debug)]
pub struct Facts([u64; VALUES]);

impl Report {
    /// Returns the events that the driver wrote, if the lab was started with [`Options::trace`].
    pub fn events(&self) -> impl Iterator<Item = Raw> {
        self.log.iter().filter_map(|line| Raw::of_line(line))
    }
}

/// Returns an event as a line to be read.
#[must_use]
pub fn show_event(event: &Raw) -> String {
    match event.decode() {
        Ok(event) => format!("event: {event}"),
        Err(error) => format!("event: cannot be decoded: {error}"),
    }
}

/// Returns a line of the log as a person reads it: an event is decoded.
#[must_use]
pub fn readable(line: &str) -> String {
    Raw::of_line(line).map_or_else(|| line.to_owned(), |event| show_event(&event))
}

impl Facts {
    /// Returns one of them.
    #[must_use]
    pub const fn get(&self, fact: MachineFact) -> u64 {
        self.0[fact as usize]
    }
}

/// The lab's counters, by [`Count`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts([u64; VALUES]);

impl Counts {
    /// Returns one of them.
    #[must_use]
    pub const fn get(&self, count: Count) -> u64 {
        self.0[count as usize]
    }
}

impl Lab {
    /// Starts a lab and waits until its driver is loaded. Fails if there is no QEMU, if a file
    /// cannot be read, or if the driver does not load or causes a bugcheck.
    pub fn boot(options: Options) -> Result<Self, LabError> {
        let verbose = options.verbose;
        Self::boot_with(options, move |line| {
            if verbose {
                drop(writeln!(io::stderr(), "{line}"));
            }
        })
    }

    /// As [`boot`](Self::boot); `echo` gets every line of the log at once.
    pub fn boot_with(
        options: Options,
        echo: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, LabError> {
        let (vm, memory) = VirtualMachine::start(&options, echo)?;
        Ok(Self {
            channel: RefCell::new(Channel::open(vm, memory, options.patience)?),
            options,
            ticks: Cell::new(0),
            requests: Cell::new(0),
        })
    }

    /// Returns the options that it was started with.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Starts a process. `token`: bits of [`token`](crate::token).
    pub fn process(&self, token: u64) -> Result<Process<'_>, LabError> {
        let [process, ..] = self.done(Command::CreateProcess, &[token], &[])?.results;
        Ok(Process::of(self, process))
    }

    /// Describes its machine.
    pub fn facts(&self) -> Result<Facts, LabError> {
        Ok(Facts(self.done(Command::Machine, &[], &[])?.results))
    }

    /// Returns its counters.
    pub fn counts(&self) -> Result<Counts, LabError> {
        Ok(Counts(self.done(Command::Counts, &[], &[])?.results))
    }

    /// Returns the ranges of RAM that the driver sees.
    pub fn ram_ranges(&self) -> Result<Vec<RamRange>, LabError> {
        Ok(self.done(Command::RamRanges, &[], &[])?.records())
    }

    /// Returns the mixed mappings: system virtual memory of every kind. The first call makes them.
    /// Fails if there is no memory for it.
    pub fn mixed_mappings(&self) -> Result<MixedMappings, LabError> {
        MixedMappings::of(self)
    }

    /// Pages out a page of the mixed mappings, if it is in. Fails if it cannot be paged out.
    pub fn page_out(&self, address: u64) -> Result<(), LabError> {
        self.done(Command::PageOut, &[address], &[]).map(drop)
    }

    /// Withholds a frame from the driver's own mappings, as a hypervisor does, or gives it back;
    /// returns its physical address. On the first processor. Fails if there is no such page table.
    pub fn withhold(&self, address: u64, what: Withheld, withheld: bool) -> Result<u64, LabError> {
        let arguments = [address, what as u64, withheld.into()];
        let [frame, ..] = self.done(Command::Withhold, &arguments, &[])?.results;
        Ok(frame)
    }

    /// Advances the time that the driver sees by a second.
    pub fn advance_time(&self) -> Result<(), LabError> {
        self.advance_time_by(Duration::from_secs(1))
    }

    /// Advances the time that the driver sees: its timers expire, and its waits end.
    pub fn advance_time_by(&self, time: Duration) -> Result<(), LabError> {
        let units = u64::try_from(time.as_nanos() / 100).unwrap_or(u64::MAX);
        self.done(Command::AdvanceTime, &[units], &[]).map(drop)
    }

    /// Adds RAM or removes it, in whole pages.
    pub fn set_ram(&self, address: u64, length: u64, state: RamState) -> Result<(), LabError> {
        let arguments = [address, length, state as u64];
        self.done(Command::SetRam, &arguments, &[]).map(drop)
    }

    /// Starts to remove a range of RAM and to add it, in turn, on the second processor. Fails if
    /// there is no second processor.
    pub fn start_changing_ram(&self, address: u64, length: u64) -> Result<(), LabError> {
        let arguments = [length, address, Interference::Ram as u64];
        self.done(Command::StartInterference, &arguments, &[])
            .map(drop)
    }

    /// Starts to interfere on the second processor, until
    /// [`stop_interference`](Self::stop_interference): with a page of a process, or without a
    /// process with a small page of RAM of the mixed mappings. Fails if there is no second
    /// processor, or no such page.
    pub fn start_interference(
        &self,
        process: Option<&Process<'_>>,
        address: u64,
        interference: Interference,
    ) -> Result<(), LabError> {
        let process = process.map_or(0, |process| process.number);
        let arguments = [process, address, interference as u64];
        self.done(Command::StartInterference, &arguments, &[])
            .map(drop)
    }

    /// Stops the second processor, restores the page and returns the number of changes or
    /// cancellations. Fails if it was not started.
    pub fn stop_interference(&self) -> Result<u64, LabError> {
        let [changes, ..] = self.done(Command::StopInterference, &[], &[])?.results;
        Ok(changes)
    }

    /// Reads physical memory, without the driver. Fails if there is no memory.
    pub fn read_physical(&self, address: u64, length: u64) -> Result<Vec<u8>, LabError> {
        self.pieces(Command::ReadPhysical, &[], address, length)
    }

    /// Reads system virtual memory, without the driver. Fails if nothing is mapped there.
    pub fn read_system(&self, address: u64, length: u64) -> Result<Vec<u8>, LabError> {
        self.pieces(Command::ReadSystem, &[], address, length)
    }

    /// Writes to the memory for requests in kernel mode and returns its address. Fails if it does
    /// not fit.
    pub fn write_kernel_scratch(&self, offset: u64, bytes: &[u8]) -> Result<u64, LabError> {
        let [address, ..] = self
            .done(Command::WriteKernelScratch, &[offset], bytes)?
            .results;
        Ok(address)
    }

    /// Reads from the memory for requests in kernel mode. Fails if it is not that large.
    pub fn read_kernel_scratch(&self, offset: u64, length: u64) -> Result<Vec<u8>, LabError> {
        Ok(self
            .done(Command::ReadKernelScratch, &[offset, length], &[])?
            .data)
    }

    /// Lets one pool allocation fail after `after` that succeed; `None`: none fails.
    pub fn fail_allocation(&self, after: Option<u64>) -> Result<(), LabError> {
        let after = after.unwrap_or(u64::MAX);
        self.done(Command::FailAllocation, &[after], &[])?;
        Ok(())
    }

    /// Breaks a rule of Driver Verifier on purpose. Fails with [`LabError::Stopped`], as the run ends
    /// then, or with `STATUS_NOT_SUPPORTED` if only a driver can break the rule.
    pub fn break_rule(&self, rule: Rule) -> Result<(), LabError> {
        self.done(Command::Break, &[rule as u64], &[]).map(drop)
    }

    /// Returns the status of a request that a process started: `STATUS_PENDING` if it has not ended. Fails
    /// for a request whose end was seen already.
    pub fn finish_request(&self, number: u64) -> Result<NtStatus, LabError> {
        Ok(self.call(Command::Finish, &[number], &[])?.status)
    }

    /// Returns a line for each device with a name, and for each symbolic link.
    pub fn names(&self) -> Result<Vec<String>, LabError> {
        Ok(lines_of(&self.done(Command::Names, &[], &[])?))
    }

    /// Sends a request of the Plug and Play manager to the stack of the driver's device and returns its
    /// status. `STATUS_INVALID_DEVICE_STATE` for one that the manager would not send now;
    /// `STATUS_NO_SUCH_DEVICE` if the driver has no device.
    pub fn plug_and_play(&self, request: PnpRequest) -> Result<NtStatus, LabError> {
        Ok(self
            .call(Command::PlugAndPlay, &[request as u64], &[])?
            .status)
    }

    /// Stops the driver and returns a line for each thing that it leaked. Fails with
    /// `STATUS_INVALID_DEVICE_REQUEST` while handles are open, and with `STATUS_NOT_SUPPORTED` if it has
    /// no unload routine.
    pub fn unload(&self) -> Result<Vec<String>, LabError> {
        let reply = self.done(Command::Unload, &[], &[])?;
        let mut leaks = lines_of(&reply);
        let [count, ..] = reply.results;
        if leaks.is_empty() && count > 0 {
            leaks.push(format!("{count} objects or allocations without a name"));
        }
        Ok(leaks)
    }

    /// Loads the driver again after [`unload`](Self::unload) and returns the status of its entry
    /// point.
    pub fn load(&self) -> Result<NtStatus, LabError> {
        Ok(self.call(Command::Load, &[], &[])?.status)
    }

    /// Unloads the driver and ends the lab. Fails if handles are open, or if the lab does not stop.
    /// A bugcheck is no error here: the report has it.
    pub fn finish(self) -> Result<Report, LabError> {
        let leaks = match self.unload() {
            Ok(leaks) => leaks,
            Err(LabError::Stopped { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Report {
            leaks,
            ..self.shut_down()?
        })
    }

    /// Ends the lab without unloading the driver. Fails if the lab does not stop.
    pub fn shut_down(self) -> Result<Report, LabError> {
        let mut channel = self.channel.into_inner();
        if channel.vm.check().is_ok() {
            channel.send(Command::Shutdown, &[], &[])?;
        }
        let bugcheck = match channel.vm.join(self.options.patience) {
            Ok(()) => channel.vm.log().bugcheck(),
            Err(error) => Some(channel.vm.log().bugcheck().ok_or(error)?),
        };
        Ok(Report {
            leaks: Vec::new(),
            bugcheck,
            log: channel.vm.log().lines(),
        })
    }

    /// Returns the number of the QEMU process.
    pub fn machine_process(&self) -> u32 {
        self.channel.borrow().vm.process()
    }

    /// Whether a request has failed because the lab ended or no longer replies.
    pub fn is_gone(&self) -> bool {
        self.channel.borrow().vm.is_gone()
    }

    /// Runs `work`. Returns its result and the number of instructions that its device control
    /// requests took: those of the driver and of the lab on its behalf, from the call of the
    /// dispatch routine to its return. The lab counts them if it was started with
    /// [`Options::counted`]. The same request in the same lab takes the same number, to less than
    /// one in a hundred: the lab's allocators differ. An instruction with a `rep` prefix counts
    /// once for each repetition. The cost of a copy is the difference between two lengths: a
    /// request itself has costs, most of them the lab's. [`LabError::NotCounted`] if the lab was
    /// started without.
    pub fn instructions_of<R>(&self, work: impl FnOnce() -> R) -> Result<(R, u64), LabError> {
        let before = self.instructions().ok_or(LabError::NotCounted)?;
        let result = work();
        Ok((result, self.ticks.get().wrapping_sub(before)))
    }

    /// Returns the instructions of all requests so far; `None` if the lab does not count them.
    #[must_use]
    pub fn instructions(&self) -> Option<u64> {
        (self.options.counted != Counted::Nothing).then(|| self.ticks.get())
    }

    /// Sends a device control request and adds its ticks.
    pub(crate) fn request(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Reply, LabError> {
        let reply = self.call(command, arguments, data)?;
        let [_, ticks, ..] = reply.results;
        self.add_request(ticks);
        Ok(reply)
    }

    /// Adds a request and its ticks.
    pub(crate) fn add_request(&self, ticks: u64) {
        self.ticks.set(self.ticks.get().wrapping_add(ticks));
        self.requests.set(self.requests.get().wrapping_add(1));
    }

    /// Returns the number of requests sent, except those that both processors sent at once and
    /// those that were sent amid changes.
    pub const fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Carries out a command and returns its reply, whatever its status.
    pub(crate) fn call(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Reply, LabError> {
        self.channel.borrow_mut().call(command, arguments, data)
    }

    /// Carries out a command, and changes memory meanwhile.
    pub(crate) fn call_amid(
        &self,
        command: Command,
        arguments: &[u64],
        flicker: &Flicker,
    ) -> Result<Reply, LabError> {
        self.channel
            .borrow_mut()
            .call_amid(command, arguments, flicker)
    }

    /// Carries out a command that has to succeed.
    pub(crate) fn done(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<Reply, LabError> {
        let reply = self.call(command, arguments, data)?;
        match reply.status {
            NtStatus::SUCCESS => Ok(reply),
            status => Err(LabError::Refused { command, status }),
        }
    }

    /// Reads in pieces of at most [`DATA_LENGTH`]. The arguments of `command` are `first`, an
    /// address and a length.
    pub(crate) fn pieces(
        &self,
        command: Command,
        first: &[u64],
        address: u64,
        length: u64,
    ) -> Result<Vec<u8>, LabError> {
        let mut bytes = Vec::new();
        let mut offset = 0;
        while offset < length {
            let piece = DATA_LENGTH.min(length - offset);
            let arguments = [first, &[address.wrapping_add(offset), piece]].concat();
            let reply = self.done(command, &arguments, &[])?;
            if reply.data.len() as u64 != piece {
                let status = NtStatus::PARTIAL_COPY;
                return Err(LabError::Refused { command, status });
            }
            bytes.extend(reply.data);
            offset += piece;
        }
        Ok(bytes)
    }
}

/// Returns the lines of a reply.
fn lines_of(reply: &Reply) -> Vec<String> {
    let text = String::from_utf8_lossy(&reply.data);
    text.lines().map(str::to_owned).collect()
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
