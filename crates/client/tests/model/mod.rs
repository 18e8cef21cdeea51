//! A driver on paper: the protocol's rules over a memory of maps, so that the client can be tried
//! where there is no driver, with right answers and with wrong ones.

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
        CallerCopyRequest, Code, CopyMemoryFlags, CopyMemoryRequest, CopyThroughRequest,
        DEVICE_PAGE_LENGTH, DeviceCopyRequest, DeviceDirection, Direction, Engine, Header,
        InformationResponse, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, NtStatus, Reach, RequestKind,
        SESSION_LENGTH, TransferResponse,
    },
};
use zerocopy::{FromBytes, IntoBytes};

use machine::{
    FIRST_ALLOCATION, HOLE, IO, Machine, RAM_END, SESSION, SESSION_PHYSICAL, SYSTEM_DATA, Stop,
    USER_LIMIT, USER_PHYSICAL, system_data,
};

type Tamper = Box<dyn FnMut(&mut [u8], &mut usize)>;

pub struct Model {
    pub policy: Reach,
    pub reach: Reach,
    pub native_status: NtStatus,
    pub open_status: NtStatus,
    /// What `Transport::landmarks` and `physical_address` give away.
    pub talkative: bool,
    /// Changes an answer on its way.
    pub tamper: Option<Tamper>,
    pub open_handles: i32,
    pub machine: Machine,
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
            open_handles: 0,
            machine: Machine::default(),
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
            RequestKind::CopyBatch | RequestKind::CopyScatter | RequestKind::MemoryRanges => {
                Err(NtStatus::INVALID_DEVICE_REQUEST)
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

    fn copy_memory(&self, request: &CopyMemoryRequest) -> Result<Vec<u8>, NtStatus> {
        let length = request.length;
        if length > MAXIMUM_LENGTH {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let physical = request.flags == CopyMemoryFlags::PHYSICAL.bits();
        let user = !physical && request.address < USER_LIMIT;
        let session = if physical { SESSION_PHYSICAL } else { SESSION };
        let own = request
            .address
            .checked_sub(session)
            .is_some_and(|offset| offset + length <= SESSION_LENGTH);
        let need = match (user || own, physical) {
            (true, _) => Reach::empty(),
            (_, true) => Reach::PHYSICAL,
            (_, false) => Reach::SYSTEM_VIRTUAL,
        };
        let denial = |status| Stop {
            status,
            access: None,
        };
        if !self.reach.contains(need) {
            let status = if self.policy.contains(need) {
                NtStatus::PRIVILEGE_NOT_HELD
            } else {
                NtStatus::ACCESS_DENIED
            };
            return Ok(response(0, length, Some(denial(status)), Engine::Auto));
        }
        let engine = match Engine::from_wire(request.engine) {
            _ if user => Engine::Auto,
            Some(Engine::Auto) => Engine::Native,
            Some(engine) => engine,
            None => return Err(NtStatus::INVALID_PARAMETER),
        };
        let mut data = Vec::new();
        let mut stop = None;
        for address in (0..length).map(|offset| request.address.wrapping_add(offset)) {
            let byte = match (user, physical) {
                (true, _) => self.machine.user_byte(address),
                (_, true) => self.machine.physical_byte(address),
                (_, false) => self.machine.system_byte(address),
            };
            let Some(byte) = byte else {
                stop = Some(Stop {
                    status: if user {
                        NtStatus::ACCESS_VIOLATION
                    } else {
                        NtStatus::INVALID_ADDRESS
                    },
                    access: Some((Direction::Read, address)),
                });
                break;
            };
            data.push(byte);
        }
        let mut output = response(data.len() as u64, length, stop, engine);
        output.extend(data);
        Ok(output)
    }
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
        let answer = self
            .request(code, input, output.len())
            .map_err(RequestError::Status)?;
        output[..answer.len()].copy_from_slice(&answer);
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
            io_address: Some(IO),
            ram_end: Some(RAM_END),
            hole_address: Some(HOLE),
            system_data: Some((SYSTEM_DATA, system_data())),
            unmapped_system_address: Some(0xFFFF_F900_0000_0000),
            io_system_address: Some(0xFFFF_FA00_0000_0000),
        })
    }
}
