//! The steps of an episode, and how often each is taken.

use ringcopy_client::{
    Handle, OpenAccess, RequestError, Transport,
    protocol::{CODES, Code, NtStatus, RequestKind},
};

use super::{
    episode::{Checked, Episode, Way, sentence},
    model::{OpenHandle, Request},
    mutation::{mutate, mutate_code},
    requests::Chooser,
    user_memory::{MESSAGE_PAGES, PAGE, PAGES, UserMemory},
};

/// Handles that an episode has at most.
const HANDLES: usize = 8;

/// The first handles stay open.
const PERMANENT_HANDLES: usize = 2;

/// More pool allocations than a request makes, or an open.
const ALLOCATIONS: u64 = 16;

/// The most requests of a volley, and the bytes of their buffers.
const VOLLEY: u64 = 48;
const VOLLEY_BYTES: usize = 400 << 10;

/// The longest output that any request may have.
const LONGEST_OUTPUT: usize = 64 << 20;

impl Episode<'_, '_> {
    /// Takes a step.
    pub(super) fn step(&mut self) -> Checked<()> {
        let processors = self.lab.options().processors;
        self.step += 1;
        match self.random.below(200) {
            0..=19 => self.change_page(),
            20..=29 => self.with_pointers_anywhere(),
            30..=34 => self.cancelled(),
            35..=40 => self.without_pool(),
            41..=44 => self.change_handles(),
            45..=49 => self.with_another_code(),
            50 if processors > 1 => self.race(),
            51 if processors > 1 => self.cancel_now_and_then(),
            52 if processors > 1 => self.send_at_once(),
            _ => self.volley(),
        }?;
        self.look_sometimes()
    }

    fn request(&mut self) -> Request {
        Chooser {
            random: &mut self.random,
            model: &self.model,
            long: false,
        }
        .request()
    }

    /// A request that may be long enough to be cancelled half way.
    pub(super) fn long_request(&mut self) -> Request {
        Chooser {
            random: &mut self.random,
            model: &self.model,
            long: true,
        }
        .request()
    }

    /// Requests of one kind, valid ones and spoilt ones, in one round trip.
    fn volley(&mut self) -> Checked<()> {
        let position = self.any_handle();
        let handle = self.model.handles[position];
        let kind = CODES[self.random.index(CODES.len())].kind;
        let code = Code::of(kind).value;
        let (mut sent, mut bytes) = (Vec::new(), 0);
        for _ in 0..=self.random.below(VOLLEY) {
            let mut chooser = Chooser {
                random: &mut self.random,
                model: &self.model,
                long: false,
            };
            let mut request = chooser.of_kind(kind);
            if self.random.once_in(3) {
                mutate(&mut self.random, &mut request);
                request.code = code;
            }
            bytes += request.input.len() + request.output;
            if bytes > VOLLEY_BYTES && !sent.is_empty() {
                break;
            }
            let were_in = self.model.system.count_brought_in();
            let expected = self.model.carry_out(&handle, &request);
            sent.push((request, expected));
            if !self.model.is_settled() || self.model.system.count_brought_in() != were_in {
                break;
            }
        }
        let messages: Vec<_> = sent
            .iter()
            .map(|(request, _)| (request.input.as_slice(), request.output))
            .collect();
        let came = self.clients[handle.holder]
            .process
            .device_io_control_each(handle.handle, code, &messages)
            .map_err(sentence)?;
        let mut tangled = false;
        for (number, ((request, expected), came)) in sent.into_iter().zip(came).enumerate() {
            tangled |= expected.anything;
            self.summary.count(&request, came.status);
            self.summary.count_loose(&expected);
            let returned = usize::try_from(came.returned).unwrap_or(usize::MAX);
            let checked = expected.check(&self.model, came.status, returned, &came.output);
            if checked.is_err() {
                self.say(&format!("request {number} of a volley"), position, &request);
                return checked;
            }
        }
        self.settle(tangled)
    }

    /// A request whose control code is another one, or none of ours.
    fn with_another_code(&mut self) -> Checked<()> {
        let (handle, mut request) = (self.any_handle(), self.request());
        mutate_code(&mut self.random, &mut request);
        mutate(&mut self.random, &mut request);
        self.say("a request with another code", handle, &request);
        self.exact(handle, &request, Way::Exchange)
    }

    /// A request of `METHOD_NEITHER` whose buffers are in the model's memory, or anywhere.
    fn with_pointers_anywhere(&mut self) -> Checked<()> {
        const KINDS: [RequestKind; 4] = [
            RequestKind::CopyFrom,
            RequestKind::CopyTo,
            RequestKind::CopyThrough,
            RequestKind::CopyScatter,
        ];
        let handle = self.any_handle();
        let holder = self.model.handles[handle].holder;
        let kind = self.random.pick(&KINDS);
        let mut chooser = Chooser {
            random: &mut self.random,
            model: &self.model,
            long: false,
        };
        let mut request = chooser.of_kind(kind);
        if self.random.once_in(8) {
            mutate(&mut self.random, &mut request);
        }
        if self.random.once_in(200) {
            request.output = LONGEST_OUTPUT + self.random.index(200);
        }
        let at = [self.message_address(), self.message_address()];
        self.write_where_mapped(holder, at[0], &mut request.input)?;
        request.at = Some(at);
        self.say("a request with pointers anywhere", handle, &request);
        self.exact(handle, &request, Way::At(at))
    }

    fn message_address(&mut self) -> u64 {
        let first = UserMemory::address(PAGES - MESSAGE_PAGES);
        let length = (MESSAGE_PAGES * PAGE) as u64;
        match self.random.below(16) {
            0 => Chooser {
                random: &mut self.random,
                model: &self.model,
                long: false,
            }
            .wild_address(),
            1 => first + self.random.below(length),
            2 => UserMemory::address(0) + (self.random.below((PAGES * PAGE) as u64) & !7),
            3..=7 => {
                let page = self.random.below(MESSAGE_PAGES as u64) + 1;
                first + page * PAGE as u64 - (self.random.below(160) & !7)
            }
            _ => first + (self.random.below(length) & !7),
        }
    }

    /// Puts bytes where there is memory for them. The driver finds what is there then.
    fn write_where_mapped(&mut self, holder: usize, address: u64, bytes: &mut [u8]) -> Checked<()> {
        let mut done = 0;
        while done < bytes.len() {
            let at = address.wrapping_add(done as u64);
            let left = PAGE - usize::try_from(at % PAGE as u64).unwrap_or_default();
            let piece = left.min(bytes.len() - done);
            let memory = &mut self.model.memories[holder];
            let is_there = UserMemory::offset(at).is_some_and(|offset| {
                memory.states[offset / PAGE] != ringcopy_lab::PageState::Unmapped
            });
            let piece_bytes = &mut bytes[done..done + piece];
            if is_there {
                memory.write(at, piece_bytes);
                let process = &mut self.clients[holder].process;
                process.write(at, piece_bytes).map_err(sentence)?;
            } else {
                piece_bytes.fill(0);
            }
            done += piece;
        }
        Ok(())
    }

    /// A request that is cancelled before the driver sees it: what waits in the queue is not served.
    fn cancelled(&mut self) -> Checked<()> {
        let (handle, request) = (self.any_handle(), self.long_request());
        self.say("a cancelled request", handle, &request);
        self.exact_or_cancelled(handle, &request, Way::Cancelled)
    }

    /// Sends a request that may be cancelled: while it waits in the queue, or between two of its
    /// pieces.
    pub(super) fn exact_or_cancelled(
        &mut self,
        handle: usize,
        request: &Request,
        way: Way,
    ) -> Checked<()> {
        // METHOD_BUFFERED: the other methods are served in their caller's context.
        if request.code.trailing_zeros() >= 2 {
            self.exact_or(handle, request, way, NtStatus::CANCELLED)
        } else {
            self.exact_or_cut(handle, request, way)
        }
    }

    /// A request, or an open, during which one pool allocation fails.
    fn without_pool(&mut self) -> Checked<()> {
        let after = self.random.below(ALLOCATIONS);
        let fail = |after| self.lab.fail_allocation(after).map_err(sentence);
        if self.random.once_in(8) && self.model.handles.len() < HANDLES {
            let number = self.random.index(self.clients.len());
            self.what = format!("an open whose pool allocation {after} fails");
            fail(Some(after))?;
            let opened = self.clients[number].process.open(OpenAccess::ReadWrite);
            fail(None)?;
            return match opened {
                Ok(handle) => self.add_file(number, handle, 3).map(drop),
                Err(RequestError::Status(NtStatus::INSUFFICIENT_RESOURCES)) => Ok(()),
                Err(error) => Err(format!("{error} came")),
            };
        }
        let (handle, request) = (self.any_handle(), self.request());
        self.say(
            &format!("with pool allocation {after} failing, a request"),
            handle,
            &request,
        );
        fail(Some(after))?;
        let status = NtStatus::INSUFFICIENT_RESOURCES;
        self.exact_or(handle, &request, Way::Exchange, status)
    }

    /// Opens, closes and duplicates handles, and uses one that there is not.
    fn change_handles(&mut self) -> Checked<()> {
        let count = self.model.handles.len();
        let number = self.random.index(self.clients.len());
        match self.random.below(4) {
            0 if count < HANDLES => {
                let access =
                    self.random
                        .pick(&[OpenAccess::Read, OpenAccess::Write, OpenAccess::ReadWrite]);
                self.what = format!("process {number} opens the device for {access:?}");
                self.open(number, access).map(drop)
            }
            1 if count < HANDLES => {
                let handle = self.any_handle();
                self.duplicate(handle, number)
            }
            2 => {
                let missing = Handle(self.random.next() | 1 << 40);
                let request = self.request();
                self.what = format!("a request on {missing:?}");
                let handle = OpenHandle {
                    handle: missing,
                    holder: number,
                    ..self.model.handles[0]
                };
                let response = self.send(&handle, &request, Way::Exchange)?;
                self.summary.count(&request, response.status);
                match response.status {
                    NtStatus::INVALID_HANDLE => Ok(()),
                    other => Err(format!("{other} came")),
                }
            }
            _ if count > PERMANENT_HANDLES => {
                let handle = PERMANENT_HANDLES + self.random.index(count - PERMANENT_HANDLES);
                self.close(handle)
            }
            _ => Ok(()),
        }
    }

    fn duplicate(&mut self, handle: usize, to: usize) -> Checked<()> {
        let original = self.model.handles[handle];
        self.what = format!("{:?} is duplicated for process {to}", original.handle);
        if original.holder == to {
            return Ok(());
        }
        let (one, other) = self.clients.split_at_mut(1);
        let (from, target) = if original.holder == 0 {
            (&mut one[0], &other[0])
        } else {
            (&mut other[0], &one[0])
        };
        let copy = from
            .process
            .duplicate(original.handle, &target.process)
            .map_err(sentence)?;
        self.model.handles.push(OpenHandle {
            holder: to,
            handle: copy,
            ..original
        });
        Ok(())
    }

    pub(super) fn close(&mut self, position: usize) -> Checked<()> {
        let closed = self.model.handles.swap_remove(position);
        self.what = format!("process {} closes {:?}", closed.holder, closed.handle);
        let process = &mut self.clients[closed.holder].process;
        process.close(closed.handle).map_err(sentence)?;
        self.forget_file(closed.file);
        Ok(())
    }

    /// A file without handles is gone, and its session buffer with it.
    pub(super) fn forget_file(&mut self, file: usize) {
        if self.model.handles.iter().all(|handle| handle.file != file) {
            let file = &mut self.model.files[file];
            file.session.clear();
            file.session_address = u64::MAX;
            file.session_pages = [u64::MAX; _];
        }
    }

    /// Notes what the step is.
    pub(super) fn say(&mut self, what: &str, handle: usize, request: &Request) {
        what.clone_into(&mut self.what);
        self.request = Some((self.model.handles[handle], request.clone()));
    }
}
