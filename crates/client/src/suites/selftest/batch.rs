//! The cases with many pieces in one request, and the list of RAM.

use ringcopy_protocol::{CopyResult, Direction, EngineKind, NtStatus, RequestKind};

use super::{
    arrange::{Bench, CaseError, Prepared, Step},
    bench::{Performed, compare, overlay},
    case::{Address, Part},
    check,
};
use crate::{Batch, CopyReport, Error, PAGE_LENGTH, Piece, ScatterPiece, Source, Transport};

/// A piece, and the memory prepared for it.
struct Arranged {
    source: Source,
    from: Prepared,
    to: Option<Prepared>,
}

impl<T: Transport + ?Sized> Bench<'_, T> {
    pub(super) fn read_batch(
        &mut self,
        parts: &[Part],
        engine: Option<EngineKind>,
        seed: u64,
    ) -> Step<Performed> {
        let arranged = self.arrange_parts(parts, seed)?;
        let (batch, damage) =
            self.ask_batch(parts, &arranged, engine.unwrap_or(EngineKind::Auto))?;
        Ok(as_one(RequestKind::CopyBatch, &batch.reports, damage))
    }

    pub(super) fn scatter(
        &mut self,
        parts: &[Part],
        engine: Option<EngineKind>,
        seed: u64,
    ) -> Step<Performed> {
        let arranged = self.arrange_parts(parts, seed)?;
        let pieces: Vec<_> = parts
            .iter()
            .zip(&arranged)
            .map(|(part, arranged)| ScatterPiece {
                source: arranged.source,
                target: arranged.to.as_ref().map_or(0, |target| target.address),
                length: part.length,
            })
            .collect();
        let engine = engine.unwrap_or(EngineKind::Auto);
        let reports = succeeded(self.device.copy_scatter(&pieces, engine))?;
        let mut damage = self.check_parts(parts, &arranged, &reports, Some(engine));
        for ((number, arranged), report) in arranged.iter().enumerate().zip(&reports) {
            if let Some(target) = &arranged.to {
                let changes = self.changes(target, &arranged.from.bytes, report.result.copied)?;
                damage = damage.or_else(|| changes.map(|what| format!("piece {number}: {what}")));
            }
        }
        Ok(as_one(RequestKind::CopyScatter, &reports, damage))
    }

    pub(super) fn agree(&mut self, parts: &[Part], seed: u64) -> Step<Performed> {
        if self.information.native_status != NtStatus::SUCCESS {
            return Err(CaseError::Skip(format!(
                "the native engine is not in use: {}",
                self.information.native_status
            )));
        }
        let arranged = self.arrange_parts(parts, seed)?;
        let (native, one) = self.ask_batch(parts, &arranged, EngineKind::Native)?;
        let (system, other) = self.ask_batch(parts, &arranged, EngineKind::System)?;
        let end = |report: &CopyReport| {
            (
                report.result.status(),
                report.result.copied,
                report.result.stop_address(),
            )
        };
        let differ = native
            .reports
            .iter()
            .map(end)
            .ne(system.reports.iter().map(end))
            || native.bytes != system.bytes;
        let damage = one
            .or(other)
            .or_else(|| differ.then(|| "the engines disagree".into()));
        Ok(as_one(RequestKind::CopyBatch, &native.reports, damage))
    }

    pub(super) fn ranges(&mut self) -> Step<Performed> {
        let ranges = succeeded(self.device.memory_ranges())?;
        self.session_address()?;
        let pages = self.information.session_physical_addresses;
        let held = pages.iter().all(|page| {
            ranges.iter().any(|range| {
                page.checked_sub(range.base)
                    .and_then(|offset| offset.checked_add(PAGE_LENGTH))
                    .is_some_and(|end| end <= range.length)
            })
        });
        Ok(Performed {
            report: CopyReport::ended(RequestKind::MemoryRanges.into(), NtStatus::SUCCESS, 0),
            source: None,
            destination: None,
            damage: (!held).then(|| "the session buffer is not in RAM".into()),
        })
    }

    fn arrange_parts(&mut self, parts: &[Part], seed: u64) -> Step<Vec<Arranged>> {
        let page = self.information.session_physical_addresses[0];
        // All pieces that read the session buffer must find the same contents.
        let session = self.fill_session(seed)?;
        parts
            .iter()
            .zip(0_u64..)
            .map(|(part, number)| {
                let seed = seed ^ (number + 1) << 32;
                let length = part.length.into();
                let mut from = match part.source {
                    // It is filled already.
                    Address::PhysicalSession => {
                        self.session_address()?;
                        Prepared::bare(page)
                    }
                    place => self.prepare(place, length, seed)?,
                };
                let source = part.source.source(from.address);
                if source == Source::Virtual(self.information.session_address)
                    || source == Source::Physical(page)
                {
                    from.bytes.clone_from(&session);
                }
                let to = match part.target {
                    None => None,
                    Some(place) => Some(self.prepare(place, length, !seed)?),
                };
                Ok(Arranged { source, from, to })
            })
            .collect()
    }

    fn ask_batch(
        &mut self,
        parts: &[Part],
        arranged: &[Arranged],
        engine: EngineKind,
    ) -> Step<(Batch, Option<String>)> {
        let pieces: Vec<_> = parts
            .iter()
            .zip(arranged)
            .map(|(part, arranged)| Piece {
                source: arranged.source,
                length: part.length,
            })
            .collect();
        let batch = succeeded(self.device.copy_batch(&pieces, engine))?;
        let mut damage = self.check_parts(parts, arranged, &batch.reports, Some(engine));
        for (number, (arranged, (report, bytes))) in arranged.iter().zip(batch.pieces()).enumerate()
        {
            // The contents of other memory are not known.
            if arranged.from.bytes.is_empty() {
                continue;
            }
            let mut expected = bytes.to_vec();
            overlay(&mut expected, &arranged.from.bytes, report.result.copied);
            damage = damage.or_else(|| compare(&format!("piece {number}"), bytes, &expected));
        }
        Ok((batch, damage))
    }

    /// Returns what is wrong with the first wrong piece.
    fn check_parts(
        &self,
        parts: &[Part],
        arranged: &[Arranged],
        reports: &[CopyReport],
        engine: Option<EngineKind>,
    ) -> Option<String> {
        let pieces = parts.iter().zip(arranged).zip(reports);
        pieces
            .enumerate()
            .find_map(|(number, ((part, arranged), report))| {
                let expected =
                    check::expected_with(part.source.needs(), part.expected, &self.information);
                // The caller's own memory needs no engine.
                let engine = engine.filter(|_| report.result.engine() != EngineKind::Auto);
                check::copy(report, expected, part.length.into(), engine, |direction| {
                    match direction {
                        Direction::Read => Some(arranged.source.address()),
                        Direction::Write => arranged.to.as_ref().map(|target| target.address),
                        Direction::None => None,
                    }
                })
                .err()
                .map(|reason| format!("piece {number}: {reason}"))
            })
    }
}

fn succeeded<R>(result: Result<R, Error>) -> Step<R> {
    result.map_err(|error| match error {
        Error::Transport(_) => CaseError::Fatal(error),
        error => CaseError::Fail(error.to_string()),
    })
}

/// Returns the copies of a batch as one: the first copy that stopped gives the reason.
fn as_one(kind: RequestKind, reports: &[CopyReport], damage: Option<String>) -> Performed {
    let stopped = reports.iter().find(|report| !report.is_complete());
    Performed {
        report: CopyReport {
            operation: kind.into(),
            asked: reports.iter().map(|report| report.asked).sum(),
            source: None,
            result: CopyResult {
                copied: reports.iter().map(|report| report.result.copied).sum(),
                engine: reports.last().map_or(0, |last| last.result.engine),
                flags: reports.iter().fold(0, |all, one| all | one.result.flags),
                ..stopped.map_or(CopyResult::of(NtStatus::SUCCESS), |copy| copy.result)
            },
        },
        source: None,
        destination: None,
        damage,
    }
}
