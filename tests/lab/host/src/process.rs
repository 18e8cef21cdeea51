//! A process of the lab, as a client sees it.
//!
//! Long, because a process has as many ways to send a request as the lab has to disturb one: alone,
//! many at once, cancelled, amid changes, from both processors.

use std::{collections::BTreeMap, io};

use ringcopy_client::{
    Buffer, Handle, Landmarks, OpenAccess, PAGE_LENGTH, Protection, RequestError, Transport,
    TransportError,
    protocol::{NtStatus, SYMBOLIC_LINK_NAME},
};
use ringcopy_lab_mailbox::{
    Call, Called, Command, DATA_LENGTH, Exchange, Exchanged, Interference, MachineFact, VALUES,
};
use zerocopy::{FromBytes, IntoBytes};

use crate::{
    Flicker, Lab, LabError, PageState,
    channel::{Answer, status_of},
};

/// In whose name a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Kernel code: its pointers are the kernel's own.
    Kernel = 0,
    /// The process.
    User = 1,
}

/// What became of a request that one processor sent many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The status of the first.
    pub status: NtStatus,
    /// Bytes that the first returned.
    pub returned: u64,
    /// How many came to something else than the first, or to other bytes.
    pub different: u64,
    /// How many were sent.
    pub sent: u64,
}

/// What the lab's own `MmCopyMemory` made of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCopy {
    /// What it returned.
    pub status: NtStatus,
    /// `NumberOfBytesTransferred`.
    pub transferred: u64,
    /// The whole target, [`UNTOUCHED`](crate::UNTOUCHED) where nothing arrived.
    pub target: Vec<u8>,
}

/// What became of one of many requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its status.
    pub status: NtStatus,
    /// Bytes that it returned.
    pub returned: u64,
    /// All of its output buffer, [`UNTOUCHED`](crate::UNTOUCHED) where nothing was written.
    pub output: Vec<u8>,
}

/// A process of its own address space; ended when dropped.
#[derive(Debug)]
pub struct Process<'l> {
    lab: &'l Lab,
    number: u64,
    /// Length of each allocation, by address.
    allocations: BTreeMap<u64, u64>,
    /// Where the buffers of requests go that name no addresses of their own.
    input: Staging,
    output: Staging,
}

/// Memory of the process's, grown as needed.
#[derive(Debug, Default)]
struct Staging {
    address: u64,
    length: u64,
}

impl<'l> Process<'l> {
    pub(crate) const fn of(lab: &'l Lab, number: u64) -> Self {
        Self {
            lab,
            number,
            allocations: BTreeMap::new(),
            input: Staging {
                address: 0,
                length: 0,
            },
            output: Staging {
                address: 0,
                length: 0,
            },
        }
    }

    /// The lab that it runs in.
    #[must_use]
    pub const fn lab(&self) -> &'l Lab {
        self.lab
    }

    /// Opens a device by name, for these access bits.
    ///
    /// # Errors
    /// The status of the open.
    pub fn open_name(&mut self, name: &str, access: u64) -> Result<Handle, RequestError> {
        let [handle, ..] = self.asked(Command::Open, &[self.number, access], name.as_bytes())?;
        Ok(Handle(handle))
    }

    /// Sends a request in somebody's name, with buffers where the caller says.
    ///
    /// # Errors
    /// The status of the request.
    pub fn device_io_control_as(
        &mut self,
        caller: Caller,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        let arguments = self.control_arguments(caller, handle, code, input, output);
        let answer = self
            .lab
            .request(Command::DeviceIoControl, &arguments, &[])
            .map_err(TransportError::from)?;
        Ok(returned(&results_of(&answer)?))
    }

    /// Sends a request while a byte of memory keeps changing.
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
        let answer = self
            .lab
            .call_amid(Command::DeviceIoControl, &arguments, flicker)
            .map_err(TransportError::from)?;
        Ok(returned(&results_of(&answer)?))
    }

    /// Sends the same request from both processors at once, so often from each, with these
    /// buffers.
    ///
    /// # Errors
    /// If there is no second processor, or memory of a page changes all the time.
    pub fn device_io_control_on_both(
        &mut self,
        handle: Handle,
        code: u32,
        buffers: [(Buffer, Buffer); 2],
        times: u64,
    ) -> Result<[Repeated; 2], LabError> {
        self.on_both(handle, code, buffers, times, None, false)
    }

    /// The same with the second processor in another process, with a handle and memory of its own.
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

    /// Sends a request so often, while the second processor does the same; then closes the handle,
    /// while the second processor goes on until there is none any more.
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

    /// Sends a request that was cancelled before the driver sees it.
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
        let cancelled = [arguments.as_slice(), &[1]].concat();
        let answer = self
            .lab
            .request(Command::DeviceIoControl, &cancelled, &[])
            .map_err(TransportError::from)?;
        Ok(returned(&results_of(&answer)?))
    }

    const fn control_arguments(
        &self,
        caller: Caller,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> [u64; 8] {
        [
            self.number,
            handle.0,
            code as u64,
            input.address,
            input.length as u64,
            output.address,
            output.length as u64,
            caller as u64,
        ]
    }

    /// Calls the lab's own `MmCopyMemory` in this process's context, without the driver: what an
    /// engine of the driver's has to agree with. `flags` are those of the function.
    ///
    /// # Errors
    /// If the lab is gone, or the target does not fit into [`DATA_LENGTH`]. What the function
    /// returns is no error.
    pub fn mm_copy_memory(
        &self,
        flags: u32,
        source: u64,
        length: u64,
    ) -> Result<SystemCopy, LabError> {
        let mut copies = self.mm_copy_memory_each(&[(flags, source, length)])?;
        copies.pop().ok_or_else(malformed)
    }

    /// The same for many calls, each of flags, source and length, in one round trip.
    ///
    /// # Errors
    /// If the lab is gone, or calls or targets do not fit into [`DATA_LENGTH`].
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
        let answer = self.lab.done(Command::CopyMemory, &[self.number], &data)?;
        let mut left = answer.data.as_slice();
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

    /// Sends many requests of one code, each of an input and of room for so many bytes of output,
    /// in one round trip. Their instructions count for
    /// [`Lab::instructions_of`](crate::Lab::instructions_of).
    ///
    /// # Errors
    /// If the lab is gone, or the requests or their outputs do not fit into [`DATA_LENGTH`]. That a
    /// request fails is no error.
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
        let answer = self.lab.done(Command::Exchanges, &arguments, &data)?;
        let mut left = answer.data.as_slice();
        requests
            .iter()
            .map(|&(_, room)| {
                let sent: Exchanged = take(&mut left)?;
                self.lab.add_request(sent.ticks);
                Ok(Sent {
                    status: status_of(sent.status),
                    returned: sent.information,
                    output: take_bytes(&mut left, room as u64)?,
                })
            })
            .collect()
    }

    /// Starts another process, with a token of its own: bits of [`token`](crate::token).
    ///
    /// # Errors
    /// If the lab refuses or is gone.
    pub fn another(&self, token: u64) -> Result<Self, LabError> {
        self.lab.process(token)
    }

    /// Gives another process a handle to the same file object.
    ///
    /// # Errors
    /// If there is no such handle or process.
    pub fn duplicate(&mut self, handle: Handle, to: &Process<'_>) -> Result<Handle, LabError> {
        let arguments = [self.number, handle.0, to.number];
        let [copy, ..] = self.lab.done(Command::Duplicate, &arguments, &[])?.results;
        Ok(Handle(copy))
    }

    /// Allocates at an address of the caller's choice.
    ///
    /// # Errors
    /// If something is there.
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

    /// Puts whole pages into a state.
    ///
    /// # Errors
    /// If a page of the range is not there.
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

    /// Has the second processor change a page, over and over.
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

    /// Has it stop; gives how often it changed the page, which is as it was.
    ///
    /// # Errors
    /// If it had not been started.
    pub fn stop_interference(&mut self) -> Result<u64, LabError> {
        self.lab.stop_interference()
    }

    /// Sends a request whose buffers fit into the mailbox: one round trip instead of four.
    fn exchange(
        &self,
        handle: Handle,
        code: u32,
        (input_buffer, input): (Buffer, &[u8]),
        (output_buffer, output): (Buffer, &mut [u8]),
    ) -> Result<usize, RequestError> {
        let arguments = [
            self.number,
            handle.0,
            code.into(),
            input_buffer.address,
            input_buffer.length.into(),
            output_buffer.address,
            output_buffer.length.into(),
        ];
        let answer = self
            .lab
            .request(Command::Exchange, &arguments, &[input, output].concat())
            .map_err(TransportError::from)?;
        // Also of a failed request: what it should have left alone is to be seen.
        if answer.data.len() == output.len() {
            output.copy_from_slice(&answer.data);
        }
        Ok(returned(&results_of(&answer)?))
    }

    /// A command whose status is that of a request.
    fn asked(
        &self,
        command: Command,
        arguments: &[u64],
        data: &[u8],
    ) -> Result<[u64; VALUES], RequestError> {
        let answer = self
            .lab
            .call(command, arguments, data)
            .map_err(TransportError::from)?;
        results_of(&answer)
    }

    /// A command that arranges memory.
    fn arranged(
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

    /// Room for so many bytes; a null pointer for none, as callers without a buffer pass it.
    fn stage(&mut self, which: Side, length: usize) -> Result<Buffer, TransportError> {
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

/// An answer that is not what the mailbox promises.
fn malformed() -> LabError {
    io::Error::from(io::ErrorKind::InvalidData).into()
}

/// Takes a record off the front of an answer.
fn take<T: FromBytes>(left: &mut &[u8]) -> Result<T, LabError> {
    let (record, rest) = T::read_from_prefix(left).map_err(|_| malformed())?;
    *left = rest;
    Ok(record)
}

/// Takes so many bytes off it.
fn take_bytes(left: &mut &[u8], length: u64) -> Result<Vec<u8>, LabError> {
    let length = usize::try_from(length).map_err(|_| malformed())?;
    let bytes = left.split_off(..length).ok_or_else(malformed)?;
    Ok(bytes.to_vec())
}

const fn results_of(answer: &Answer) -> Result<[u64; VALUES], RequestError> {
    match answer.status {
        NtStatus::SUCCESS => Ok(answer.results),
        status => Err(RequestError::Status(status)),
    }
}

fn returned(&[information, ..]: &[u64; VALUES]) -> usize {
    usize::try_from(information).unwrap_or(usize::MAX)
}

#[derive(Clone, Copy)]
enum Side {
    Input,
    Output,
}

impl Transport for Process<'_> {
    fn open(&mut self, access: OpenAccess) -> Result<Handle, RequestError> {
        let access = match access {
            OpenAccess::Read => 1,
            OpenAccess::Write => 2,
            OpenAccess::ReadWrite => 3,
        };
        self.open_name(SYMBOLIC_LINK_NAME, access)
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
        // Also of a failed request: what it should have left alone is to be seen.
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
        self.device_io_control_as(Caller::User, handle, code, input, output)
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
        // Pages of it were taken away already, and there is nothing to be done about those.
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
            .pieces(length, |offset, piece| {
                let arguments = vec![self.number, address.wrapping_add(offset), piece];
                (Command::ReadUser, arguments)
            })
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

impl Drop for Process<'_> {
    fn drop(&mut self) {
        // A lab that is gone has no processes.
        drop(self.lab.call(Command::EndProcess, &[self.number], &[]));
    }
}
