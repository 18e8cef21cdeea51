//! An episode: two processes with memory, files and handles of their own, and some thousand steps
//! that depend on nothing before it.

use ringcopy_client::{
    Buffer, Handle, OpenAccess, PAGE_LENGTH, RequestError, Transport,
    protocol::{
        BatchRequest, BatchResponse, Code, CopyResponse, CopyResult, DEVICE_PAGE_LENGTH,
        DeviceCopyRequest, DeviceDirection, Header, InformationRequest, InformationResponse,
        NtStatus, Reach, RequestKind, SESSION_LENGTH,
    },
};
use ringcopy_lab::{Lab, PageState, Process, Sending, UNTOUCHED, token};
use zerocopy::{FromBytes, IntoBytes};

use super::{
    expected::{Expected, result_at},
    model::{Cut, File, Model, OpenHandle, Request},
    random::Random,
    summary::Summary,
    system_memory::SystemMemory,
    user_memory::{PAGE, PAGES, START, UserMemory},
};
use crate::PRIVILEGED;

/// Bytes of a process's staging memory, on either side of a request.
pub(super) const STAGING: u64 = 1 << 20;

/// Why a step is wrong, as a sentence.
pub(super) type Checked<T> = Result<T, String>;

/// A process, and the memory that its requests use besides the model's.
pub(super) struct Client<'l> {
    pub(super) process: Process<'l>,
    pub(super) input: u64,
    pub(super) output: u64,
}

/// An episode under way.
pub(super) struct Episode<'l, 's> {
    pub(super) lab: &'l Lab,
    pub(super) random: Random,
    pub(super) model: Model,
    pub(super) clients: Vec<Client<'l>>,
    pub(super) summary: &'s mut Summary,
    /// What the step under way is, for whoever reads that it went wrong.
    pub(super) what: String,
    /// The request that the step under way sends, and the handle that it sends it on.
    pub(super) request: Option<(OpenHandle, Request)>,
    pub(super) step: u64,
    /// Looks at all memory after each step.
    pub(super) meticulous: bool,
}

/// The way in which a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// With buffers in staging memory.
    Exchange,
    /// The same, and cancelled before the driver sees it.
    Cancelled,
    /// With buffers where the request says.
    At([u64; 2]),
}

/// What came back.
pub(super) struct Response {
    pub(super) status: NtStatus,
    pub(super) returned: usize,
    pub(super) output: Vec<u8>,
}

pub(super) fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl<'l, 's> Episode<'l, 's> {
    pub(super) fn start(
        (lab, policy): (&'l Lab, Reach),
        system: &SystemMemory,
        random: Random,
        summary: &'s mut Summary,
        meticulous: bool,
    ) -> Checked<Self> {
        let mut episode = Self {
            lab,
            random,
            model: Model {
                policy,
                native: true,
                memories: Vec::new(),
                files: Vec::new(),
                handles: Vec::new(),
                device_page: vec![0; DEVICE_PAGE_LENGTH as usize],
                system: system.clone(),
                tangled: false,
                cut: None,
            },
            clients: Vec::new(),
            summary,
            what: "the start".into(),
            request: None,
            step: 0,
            meticulous,
        };
        episode.model.system.page_out(lab).map_err(sentence)?;
        let other = episode.random.pick(&[PRIVILEGED, token::ADMINISTRATORS]);
        for token in [PRIVILEGED, other] {
            episode.add_process(token)?;
        }
        for process in 0..2 {
            episode.open(process, OpenAccess::ReadWrite)?;
        }
        episode.fill_device_page()?;
        Ok(episode)
    }

    fn add_process(&mut self, token: u64) -> Checked<()> {
        let mut process = self.lab.process(token).map_err(sentence)?;
        let length = PAGES * PAGE;
        process
            .allocate_at(START, length as u64)
            .map_err(sentence)?;
        let bytes = self.random.bytes(length);
        process.write(START, &bytes).map_err(sentence)?;
        let mut frames = [0; PAGES];
        for (page, frame) in frames.iter_mut().enumerate() {
            *frame = physical(&mut process, page)?;
        }
        let mut staging = || process.allocate(STAGING).map_err(sentence);
        let (input, output) = (staging()?, staging()?);
        self.model.memories.push(UserMemory::new(bytes, frames));
        self.clients.push(Client {
            process,
            input,
            output,
        });
        Ok(())
    }

    /// Opens the device; the session buffer of a handle that cannot ask for its address is not
    /// looked at.
    pub(super) fn open(&mut self, process: usize, access: OpenAccess) -> Checked<usize> {
        let handle = self.clients[process]
            .process
            .open(access)
            .map_err(sentence)?;
        let bits = match access {
            OpenAccess::Read => 1,
            OpenAccess::Write => 2,
            OpenAccess::ReadWrite => 3,
        };
        self.add_file(process, handle, bits)
    }

    pub(super) fn add_file(
        &mut self,
        process: usize,
        handle: Handle,
        access: u32,
    ) -> Checked<usize> {
        let mut file = File {
            owner: process,
            reach: Reach::empty(),
            session: vec![0; usize::try_from(SESSION_LENGTH).unwrap_or_default()],
            session_address: u64::MAX,
            session_pages: [u64::MAX; _],
            information: Vec::new(),
        };
        if access & 1 != 0 {
            let request = InformationRequest {
                header: Header::of::<InformationRequest>(),
            };
            let mut output = vec![0; size_of::<InformationResponse>()];
            let code = Code::of(RequestKind::Information).value;
            self.clients[process]
                .process
                .device_io_control(handle, code, request.as_bytes(), &mut output)
                .map_err(sentence)?;
            let information = InformationResponse::read_from_bytes(&output).map_err(sentence)?;
            file.reach = Reach::from_bits_truncate(information.reach);
            if information.session_address != 0 {
                file.session_address = information.session_address;
                file.session_pages = information.session_physical_addresses;
            }
            self.model.native = information.native_status == NtStatus::SUCCESS.0;
            if information.policy != self.model.policy.bits() {
                return Err(format!("{information:?} came, with another policy"));
            }
            file.information = output;
        }
        self.model.files.push(file);
        self.model.handles.push(OpenHandle {
            holder: process,
            handle,
            access,
            file: self.model.files.len() - 1,
        });
        Ok(self.model.handles.len() - 1)
    }

    fn fill_device_page(&mut self) -> Checked<()> {
        let mut input = DeviceCopyRequest {
            header: Header::of::<DeviceCopyRequest>(),
            direction: DeviceDirection::ToDevice as u32,
            length: DEVICE_PAGE_LENGTH,
            source_offset: 0,
            destination_offset: 0,
        }
        .as_bytes()
        .to_vec();
        input.extend(self.random.bytes(DEVICE_PAGE_LENGTH as usize));
        let request = Request {
            code: Code::of(RequestKind::DeviceCopy).value,
            input,
            output: size_of::<CopyResponse>(),
            at: None,
        };
        self.exact(0, &request, Way::Exchange)
    }

    /// Sends a request, and holds what comes back against the model.
    pub(super) fn exact(&mut self, handle: usize, request: &Request, way: Way) -> Checked<()> {
        let handle = self.model.handles[handle];
        let expected = self.model.carry_out(&handle, request);
        let response = self.send(&handle, request, way)?;
        self.summary.count(request, response.status);
        self.summary.count_loose(&expected);
        self.compare(expected, &response)
    }

    /// Sends a request that may be refused with a further status, and then has changed nothing.
    pub(super) fn exact_or(
        &mut self,
        handle: usize,
        request: &Request,
        way: Way,
        status: NtStatus,
    ) -> Checked<()> {
        let handle = self.model.handles[handle];
        let before = self.model.clone();
        let expected = self.model.carry_out(&handle, request);
        let response = self.send(&handle, request, way)?;
        // An allocation that is still to fail is the request's, and not one of those that follow.
        self.lab.fail_allocation(None).map_err(sentence)?;
        self.summary.count(request, response.status);
        if expected.status == status {
            self.summary.count_loose(&expected);
        } else {
            self.summary
                .count_loose_by("responses that may be a further status");
        }
        if response.status == status && expected.status != status {
            self.model = before;
            if response.output.iter().any(|&byte| byte != UNTOUCHED) {
                return Err(format!("{status} came, and the output was written to"));
            }
            return Ok(());
        }
        self.compare(expected, &response)
    }

    /// Sends a request that may be cancelled between two of its pieces. Then its response says where,
    /// and it has to have come exactly that far.
    pub(super) fn exact_or_cut(
        &mut self,
        handle: usize,
        request: &Request,
        way: Way,
    ) -> Checked<()> {
        let handle = self.model.handles[handle];
        let response = self.send(&handle, request, way)?;
        self.summary.count(request, response.status);
        let cut = cut_of(request, &response)?;
        if cut.is_some() {
            self.summary.count_other("cancelled half way", 1);
        }
        self.model.cut = cut;
        let expected = self.model.carry_out(&handle, request);
        self.model.cut = None;
        self.compare(expected, &response)
    }

    /// Holds what came back against what the model expects.
    fn compare(&mut self, expected: Expected, response: &Response) -> Checked<()> {
        let tangled = expected.anything;
        let Response {
            status,
            returned,
            output,
        } = response;
        expected.check(&self.model, *status, *returned, output)?;
        self.settle(tangled)
    }

    pub(super) fn send(
        &mut self,
        handle: &OpenHandle,
        request: &Request,
        way: Way,
    ) -> Checked<Response> {
        let client = &mut self.clients[handle.holder];
        let mut output = vec![UNTOUCHED; request.output];
        let (code, input) = (request.code, request.input.as_slice());
        let came = match way {
            Way::Exchange => {
                client
                    .process
                    .device_io_control(handle.handle, code, input, &mut output)
            }
            Way::Cancelled => {
                let (from, to) = (client.input, client.output);
                client.process.write(from, input).map_err(sentence)?;
                client.process.write(to, &output).map_err(sentence)?;
                let how = Sending {
                    cancelled: true,
                    ..Sending::default()
                };
                let came = client.process.device_io_control_sent(
                    how,
                    handle.handle,
                    code,
                    buffer(from, input.len()),
                    buffer(to, output.len()),
                );
                client.process.read(to, &mut output).map_err(sentence)?;
                came
            }
            Way::At([from, to]) => {
                let length = output.len();
                let came = client.process.device_io_control_at(
                    handle.handle,
                    code,
                    buffer(from, input.len()),
                    buffer(to, length),
                );
                if let Ok(returned) = came {
                    let mut written = vec![0; returned.min(length)];
                    client.process.read(to, &mut written).map_err(sentence)?;
                    output[..written.len()].copy_from_slice(&written);
                }
                came
            }
        };
        let (status, returned) = match came {
            Ok(returned) => (NtStatus::SUCCESS, returned),
            Err(RequestError::Status(status)) => (status, 0),
            Err(RequestError::Transport(error)) => return Err(error.to_string()),
        };
        Ok(Response {
            status,
            returned,
            output,
        })
    }

    /// A handle that can be used; gives its position.
    pub(super) fn any_handle(&mut self) -> usize {
        self.random.index(self.model.handles.len())
    }

    /// Changes a page to another kind.
    pub(super) fn change_page(&mut self) -> Checked<()> {
        const STATES: [PageState; 9] = [
            PageState::ReadWrite,
            PageState::ReadWrite,
            PageState::ReadWrite,
            PageState::ReadOnly,
            PageState::NoAccess,
            PageState::Guard,
            PageState::PagedOut,
            PageState::InPageError,
            PageState::Unmapped,
        ];
        let number = self.random.index(self.clients.len());
        let (page, state) = (self.random.index(PAGES), self.random.pick(&STATES));
        self.request = None;
        self.what = format!("page {page} of process {number} becomes {state:?}");
        self.set_page(number, page, state)
    }

    /// Makes a page of a process one of another kind.
    pub(super) fn set_page(&mut self, number: usize, page: usize, state: PageState) -> Checked<()> {
        let process = &mut self.clients[number].process;
        let memory = &mut self.model.memories[number];
        let address = UserMemory::address(page);
        if memory.states[page] == PageState::Unmapped {
            if state == PageState::Unmapped {
                return Ok(());
            }
            process
                .allocate_at(address, PAGE_LENGTH)
                .map_err(sentence)?;
            memory.frames[page] = physical(process, page)?;
            memory.write(address, &[0; PAGE]);
        }
        process
            .set_pages(address, PAGE_LENGTH, state)
            .map_err(sentence)?;
        memory.states[page] = state;
        Ok(())
    }
}

fn physical(process: &mut Process<'_>, page: usize) -> Checked<u64> {
    process
        .physical_address(UserMemory::address(page))
        .map_err(sentence)?
        .ok_or_else(|| "the lab names no physical addresses".into())
}

/// Where a request was cancelled, as its response says. A request of a piece never is.
fn cut_of(request: &Request, response: &Response) -> Checked<Option<Cut>> {
    const PIECE: u64 = 64 << 10;
    let kind = Code::from_value(request.code).map(|code| code.kind);
    if response.status != NtStatus::SUCCESS {
        return Ok(None);
    }
    let output = &response.output;
    let (results, asked): (Vec<CopyResult>, u64) = match kind {
        Some(RequestKind::CopyBatch | RequestKind::CopyScatter) => {
            let (response, _) = BatchResponse::read_from_prefix(output).map_err(sentence)?;
            let count = response.count as usize;
            let results = (0..count).map(|number| result_at(Some(number), output));
            // The length of an entry is the word before its flags, the last one.
            let fixed = size_of::<BatchRequest>();
            let entries = &request.input[fixed..];
            let size = entries.len().checked_div(count).unwrap_or_default().max(8);
            let length = |entry: &[u8]| {
                u64::from(u32::read_from_bytes(&entry[size - 8..size - 4]).unwrap_or_default())
            };
            let asked = entries.chunks_exact(size).map(length).sum();
            (results.collect(), asked)
        }
        Some(RequestKind::CopyFrom | RequestKind::CopyTo) | None => return Ok(None),
        Some(_) => {
            let (response, _) = CopyResponse::read_from_prefix(output).map_err(sentence)?;
            (vec![response.result], response.asked)
        }
    };
    let cancelled = |result: &CopyResult| result.status() == NtStatus::CANCELLED;
    let Some(entry) = results.iter().position(cancelled) else {
        return Ok(None);
    };
    // Entries count for something, too: less than a piece, as few as there are here.
    if asked <= PIECE - 6 * 1024 {
        return Err(format!("{:X?} came of {asked:#x} bytes", results[entry]));
    }
    let copied = usize::try_from(results[entry].copied).unwrap_or(usize::MAX);
    Ok(Some(Cut { entry, copied }))
}

pub(super) fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap_or(u32::MAX),
    }
}
