//! Copies of system and physical memory, one by one and many at a time.

use ringcopy_client::protocol::{
    BatchEntry, CopyFlags, CopyResult, Direction, EngineKind, NtStatus, Reach, SESSION_LENGTH,
    ScatterEntry,
    validate::{CopyMemory, Entry, Source},
};

use super::{
    SimulatedDriver,
    caller_copy::probe,
    memory::{SESSION, SESSION_PHYSICAL, SimulatedMemory, Stop, USER_LIMIT},
    response::{batch_response, response, result},
};

/// The result of a read of memory.
struct Read {
    data: Vec<u8>,
    stop: Option<Stop>,
    engine: EngineKind,
    fell_back: bool,
    hole: u64,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            stop: None,
            engine: EngineKind::Auto,
            fell_back: false,
            hole: 0,
        }
    }
}

impl Read {
    fn result(&self) -> CopyResult {
        let copied = self.data.len() as u64;
        CopyResult {
            hole_length: self.hole,
            ..result(copied, self.stop.as_ref(), self.engine, self.fell_back)
        }
    }
}

impl SimulatedDriver {
    pub(super) fn copy_memory(&mut self, copy: CopyMemory) -> Vec<u8> {
        let read = self.read_memory(copy.source, copy.engine);
        let mut output = response(copy.source.length as u64, read.result());
        output.extend(read.data);
        output
    }

    pub(super) fn copy_batch(&mut self, engine: EngineKind, entries: &[BatchEntry]) -> Vec<u8> {
        let mut results = Vec::new();
        let mut slots = Vec::new();
        for entry in entries {
            let read = self.read_memory(entry.source(), engine);
            results.push(read.result());
            let missing = entry.length as usize - read.data.len();
            slots.extend(read.data.into_iter().map(Some));
            slots.extend(std::iter::repeat_n(None, missing));
        }
        self.untouched = slots.iter().map(Option::is_none).collect();
        let mut output = batch_response(&results);
        output.extend(slots.into_iter().map(Option::unwrap_or_default));
        output
    }

    pub(super) fn copy_scatter(&mut self, engine: EngineKind, entries: &[ScatterEntry]) -> Vec<u8> {
        let mut results = Vec::new();
        for entry in entries {
            let mut read = self.read_memory(entry.source(), engine);
            if let Some(stop) = probe(entry.target, entry.length.into(), 1, Direction::Write) {
                read.data.clear();
                read.stop = Some(stop);
                read.hole = 0;
            } else {
                let (written, stop) = self.memory.write_user(entry.target, &read.data);
                read.data.truncate(written as usize);
                if stop.is_some() {
                    read.hole = 0;
                }
                read.stop = stop.or(read.stop);
            }
            results.push(read.result());
        }
        batch_response(&results)
    }

    /// Returns why the handle lacks this reach, if it does.
    const fn denial(&self, need: Reach) -> Option<NtStatus> {
        if self.reach.contains(need) {
            None
        } else if self.policy.contains(need) {
            Some(NtStatus::PRIVILEGE_NOT_HELD)
        } else {
            Some(NtStatus::ACCESS_DENIED)
        }
    }

    fn read_memory(&mut self, source: Source, engine: EngineKind) -> Read {
        let (flags, address, length) = (source.flags, source.address, source.length as u64);
        let physical = flags == CopyFlags::PHYSICAL.bits();
        let user = !physical && address < USER_LIMIT;
        let session = if physical { SESSION_PHYSICAL } else { SESSION };
        let own = address
            .checked_sub(session)
            .is_some_and(|offset| offset.saturating_add(length) <= SESSION_LENGTH)
            && self.privileged;
        let need = match (user || own || length == 0, physical) {
            (true, _) => Reach::empty(),
            (_, true) => Reach::PHYSICAL,
            (_, false) => Reach::SYSTEM_VIRTUAL,
        };
        let mut read = Read::default();
        if let Some(status) = self.denial(need) {
            read.stop = Some(Stop {
                status,
                access: None,
            });
            return read;
        }
        read.engine = match engine {
            _ if user => EngineKind::Auto,
            EngineKind::Auto if self.native_status == NtStatus::SUCCESS => EngineKind::Native,
            EngineKind::Auto => EngineKind::System,
            engine => engine,
        };
        self.reads += 1;
        self.asked.borrow_mut().push((address, length));
        let auto = engine == EngineKind::Auto;
        for address in (0..length).map(|offset| address.wrapping_add(offset)) {
            let absent = !user && !physical && self.memory.is_paged_out(address);
            if absent && read.engine == EngineKind::Native && auto {
                read.engine = EngineKind::System;
                read.fell_back = true;
            }
            if absent && read.engine == EngineKind::System {
                self.memory.page_in(address);
            }
            let byte = match (user, physical) {
                (true, _) => self.memory.user_byte(address),
                (_, true) => self.memory.physical_byte(address),
                _ if self.memory.is_paged_out(address) => None,
                (_, false) => self.memory.system_byte(address),
            };
            let Some(byte) = byte else {
                read.stop = Some(Stop {
                    status: if user {
                        NtStatus::ACCESS_VIOLATION
                    } else {
                        NtStatus::INVALID_ADDRESS
                    },
                    access: Some((Direction::Read, address)),
                });
                read.hole = match (user || !self.reports_holes, physical) {
                    (true, _) => 0,
                    (_, true) => SimulatedMemory::physical_hole(address),
                    (_, false) => self.memory.system_hole(address),
                };
                if read.hole > 0 && read.engine == EngineKind::System {
                    read.hole = read.hole.saturating_add(self.hole_excess);
                }
                break;
            };
            read.data.push(match &mut self.change_byte {
                Some(change_byte) => change_byte(read.engine, address, self.reads, byte),
                None => byte,
            });
        }
        read
    }
}
