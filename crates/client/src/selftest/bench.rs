//! Arranges memory for a case, asks, and looks at every byte.

use ringcopy_protocol::{DEVICE_PAGE_LENGTH, Direction, Engine, NtStatus, SESSION_LENGTH};

use super::{
    Answer, Outcome, Report, Verdict,
    case::{Action, Case, Physical, Place},
    check,
    table::CASES,
};
use crate::{
    CallerCopy, CopyThrough, Device, DeviceCopy, Error, Information, Landmarks, OpenAccess,
    PAGE_LENGTH, Protection, Source, Transfer, Transport, TransportError, explain,
};

/// Why a case ended without an answer to judge.
enum Trouble {
    /// Something that it needs is not known.
    Skip(String),
    /// A preparation failed, or bytes are not what they have to be.
    Fail(String),
    /// There is no use in going on.
    Fatal(Error),
}

impl From<TransportError> for Trouble {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Memory { .. } => Self::Fail(error.to_string()),
            error => Self::Fatal(error.into()),
        }
    }
}

type Step<T> = Result<T, Trouble>;

pub(super) fn run<T: Transport + ?Sized>(transport: &mut T) -> Result<Report, Error> {
    let landmarks = transport.landmarks()?;
    let mut device = Device::open(transport, OpenAccess::ReadWrite)?;
    let information = device.information()?;
    let mut bench = Bench {
        device,
        information,
        landmarks,
        allocations: Vec::new(),
    };
    let mut outcomes = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let engines: &[_] = if case.action.takes_engine() {
            &[Some(Engine::Native), Some(Engine::System)]
        } else {
            &[None]
        };
        for &engine in engines {
            outcomes.push(bench.outcome(case, number, engine)?);
        }
    }
    Ok(Report { outcomes })
}

struct Bench<'t, T: Transport + ?Sized> {
    device: Device<'t, T>,
    information: Information,
    landmarks: Landmarks,
    /// Of the case at hand.
    allocations: Vec<u64>,
}

/// An address for the driver, and the caller's memory behind it.
struct Prepared {
    address: u64,
    /// The bytes from `address` on that the case can read, as they were before.
    bytes: Vec<u8>,
    /// Pages to make readable again before looking.
    closed: Option<(u64, u64)>,
}

impl Prepared {
    const fn bare(address: u64) -> Self {
        Self {
            address,
            bytes: Vec::new(),
            closed: None,
        }
    }
}

/// What the driver said, and where the two sides of the copy begin.
struct Asked {
    answer: Answer,
    source: Option<u64>,
    destination: Option<u64>,
    /// What is wrong with the bytes, if anything is.
    damage: Option<String>,
}

impl<T: Transport + ?Sized> Bench<'_, T> {
    fn outcome(
        &mut self,
        case: &'static Case,
        number: usize,
        engine: Option<Engine>,
    ) -> Result<Outcome, Error> {
        let asked = self.ask(case.action, number as u64, engine);
        for address in std::mem::take(&mut self.allocations) {
            self.device.transport().free(address)?;
        }
        let (answer, verdict) = match asked {
            Ok(asked) => (
                Some(asked.answer),
                self.verdict(case, engine, &asked)
                    .map_or_else(Verdict::Failed, |()| Verdict::Passed),
            ),
            Err(Trouble::Skip(reason)) => (None, Verdict::Skipped(reason)),
            Err(Trouble::Fail(reason)) => (None, Verdict::Failed(reason)),
            Err(Trouble::Fatal(error)) => return Err(error),
        };
        Ok(Outcome {
            case,
            engine,
            answer,
            verdict,
        })
    }

    fn verdict(&self, case: &Case, engine: Option<Engine>, asked: &Asked) -> Result<(), String> {
        let expected = check::expected(case.action, case.expected, &self.information);
        check::answer(
            &asked.answer,
            expected,
            case.action,
            engine,
            |direction| match direction {
                Direction::Read => asked.source,
                Direction::Write => asked.destination,
                Direction::None => None,
            },
        )?;
        asked.damage.clone().map_or(Ok(()), Err)
    }

    fn ask(&mut self, action: Action, seed: u64, engine: Option<Engine>) -> Step<Asked> {
        if engine == Some(Engine::Native) && self.information.native_status != NtStatus::SUCCESS {
            return Err(Trouble::Skip(format!(
                "the native engine is not in use: {}",
                self.information.native_status
            )));
        }
        match action {
            Action::CopyFrom {
                source,
                length,
                alignment,
            } => self.copy_from(source, length, alignment, seed),
            Action::CopyTo {
                destination,
                length,
                alignment,
            } => self.copy_to(destination, length, alignment, seed),
            Action::CopyThrough {
                source,
                destination,
                length,
                alignment,
            } => self.copy_through((source, destination), length, alignment, seed),
            Action::ToDevice { .. } | Action::FromDevice { .. } | Action::WithinDevice { .. } => {
                self.device_copy(action, seed)
            }
            Action::ReadVirtual { source, length } => {
                let prepared = match source {
                    Place::Session => self.known_session(seed)?,
                    place => self.prepare(place, length, seed)?,
                };
                let source = Source::Virtual(prepared.address);
                self.copy_memory(source, &prepared, length, engine, seed)
            }
            Action::ReadPhysical { source, length } => {
                let prepared = self.prepare_physical(source, length, seed)?;
                let source = Source::Physical(prepared.address);
                self.copy_memory(source, &prepared, length, engine, seed)
            }
        }
    }

    fn copy_from(&mut self, place: Place, length: u64, alignment: u32, seed: u64) -> Step<Asked> {
        let source = self.prepare(place, length, seed)?;
        let mut session = self.fill_session(seed ^ 1)?;
        let answer = self.answer(length, |device| {
            device.copy_from(CallerCopy {
                address: source.address,
                length,
                session_offset: 0,
                alignment,
            })
        })?;
        overlay(&mut session, &source.bytes, answer.copied);
        let damage = compare("the session buffer", &self.read_session()?, &session);
        Ok(Asked {
            answer,
            source: Some(source.address),
            destination: None,
            damage,
        })
    }

    fn copy_to(&mut self, place: Place, length: u64, alignment: u32, seed: u64) -> Step<Asked> {
        let destination = self.prepare(place, length, seed)?;
        let session = self.fill_session(seed ^ 1)?;
        let answer = self.answer(length, |device| {
            device.copy_to(CallerCopy {
                address: destination.address,
                length,
                session_offset: 0,
                alignment,
            })
        })?;
        let damage = self.changes(&destination, &session, answer.copied)?;
        Ok(Asked {
            answer,
            source: None,
            destination: Some(destination.address),
            damage,
        })
    }

    fn copy_through(
        &mut self,
        (source, destination): (Place, Place),
        length: u64,
        alignment: u32,
        seed: u64,
    ) -> Step<Asked> {
        let source = self.prepare(source, length, seed)?;
        let destination = self.prepare(destination, length, seed ^ 1)?;
        let answer = self.answer(length, |device| {
            device.copy_through(CopyThrough {
                source: source.address,
                destination: destination.address,
                length,
                alignment,
            })
        })?;
        let damage = self.changes(&destination, &source.bytes, answer.copied)?;
        Ok(Asked {
            answer,
            source: Some(source.address),
            destination: Some(destination.address),
            damage,
        })
    }

    fn device_copy(&mut self, action: Action, seed: u64) -> Step<Asked> {
        let mut page = pattern(seed, DEVICE_PAGE_LENGTH.into());
        self.arrange(|device| {
            device.device_copy(DeviceCopy::To {
                offset: 0,
                bytes: &page,
            })
        })?;
        let mut target = pattern(seed ^ 1, action.length());
        let mut expected = target.clone();
        let bytes = pattern(seed ^ 2, action.length());
        let answer = self.answer(action.length(), |device| {
            device.device_copy(match action {
                Action::ToDevice { offset, .. } => DeviceCopy::To {
                    offset,
                    bytes: &bytes,
                },
                Action::WithinDevice {
                    source,
                    destination,
                    length,
                } => DeviceCopy::Within {
                    source,
                    destination,
                    length,
                },
                Action::FromDevice { offset, .. } => DeviceCopy::From {
                    offset,
                    target: &mut target,
                },
                // Only the three above come here; an empty copy would fail its case.
                _ => DeviceCopy::To {
                    offset: 0,
                    bytes: &[],
                },
            })
        })?;
        match action {
            Action::ToDevice { offset, .. } => {
                overlay(tail(&mut page, offset), &bytes, answer.copied);
            }
            Action::FromDevice { offset, .. } => {
                overlay(&mut expected, tail(&mut page, offset), answer.copied);
            }
            Action::WithinDevice {
                source,
                destination,
                ..
            } => {
                let moved = tail(&mut page, source).to_vec();
                overlay(tail(&mut page, destination), &moved, answer.copied);
            }
            _ => {}
        }
        let mut after = vec![0; page.len()];
        self.arrange(|device| {
            device.device_copy(DeviceCopy::From {
                offset: 0,
                target: &mut after,
            })
        })?;
        let damage = compare("the device page", &after, &page)
            .or_else(|| compare("the output", &target, &expected));
        Ok(Asked {
            answer,
            source: None,
            destination: None,
            damage,
        })
    }

    fn copy_memory(
        &mut self,
        source: Source,
        prepared: &Prepared,
        length: u64,
        engine: Option<Engine>,
        seed: u64,
    ) -> Step<Asked> {
        let mut target = pattern(seed ^ 1, length);
        let mut expected = target.clone();
        let answer = self.answer(length, |device| {
            device.copy_memory(source, engine.unwrap_or(Engine::Auto), &mut target)
        })?;
        overlay(&mut expected, &prepared.bytes, answer.copied);
        // Memory of somebody else's may hold anything: then only the rest has to be untouched.
        let known = if prepared.bytes.is_empty() {
            usize::try_from(answer.copied).unwrap_or(usize::MAX)
        } else {
            0
        };
        let damage = compare(
            "the output",
            target.get(known..).unwrap_or_default(),
            expected.get(known..).unwrap_or_default(),
        );
        Ok(Asked {
            answer,
            source: Some(prepared.address),
            destination: None,
            damage,
        })
    }

    /// Asks for the copy that a case is about.
    fn answer(
        &mut self,
        asked: u64,
        request: impl FnOnce(&mut Device<'_, T>) -> Result<Transfer, Error>,
    ) -> Step<Answer> {
        match request(&mut self.device) {
            Ok(transfer) => Ok(transfer.into()),
            Err(Error::Refused { status, .. }) => Ok(Answer {
                status,
                asked,
                copied: 0,
                address: None,
                direction: Direction::None,
                engine: Engine::Auto,
            }),
            Err(error @ Error::Response { .. }) => Err(Trouble::Fail(error.to_string())),
            Err(error @ Error::Transport(_)) => Err(Trouble::Fatal(error)),
        }
    }

    /// Asks for a copy that has to work before or after the one that a case is about.
    fn arrange(
        &mut self,
        request: impl FnOnce(&mut Device<'_, T>) -> Result<Transfer, Error>,
    ) -> Step<()> {
        match request(&mut self.device) {
            Ok(transfer) if transfer.is_complete() => Ok(()),
            Ok(transfer) => Err(Trouble::Fail(format!(
                "could not arrange the case: {} ended with {}",
                transfer.operation, transfer.status
            ))),
            Err(error @ Error::Transport(_)) => Err(Trouble::Fatal(error)),
            Err(error) => Err(Trouble::Fail(format!(
                "could not arrange the case: {}",
                explain(&error)
            ))),
        }
    }

    fn allocate(&mut self, length: u64) -> Step<u64> {
        let address = self.device.transport().allocate(length)?;
        self.allocations.push(address);
        Ok(address)
    }

    fn scratch(&mut self) -> Step<CallerCopy> {
        Ok(CallerCopy {
            address: self.allocate(SESSION_LENGTH)?,
            length: SESSION_LENGTH,
            session_offset: 0,
            alignment: 1,
        })
    }

    fn fill_session(&mut self, seed: u64) -> Step<Vec<u8>> {
        let scratch = self.scratch()?;
        let bytes = pattern(seed, scratch.length);
        self.device.transport().write(scratch.address, &bytes)?;
        self.arrange(|device| device.copy_from(scratch))?;
        Ok(bytes)
    }

    fn read_session(&mut self) -> Step<Vec<u8>> {
        let scratch = self.scratch()?;
        self.arrange(|device| device.copy_to(scratch))?;
        let mut bytes = pattern(0, scratch.length);
        self.device.transport().read(scratch.address, &mut bytes)?;
        Ok(bytes)
    }

    fn known_session(&mut self, seed: u64) -> Step<Prepared> {
        Ok(Prepared {
            address: self.information.session_address,
            bytes: self.fill_session(seed)?,
            closed: None,
        })
    }

    fn prepare(&mut self, place: Place, length: u64, seed: u64) -> Step<Prepared> {
        match place {
            Place::Buffer(offset) => {
                let address = self.allocate(offset + length.max(1))? + offset;
                self.filled(address, length, seed)
            }
            Place::BeforeUnmapped(mapped) => {
                let pages = mapped.next_multiple_of(PAGE_LENGTH);
                let address = self.allocate(pages)? + pages - mapped;
                self.filled(address, mapped, seed)
            }
            Place::AroundUnmapped(mapped) => {
                let pages = mapped.next_multiple_of(PAGE_LENGTH);
                let behind = (length.saturating_sub(mapped)).next_multiple_of(PAGE_LENGTH);
                let first = self.allocate(pages + PAGE_LENGTH + behind)?;
                let prepared = self.filled(first + pages - mapped, mapped, seed)?;
                self.device.transport().protect(
                    first + pages,
                    PAGE_LENGTH,
                    Protection::Unmapped,
                )?;
                Ok(prepared)
            }
            Place::Before(open, protection) => {
                let pages = open.next_multiple_of(PAGE_LENGTH);
                let behind = (length.saturating_sub(open)).next_multiple_of(PAGE_LENGTH);
                let first = self.allocate(pages + behind)?;
                let mut prepared = self.filled(first + pages - open, length, seed)?;
                self.device
                    .transport()
                    .protect(first + pages, behind, protection)?;
                prepared.closed = Some((first + pages, behind));
                Ok(prepared)
            }
            Place::BelowUserLimit(below) => Ok(Prepared::bare(
                self.information.user_limit.wrapping_sub(below),
            )),
            Place::Fixed(address) => Ok(Prepared::bare(address)),
            Place::Session => Ok(Prepared::bare(self.information.session_address)),
            Place::SystemData => self.system_data(length),
            Place::SystemUnmapped => known(
                self.landmarks.unmapped_system_address,
                "no unmapped system address",
            ),
            Place::SystemIo => known(
                self.landmarks.io_system_address,
                "no system address of I/O space",
            ),
        }
    }

    fn prepare_physical(&mut self, place: Physical, length: u64, seed: u64) -> Step<Prepared> {
        let landmarks = &self.landmarks;
        let below = |end: Option<u64>, below: u64, what| {
            known(end.map(|end| end.wrapping_sub(below)), what)
        };
        match place {
            Physical::Session => {
                let mut prepared = self.known_session(seed)?;
                prepared.address = self.information.session_physical_address;
                Ok(prepared)
            }
            Physical::OwnPage => {
                let mut prepared = self.prepare(Place::Buffer(0), length, seed)?;
                prepared.address = self
                    .device
                    .transport()
                    .physical_address(prepared.address)?
                    .ok_or_else(|| unknown("no physical address of its memory"))?;
                Ok(prepared)
            }
            Physical::Io => known(landmarks.io_address, "no address of I/O space"),
            Physical::BelowHole(bytes) => below(landmarks.hole_address, bytes, "no hole in RAM"),
            Physical::BelowEnd(bytes) => below(landmarks.ram_end, bytes, "no end of RAM"),
            Physical::Fixed(address) => Ok(Prepared::bare(address)),
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

    /// What is wrong with a destination that had to get `copied` bytes of `arrived` and no more.
    fn changes(
        &mut self,
        destination: &Prepared,
        arrived: &[u8],
        copied: u64,
    ) -> Step<Option<String>> {
        if let Some((address, length)) = destination.closed {
            self.device
                .transport()
                .protect(address, length, Protection::ReadWrite)?;
        }
        let mut expected = destination.bytes.clone();
        overlay(&mut expected, arrived, copied);
        let mut after = vec![0; expected.len()];
        self.device
            .transport()
            .read(destination.address, &mut after)?;
        Ok(compare("the destination", &after, &expected))
    }
}

fn unknown(what: &str) -> Trouble {
    Trouble::Skip(format!("{what} is known here"))
}

fn known(address: Option<u64>, what: &str) -> Step<Prepared> {
    address.map(Prepared::bare).ok_or_else(|| unknown(what))
}

/// Bytes of no visible order, another sequence for every seed: a copy that is shifted, repeated
/// or of the wrong buffer does not look right by chance.
fn pattern(seed: u64, length: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// Puts the first `count` bytes of `arrived` over those of `expected`, as far as both go.
fn overlay(expected: &mut [u8], arrived: &[u8], count: u64) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    for (expected, arrived) in expected.iter_mut().zip(arrived).take(count) {
        *expected = *arrived;
    }
}

fn tail(page: &mut [u8], offset: u32) -> &mut [u8] {
    page.get_mut(offset as usize..).unwrap_or_default()
}

fn compare(what: &str, found: &[u8], expected: &[u8]) -> Option<String> {
    let wrong = found
        .iter()
        .zip(expected)
        .position(|(found, expected)| found != expected)?;
    Some(format!(
        "byte {wrong} of {what} is {:#04x}, not {:#04x}",
        found[wrong], expected[wrong]
    ))
}
