//! Sends the request of a case, and checks every byte.

use ringcopy_protocol::{DEVICE_PAGE_LENGTH, Direction, EngineKind, NtStatus};

use super::{
    CaseResult, Report, Verdict,
    arrange::{Bench, CaseError, Prepared, Step},
    case::{Action, Address, Case},
    check,
    table::CASES,
};
use crate::{
    CallerCopy, CopyReport, CopyThrough, Device, DeviceCopy, Error, OpenAccess, Protection, Source,
    Transport, suites::pattern,
};

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
    let mut results = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let engines: &[_] = if case.action.takes_engine() {
            &[Some(EngineKind::Native), Some(EngineKind::System)]
        } else {
            &[None]
        };
        for &engine in engines {
            results.push(bench.result(case, number, engine)?);
        }
    }
    Ok(Report { results })
}

/// A copy that was made for a case, and where its two sides begin.
pub(super) struct Performed {
    pub(super) report: CopyReport,
    pub(super) source: Option<u64>,
    pub(super) destination: Option<u64>,
    /// What is wrong with the bytes, if anything.
    pub(super) damage: Option<String>,
}

impl<T: Transport + ?Sized> Bench<'_, T> {
    fn result(
        &mut self,
        case: &'static Case,
        number: usize,
        engine: Option<EngineKind>,
    ) -> Result<CaseResult, Error> {
        let asked = self.ask(case.action, number as u64, engine);
        for address in std::mem::take(&mut self.allocations) {
            self.device.transport().free(address)?;
        }
        let (report, verdict) = match asked {
            Ok(asked) => (
                Some(asked.report),
                self.verdict(case, engine, &asked)
                    .map_or_else(Verdict::Failed, |()| Verdict::Passed),
            ),
            Err(CaseError::Skip(reason)) => (None, Verdict::Skipped(reason)),
            Err(CaseError::Fail(reason)) => (None, Verdict::Failed(reason)),
            Err(CaseError::Fatal(error)) => return Err(error),
        };
        Ok(CaseResult {
            case,
            engine,
            report,
            verdict,
        })
    }

    fn verdict(
        &self,
        case: &Case,
        engine: Option<EngineKind>,
        asked: &Performed,
    ) -> Result<(), String> {
        let expected = check::expected(case.action, case.expected, &self.information);
        check::copy(
            &asked.report,
            expected,
            case.action.length(),
            engine,
            |direction| match direction {
                Direction::Read => asked.source,
                Direction::Write => asked.destination,
                Direction::None => None,
            },
        )?;
        asked.damage.clone().map_or(Ok(()), Err)
    }

    fn ask(&mut self, action: Action, seed: u64, engine: Option<EngineKind>) -> Step<Performed> {
        if engine == Some(EngineKind::Native) && self.information.native_status != NtStatus::SUCCESS
        {
            return Err(CaseError::Skip(format!(
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
            } => self.copy_through(source, destination, length, seed),
            Action::ToDevice { .. } | Action::FromDevice { .. } | Action::WithinDevice { .. } => {
                self.device_copy(action, seed)
            }
            Action::Read { source, length } => {
                let prepared = match source {
                    Address::Session => self.known_session(seed)?,
                    place => self.prepare(place, length, seed)?,
                };
                let source = source.source(prepared.address);
                self.copy_memory(source, &prepared, length, engine, seed)
            }
            Action::ReadBatch(parts) => self.read_batch(parts, engine, seed),
            Action::Scatter(parts) => self.scatter(parts, engine, seed),
            Action::Agree(parts) => self.agree(parts, seed),
            Action::Ranges => self.ranges(),
        }
    }

    fn copy_from(
        &mut self,
        place: Address,
        length: u64,
        alignment: u32,
        seed: u64,
    ) -> Step<Performed> {
        let source = self.prepare(place, length, seed)?;
        let mut session = self.fill_session(seed ^ 1)?;
        let report = self.perform(length, |device| {
            device.copy_from(CallerCopy {
                alignment,
                ..CallerCopy::new(source.address, length)
            })
        })?;
        overlay(&mut session, &source.bytes, report.result.copied);
        let damage = compare("the session buffer", &self.read_session()?, &session);
        Ok(Performed {
            report,
            source: Some(source.address),
            destination: None,
            damage,
        })
    }

    fn copy_to(
        &mut self,
        place: Address,
        length: u64,
        alignment: u32,
        seed: u64,
    ) -> Step<Performed> {
        let destination = self.prepare(place, length, seed)?;
        let session = self.fill_session(seed ^ 1)?;
        let report = self.perform(length, |device| {
            device.copy_to(CallerCopy {
                alignment,
                ..CallerCopy::new(destination.address, length)
            })
        })?;
        let damage = self.changes(&destination, &session, report.result.copied)?;
        Ok(Performed {
            report,
            source: None,
            destination: Some(destination.address),
            damage,
        })
    }

    fn copy_through(
        &mut self,
        source: Address,
        destination: Address,
        length: u64,
        seed: u64,
    ) -> Step<Performed> {
        let source = self.prepare(source, length, seed)?;
        let destination = self.prepare(destination, length, seed ^ 1)?;
        let report = self.perform(length, |device| {
            device.copy_through(CopyThrough {
                source: source.address,
                destination: destination.address,
                length,
                alignment: 1,
            })
        })?;
        let damage = self.changes(&destination, &source.bytes, report.result.copied)?;
        Ok(Performed {
            report,
            source: Some(source.address),
            destination: Some(destination.address),
            damage,
        })
    }

    fn device_copy(&mut self, action: Action, seed: u64) -> Step<Performed> {
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
        let report = self.perform(action.length(), |device| {
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
                // Other actions do not come here; an empty copy would fail the case.
                _ => DeviceCopy::To {
                    offset: 0,
                    bytes: &[],
                },
            })
        })?;
        match action {
            Action::ToDevice { offset, .. } => {
                overlay(tail(&mut page, offset), &bytes, report.result.copied);
            }
            Action::FromDevice { offset, .. } => {
                overlay(&mut expected, tail(&mut page, offset), report.result.copied);
            }
            Action::WithinDevice {
                source,
                destination,
                ..
            } => {
                let moved = tail(&mut page, source).to_vec();
                overlay(tail(&mut page, destination), &moved, report.result.copied);
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
        Ok(Performed {
            report,
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
        engine: Option<EngineKind>,
        seed: u64,
    ) -> Step<Performed> {
        let mut target = pattern(seed ^ 1, length);
        let mut expected = target.clone();
        let report = self.perform(length, |device| {
            device.copy_memory(source, engine.unwrap_or(EngineKind::Auto), &mut target)
        })?;
        overlay(&mut expected, &prepared.bytes, report.result.copied);
        // The contents of other memory are not known: then only the rest is checked.
        let known = if prepared.bytes.is_empty() {
            usize::try_from(report.result.copied).unwrap_or(usize::MAX)
        } else {
            0
        };
        let damage = compare(
            "the output",
            target.get(known..).unwrap_or_default(),
            expected.get(known..).unwrap_or_default(),
        );
        Ok(Performed {
            report,
            source: Some(prepared.address),
            destination: None,
            damage,
        })
    }

    /// Makes the copy that a case is about.
    fn perform(
        &mut self,
        asked: u64,
        request: impl FnOnce(&mut Device<'_, T>) -> Result<CopyReport, Error>,
    ) -> Step<CopyReport> {
        match request(&mut self.device) {
            Ok(report) => Ok(report),
            Err(Error::Refused { operation, status }) => {
                Ok(CopyReport::ended(operation, status, asked))
            }
            Err(error @ Error::Response { .. }) => Err(CaseError::Fail(error.to_string())),
            Err(error @ Error::Transport(_)) => Err(CaseError::Fatal(error)),
        }
    }

    /// Checks that a destination has the first `copied` bytes of `arrived`, and is otherwise
    /// unchanged. Returns what is wrong.
    pub(super) fn changes(
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

/// Overwrites the start of `expected` with the first `count` bytes of `arrived`.
pub(super) fn overlay(expected: &mut [u8], arrived: &[u8], count: u64) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    for (expected, arrived) in expected.iter_mut().zip(arrived).take(count) {
        *expected = *arrived;
    }
}

fn tail(page: &mut [u8], offset: u32) -> &mut [u8] {
    page.get_mut(offset as usize..).unwrap_or_default()
}

pub(super) fn compare(what: &str, found: &[u8], expected: &[u8]) -> Option<String> {
    let wrong = found
        .iter()
        .zip(expected)
        .position(|(found, expected)| found != expected)?;
    Some(format!(
        "byte {wrong} of {what} is {:#04x}, not {:#04x}",
        found[wrong], expected[wrong]
    ))
}
