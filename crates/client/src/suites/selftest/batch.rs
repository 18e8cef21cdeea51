//! The cases that ask for many pieces at once, and for the list of RAM.

use ringcopy_protocol::{Direction, EngineKind, NtStatus};

use super::{
    Answer,
    arrange::{Bench, Prepared, Step, Trouble},
    bench::{Asked, compare, overlay},
    case::{Origin, Part, Physical},
    check,
};
use crate::{Batch, Error, Piece, ScatterPiece, Source, Transfer, Transport};

/// A piece, and the memory arranged for it.
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
    ) -> Step<Asked> {
        let arranged = self.arrange_parts(parts, seed)?;
        let (batch, damage) =
            self.ask_batch(parts, &arranged, engine.unwrap_or(EngineKind::Auto))?;
        Ok(asked(&batch.transfers, damage))
    }

    pub(super) fn scatter(
        &mut self,
        parts: &[Part],
        engine: Option<EngineKind>,
        seed: u64,
    ) -> Step<Asked> {
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
        let transfers = answered(self.device.copy_scatter(&pieces, engine))?;
        let mut damage = self.check_parts(parts, &arranged, &transfers, Some(engine));
        for ((number, arranged), transfer) in arranged.iter().enumerate().zip(&transfers) {
            if let Some(target) = &arranged.to {
                let changes = self.changes(target, &arranged.from.bytes, transfer.copied)?;
                damage = damage.or_else(|| changes.map(|what| format!("piece {number}: {what}")));
            }
        }
        Ok(asked(&transfers, damage))
    }

    pub(super) fn agree(&mut self, parts: &[Part], seed: u64) -> Step<Asked> {
        if self.information.native_status != NtStatus::SUCCESS {
            return Err(Trouble::Skip(format!(
                "the native engine is not in use: {}",
                self.information.native_status
            )));
        }
        let arranged = self.arrange_parts(parts, seed)?;
        let (native, one) = self.ask_batch(parts, &arranged, EngineKind::Native)?;
        let (system, other) = self.ask_batch(parts, &arranged, EngineKind::System)?;
        let said = |transfer: &Transfer| (transfer.status, transfer.copied, transfer.address);
        let differ = native
            .transfers
            .iter()
            .map(said)
            .ne(system.transfers.iter().map(said))
            || native.bytes != system.bytes;
        let damage = one
            .or(other)
            .or_else(|| differ.then(|| "the engines disagree".into()));
        Ok(asked(&native.transfers, damage))
    }

    pub(super) fn ranges(&mut self) -> Step<Asked> {
        let ranges = answered(self.device.memory_ranges())?;
        let session = self.information.session_physical_address;
        let length = self.information.session_length;
        let held = ranges.iter().any(|range| {
            session
                .checked_sub(range.base)
                .and_then(|offset| offset.checked_add(length))
                .is_some_and(|end| end <= range.length)
        });
        Ok(Asked {
            answer: answer(NtStatus::SUCCESS, None),
            source: None,
            destination: None,
            damage: (!held).then(|| "the session buffer is not in RAM".into()),
        })
    }

    fn arrange_parts(&mut self, parts: &[Part], seed: u64) -> Step<Vec<Arranged>> {
        // All pieces that read it have to find the same session buffer.
        let session = self.fill_session(seed)?;
        parts
            .iter()
            .zip(0_u64..)
            .map(|(part, number)| {
                let seed = seed ^ (number + 1) << 32;
                let length = part.length.into();
                let mut from = match part.source {
                    Origin::Virtual(place) => self.prepare(place, length, seed)?,
                    Origin::Physical(Physical::Session) => {
                        Prepared::bare(self.information.session_physical_address)
                    }
                    Origin::Physical(place) => self.prepare_physical(place, length, seed)?,
                };
                let source = match part.source {
                    Origin::Virtual(_) => Source::Virtual(from.address),
                    Origin::Physical(_) => Source::Physical(from.address),
                };
                if source == Source::Virtual(self.information.session_address)
                    || source == Source::Physical(self.information.session_physical_address)
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
        let batch = answered(self.device.copy_batch(&pieces, engine))?;
        let mut damage = self.check_parts(parts, arranged, &batch.transfers, Some(engine));
        for (number, (arranged, (transfer, bytes))) in
            arranged.iter().zip(batch.pieces()).enumerate()
        {
            // Memory of somebody else's may hold anything.
            if arranged.from.bytes.is_empty() {
                continue;
            }
            let mut expected = bytes.to_vec();
            overlay(&mut expected, &arranged.from.bytes, transfer.copied);
            damage = damage.or_else(|| compare(&format!("piece {number}"), bytes, &expected));
        }
        Ok((batch, damage))
    }

    /// What is wrong with the first piece of which something is.
    fn check_parts(
        &self,
        parts: &[Part],
        arranged: &[Arranged],
        transfers: &[Transfer],
        engine: Option<EngineKind>,
    ) -> Option<String> {
        let pieces = parts.iter().zip(arranged).zip(transfers);
        pieces
            .enumerate()
            .find_map(|(number, ((part, arranged), transfer))| {
                let expected = check::expected_with(part.needs(), part.expected, &self.information);
                // The caller's own memory needs no engine.
                let engine = engine.filter(|_| transfer.engine != EngineKind::Auto);
                check::answer(
                    &Answer::from(*transfer),
                    expected,
                    part.length.into(),
                    engine,
                    |direction| match direction {
                        Direction::Read => Some(arranged.source.address()),
                        Direction::Write => arranged.to.as_ref().map(|target| target.address),
                        Direction::None => None,
                    },
                )
                .err()
                .map(|reason| format!("piece {number}: {reason}"))
            })
    }
}

fn answered<R>(result: Result<R, Error>) -> Step<R> {
    result.map_err(|error| match error {
        Error::Transport(_) => Trouble::Fatal(error),
        error => Trouble::Fail(error.to_string()),
    })
}

/// The whole of a batch as one answer: the first piece that stopped tells why and where.
fn asked(transfers: &[Transfer], damage: Option<String>) -> Asked {
    let stopped = transfers.iter().find(|transfer| !transfer.is_complete());
    Asked {
        answer: Answer {
            asked: transfers.iter().map(|transfer| transfer.asked).sum(),
            copied: transfers.iter().map(|transfer| transfer.copied).sum(),
            engine: transfers
                .last()
                .map_or(EngineKind::Auto, |last| last.engine),
            fell_back: transfers.iter().any(|transfer| transfer.fell_back),
            ..answer(
                stopped.map_or(NtStatus::SUCCESS, |stopped| stopped.status),
                stopped,
            )
        },
        source: None,
        destination: None,
        damage,
    }
}

fn answer(status: NtStatus, stopped: Option<&Transfer>) -> Answer {
    Answer {
        status,
        asked: 0,
        copied: 0,
        address: stopped.and_then(|stopped| stopped.address),
        direction: stopped.map_or(Direction::None, |stopped| stopped.direction),
        engine: EngineKind::Auto,
        fell_back: false,
    }
}
