//! A simulated driver. It validates requests as the driver does, and serves them from simulated
//! memory, correctly or with defects.
//!
//! - `request`: validation.
//! - `memory`: the memory.
//! - `information`, `caller_copy`, `copy_memory`: the requests.
//! - `response`: the layout of the responses.

#![allow(dead_code, reason = "every test program uses another part of it")]
#![allow(
    unreachable_pub,
    reason = "a test program has no other visibility to offer"
)]
#![allow(clippy::cast_possible_truncation, reason = "hosts have 64 bits")]

mod caller_copy;
mod copy_memory;
mod information;
mod memory;
mod request;
mod response;

use std::{cell::RefCell, rc::Rc};

use ringcopy_client::{
    Buffer, Handle, Landmarks, OpenAccess, Protection, RequestError, Transport, TransportError,
    protocol::{Code, EngineKind, Header, NtStatus, PROTOCOL_VERSION, Reach, RequestKind, kind},
};
use zerocopy::IntoBytes;

use memory::{
    FIRST_ALLOCATION, HOLE, IO, RAM_END, SESSION_PHYSICAL, SYSTEM_DATA, SimulatedMemory,
    USER_PHYSICAL, system_data,
};
use request::Received;

type Tamper = Box<dyn FnMut(&mut [u8], &mut usize)>;
type Twist = Box<dyn FnMut(EngineKind, u64, u64, u8) -> u8>;

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the driver"
)]
pub struct SimulatedDriver {
    pub policy: Reach,
    pub reach: Reach,
    /// Whether the opener holds the privilege.
    pub privileged: bool,
    pub native_status: NtStatus,
    pub open_status: NtStatus,
    /// Accepts every version and size in a request's header.
    pub accepts_any_header: bool,
    /// Whether `Transport::landmarks` and `physical_address` return facts.
    pub reports_landmarks: bool,
    /// Changes a response: its bytes, and the number of returned bytes.
    pub change_response: Option<Tamper>,
    /// Changes a byte that was read. The arguments are the engine, the address, the number of the
    /// read, and the byte.
    pub change_byte: Option<Twist>,
    /// The requests that were received.
    pub requests: Vec<RequestKind>,
    /// The number of the first request for which the driver is lost. Requests for information are not
    /// counted, and work.
    pub lost_from: Option<usize>,
    /// The list of RAM.
    pub ranges: Vec<(u64, u64)>,
    /// The status of a request for the list of RAM.
    pub ranges_status: NtStatus,
    pub open_handles: i32,
    pub memory: SimulatedMemory,
    /// The number of reads of memory.
    pub reads: u64,
    /// The address and the length of each read.
    pub asked: Rc<RefCell<Vec<(u64, u64)>>>,
    /// Whether responses say how far holes reach.
    pub reports_holes: bool,
    /// The number of bytes by which holes reported by the system's engine are too long.
    pub hole_excess: u64,
    /// Which bytes of the slots of the current batch were not copied.
    pub untouched: Vec<bool>,
}

impl Default for SimulatedDriver {
    fn default() -> Self {
        Self {
            policy: Reach::all(),
            reach: Reach::MEMORY,
            privileged: true,
            native_status: NtStatus::SUCCESS,
            open_status: NtStatus::SUCCESS,
            accepts_any_header: false,
            reports_landmarks: true,
            change_response: None,
            change_byte: None,
            requests: Vec::new(),
            lost_from: None,
            ranges: vec![
                (0x1000, HOLE - 0x1000),
                (SESSION_PHYSICAL, RAM_END - SESSION_PHYSICAL),
            ],
            ranges_status: NtStatus::SUCCESS,
            open_handles: 0,
            memory: SimulatedMemory::default(),
            reads: 0,
            asked: Rc::default(),
            reports_holes: true,
            hole_excess: 0,
            untouched: Vec::new(),
        }
    }
}

impl SimulatedDriver {
    /// Returns a driver with one change.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut driver = Self::default();
        change(&mut driver);
        driver
    }

    pub fn with_policy(policy: Reach, reach: Reach) -> Self {
        Self::with(|driver| (driver.policy, driver.reach) = (policy, reach))
    }

    /// Returns a driver with this [`change_response`](Self::change_response).
    pub fn changing_responses(change: impl FnMut(&mut [u8], &mut usize) + 'static) -> Self {
        Self::with(|driver| driver.change_response = Some(Box::new(change)))
    }

    /// Returns a driver with this [`change_byte`](Self::change_byte).
    pub fn changing_bytes(change: impl FnMut(EngineKind, u64, u64, u8) -> u8 + 'static) -> Self {
        Self::with(|driver| driver.change_byte = Some(Box::new(change)))
    }

    /// Returns a driver that does not write the last byte of a copy to the caller's memory.
    pub fn losing_last_bytes() -> Self {
        Self::with(|driver| driver.memory.loses_last_byte = true)
    }

    /// Validates a request as the driver does, and serves it.
    fn request(
        &mut self,
        code: &Code,
        input: &[u8],
        output_length: usize,
    ) -> Result<Vec<u8>, NtStatus> {
        let received = Received {
            code,
            input,
            output_length,
        };
        Ok(match code.kind {
            RequestKind::Information => {
                received.validate::<kind::Information>()?;
                self.information()
            }
            RequestKind::CopyFrom => {
                self.caller_copy(code.kind, received.validate::<kind::CopyFrom>()?)
            }
            RequestKind::CopyTo => {
                self.caller_copy(code.kind, received.validate::<kind::CopyTo>()?)
            }
            RequestKind::CopyThrough => {
                self.copy_through(received.validate::<kind::CopyThrough>()?)
            }
            RequestKind::DeviceCopy => {
                let copy = received.validate::<kind::DeviceCopy>()?;
                self.device_copy(copy, received.payload())
            }
            RequestKind::CopyMemory => self.copy_memory(received.validate::<kind::CopyMemory>()?),
            RequestKind::CopyBatch => {
                let valid = received.validate::<kind::CopyBatch>()?;
                self.copy_batch(valid.engine, &received.entries(&valid)?)
            }
            RequestKind::CopyScatter => {
                let valid = received.validate::<kind::CopyScatter>()?;
                self.copy_scatter(valid.engine, &received.entries(&valid)?)
            }
            RequestKind::MemoryRanges => {
                self.memory_ranges(received.validate::<kind::MemoryRanges>()?)?
            }
        })
    }
}

impl Transport for SimulatedDriver {
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
        let counted = |kind: &&RequestKind| **kind != RequestKind::Information;
        let count = self.requests.iter().filter(counted).count();
        let is_counted = counted(&&code.kind);
        if self
            .lost_from
            .is_some_and(|first| is_counted && count > first)
        {
            return Err(TransportError::Lost("the cable is out".into()).into());
        }
        self.untouched.clear();
        let mut input = input.to_vec();
        if self.accepts_any_header && input.len() >= size_of::<Header>() {
            let header = Header {
                version: PROTOCOL_VERSION,
                size: code.request_length as u32,
            };
            input[..size_of::<Header>()].copy_from_slice(header.as_bytes());
        }
        let response = self
            .request(code, &input, output.len())
            .map_err(RequestError::Status)?;
        let slots = response.len() - self.untouched.len();
        for (index, (to, from)) in output.iter_mut().zip(&response).enumerate() {
            let slot = index.checked_sub(slots);
            if slot.is_none_or(|slot| !self.untouched[slot]) {
                *to = *from;
            }
        }
        let mut returned = response.len();
        if let Some(change_response) = &mut self.change_response {
            change_response(output, &mut returned);
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
        Ok(self.memory.allocate(length))
    }

    fn free(&mut self, address: u64) -> Result<(), TransportError> {
        self.memory.free(address)
    }

    fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError> {
        self.memory.protect(address, length, protection)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError> {
        self.memory.write(address, bytes)
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError> {
        self.memory.read(address, bytes)
    }

    fn physical_address(&mut self, address: u64) -> Result<Option<u64>, TransportError> {
        Ok(self
            .reports_landmarks
            .then(|| address - FIRST_ALLOCATION + USER_PHYSICAL))
    }

    fn landmarks(&mut self) -> Result<Landmarks, TransportError> {
        if !self.reports_landmarks {
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
