//! The way to the driver through `CreateFileW` and `DeviceIoControl`, from this process.

use std::{collections::BTreeMap, mem::size_of};

use ringcopy_protocol::{
    Code, Header, MemoryRange, MemoryRangesRequest, MemoryRangesResponse, NtStatus, RequestKind,
    WIN32_DEVICE_PATH,
};
use ringcopy_win32::{Access, Completion, DeviceHandle, Pages, Range, Token, Win32Error, system};
use zerocopy::{FromBytes, IntoBytes};

use super::Interrupt;
use crate::{
    Buffer, Handle, Landmarks, OpenAccess, Protection, RequestError, Transport, TransportError,
    win32_status::status_of,
};

/// Under Wine a driver runs in its own process, and gets copies of its callers' buffers.
const UNDER_WINE: &str =
    "under Wine the driver has a process of its own, and sees no address of this one";

/// The number of ranges of RAM that are asked for at once.
const RANGES: usize = 64;

/// The driver of this machine, as this process reaches it.
///
/// `SeDebugPrivilege` is enabled if the process has it, so that handles have the reach that the
/// policy allows.
#[derive(Debug)]
pub struct WindowsTransport {
    handles: BTreeMap<u64, DeviceHandle>,
    opened: u64,
    pages: Pages,
    interrupt: Interrupt,
}

impl WindowsTransport {
    /// Creates a transport whose waiting `interrupt` ends.
    #[must_use]
    pub fn new(interrupt: Interrupt) -> Self {
        // Without the privilege, the driver refuses the requests that need it.
        if let Ok(token) = Token::of_this_process() {
            let _ = token.enable("SeDebugPrivilege");
        }
        Self {
            handles: BTreeMap::new(),
            opened: 0,
            pages: Pages::default(),
            interrupt,
        }
    }

    fn device(&self, handle: Handle) -> Result<&DeviceHandle, RequestError> {
        if self.interrupt.is_raised() {
            return Err(TransportError::Interrupted.into());
        }
        self.handles
            .get(&handle.0)
            .ok_or(RequestError::Status(NtStatus::INVALID_HANDLE))
    }

    fn check(&self, outcome: Completion) -> Result<usize, RequestError> {
        let status = match outcome {
            // The driver ends a copy that is cancelled with a response, which says how far it came.
            Completion::Done(_) if self.interrupt.is_raised() => {
                return Err(TransportError::Interrupted.into());
            }
            Completion::Done(returned) => return Ok(returned),
            Completion::Status(status) => NtStatus(status),
            Completion::Refused(error) => status_of(error.0),
        };
        Err(
            if status == NtStatus::CANCELLED && self.interrupt.is_raised() {
                TransportError::Interrupted.into()
            } else {
                RequestError::Status(status)
            },
        )
    }

    /// Returns the first ranges of RAM.
    fn ram(&mut self) -> Result<Vec<MemoryRange>, RequestError> {
        let handle = self.open(OpenAccess::Read)?;
        let request = MemoryRangesRequest {
            header: Header::of::<MemoryRangesRequest>(),
            first: 0,
            reserved: 0,
        };
        let fixed = size_of::<MemoryRangesResponse>();
        let mut output = vec![0; fixed + RANGES * size_of::<MemoryRange>()];
        let code = Code::of(RequestKind::MemoryRanges).value;
        let returned = self.device_io_control(handle, code, request.as_bytes(), &mut output);
        self.close(handle)?;
        let ranges = output.get(fixed..returned?).unwrap_or_default();
        Ok(ranges
            .chunks_exact(size_of::<MemoryRange>())
            .filter_map(|range| MemoryRange::read_from_bytes(range).ok())
            .collect())
    }
}

impl Transport for WindowsTransport {
    fn open(&mut self, access: OpenAccess) -> Result<Handle, RequestError> {
        let (read, write) = match access {
            OpenAccess::Read => (true, false),
            OpenAccess::Write => (false, true),
            OpenAccess::ReadWrite => (true, true),
        };
        let device = DeviceHandle::open(WIN32_DEVICE_PATH, read, write)
            .map_err(|error| RequestError::Status(status_of(error.0)))?;
        self.opened += 1;
        self.handles.insert(self.opened, device);
        Ok(Handle(self.opened))
    }

    fn close(&mut self, handle: Handle) -> Result<(), RequestError> {
        match self.handles.remove(&handle.0) {
            Some(_) => Ok(()),
            None => Err(RequestError::Status(NtStatus::INVALID_HANDLE)),
        }
    }

    fn device_io_control(
        &mut self,
        handle: Handle,
        code: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, RequestError> {
        let outcome = self
            .device(handle)?
            .control(code, input, output, self.interrupt.event());
        self.check(outcome)
    }

    fn device_io_control_at(
        &mut self,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError> {
        let device = self.device(handle)?;
        let range = |buffer: Buffer| Range {
            address: buffer.address,
            length: buffer.length,
        };
        let outcome = device
            .control_at(
                code,
                range(input),
                range(output),
                &self.pages,
                self.interrupt.event(),
            )
            .map_err(memory("hand out", output.address, output.length.into()))?;
        self.check(outcome)
    }

    fn allocate(&mut self, length: u64) -> Result<u64, TransportError> {
        self.pages
            .allocate(length)
            .map_err(memory("allocate", 0, length))
    }

    fn free(&mut self, address: u64) -> Result<(), TransportError> {
        self.pages.free(address).map_err(memory("free", address, 0))
    }

    fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError> {
        let access = match protection {
            Protection::NoAccess => Access::None,
            Protection::ReadOnly => Access::Read,
            Protection::ReadWrite => Access::ReadWrite,
            Protection::Guard => Access::Guard,
            Protection::Unmapped => Access::Unmapped,
        };
        self.pages
            .protect(address, length, access)
            .map_err(memory("protect", address, length))
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError> {
        self.pages
            .write(address, bytes)
            .map_err(memory("write", address, bytes.len() as u64))
    }

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError> {
        self.pages
            .read(address, bytes)
            .map_err(memory("read", address, bytes.len() as u64))
    }

    fn landmarks(&mut self) -> Result<Landmarks, TransportError> {
        let ram = match self.ram() {
            Ok(ram) => ram,
            Err(RequestError::Transport(error)) => return Err(error),
            // An older driver, or none: the next open reports that.
            Err(RequestError::Status(_)) => Vec::new(),
        };
        let end = |range: &MemoryRange| range.base.checked_add(range.length);
        Ok(Landmarks {
            foreign_addresses: system::wine().map(|_| UNDER_WINE),
            ram_end: if ram.len() < RANGES {
                ram.last().and_then(end)
            } else {
                None
            },
            hole_address: ram
                .windows(2)
                .find(|pair| end(&pair[0]) < Some(pair[1].base))
                .and_then(|pair| end(&pair[0])),
            ..Landmarks::default()
        })
    }
}

fn memory(
    action: &'static str,
    address: u64,
    length: u64,
) -> impl FnOnce(Win32Error) -> TransportError {
    move |error| TransportError::Memory {
        action,
        address,
        length,
        status: status_of(error.0),
    }
}
