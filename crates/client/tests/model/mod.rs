//! A driver on paper: the protocol's rules over a memory of maps, so that the client can be tried
//! where there is no driver, with right answers and with wrong ones. Long as the protocol is: each
//! request has its rules here in one place, to be read beside the protocol's.

#![allow(dead_code, reason = "every test file uses another part of it")]
#![allow(
    unreachable_pub,
    reason = "a test program has no other visibility to offer"
)]
#![allow(clippy::cast_possible_truncation, reason = "hosts have 64 bits")]

mod machine;

use ringcopy_client::{
    Buffer, Handle, Landmarks, OpenAccess, Protection, RequestError, Transport, TransportError,
    protocol::{
        BatchEntry, BatchRequest, BatchResponse, CallerCopyRequest, Code, CopyMemoryFlags,
        CopyMemoryRequest, CopyThroughRequest, DEVICE_PAGE_LENGTH, DeviceCopyRequest,
        DeviceDirection, Direction, Engine, EntryResult, Header, InformationResponse,
        MAXIMUM_ENTRIES, MAXIMUM_LENGTH, MemoryRange, MemoryRangesRequest, MemoryRangesResponse,
        NtStatus, Reach, RequestKind, SESSION_LENGTH, ScatterEntry, ScatterRequest, TransferFlags,
        TransferResponse,
    },
};
use zerocopy::{FromBytes, IntoBytes};

use machine::{
    FIRST_ALLOCATION, HOLE, IO, Machine, RAM_END, SESSION, SESSION_PHYSICAL, SYSTEM_DATA, Stop,
    USER_LIMIT, USER_PHYSICAL, system_data,
};

type Tamper = Box<dyn FnMut(&mut [u8], &mut usize)>;
type Twist = Box<dyn FnMut(Engine, u64, u64, u8) -> u8>;

pub struct Model {
    pub policy: Reach,
    pub reach: Reach,
    pub native_status: NtStatus,
    pub open_status: NtStatus,
    /// What `Transport::landmarks` and `physical_address` give away.
    pub talkative: bool,
    /// Changes an answer on its way.
    pub tamper: Option<Tamper>,
    /// Changes a byte that an engine read: which one, where, in the how-manieth read, what it was.
    pub twist: Option<Twist>,
    /// The control codes of the requests that came.
    pub requests: Vec<RequestKind>,
    /// The request of this number is the first that finds the driver gone.
    pub lost_from: Option<usize>,
    /// What is said to be RAM.
    pub ranges: Vec<(u64, u64)>,
    /// What the list of RAM is refused with.
    pub ranges_status: NtStatus,
    pub open_handles: i32,
    pub machine: Machine,
    /// How many reads of memory there were.
    pub reads: u64,
    /// Which bytes of the slots of the batch at hand were not copied.
    pub untouched: Vec<bool>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            policy: Reach::all(),
            reach: Reach::all(),
            native_status: NtStatus::SUCCESS,
            open_status: NtStatus::SUCCESS,
            talkative: true,
            tamper: None,
            twist: None,
            requests: Vec::new(),
            lost_from: None,
            ranges: vec![
                (0x1000, HOLE - 0x1000),
                (SESSION_PHYSICAL, RAM_END - SESSION_PHYSICAL),
            ],
            ranges_status: NtStatus::SUCCESS,
            open_handles: 0,
            machine: Machine::default(),
            reads: 0,
            untouched: Vec::new(),
        }
    }
}

impl Model {
    fn probe(address: u64, length: u64, alignment: u32, direction: Direction) -> Option<Stop> {
        if length == 0 {
            return None;
        }
        let stop = |status| {
            Some(Stop {
                status,
                access: Some((direction, address)),
            })
        };
        if !address.is_multiple_of(alignment.into()) {
            return stop(NtStatus::DATATYPE_MISALIGNMENT);
        }
        match address.checked_add(length) {
            Some(end) if end <= USER_LIMIT => None,
            _ => stop(NtStatus::ACCESS_VIOLATION),
        }
    }

    fn request(&mut self, code: &Code, input: &[u8], room: usize) -> Result<Vec<u8>, NtStatus> {
        if input.len() < code.request_length {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        if room < code.response_length {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        match code.kind {
            RequestKind::Information => Ok(self.information()),
            RequestKind::CopyFrom | RequestKind::CopyTo => {
                let request = CallerCopyRequest::read_from_bytes(input).unwrap();
                self.caller_copy(code.kind, &request)
            }
            RequestKind::CopyThrough => {
                let request = CopyThroughRequest::read_from_bytes(input).unwrap();
                self.copy_through(&request)
            }
            RequestKind::DeviceCopy => {
                let (request, payload) = DeviceCopyRequest::read_from_prefix(input).unwrap();
                self.device_copy(&request, payload)
            }
            RequestKind::CopyMemory => {
                let request = CopyMemoryRequest::read_from_bytes(input).unwrap();
                self.copy_memory(&request)
            }
            RequestKind::CopyBatch => self.copy_batch(input),
            RequestKind::CopyScatter => self.copy_scatter(input),
            RequestKind::MemoryRanges => {
                let request = MemoryRangesRequest::read_from_bytes(input).unwrap();
                self.memory_ranges(&request, room)
            }
        }
    }

    fn information(&self) -> Vec<u8> {
        InformationResponse {
            header: Header::of::<InformationResponse>(),
            driver_version: [0, 1, 0],
            policy: self.policy.bits(),
            reach: self.reach.bits(),
            native_status: self.native_status.0,
            paging_levels: 4,
            smap: 1,
            session_address: SESSION,
            session_physical_address: SESSION_PHYSICAL,
            session_length: SESSION_LENGTH,
            user_limit: USER_LIMIT,
            maximum_length: MAXIMUM_LENGTH,
            device_page_length: DEVICE_PAGE_LENGTH,
            kernel_mode: 0,
            maximum_entries: MAXIMUM_ENTRIES,
            physical_address_bits: 40,
        }
        .as_bytes()
        .to_vec()
    }

    fn caller_copy(
        &mut self,
        kind: RequestKind,
        request: &CallerCopyRequest,
    ) -> Result<Vec<u8>, NtStatus> {
        if !request.alignment.is_power_of_two() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let start = request.session_offset;
        match start.checked_add(request.length) {
            Some(end) if end <= SESSION_LENGTH => {}
            _ => return Err(NtStatus::INVALID_BUFFER_SIZE),
        }
        let range = start as usize..(start + request.length) as usize;
        let (direction, alignment) = (
            if kind == RequestKind::CopyFrom {
                Direction::Read
            } else {
                Direction::Write
            },
            request.alignment,
        );
        if let Some(stop) = Self::probe(request.address, request.length, alignment, direction) {
            return Ok(response(0, request.length, Some(stop), Engine::Auto));
        }
        let (copied, stop) = if kind == RequestKind::CopyFrom {
            let (bytes, stop) = self.machine.read_user(request.address, request.length);
            self.machine.session[range][..bytes.len()].copy_from_slice(&bytes);
            (bytes.len() as u64, stop)
        } else {
            let bytes = self.machine.session[range].to_vec();
            self.machine.write_user(request.address, &bytes)
        };
        Ok(response(copied, request.length, stop, Engine::Auto))
    }

    fn copy_through(&mut self, request: &CopyThroughRequest) -> Result<Vec<u8>, NtStatus> {
        if !request.alignment.is_power_of_two() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if request.length > MAXIMUM_LENGTH {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let length = request.length;
        if let Some(stop) = Self::probe(request.source, length, request.alignment, Direction::Read)
            .or_else(|| Self::probe(request.destination, length, 1, Direction::Write))
        {
            return Ok(response(0, length, Some(stop), Engine::Auto));
        }
        let (bytes, read) = self.machine.read_user(request.source, length);
        let (copied, written) = self.machine.write_user(request.destination, &bytes);
        Ok(response(copied, length, written.or(read), Engine::Auto))
    }

    fn device_copy(
        &mut self,
        request: &DeviceCopyRequest,
        payload: &[u8],
    ) -> Result<Vec<u8>, NtStatus> {
        let room = |offset: u32| {
            let end = u64::from(offset) + u64::from(request.length);
            let offset = offset as usize;
            if end <= DEVICE_PAGE_LENGTH.into() {
                Ok(offset..offset + request.length as usize)
            } else {
                Err(NtStatus::INVALID_BUFFER_SIZE)
            }
        };
        let (source, destination) = (
            room(request.source_offset)?,
            room(request.destination_offset)?,
        );
        let mut data = Vec::new();
        match DeviceDirection::from_wire(request.direction).ok_or(NtStatus::INVALID_PARAMETER)? {
            DeviceDirection::ToDevice => self.machine.page[destination].copy_from_slice(payload),
            DeviceDirection::FromDevice => data = self.machine.page[source].to_vec(),
            DeviceDirection::Within => {
                if source.start < destination.end && destination.start < source.end {
                    return Err(NtStatus::INVALID_PARAMETER);
                }
                self.machine.page.copy_within(source, destination.start);
            }
        }
        let length = request.length.into();
        let mut output = response(length, length, None, Engine::Auto);
        output.extend(data);
        Ok(output)
    }

    fn copy_memory(&mut self, request: &CopyMemoryRequest) -> Result<Vec<u8>, NtStatus> {
        if request.length > MAXIMUM_LENGTH {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let engine = Engine::from_wire(request.engine).ok_or(NtStatus::INVALID_PARAMETER)?;
        let read = self.read_memory(request.flags, request.address, request.length, engine);
        let mut output = read.response(request.length);
        output.extend(read.data);
        Ok(output)
    }

    fn copy_batch(&mut self, input: &[u8]) -> Result<Vec<u8>, NtStatus> {
        let (request, entries) = BatchRequest::read_from_prefix(input).unwrap();
        let entries: Vec<BatchEntry> = entries_of(request.count, entries)?;
        within_limit(entries.iter().map(|entry| entry.length))?;
        let engine = Engine::from_wire(request.engine).ok_or(NtStatus::INVALID_PARAMETER)?;
        let mut results = Vec::new();
        let mut slots = Vec::new();
        for entry in entries {
            let read = self.read_memory(entry.flags, entry.address, entry.length.into(), engine);
            results.push(read.result());
            let missing = entry.length as usize - read.data.len();
            slots.extend(read.data.into_iter().map(Some));
            slots.extend(std::iter::repeat_n(None, missing));
        }
        self.untouched = slots.iter().map(Option::is_none).collect();
        let mut output = batch_response(&results);
        output.extend(slots.into_iter().map(Option::unwrap_or_default));
        Ok(output)
    }

    fn copy_scatter(&mut self, input: &[u8]) -> Result<Vec<u8>, NtStatus> {
        let (request, entries) = ScatterRequest::read_from_prefix(input).unwrap();
        let entries: Vec<ScatterEntry> = entries_of(request.count, entries)?;
        within_limit(entries.iter().map(|entry| entry.length))?;
        let engine = Engine::from_wire(request.engine).ok_or(NtStatus::INVALID_PARAMETER)?;
        let mut results = Vec::new();
        for entry in entries {
            let length = entry.length.into();
            let mut read = self.read_memory(entry.flags, entry.source, length, engine);
            if let Some(stop) = Self::probe(entry.target, length, 1, Direction::Write) {
                read.data.clear();
                read.stop = Some(stop);
            } else {
                let (written, stop) = self.machine.write_user(entry.target, &read.data);
                read.data.truncate(written as usize);
                read.stop = stop.or(read.stop);
            }
            results.push(read.result());
        }
        Ok(batch_response(&results))
    }

    fn memory_ranges(
        &self,
        request: &MemoryRangesRequest,
        room: usize,
    ) -> Result<Vec<u8>, NtStatus> {
        if self.ranges_status != NtStatus::SUCCESS {
            return Err(self.ranges_status);
        }
        let fits = (room - size_of::<MemoryRangesResponse>()) / size_of::<MemoryRange>();
        let first = request.first as usize;
        let page: Vec<_> = self.ranges.iter().skip(first).take(fits).copied().collect();
        let mut output = MemoryRangesResponse {
            header: Header::of::<MemoryRangesResponse>(),
            count: page.len() as u32,
            total: self.ranges.len() as u32,
        }
        .as_bytes()
        .to_vec();
        for (base, length) in page {
            output.extend_from_slice(MemoryRange { base, length }.as_bytes());
        }
        Ok(output)
    }

    /// What keeps this reach from the handle, if anything does.
    const fn denial(&self, need: Reach) -> Option<NtStatus> {
        if self.reach.contains(need) {
            None
        } else if self.policy.contains(need) {
            Some(NtStatus::PRIVILEGE_NOT_HELD)
        } else {
            Some(NtStatus::ACCESS_DENIED)
        }
    }

    fn read_memory(&mut self, flags: u32, address: u64, length: u64, engine: Engine) -> Read {
        let physical = flags == CopyMemoryFlags::PHYSICAL.bits();
        let user = !physical && address < USER_LIMIT;
        let session = if physical { SESSION_PHYSICAL } else { SESSION };
        let own = address
            .checked_sub(session)
            .is_some_and(|offset| offset.saturating_add(length) <= SESSION_LENGTH);
        let need = match (user || own || length == 0, physical) {
            (true, _) => Reach::empty(),
            (_, true) => Reach::PHYSICAL,
            (_, false) => Reach::SYSTEM_VIRTUAL,
        };
        let mut read = Read::default();
        if let Some(status) = self.denial(need) {
            read.stop = Some(Stop {
                status,
                access: None,
            });
            return read;
        }
        read.engine = match engine {
            _ if user => Engine::Auto,
            Engine::Auto if self.native_status == NtStatus::SUCCESS => Engine::Native,
            Engine::Auto => Engine::System,
            engine => engine,
        };
        self.reads += 1;
        let auto = engine == Engine::Auto;
        for address in (0..length).map(|offset| address.wrapping_add(offset)) {
            let absent = !user && !physical && self.machine.is_paged_out(address);
            if absent && read.engine == Engine::Native && auto {
                read.engine = Engine::System;
                read.fell_back = true;
            }
            if absent && read.engine == Engine::System {
                self.machine.page_in(address);
            }
            let byte = match (user, physical) {
                (true, _) => self.machine.user_byte(address),
                (_, true) => self.machine.physical_byte(address),
                _ if self.machine.is_paged_out(address) => None,
                (_, false) => self.machine.system_byte(address),
            };
            let Some(byte) = byte else {
                read.stop = Some(Stop {
                    status: if user {
                        NtStatus::ACCESS_VIOLATION
                    } else {
                        NtStatus::INVALID_ADDRESS
                    },
                    access: Some((Direction::Read, address)),
                });
                break;
            };
            read.data.push(match &mut self.twist {
                Some(twist) => twist(read.engine, address, self.reads, byte),
                None => byte,
            });
        }
        read
    }
}

/// What a read of memory came to.
struct Read {
    data: Vec<u8>,
    stop: Option<Stop>,
    engine: Engine,
    fell_back: bool,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            stop: None,
            engine: Engine::Auto,
            fell_back: false,
        }
    }
}

impl Read {
    fn result(&self) -> EntryResult {
        let (direction, address) = self
            .stop
            .as_ref()
            .and_then(|stop| stop.access)
            .unwrap_or((Direction::None, 0));
        EntryResult {
            status: self
                .stop
                .as_ref()
                .map_or(NtStatus::SUCCESS, |stop| stop.status)
                .0,
            direction: direction as u32,
            copied: self.data.len() as u64,
            address,
            engine: self.engine as u32,
            flags: if self.fell_back {
                TransferFlags::FELL_BACK.bits()
            } else {
                0
            },
        }
    }

    fn response(&self, asked: u64) -> Vec<u8> {
        let result = self.result();
        TransferResponse {
            header: Header::of::<TransferResponse>(),
            status: result.status,
            direction: result.direction,
            copied: result.copied,
            asked,
            address: result.address,
            engine: result.engine,
            flags: result.flags,
        }
        .as_bytes()
        .to_vec()
    }
}

fn entries_of<E: FromBytes>(count: u32, bytes: &[u8]) -> Result<Vec<E>, NtStatus> {
    if count > MAXIMUM_ENTRIES {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    if bytes.len() != count as usize * size_of::<E>() {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    Ok(bytes
        .chunks(size_of::<E>())
        .map(|entry| E::read_from_bytes(entry).ok().unwrap())
        .collect())
}

fn within_limit(lengths: impl Iterator<Item = u32>) -> Result<(), NtStatus> {
    if lengths.map(u64::from).sum::<u64>() > MAXIMUM_LENGTH {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    Ok(())
}

fn batch_response(results: &[EntryResult]) -> Vec<u8> {
    let succeeded = |result: &&EntryResult| result.status == NtStatus::SUCCESS.0;
    let mut output = BatchResponse {
        header: Header::of::<BatchResponse>(),
        count: results.len() as u32,
        succeeded: results.iter().filter(succeeded).count() as u32,
        copied: results.iter().map(|result| result.copied).sum(),
    }
    .as_bytes()
    .to_vec();
    output.extend_from_slice(results.as_bytes());
    output
}

fn response(copied: u64, asked: u64, stop: Option<Stop>, engine: Engine) -> Vec<u8> {
    let status = stop.as_ref().map_or(NtStatus::SUCCESS, |stop| stop.status);
    let (direction, address) = stop
        .and_then(|stop| stop.access)
        .unwrap_or((Direction::None, 0));
    TransferResponse {
        header: Header::of::<TransferResponse>(),
        status: status.0,
        direction: direction as u32,
        copied,
        asked,
        address,
        engine: engine as u32,
        flags: 0,
    }
    .as_bytes()
    .to_vec()
}

impl Transport for Model {
    fn open(&mut self, _access: OpenAccess) -> Result<Handle, RequestError> {
        if self.open_status != NtStatus::SUCCESS {
            return Err(RequestError::Status(self.open_status));
        }
        self.open_handles += 1;
        Ok(Handle(4))
    }

    fn close(&mut self, _handle: Handle) -> Result<(), RequestError> {
        self.open_handles -= 1;
        Ok(())
    }

    fn device_io_control(
        &mut self,
        _handle: Handle,
        code: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, RequestError> {
        let code =
            Code::from_value(code).ok_or(RequestError::Status(NtStatus::INVALID_DEVICE_REQUEST))?;
        self.requests.push(code.kind);
        if self
            .lost_from
            .is_some_and(|first| self.requests.len() > first)
        {
            return Err(TransportError::Lost("the cable is out".into()).into());
        }
        self.untouched.clear();
        let answer = self
            .request(code, input, output.len())
            .map_err(RequestError::Status)?;
        let slots = answer.len() - self.untouched.len();
        for (index, (to, from)) in output.iter_mut().zip(&answer).enumerate() {
            let slot = index.checked_sub(slots);
            if slot.is_none_or(|slot| !self.untouched[slot]) {
                *to = *from;
            }
        }
        let mut returned = answer.len();
        if let Some(tamper) = &mut self.tamper {
            tamper(output, &mut returned);
        }
        Ok(returned)
    }

    fn device_io_control_at(
        &mut self,
        _handle: Handle,
        _code: u32,
        _input: Buffer,
        _output: Buffer,
    ) -> Result<usize, RequestError> {
        Err(RequestError::Status(NtStatus::NOT_SUPPORTED))
    }

    fn allocate(&mut self, length: u64) -> Result<u64, TransportError> {
        Ok(self.machine.allocate(length))
    }

    fn free(&mut self, address: u64) -> Result<(), TransportError> {
        self.machine.free(address)
    }

    fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError> {
        self.machine.protect(address, length, protection)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError> {
        self.machine.write(address, bytes)
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError> {
        self.machine.read(address, bytes)
    }

    fn physical_address(&mut self, address: u64) -> Result<Option<u64>, TransportError> {
        Ok(self
            .talkative
            .then(|| address - FIRST_ALLOCATION + USER_PHYSICAL))
    }

    fn landmarks(&mut self) -> Result<Landmarks, TransportError> {
        if !self.talkative {
            return Ok(Landmarks::default());
        }
        Ok(Landmarks {
            foreign_addresses: None,
            io_address: Some(IO),
            ram_end: Some(RAM_END),
            hole_address: Some(HOLE),
            system_data: Some((SYSTEM_DATA, system_data())),
            unmapped_system_address: Some(0xFFFF_F900_0000_0000),
            io_system_address: Some(0xFFFF_FA00_0000_0000),
        })
    }
}
