//! A process with a good request of every kind, for tests that change one part of it.

use std::fmt;

use ringcopy_client::{
    Buffer, Handle, OpenAccess, PAGE_LENGTH, Transport,
    protocol::{
        BatchEntry, BatchRequest, CallerCopyRequest, Code, CopyFlags, CopyMemoryRequest,
        CopyResponse, CopyThroughRequest, DeviceCopyRequest, DeviceDirection, EngineKind, Header,
        InformationResponse, MemoryRange, ModeChoice, NtStatus, PROTOCOL_VERSION, Reach,
        RequestKind, SESSION_LENGTH, ScatterEntry, ScatterRequest, validate,
    },
};
use ringcopy_lab::{PageState, Process};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::{BatchOutput, UNTOUCHED, boot, completion, pattern, privileged, refused, report};

/// Bytes that a good request copies.
pub const LENGTH: usize = LENGTH_FIELD as usize;

const LENGTH_FIELD: u32 = 64;

/// A process, an open handle, and memory of every kind.
pub struct Victim<'l> {
    /// The process.
    pub process: Process<'l>,
    /// Open for reads and writes.
    pub handle: Handle,
    /// The driver's response about itself and the handle.
    pub information: InformationResponse,
    /// Memory for good copies to read: two pages.
    pub source: u64,
    /// Memory for good copies to write: two pages.
    pub destination: u64,
    /// A page for requests, followed by nothing.
    pub request: u64,
    /// Two pages for responses, followed by nothing.
    pub response: u64,
}

impl<'l> Victim<'l> {
    /// Opens the device in `process`, and fills memory and session buffer.
    ///
    /// # Panics
    /// If any of that fails.
    #[must_use]
    pub fn of(mut process: Process<'l>) -> Self {
        let mut allocate = |pages| process.allocate(pages * PAGE_LENGTH).unwrap();
        let (source, destination) = (allocate(2), allocate(2));
        let (request, response) = (allocate(1), allocate(2));
        process.write(source, &pattern(1, 8192)).unwrap();
        process.write(destination, &pattern(2, 8192)).unwrap();
        let handle = process.open(OpenAccess::ReadWrite).unwrap();
        let mut victim = Self {
            process,
            handle,
            information: InformationResponse::new_zeroed(),
            source,
            destination,
            request,
            response,
        };
        let request = victim.good(RequestKind::Information);
        let mut response = vec![0; Self::output_length(RequestKind::Information)];
        let sent = victim.send(RequestKind::Information, &request, &mut response);
        assert_eq!(sent, Ok(response.len()));
        victim.information = InformationResponse::read_from_bytes(&response).unwrap();
        victim
    }

    /// The input of a request that the driver carries out.
    ///
    /// # Panics
    /// If the fixed part of a request is 4 GiB long or longer.
    #[must_use]
    pub fn good(&self, kind: RequestKind) -> Vec<u8> {
        match kind {
            RequestKind::CopyFrom => self.caller_copy(self.source).as_bytes().to_vec(),
            RequestKind::CopyTo => self.caller_copy(self.destination).as_bytes().to_vec(),
            RequestKind::CopyThrough => self.copy_through().as_bytes().to_vec(),
            RequestKind::DeviceCopy => {
                let mut input = Self::device_copy(DeviceDirection::ToDevice)
                    .as_bytes()
                    .to_vec();
                input.extend(pattern(3, LENGTH));
                input
            }
            RequestKind::CopyMemory => self.copy_memory().as_bytes().to_vec(),
            RequestKind::CopyBatch => batch(EngineKind::Auto, &self.batch_entries()),
            RequestKind::CopyScatter => scatter(EngineKind::Auto, &self.scatter_entries()),
            // A request without an operand: zeros after the header.
            _ => {
                let size = Code::of(kind).request_length;
                let header = Header {
                    version: PROTOCOL_VERSION,
                    size: u32::try_from(size).unwrap(),
                };
                let mut input = header.as_bytes().to_vec();
                input.resize(size, 0);
                input
            }
        }
    }

    /// The entries of a good batch: halves of the source, the second one first.
    #[must_use]
    pub const fn batch_entries(&self) -> [BatchEntry; 2] {
        let half = LENGTH_FIELD / 2;
        let entry = BatchEntry {
            address: self.source,
            length: half,
            flags: CopyFlags::VIRTUAL.bits(),
        };
        [
            BatchEntry {
                address: self.source + half as u64,
                ..entry
            },
            entry,
        ]
    }

    /// The entries of a good scatter: the same, each to its own offset in the destination.
    #[must_use]
    pub fn scatter_entries(&self) -> [ScatterEntry; 2] {
        self.batch_entries().map(|entry| ScatterEntry {
            source: entry.address,
            target: entry.address - self.source + self.destination,
            length: entry.length,
            flags: entry.flags,
        })
    }

    /// The length of a good request's output.
    #[must_use]
    pub const fn output_length(kind: RequestKind) -> usize {
        let code = Code::of(kind);
        match kind {
            RequestKind::CopyMemory => code.response_length + LENGTH,
            RequestKind::CopyBatch => validate::results_end(2) + LENGTH,
            RequestKind::CopyScatter => validate::results_end(2),
            RequestKind::MemoryRanges => code.response_length + size_of::<MemoryRange>(),
            _ => code.response_length,
        }
    }

    /// The shortest output with which a good request is not refused.
    #[must_use]
    pub const fn least_output_length(kind: RequestKind) -> usize {
        match kind {
            RequestKind::MemoryRanges => Code::of(kind).response_length,
            _ => Self::output_length(kind),
        }
    }

    /// A good copy between the caller's memory and the session buffer.
    #[must_use]
    pub const fn caller_copy(&self, address: u64) -> CallerCopyRequest {
        CallerCopyRequest {
            header: Header::of::<CallerCopyRequest>(),
            address,
            length: LENGTH as u64,
            session_offset: 0,
            alignment: 8,
            mode: ModeChoice::OfRequest as u32,
        }
    }

    /// A good copy from the caller's memory to the caller's memory.
    #[must_use]
    pub const fn copy_through(&self) -> CopyThroughRequest {
        CopyThroughRequest {
            header: Header::of::<CopyThroughRequest>(),
            source: self.source,
            destination: self.destination,
            length: LENGTH as u64,
            alignment: 8,
            mode: ModeChoice::OfRequest as u32,
        }
    }

    /// A good device copy, without the payload.
    #[must_use]
    pub const fn device_copy(direction: DeviceDirection) -> DeviceCopyRequest {
        DeviceCopyRequest {
            header: Header::of::<DeviceCopyRequest>(),
            direction: direction as u32,
            length: LENGTH_FIELD,
            source_offset: 0,
            destination_offset: match direction {
                DeviceDirection::Within => 1024,
                _ => 0,
            },
        }
    }

    /// A good read of the caller's own memory.
    #[must_use]
    pub const fn copy_memory(&self) -> CopyMemoryRequest {
        CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: self.source,
            length: LENGTH as u64,
            flags: CopyFlags::VIRTUAL.bits(),
            engine: EngineKind::Auto as u32,
        }
    }

    /// Addresses at which no good copy lies in user memory as a whole.
    #[must_use]
    pub const fn bad_addresses(&self) -> [u64; 10] {
        let limit = self.information.user_limit;
        [
            0,
            PAGE_LENGTH - 1,
            limit - 1,
            limit - LENGTH as u64 + 1,
            limit,
            0x0000_8000_0000_0000,
            0xFFFF_8000_0000_0000,
            self.information.session_address,
            u64::MAX - LENGTH as u64 + 1,
            u64::MAX,
        ]
    }

    /// Allocates a page in this state, with nothing mapped on either side.
    ///
    /// # Panics
    /// If the lab is gone.
    pub fn page(&mut self, state: PageState) -> u64 {
        let page = self.process.allocate(PAGE_LENGTH).unwrap();
        self.process.set_pages(page, PAGE_LENGTH, state).unwrap();
        page
    }

    /// Sends a request that has to be refused, as a whole or in its copy, with nothing changed.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_refused(
        &mut self,
        what: &impl fmt::Display,
        code: u32,
        input: &[u8],
        output_length: usize,
        expected: NtStatus,
    ) {
        let before = self.memory();
        let mut output = vec![UNTOUCHED; output_length];
        let sent = self
            .process
            .device_io_control(self.handle, code, input, &mut output);
        let sent = completion(sent);
        let is_untouched = output.iter().all(|&byte| byte == UNTOUCHED);
        assert_eq!(refused(code, sent, &output), expected, "{what}");
        assert!(sent.is_ok() || is_untouched, "{what}: output written");
        assert!(self.memory() == before, "{what}: something changed");
    }

    /// Sends a request with buffers anywhere.
    ///
    /// # Errors
    /// The status of the request.
    ///
    /// # Panics
    /// If the lab is gone.
    pub fn send_at(&mut self, code: u32, input: Buffer, output: Buffer) -> Result<usize, NtStatus> {
        let handle = self.handle;
        completion(
            self.process
                .device_io_control_at(handle, code, input, output),
        )
    }

    /// Sends a request with buffers anywhere, which has to be refused with nothing changed.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_refused_at(
        &mut self,
        what: &impl fmt::Display,
        code: u32,
        input: Buffer,
        output: Buffer,
        expected: NtStatus,
    ) {
        let before = self.memory();
        let sent = self.send_at(code, input, output);
        assert_eq!(sent, Err(expected), "{what}");
        assert!(self.memory() == before, "{what}: something changed");
    }

    /// Reads session buffer, source and destination without the driver.
    fn memory(&mut self) -> [Vec<u8>; 3] {
        let lab = self.process.lab();
        let session = lab.read_system(self.information.session_address, SESSION_LENGTH);
        let [source, destination] = [self.source, self.destination].map(|address| {
            let mut bytes = vec![0; 8192];
            self.process.read(address, &mut bytes).unwrap();
            bytes
        });
        [session.unwrap(), source, destination]
    }

    /// Writes a good request into the request page. Returns it, and a buffer for its response.
    ///
    /// # Panics
    /// If the lab is gone.
    pub fn write_good(&mut self, kind: RequestKind) -> (Buffer, Buffer) {
        let input = self.good(kind);
        self.process.write(self.request, &input).unwrap();
        (
            buffer(self.request, input.len()),
            buffer(self.response, Self::output_length(kind)),
        )
    }

    /// Sends a good request of every kind.
    ///
    /// # Panics
    /// If one of them is not carried out.
    pub fn assert_works(&mut self) {
        for kind in ringcopy_client::protocol::CODES.map(|code| code.kind) {
            let input = self.good(kind);
            let mut output = vec![0; Self::output_length(kind)];
            let sent = self.send(kind, &input, &mut output);
            assert_eq!(sent, Ok(output.len()), "{kind:?}");
            match kind {
                RequestKind::CopyBatch | RequestKind::CopyScatter => {
                    let response = BatchOutput::read(&output).response;
                    assert_eq!((response.count, response.succeeded), (2, 2), "{kind:?}");
                    assert_eq!(response.copied, LENGTH as u64, "{kind:?}");
                }
                _ if Code::of(kind).response_length == size_of::<CopyResponse>() => {
                    let (response, _) = CopyResponse::read_from_prefix(&output).unwrap();
                    assert_eq!(response.result.status, NtStatus::SUCCESS.0, "{kind:?}");
                    assert_eq!(response.result.copied, LENGTH as u64, "{kind:?}");
                }
                _ => {}
            }
        }
    }

    /// Sends a request of this kind.
    ///
    /// # Errors
    /// The status of the request.
    ///
    /// # Panics
    /// If the lab is gone.
    pub fn send(
        &mut self,
        kind: RequestKind,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, NtStatus> {
        let (handle, code) = (self.handle, Code::of(kind).value);
        completion(self.process.device_io_control(handle, code, input, output))
    }
}

/// A batch of these entries.
///
/// # Panics
/// If there are more than their count can say.
#[must_use]
pub fn batch(engine: EngineKind, entries: &[BatchEntry]) -> Vec<u8> {
    let request = BatchRequest {
        header: Header::of::<BatchRequest>(),
        count: u32::try_from(entries.len()).unwrap(),
        engine: engine as u32,
    };
    [request.as_bytes(), entries.as_bytes()].concat()
}

/// A scatter of these entries.
///
/// # Panics
/// If there are more than their count can say.
#[must_use]
pub fn scatter(engine: EngineKind, entries: &[ScatterEntry]) -> Vec<u8> {
    let request = ScatterRequest {
        header: Header::of::<ScatterRequest>(),
        count: u32::try_from(entries.len()).unwrap(),
        engine: engine as u32,
    };
    [request.as_bytes(), entries.as_bytes()].concat()
}

/// A range of a caller's address space.
///
/// # Panics
/// If it is 4 GiB long or longer.
#[must_use]
pub fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap(),
    }
}

/// Runs `stage` with a new victim in a lab of its own, then checks that the driver still works.
///
/// # Panics
/// If it does not.
pub fn with_victim(policy: Reach, stage: impl FnOnce(&mut Victim<'_>)) {
    let lab = boot(policy);
    let mut victim = Victim::of(privileged(&lab));
    stage(&mut victim);
    victim.assert_works();
    report(&format!("{} requests", lab.requests()));
}
