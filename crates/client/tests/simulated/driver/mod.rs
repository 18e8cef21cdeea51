//! A driver on paper: requests are judged as the driver judges them, and carried out over a memory
//! of maps, so that the client can be tried where there is no driver, with right answers and with
//! wrong ones.
//!
//! - `asked`: what a request has to be.
//! - `machine`: the memory.
//! - `information`, `caller`, `memory`: what becomes of each kind of request.
//! - `answer`: the answers' layouts.

#![allow(dead_code, reason = "every test file uses another part of it")]
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
use request::Asked;

type Tamper = Box<dyn FnMut(&mut [u8], &mut usize)>;
type Twist = Box<dyn FnMut(EngineKind, u64, u64, u8) -> u8>;

pub struct SimulatedDriver {
    pub policy: Reach,
    pub reach: Reach,
    pub native_status: NtStatus,
    pub open_status: NtStatus,
    /// Takes every request for one of this version and of the right size.
    pub credulous: bool,
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
    pub machine: SimulatedMemory,
    /// How many reads of memory there were.
    pub reads: u64,
    /// Where each began, and how many bytes it asked for.
    pub asked: Rc<RefCell<Vec<(u64, u64)>>>,
    /// Says how far holes reach.
    pub tells_holes: bool,
    /// How many bytes too far the system's engine says that they do.
    pub too_far: u64,
    /// Which bytes of the slots of the batch at hand were not copied.
    pub untouched: Vec<bool>,
}

impl Default for SimulatedDriver {
    fn default() -> Self {
        Self {
            policy: Reach::all(),
            reach: Reach::MEMORY,
            native_status: NtStatus::SUCCESS,
            open_status: NtStatus::SUCCESS,
            credulous: false,
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
            machine: SimulatedMemory::default(),
            reads: 0,
            asked: Rc::default(),
            tells_holes: true,
            too_far: 0,
            untouched: Vec::new(),
        }
    }
}

impl SimulatedDriver {
    /// One that loses the last byte of what it writes to its callers.
    pub fn sloppy() -> Self {
        let mut model = Self::default();
        model.machine.sloppy = true;
        model
    }

    /// Validates a request as the driver does, and serves it.
    fn request(&mut self, code: &Code, input: &[u8], room: usize) -> Result<Vec<u8>, NtStatus> {
        let asked = Asked { code, input, room };
        Ok(match code.kind {
            RequestKind::Information => {
                asked.validate::<kind::Information>()?;
                self.information()
            }
            RequestKind::CopyFrom => {
                self.caller_copy(code.kind, asked.validate::<kind::CopyFrom>()?)
            }
            RequestKind::CopyTo => self.caller_copy(code.kind, asked.validate::<kind::CopyTo>()?),
            RequestKind::CopyThrough => self.copy_through(asked.validate::<kind::CopyThrough>()?),
            RequestKind::DeviceCopy => {
                let copy = asked.validate::<kind::DeviceCopy>()?;
                self.device_copy(copy, asked.behind())
            }
            RequestKind::CopyMemory => self.copy_memory(asked.validate::<kind::CopyMemory>()?),
            RequestKind::CopyBatch => {
                let valid = asked.validate::<kind::CopyBatch>()?;
                self.copy_batch(valid.engine, &asked.entries(&valid)?)
            }
            RequestKind::CopyScatter => {
                let valid = asked.validate::<kind::CopyScatter>()?;
                self.copy_scatter(valid.engine, &asked.entries(&valid)?)
            }
            RequestKind::MemoryRanges => {
                self.memory_ranges(asked.validate::<kind::MemoryRanges>()?)?
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
        if self
            .lost_from
            .is_some_and(|first| self.requests.len() > first)
        {
            return Err(TransportError::Lost("the cable is out".into()).into());
        }
        self.untouched.clear();
        let mut input = input.to_vec();
        if self.credulous && input.len() >= size_of::<Header>() {
            let header = Header {
                version: PROTOCOL_VERSION,
                size: code.request_length as u32,
            };
            input[..size_of::<Header>()].copy_from_slice(header.as_bytes());
        }
        let answer = self
            .request(code, &input, output.len())
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
