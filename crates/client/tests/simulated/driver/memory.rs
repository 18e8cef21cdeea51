//! The memory of a simulated machine.

use std::collections::{BTreeMap, BTreeSet};

use ringcopy_client::{
    PAGE_LENGTH, Protection, TransportError,
    protocol::{DEVICE_PAGE_LENGTH, Direction, NtStatus, SESSION_LENGTH},
};

pub const USER_LIMIT: u64 = 0x7FFF_FFFF_0000;
pub const FIRST_ALLOCATION: u64 = 0x1_0000;
pub const SESSION: u64 = 0xFFFF_A000_0000_0000;
pub const SESSION_PHYSICAL: u64 = 0x10_0000;
pub const USER_PHYSICAL: u64 = 0x100_0000;
pub const SYSTEM_DATA: u64 = 0xFFFF_F800_0000_0000;
pub const HOLE: u64 = 0x9_F000;
pub const RAM_END: u64 = 0x4000_0000;
pub const IO: u64 = 0xFEE0_0000;

/// Why an access or a copy stopped.
pub struct Stop {
    pub status: NtStatus,
    pub access: Option<(Direction, u64)>,
}

pub struct SimulatedMemory {
    /// Whether writes to user memory leave out their last byte but report it as written.
    pub loses_last_byte: bool,
    pub session: Vec<u8>,
    pub page: Vec<u8>,
    /// The numbers of the pages of system memory that only the system's engine can page in.
    pub paged_out: BTreeSet<u64>,
    pages: BTreeMap<u64, (Vec<u8>, Protection)>,
    allocations: BTreeMap<u64, u64>,
    next: u64,
}

impl Default for SimulatedMemory {
    fn default() -> Self {
        Self {
            loses_last_byte: false,
            session: vec![0; SESSION_LENGTH as usize],
            page: vec![0; DEVICE_PAGE_LENGTH as usize],
            paged_out: BTreeSet::new(),
            pages: BTreeMap::new(),
            allocations: BTreeMap::new(),
            next: FIRST_ALLOCATION,
        }
    }
}

impl SimulatedMemory {
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// Returns the bytes from an address to the end of its page.
    fn touch(&mut self, address: u64, direction: Direction) -> Result<&mut [u8], Stop> {
        let stop = |status| Stop {
            status,
            access: Some((direction, address)),
        };
        let (bytes, protection) = self
            .pages
            .get_mut(&(address / PAGE_LENGTH))
            .ok_or_else(|| stop(NtStatus::ACCESS_VIOLATION))?;
        match (*protection, direction) {
            (Protection::ReadWrite, _) | (Protection::ReadOnly, Direction::Read) => {}
            (Protection::Guard, _) => {
                *protection = Protection::ReadWrite;
                return Err(stop(NtStatus::GUARD_PAGE_VIOLATION));
            }
            _ => return Err(stop(NtStatus::ACCESS_VIOLATION)),
        }
        Ok(&mut bytes[(address % PAGE_LENGTH) as usize..])
    }

    pub fn read_user(&mut self, address: u64, length: u64) -> (Vec<u8>, Option<Stop>) {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            let left = length as usize - bytes.len();
            match self.touch(address + bytes.len() as u64, Direction::Read) {
                Ok(page) => bytes.extend_from_slice(&page[..left.min(page.len())]),
                Err(stop) => return (bytes, Some(stop)),
            }
        }
        (bytes, None)
    }

    pub fn write_user(&mut self, address: u64, bytes: &[u8]) -> (u64, Option<Stop>) {
        let mut written = 0;
        while written < bytes.len() {
            let loses_last_byte = self.loses_last_byte;
            let left = bytes.len() - written;
            match self.touch(address + written as u64, Direction::Write) {
                Ok(page) => {
                    let count = left.min(page.len());
                    let kept = usize::from(loses_last_byte && count == left);
                    page[..count - kept].copy_from_slice(&bytes[written..written + count - kept]);
                    written += count;
                }
                Err(stop) => return (written as u64, Some(stop)),
            }
        }
        (written as u64, None)
    }

    fn is_ram(address: u64) -> bool {
        (0x1000..HOLE).contains(&address) || (SESSION_PHYSICAL..RAM_END).contains(&address)
    }

    /// Returns the number of bytes from a physical address on that are not RAM.
    pub fn physical_hole(address: u64) -> u64 {
        let next = [0x1000, SESSION_PHYSICAL]
            .into_iter()
            .find(|&start| start > address);
        next.map_or_else(|| (!address).saturating_add(1), |start| start - address)
    }

    /// Returns the number of bytes from a system address to the end of the empty table entry that it
    /// is in; 0 if a part of its page is mapped.
    pub fn system_hole(&self, address: u64) -> u64 {
        let out = self.paged_out.iter().map(|page| page * PAGE_LENGTH);
        let mapped: Vec<_> = [SESSION, SYSTEM_DATA].into_iter().chain(out).collect();
        [512 << 30, 1 << 30, 2 << 20, PAGE_LENGTH]
            .into_iter()
            .find(|size| mapped.iter().all(|place| place / size != address / size))
            .map_or(0, |size| size - address % size)
    }

    pub fn physical_byte(&self, address: u64) -> Option<u8> {
        if !Self::is_ram(address) {
            return None;
        }
        if let Some(offset) = address.checked_sub(SESSION_PHYSICAL)
            && offset < SESSION_LENGTH
        {
            return Some(self.session[offset as usize]);
        }
        let page = address.checked_sub(USER_PHYSICAL).and_then(|offset| {
            let (bytes, _) = self
                .pages
                .get(&((offset + FIRST_ALLOCATION) / PAGE_LENGTH))?;
            Some(bytes[(offset % PAGE_LENGTH) as usize])
        });
        Some(page.unwrap_or(0))
    }

    pub fn system_byte(&self, address: u64) -> Option<u8> {
        let within = |base: u64, bytes: &[u8]| {
            let offset = usize::try_from(address.checked_sub(base)?).ok()?;
            bytes.get(offset).copied()
        };
        within(SESSION, &self.session).or_else(|| within(SYSTEM_DATA, &system_data()))
    }

    pub fn is_paged_out(&self, address: u64) -> bool {
        self.paged_out.contains(&(address / PAGE_LENGTH))
    }

    pub fn page_in(&mut self, address: u64) {
        self.paged_out.remove(&(address / PAGE_LENGTH));
    }

    pub fn user_byte(&self, address: u64) -> Option<u8> {
        let (bytes, _) = self.pages.get(&(address / PAGE_LENGTH))?;
        Some(bytes[(address % PAGE_LENGTH) as usize])
    }

    pub fn allocate(&mut self, length: u64) -> u64 {
        let address = self.next;
        let pages = length.div_ceil(PAGE_LENGTH);
        for page in 0..pages {
            let content = (vec![0; PAGE_LENGTH as usize], Protection::ReadWrite);
            self.pages.insert(address / PAGE_LENGTH + page, content);
        }
        self.next += (pages + 1) * PAGE_LENGTH;
        self.allocations.insert(address, pages);
        address
    }

    pub fn free(&mut self, address: u64) -> Result<(), TransportError> {
        let pages = self
            .allocations
            .remove(&address)
            .ok_or_else(|| memory("free", address, 0))?;
        for page in 0..pages {
            self.pages.remove(&(address / PAGE_LENGTH + page));
        }
        Ok(())
    }

    pub fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError> {
        for page in 0..length.div_ceil(PAGE_LENGTH) {
            let page = address / PAGE_LENGTH + page;
            if protection == Protection::Unmapped {
                self.pages.remove(&page);
            } else {
                self.pages
                    .get_mut(&page)
                    .ok_or_else(|| memory("protect", address, length))?
                    .1 = protection;
            }
        }
        Ok(())
    }

    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError> {
        let loses_last_byte = std::mem::take(&mut self.loses_last_byte);
        let (_, stop) = self.write_user(address, bytes);
        self.loses_last_byte = loses_last_byte;
        match stop {
            None => Ok(()),
            Some(_) => Err(memory("write", address, bytes.len() as u64)),
        }
    }

    pub fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError> {
        let length = bytes.len() as u64;
        let (found, stop) = self.read_user(address, length);
        if stop.is_some() {
            return Err(memory("read", address, length));
        }
        bytes.copy_from_slice(&found);
        Ok(())
    }
}

pub fn system_data() -> Vec<u8> {
    (0_u8..=255).map(|byte| byte.wrapping_mul(37)).collect()
}

const fn memory(action: &'static str, address: u64, length: u64) -> TransportError {
    TransportError::Memory {
        action,
        address,
        length,
        status: NtStatus::ACCESS_VIOLATION,
    }
}
