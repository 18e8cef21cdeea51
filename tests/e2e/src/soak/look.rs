//! Looks at memory: what the model is not sure of is taken from there, and the rest has to be as the model
//! says.

use ringcopy_client::{
    PAGE_LENGTH, Transport,
    protocol::{
        CallerCopyRequest, Code, CopyResponse, CopyResult, Header, NtStatus, RequestKind,
        SESSION_LENGTH,
    },
};
use ringcopy_lab::{PageState, Process};
use zerocopy::IntoBytes;

use super::{
    episode::{Checked, Episode, Way, sentence},
    model::{File, OpenHandle, Request},
    user_memory::{PAGE, PAGES, START, UserMemory},
};

/// Steps between two looks at all memory of the model's.
const STEPS_PER_LOOK: u64 = 16;

impl Episode<'_, '_> {
    /// Puts right what the model is not sure of: of all memory, where a request was `tangled`.
    pub(super) fn settle(&mut self, tangled: bool) -> Checked<()> {
        for (memory, client) in self.model.memories.iter_mut().zip(&mut self.clients) {
            for page in std::mem::take(&mut memory.uncertain) {
                let (address, state) = (UserMemory::address(page), memory.states[page]);
                client
                    .process
                    .set_pages(address, PAGE_LENGTH, state)
                    .map_err(sentence)?;
            }
            for range in std::mem::take(&mut memory.unknown) {
                read_into(&mut client.process, memory, range)?;
            }
        }
        self.model.system.settle(self.lab).map_err(sentence)?;
        if tangled {
            self.read_all()?;
        }
        Ok(())
    }

    /// Takes the bytes of all memory of processes and sessions into the model.
    pub(super) fn read_all(&mut self) -> Checked<()> {
        for (memory, client) in self.model.memories.iter_mut().zip(&mut self.clients) {
            read_into(&mut client.process, memory, 0..PAGES * PAGE)?;
        }
        for number in 0..self.model.files.len() {
            if let Some(session) = self.session_of(number)? {
                self.model.files[number].session = session;
            }
        }
        Ok(())
    }

    /// Looks at memory that requests may have changed, without the driver: it has to be as the model
    /// says.
    pub(super) fn look(&mut self) -> Checked<()> {
        for (number, client) in self.clients.iter_mut().enumerate() {
            let memory = &self.model.memories[number];
            let mut found = memory.clone();
            read_into(&mut client.process, &mut found, 0..PAGES * PAGE)?;
            if let Some(at) = first_difference(&found.bytes, &memory.bytes) {
                let address = START + at as u64;
                return Err(format!(
                    "process {number} has {:#04x} at {address:#x}, {:#04x} was allowed",
                    found.bytes[at], memory.bytes[at]
                ));
            }
        }
        for number in 0..self.model.files.len() {
            let Some(found) = self.session_of(number)? else {
                continue;
            };
            let file = &self.model.files[number];
            if let Some(at) = first_difference(&found, &file.session) {
                return Err(format!(
                    "session buffer {number} has {:#04x} at {at:#x}, {:#04x} was allowed",
                    found[at], file.session[at]
                ));
            }
        }
        Ok(())
    }

    /// Returns what a session buffer holds: without the driver, if its address is told, else by a copy
    /// on a handle that allows one. `None` if no request could copy it.
    pub(super) fn session_of(&mut self, file: usize) -> Checked<Option<Vec<u8>>> {
        let File {
            owner,
            session_address,
            ..
        } = self.model.files[file];
        if session_address != u64::MAX {
            let session = self.lab.read_system(session_address, SESSION_LENGTH);
            return session.map(Some).map_err(sentence);
        }
        let allows = |handle: &&OpenHandle| {
            handle.file == file && handle.holder == owner && handle.access & 1 != 0
        };
        let Some(handle) = self.model.handles.iter().find(allows).copied() else {
            return Ok(None);
        };
        let target = self.clients[owner].output;
        let request = Request {
            code: Code::of(RequestKind::CopyTo).value,
            input: CallerCopyRequest {
                header: Header::of::<CallerCopyRequest>(),
                address: target,
                length: SESSION_LENGTH,
                session_offset: 0,
                alignment: 1,
                mode: 0,
            }
            .as_bytes()
            .to_vec(),
            output: size_of::<CopyResponse>(),
            at: None,
        };
        let response = self.send(&handle, &request, Way::Exchange)?;
        let expected = CopyResponse::of(
            SESSION_LENGTH,
            CopyResult {
                copied: SESSION_LENGTH,
                ..CopyResult::of(NtStatus::SUCCESS)
            },
        );
        if response.output != expected.as_bytes() {
            return Err(format!(
                "a session buffer cannot be read: {:x?}",
                response.output
            ));
        }
        let mut session = vec![0; usize::try_from(SESSION_LENGTH).unwrap_or_default()];
        let process = &mut self.clients[owner].process;
        process.read(target, &mut session).map_err(sentence)?;
        Ok(Some(session))
    }

    /// Looks, if it is time to.
    pub(super) fn look_sometimes(&mut self) -> Checked<()> {
        if self.meticulous || self.step.is_multiple_of(STEPS_PER_LOOK) {
            self.look()?;
        }
        Ok(())
    }
}

/// Reads pages of a process that are there into the model.
fn read_into(
    process: &mut Process<'_>,
    memory: &mut UserMemory,
    range: std::ops::Range<usize>,
) -> Checked<()> {
    let mut start = range.start;
    while start < range.end {
        let page = start / PAGE;
        let gone = memory.states[page] == PageState::Unmapped;
        let run = memory.states[page..]
            .iter()
            .take_while(|&&state| (state == PageState::Unmapped) == gone)
            .count();
        let end = range.end.min((page + run) * PAGE);
        if !gone {
            let bytes = &mut memory.bytes[start..end];
            process
                .read(START + start as u64, bytes)
                .map_err(sentence)?;
        }
        start = end;
    }
    Ok(())
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    if one == other {
        return None;
    }
    (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at))
}
