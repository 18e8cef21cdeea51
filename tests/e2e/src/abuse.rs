//! A process with a request of every kind that the driver has to carry out, to be spoilt in one
//! place at a time.

use std::fmt;

use ringcopy_client::{
    Buffer, Handle, OpenAccess, PAGE_LENGTH, RequestError, Transport,
    protocol::{
        BatchEntry, BatchRequest, BatchResponse, CallerCopyRequest, Code, CopyMemoryFlags,
        CopyMemoryRequest, CopyThroughRequest, DeviceCopyRequest, DeviceDirection, Engine, Header,
        InformationRequest, InformationResponse, MemoryRange, MemoryRangesRequest, ModeChoice,
        NtStatus, Reach, RequestKind, ScatterEntry, ScatterRequest, TransferResponse, judge,
    },
};
use ringcopy_lab::{PageState, Process};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::{Canary, Outcome, boot, finish, outcome, pattern, privileged, refused, tell};

/// Bytes that a good request copies.
pub const LENGTH: usize = LENGTH_FIELD as usize;

const LENGTH_FIELD: u32 = 64;

/// What an output buffer holds before a request.
const UNTOUCHED: u8 = 0xEE;

/// A process, an open handle, and memory of every kind.
pub struct Victim<'l> {
    /// The process.
    pub process: Process<'l>,
    /// Open for reads and writes.
    pub handle: Handle,
    /// What the driver says of itself and of the handle.
    pub information: InformationResponse,
    /// Memory for good copies to read: two pages.
    pub source: u64,
    /// Memory for good copies to write: two pages.
    pub destination: u64,
    /// A page for requests, behind which nothing is mapped.
    pub request: u64,
    /// Two pages for responses, behind which nothing is mapped.
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
        let mut response = vec![0; Self::room(RequestKind::Information)];
        let answer = victim.send(RequestKind::Information, &request, &mut response);
        assert_eq!(outcome(answer), Outcome::Done(response.len()));
        victim.information = InformationResponse::read_from_bytes(&response).unwrap();
        victim
    }

    /// The input of a request that the driver carries out.
    #[must_use]
    pub fn good(&self, kind: RequestKind) -> Vec<u8> {
        match kind {
            RequestKind::Information => InformationRequest {
                header: Header::of::<InformationRequest>(),
            }
            .as_bytes()
            .to_vec(),
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
            RequestKind::CopyBatch => batch(Engine::Auto, &self.batch_entries()),
            RequestKind::CopyScatter => scatter(Engine::Auto, &self.scatter_entries()),
            RequestKind::MemoryRanges => MemoryRangesRequest {
                header: Header::of::<MemoryRangesRequest>(),
                first: 0,
                reserved: 0,
            }
            .as_bytes()
            .to_vec(),
        }
    }

    /// The entries of a good batch: halves of the source, the second one first.
    #[must_use]
    pub const fn batch_entries(&self) -> [BatchEntry; 2] {
        let half = LENGTH_FIELD / 2;
        let entry = BatchEntry {
            address: self.source,
            length: half,
            flags: CopyMemoryFlags::VIRTUAL.bits(),
        };
        [
            BatchEntry {
                address: self.source + half as u64,
                ..entry
            },
            entry,
        ]
    }

    /// The entries of a good scatter: the same, each to where it is in the destination.
    #[must_use]
    pub fn scatter_entries(&self) -> [ScatterEntry; 2] {
        self.batch_entries().map(|entry| ScatterEntry {
            source: entry.address,
            target: entry.address - self.source + self.destination,
            length: entry.length,
            flags: entry.flags,
        })
    }

    /// The room that a good request needs for its output.
    #[must_use]
    pub const fn room(kind: RequestKind) -> usize {
        let code = Code::of(kind);
        match kind {
            RequestKind::CopyMemory => code.response_length + LENGTH,
            RequestKind::CopyBatch => judge::results_end(2) + LENGTH,
            RequestKind::CopyScatter => judge::results_end(2),
            RequestKind::MemoryRanges => code.response_length + size_of::<MemoryRange>(),
            _ => code.response_length,
        }
    }

    /// The least room with which a good request is not refused.
    #[must_use]
    pub const fn least_room(kind: RequestKind) -> usize {
        match kind {
            RequestKind::MemoryRanges => Code::of(kind).response_length,
            _ => Self::room(kind),
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

    /// A good device copy, but for the payload.
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
            flags: CopyMemoryFlags::VIRTUAL.bits(),
            engine: Engine::Auto as u32,
        }
    }

    /// Where no user memory is, or where a good copy's length runs out of it.
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

    /// A page of its own in this state, with nothing mapped on either side.
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
        room: usize,
        expected: NtStatus,
    ) {
        let before = self.look();
        let mut output = vec![UNTOUCHED; room];
        let answer = self
            .process
            .device_io_control(self.handle, code, input, &mut output);
        let as_a_whole = answer.is_err();
        assert_eq!(refused(code, answer, &output), expected, "{what}");
        if as_a_whole {
            assert!(
                output.iter().all(|&byte| byte == UNTOUCHED),
                "{what}: output written"
            );
        }
        assert_eq!(self.look(), before, "{what}: something changed");
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
        let before = self.look();
        let answer = self
            .process
            .device_io_control_at(self.handle, code, input, output);
        assert_eq!(outcome(answer), Outcome::Refused(expected), "{what}");
        assert_eq!(self.look(), before, "{what}: something changed");
    }

    /// Session buffer, source and destination.
    fn look(&mut self) -> Canary {
        let ranges = [(self.source, 8192), (self.destination, 8192)];
        Canary::look(&mut self.process, self.information.session_address, &ranges)
    }

    /// Sends a good request of every kind: the driver goes on working.
    ///
    /// # Panics
    /// If one of them is not carried out.
    pub fn assert_works(&mut self) {
        for kind in ringcopy_client::protocol::CODES.map(|code| code.kind) {
            let input = self.good(kind);
            let mut output = vec![0; Self::room(kind)];
            let answer = self.send(kind, &input, &mut output);
            assert_eq!(outcome(answer), Outcome::Done(output.len()), "{kind:?}");
            match kind {
                RequestKind::Information | RequestKind::MemoryRanges => {}
                RequestKind::CopyBatch | RequestKind::CopyScatter => {
                    let (response, _) = BatchResponse::read_from_prefix(&output).unwrap();
                    assert_eq!((response.count, response.succeeded), (2, 2), "{kind:?}");
                    assert_eq!(response.copied, LENGTH as u64, "{kind:?}");
                }
                _ => {
                    let (response, _) = TransferResponse::read_from_prefix(&output).unwrap();
                    assert_eq!(response.status, NtStatus::SUCCESS.0, "{kind:?}");
                    assert_eq!(response.copied, LENGTH as u64, "{kind:?}");
                }
            }
        }
    }

    /// Sends a request of this kind.
    ///
    /// # Errors
    /// Those of the request.
    pub fn send(
        &mut self,
        kind: RequestKind,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, RequestError> {
        self.process
            .device_io_control(self.handle, Code::of(kind).value, input, output)
    }
}

/// A batch of these entries.
///
/// # Panics
/// If there are more than their count can say.
#[must_use]
pub fn batch(engine: Engine, entries: &[BatchEntry]) -> Vec<u8> {
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
pub fn scatter(engine: Engine, entries: &[ScatterEntry]) -> Vec<u8> {
    let request = ScatterRequest {
        header: Header::of::<ScatterRequest>(),
        count: u32::try_from(entries.len()).unwrap(),
        engine: engine as u32,
    };
    [request.as_bytes(), entries.as_bytes()].concat()
}

/// Runs `abuse` on a fresh victim; afterwards the driver works, and leaves nothing behind.
///
/// # Panics
/// If it does not, or does.
pub fn with_victim(policy: Reach, abuse: impl FnOnce(&mut Victim<'_>)) {
    let lab = boot(policy);
    let mut victim = Victim::of(privileged(&lab));
    abuse(&mut victim);
    victim.assert_works();
    drop(victim);
    tell(&format!("{} requests", lab.requests()));
    finish(lab);
}
