//! What a copy of virtual or physical memory has to come to.

use std::ops::Range;

use ringcopy_client::protocol::{
    CopyResult, Direction, EngineKind, NtStatus, Reach, ResultFlags, SESSION_LENGTH,
    validate::Source,
};

use super::{
    model::{Cut, Model},
    system_memory::Backing,
    user_memory::{PAGE, UserMemory},
};

const PHYSICAL: u32 = 1;
const VIRTUAL: u32 = 2;

/// What a copy has to come to.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    /// The bytes that arrive.
    pub(super) bytes: Vec<u8>,
    /// Those of them that the model does not know.
    pub(super) unknown: Vec<Range<usize>>,
    /// The result, less the length of the hole.
    pub(super) result: CopyResult,
    /// Whose hole it is, if there may be one.
    pub(super) hole: Hole,
    /// The model does not know the memory where the copy came to: it may have gone on.
    pub(super) loose: bool,
    /// Either engine may have been the last.
    pub(super) any_engine: bool,
    /// It was cancelled where it ended.
    pub(super) cancelled: bool,
}

/// Memory in which a hole may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    None,
    Physical,
    /// Of system memory, as an engine sees it that brings pages in or does not, at a moment.
    System {
        brings_in: bool,
        moment: usize,
    },
}

/// A copy that was not begun.
pub(super) const fn refused(status: NtStatus) -> Copied {
    Copied {
        bytes: Vec::new(),
        unknown: Vec::new(),
        result: CopyResult::of(status),
        hole: Hole::None,
        loose: false,
        any_engine: false,
        cancelled: false,
    }
}

impl Copied {
    /// Stopped at an address by an access that failed.
    pub(super) const fn stop(&mut self, status: NtStatus, address: u64, direction: Direction) {
        self.result.status = status.0;
        self.result.address = address;
        self.result.direction = direction as u32;
    }

    /// Ends a copy that came as far as the request did.
    pub(super) const fn cancel_at(&mut self, cut: Option<Cut>) {
        if cut.is_some() && (self.result.status == NtStatus::SUCCESS.0 || self.loose) {
            self.result.status = NtStatus::CANCELLED.0;
            self.hole = Hole::None;
            self.any_engine = true;
            self.cancelled = true;
        }
    }

    const fn finish(mut self) -> Self {
        self.result.copied = self.bytes.len() as u64;
        self
    }
}

impl Model {
    /// Copies as a request of this file's does: what arrives, and what that does to pages.
    pub(super) fn copy(&mut self, file: usize, source: Source, engine: EngineKind) -> Copied {
        if let Err(status) = self.check_reach(file, source) {
            return refused(status);
        }
        if engine == EngineKind::Native && !self.native {
            return refused(NtStatus::NOT_SUPPORTED);
        }
        let native = self.native && engine != EngineKind::System;
        let used = if native {
            EngineKind::Native
        } else {
            EngineKind::System
        };
        let mut copied = refused(NtStatus::SUCCESS);
        copied.result.engine = used as u32;
        if ![PHYSICAL, VIRTUAL].contains(&source.flags) {
            copied.result.status = NtStatus::INVALID_PARAMETER_4.0;
            return copied;
        }
        let Some(last) = source.length.checked_sub(1) else {
            return copied;
        };
        let address = source.address;
        if source.flags == VIRTUAL && address < self.system.user_limit {
            self.copy_user(self.files[file].owner, address, source.length, &mut copied);
            return copied.finish();
        }
        if address.checked_add(last as u64).is_none() {
            copied.stop(NtStatus::INVALID_ADDRESS, address, Direction::Read);
        } else if source.flags == PHYSICAL {
            copied.hole = Hole::Physical;
            self.copy_physical(address, source.length, &mut copied);
        } else {
            let brings_in = !native || engine == EngineKind::Auto;
            let moment = self.system.moment();
            copied.hole = Hole::System { brings_in, moment };
            self.copy_system(address, source.length, (native, brings_in), &mut copied);
        }
        copied.finish()
    }

    /// The caller's own memory always; the file's session buffer where its address is told; the rest
    /// by policy and privilege.
    pub(super) fn check_reach(&self, file: usize, source: Source) -> Result<(), NtStatus> {
        let file = &self.files[file];
        let needed = match source.flags {
            PHYSICAL => Reach::PHYSICAL,
            VIRTUAL if source.address >= self.system.user_limit => Reach::SYSTEM_VIRTUAL,
            _ => return Ok(()),
        };
        let length = source.length as u64;
        let within = length > 0
            && length <= SESSION_LENGTH
            && source.address.checked_add(length - 1).is_some_and(|last| {
                if source.flags == PHYSICAL {
                    let page = PAGE as u64;
                    (source.address / page..=last / page)
                        .all(|number| file.session_pages.contains(&(number * page)))
                } else {
                    let session = file.session_address;
                    session != u64::MAX
                        && source.address >= session
                        && last - session < SESSION_LENGTH
                }
            });
        if source.length == 0 || within || file.reach.contains(needed) {
            Ok(())
        } else if self.policy.contains(needed) {
            Err(NtStatus::PRIVILEGE_NOT_HELD)
        } else {
            Err(NtStatus::ACCESS_DENIED)
        }
    }

    /// Of a process's own memory.
    pub(super) fn copy_user(
        &mut self,
        process: usize,
        address: u64,
        length: usize,
        copied: &mut Copied,
    ) {
        if !self.system.is_user(address, length) {
            copied.stop(NtStatus::ACCESS_VIOLATION, address, Direction::Read);
            return;
        }
        let memory = &mut self.memories[process];
        let accessed = memory.access(address, length, false);
        if accessed.length > 0 {
            copied.bytes.extend(memory.read(address, accessed.length));
            let start = UserMemory::offset(address).unwrap_or_default();
            copied
                .unknown
                .extend(memory.unknown_in(start, accessed.length));
        }
        if let Some(status) = accessed.stop {
            let stop = address + accessed.length as u64;
            copied.stop(status, stop, Direction::Read);
        }
    }

    fn copy_physical(&self, address: u64, length: usize, copied: &mut Copied) {
        while copied.bytes.len() < length {
            let at = address + copied.bytes.len() as u64;
            let run = self.system.ram_from(at);
            if run == 0 {
                copied.stop(NtStatus::INVALID_ADDRESS, at, Direction::Read);
                return;
            }
            let left = length - copied.bytes.len();
            self.take_physical(at, left.min(limited(run)), copied);
        }
    }

    /// Takes bytes of RAM, as far as they lie in one page.
    fn take_physical(&self, at: u64, most: usize, copied: &mut Copied) {
        let offset = limited(at % PAGE as u64);
        let count = most.min(PAGE - offset);
        let (block, bytes) = self.system.block();
        let in_block = at.checked_sub(block).map(limited);
        if let Some(known) = in_block.and_then(|start| bytes.get(start..start + count)) {
            copied.bytes.extend(known);
            return;
        }
        for file in &self.files {
            let page = file
                .session_pages
                .iter()
                .position(|page| at - offset as u64 == *page);
            let start = page.map(|page| page * PAGE + offset);
            if let Some(known) = start.and_then(|start| file.session.get(start..start + count)) {
                copied.bytes.extend(known);
                return;
            }
        }
        for memory in &self.memories {
            if let Some(start) = memory.offset_of_physical(at) {
                let here = copied.bytes.len();
                let unknown = memory.unknown_in(start, count);
                copied
                    .unknown
                    .extend(unknown.map(|range| range.start + here..range.end + here));
                copied.bytes.extend(&memory.bytes[start..start + count]);
                return;
            }
        }
        take_unknown(count, copied);
    }

    fn copy_system(
        &mut self,
        address: u64,
        length: usize,
        (native, brings_in): (bool, bool),
        copied: &mut Copied,
    ) {
        // Whether the native engine is still at work.
        let mut walks = native;
        while copied.bytes.len() < length {
            let at = address + copied.bytes.len() as u64;
            let left = length - copied.bytes.len();
            if at < self.system.start {
                copied.stop(NtStatus::INVALID_ADDRESS, at, Direction::Read);
                return;
            }
            if self.take_session(at, left, copied) {
                continue;
            }
            let (mapping, run) = self.system.at(at);
            let run = left.min(limited(run));
            let status = match mapping {
                Backing::Ram(physical) => {
                    self.take_physical(physical, run, copied);
                    continue;
                }
                Backing::Unknown => {
                    copied.loose = true;
                    return;
                }
                Backing::Absent | Backing::PagedOut | Backing::Lost if walks && brings_in => {
                    walks = false;
                    copied.result.engine = EngineKind::System as u32;
                    copied.result.flags = ResultFlags::FELL_BACK.bits();
                    continue;
                }
                Backing::PagedOut if !walks => {
                    self.system.bring_in(at);
                    continue;
                }
                Backing::Lost if !walks => NtStatus::IN_PAGE_ERROR,
                Backing::Refused | Backing::Absent | Backing::PagedOut | Backing::Lost => {
                    NtStatus::INVALID_ADDRESS
                }
            };
            copied.stop(status, at, Direction::Read);
            return;
        }
    }

    fn take_session(&self, at: u64, most: usize, copied: &mut Copied) -> bool {
        for file in &self.files {
            let told = Some(file.session_address).filter(|address| *address != u64::MAX);
            let start = told
                .and_then(|address| at.checked_sub(address))
                .map(limited);
            if let Some(rest) = start.and_then(|start| file.session.get(start..))
                && !rest.is_empty()
            {
                copied.bytes.extend(&rest[..most.min(rest.len())]);
                return true;
            }
        }
        false
    }
}

fn take_unknown(count: usize, copied: &mut Copied) {
    let start = copied.bytes.len();
    copied.bytes.resize(start + count, 0);
    copied.unknown.push(start..start + count);
}

fn limited(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
