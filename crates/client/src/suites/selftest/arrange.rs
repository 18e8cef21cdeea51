//! The memory for a case.

use ringcopy_protocol::{EngineKind, SESSION_LENGTH};

use super::case::Address;
use crate::suites::pattern;
use crate::{
    CallerCopy, CopyReport, Device, Error, Information, Landmarks, PAGE_LENGTH, Protection, Source,
    Transport, TransportError, explain,
};

/// Canonical with four and with five levels of page tables, and in the system's half.
const SYSTEM: u64 = 0xFFFF_8000_0000_0000;

const UNTOLD: &str = "the session buffer's address is told to holders of SeDebugPrivilege alone";

/// Why a case ended without a result to check.
pub(super) enum CaseError {
    /// A fact that it needs is not known.
    Skip(String),
    /// A preparation failed.
    Fail(String),
    /// The self-test cannot continue.
    Fatal(Error),
}

impl From<TransportError> for CaseError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Memory { .. } => Self::Fail(error.to_string()),
            error => Self::Fatal(error.into()),
        }
    }
}

pub(super) type Step<T> = Result<T, CaseError>;

pub(super) struct Bench<'t, T: Transport + ?Sized> {
    pub(super) device: Device<'t, T>,
    pub(super) information: Information,
    pub(super) landmarks: Landmarks,
    /// The allocations of the current case.
    pub(super) allocations: Vec<u64>,
}

/// An address for the driver, and the memory there.
pub(super) struct Prepared {
    pub(super) address: u64,
    /// The contents from `address` on that the case can read.
    pub(super) bytes: Vec<u8>,
    /// Pages to make readable again before checking.
    pub(super) closed: Option<(u64, u64)>,
}

impl Prepared {
    pub(super) const fn bare(address: u64) -> Self {
        Self {
            address,
            bytes: Vec::new(),
            closed: None,
        }
    }
}

impl<T: Transport + ?Sized> Bench<'_, T> {
    /// Makes a copy that must succeed before or after the one that a case is about.
    pub(super) fn arrange(
        &mut self,
        request: impl FnOnce(&mut Device<'_, T>) -> Result<CopyReport, Error>,
    ) -> Step<()> {
        match request(&mut self.device) {
            Ok(report) if report.is_complete() => Ok(()),
            Ok(report) => Err(CaseError::Fail(format!(
                "cannot prepare the case: {} ended with {}",
                report.operation,
                report.result.status()
            ))),
            Err(error @ Error::Transport(_)) => Err(CaseError::Fatal(error)),
            Err(error) => Err(CaseError::Fail(format!(
                "cannot prepare the case: {}",
                explain(&error)
            ))),
        }
    }

    /// Allocates memory for the case. Skips the case if the driver does not see the caller's memory
    /// at the caller's addresses.
    fn allocate(&mut self, length: u64) -> Step<u64> {
        self.require_own_addresses()?;
        let address = self.device.transport().allocate(length)?;
        self.allocations.push(address);
        Ok(address)
    }

    fn require_own_addresses(&self) -> Step<()> {
        self.landmarks
            .foreign_addresses
            .map_or(Ok(()), |reason| Err(CaseError::Skip(reason.into())))
    }

    fn scratch(&mut self) -> Step<CallerCopy> {
        Ok(CallerCopy::new(
            self.allocate(SESSION_LENGTH)?,
            SESSION_LENGTH,
        ))
    }

    /// Reads the session buffer without the caller's memory, for a driver that does not see that at
    /// the caller's addresses.
    fn peek_session(&mut self) -> Step<Vec<u8>> {
        let mut bytes = pattern(0, SESSION_LENGTH);
        let source = Source::Virtual(self.session_address()?);
        self.arrange(|device| device.copy_memory(source, EngineKind::System, &mut bytes))?;
        Ok(bytes)
    }

    /// Returns the session buffer's address; skips the case if the driver does not tell it.
    pub(super) fn session_address(&self) -> Step<u64> {
        match self.information.session_address {
            0 => Err(CaseError::Skip(UNTOLD.into())),
            address => Ok(address),
        }
    }

    pub(super) fn fill_session(&mut self, seed: u64) -> Step<Vec<u8>> {
        if self.landmarks.foreign_addresses.is_some() {
            return self.peek_session();
        }
        let scratch = self.scratch()?;
        let bytes = pattern(seed, scratch.length);
        self.device.transport().write(scratch.address, &bytes)?;
        self.arrange(|device| device.copy_from(scratch))?;
        Ok(bytes)
    }

    pub(super) fn read_session(&mut self) -> Step<Vec<u8>> {
        if self.landmarks.foreign_addresses.is_some() {
            return self.peek_session();
        }
        let scratch = self.scratch()?;
        self.arrange(|device| device.copy_to(scratch))?;
        let mut bytes = pattern(0, scratch.length);
        self.device.transport().read(scratch.address, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn known_session(&mut self, seed: u64) -> Step<Prepared> {
        Ok(Prepared {
            address: self.session_address()?,
            bytes: self.fill_session(seed)?,
            closed: None,
        })
    }

    pub(super) fn prepare(&mut self, place: Address, length: u64, seed: u64) -> Step<Prepared> {
        let landmarks = &self.landmarks;
        let below = |end: Option<u64>, below: u64, what| {
            known(end.map(|end| end.wrapping_sub(below)), what)
        };
        match place {
            Address::Buffer(offset) => {
                let address = self.allocate(offset + length.max(1))? + offset;
                self.filled(address, length, seed)
            }
            Address::BeforeUnmapped(mapped) => {
                let pages = mapped.next_multiple_of(PAGE_LENGTH);
                let address = self.allocate(pages)? + pages - mapped;
                self.filled(address, mapped, seed)
            }
            Address::AroundUnmapped(mapped) => {
                let pages = mapped.next_multiple_of(PAGE_LENGTH);
                let after = (length.saturating_sub(mapped)).next_multiple_of(PAGE_LENGTH);
                let first = self.allocate(pages + PAGE_LENGTH + after)?;
                let prepared = self.filled(first + pages - mapped, mapped, seed)?;
                self.device.transport().protect(
                    first + pages,
                    PAGE_LENGTH,
                    Protection::Unmapped,
                )?;
                Ok(prepared)
            }
            Address::Before(open, protection) => {
                let pages = open.next_multiple_of(PAGE_LENGTH);
                let after = (length.saturating_sub(open)).next_multiple_of(PAGE_LENGTH);
                let first = self.allocate(pages + after)?;
                let mut prepared = self.filled(first + pages - open, length, seed)?;
                self.device
                    .transport()
                    .protect(first + pages, after, protection)?;
                prepared.closed = Some((first + pages, after));
                Ok(prepared)
            }
            Address::BelowUserLimit(below) => Ok(Prepared::bare(
                self.information.user_limit.wrapping_sub(below),
            )),
            Address::Fixed(address) | Address::FixedPhysical(address) => {
                Ok(Prepared::bare(address))
            }
            Address::Session => {
                self.require_own_addresses()?;
                self.session_address().map(Prepared::bare)
            }
            Address::System => {
                self.require_own_addresses()?;
                let session = self.session_address();
                Ok(Prepared::bare(session.unwrap_or(SYSTEM)))
            }
            Address::SystemData => self.system_data(length),
            Address::SystemUnmapped => known(
                landmarks.unmapped_system_address,
                "no unmapped system address",
            ),
            Address::SystemIo => known(
                landmarks.io_system_address,
                "no system address of I/O space",
            ),
            Address::PhysicalSession => {
                let mut prepared = self.known_session(seed)?;
                [prepared.address, ..] = self.information.session_physical_addresses;
                prepared
                    .bytes
                    .truncate(usize::try_from(PAGE_LENGTH).unwrap_or_default());
                Ok(prepared)
            }
            Address::PhysicalOwn => {
                let mut prepared = self.prepare(Address::Buffer(0), length, seed)?;
                prepared.address = self
                    .device
                    .transport()
                    .physical_address(prepared.address)?
                    .ok_or_else(|| unknown("no physical address of its memory"))?;
                Ok(prepared)
            }
            Address::PhysicalIo => known(landmarks.io_address, "no address of I/O space"),
            Address::BelowHole(bytes) => below(landmarks.hole_address, bytes, "no hole in RAM"),
            Address::BelowRamEnd(bytes) => below(landmarks.ram_end, bytes, "no end of RAM"),
        }
    }

    fn system_data(&self, length: u64) -> Step<Prepared> {
        let (address, bytes) = self
            .landmarks
            .system_data
            .clone()
            .filter(|(_, bytes)| bytes.len() as u64 >= length)
            .ok_or_else(|| unknown("no system memory of known contents"))?;
        Ok(Prepared {
            address,
            bytes,
            closed: None,
        })
    }

    fn filled(&mut self, address: u64, length: u64, seed: u64) -> Step<Prepared> {
        let bytes = pattern(seed, length);
        self.device.transport().write(address, &bytes)?;
        Ok(Prepared {
            address,
            bytes,
            closed: None,
        })
    }
}

fn unknown(what: &str) -> CaseError {
    CaseError::Skip(format!("{what} is known here"))
}

fn known(address: Option<u64>, what: &str) -> Step<Prepared> {
    address.map(Prepared::bare).ok_or_else(|| unknown(what))
}
