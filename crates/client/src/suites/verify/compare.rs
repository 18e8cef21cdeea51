//! Asks both engines, and asks again where they differ.

use ringcopy_protocol::{Engine, NtStatus};

use super::Place;
use crate::{Device, Error, Piece, Source, Transfer, Transport, device::groups_within};

/// How often both are asked again before memory is said to change too fast.
const ROUNDS: usize = 8;

/// The most bytes that one comparison asks each engine for at once.
const CHUNK: u64 = 4 << 20;

/// What an engine says about a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status of the copy.
    pub status: NtStatus,
    /// Bytes that arrived.
    pub copied: u64,
}

/// A piece about which the engines say different things, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Which piece.
    pub piece: Piece,
    /// What the driver's own engine says.
    pub native: Answer,
    /// What `MmCopyMemory` says.
    pub system: Answer,
    /// The first byte that differs, counted from the piece's first, if both show it.
    pub byte: Option<u64>,
    /// The hole that one engine told of, if the piece is in it and the same engine could read it.
    pub hole: Option<Hole>,
}

/// Memory of which an engine says that it cannot read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first byte.
    pub source: Source,
    /// Bytes.
    pub length: u64,
}

impl Hole {
    /// The hole that a copy ended in, as far as the driver says that it reaches.
    fn of(transfer: &Transfer) -> Option<Self> {
        Some(Self {
            source: transfer.source?.checked_add(transfer.copied)?,
            length: transfer.hole_length,
        })
        .filter(|hole| hole.length > 0)
    }

    /// A byte of it, as a piece.
    fn byte(&self, offset: u64) -> Option<Piece> {
        let source = self.source.checked_add(offset)?;
        (offset < self.length).then_some(Piece { source, length: 1 })
    }

    /// How many bytes of it lie at `address` and after it.
    fn bytes_from(&self, address: u64) -> u64 {
        address
            .checked_sub(self.source.address())
            .map_or(0, |offset| self.length.saturating_sub(offset))
    }
}

/// A hole that an engine told of, what it was asked for then, and what it said.
#[derive(Clone, Copy)]
struct Claim {
    engine: Engine,
    piece: Piece,
    hole: Hole,
    answer: Answer,
}

/// How the engines compare so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Pieces about which both gave an answer of their own.
    pub compared: u64,
    /// Bytes that both copied.
    pub bytes: u64,
    /// Pieces that both refused, or that both stopped short in.
    pub incomplete: u64,
    /// Pieces whose memory changed between two answers.
    pub changed: Vec<Piece>,
    /// Pieces about which the engines disagree.
    pub disagreements: Vec<Disagreement>,
    /// The first piece that is out of this handle's reach, and how many are: they say nothing about
    /// the engines.
    pub denied: Option<Transfer>,
    /// Pieces out of reach.
    pub denials: u64,
}

/// One reading of a piece.
#[derive(Clone, PartialEq, Eq)]
struct Reading {
    transfer: Transfer,
    /// Those that arrived.
    bytes: Vec<u8>,
}

impl Reading {
    const fn answer(&self) -> Answer {
        Answer {
            status: self.transfer.status,
            copied: self.transfer.copied,
        }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let equal = self.answer() == other.answer() && self.bytes == other.bytes;
        equal || self.leaves_the_rest_to(other)
    }

    /// The native engine does not read RAM that the driver maps uncached, and the system's does.
    fn leaves_the_rest_to(&self, other: &Self) -> bool {
        self.transfer.status == NtStatus::INVALID_PAGE_PROTECTION
            && other.bytes.starts_with(&self.bytes)
    }

    const fn is_denied(&self) -> bool {
        matches!(
            self.transfer.status,
            NtStatus::ACCESS_DENIED | NtStatus::PRIVILEGE_NOT_HELD
        )
    }
}

/// Both engines' readings of one piece, round by round.
#[derive(Default)]
struct History {
    native: Vec<Reading>,
    system: Vec<Reading>,
}

enum Judgement {
    Unsettled,
    Changed,
    Disagree,
}

/// Compares the engines of one driver.
pub struct Verifier<'d, 't, T: Transport + ?Sized> {
    device: &'d mut Device<'t, T>,
    comparison: Comparison,
    /// Memory that nothing changes.
    still: Vec<Place>,
}

impl<'d, 't, T: Transport + ?Sized> Verifier<'d, 't, T> {
    /// Nothing compared yet.
    pub fn new(device: &'d mut Device<'t, T>) -> Self {
        Self {
            device,
            comparison: Comparison::default(),
            still: Vec::new(),
        }
    }

    /// Names memory that nothing changes while it is verified: engines that agree there only when
    /// they are asked again disagree all the same.
    pub fn keep_still(&mut self, places: impl IntoIterator<Item = Place>) {
        self.still.extend(places);
    }

    /// What came of it.
    #[must_use]
    pub fn finish(self) -> Comparison {
        self.comparison
    }

    /// Asks both engines for these pieces, as often as it takes to tell. Gives how many bytes after
    /// the last piece neither engine can read, as far as both say so.
    ///
    /// # Errors
    /// If a request fails as a whole. That a piece could not be copied is an answer.
    pub fn compare(&mut self, pieces: &[Piece]) -> Result<u64, Error> {
        let mut beyond = 0;
        for group in groups_within(pieces, |piece| piece.length, CHUNK) {
            beyond = self.compare_group(group)?;
        }
        Ok(beyond)
    }

    fn compare_group(&mut self, pieces: &[Piece]) -> Result<u64, Error> {
        let native = self.read(pieces, Engine::Native)?;
        let system = self.read(pieces, Engine::System)?;
        let mut differing = Vec::new();
        let mut claims = Vec::new();
        let mut beyond = 0;
        for ((piece, native), system) in pieces.iter().zip(native).zip(system) {
            beyond = 0;
            if native.is_denied() && native.says_the_same(&system) {
                self.comparison.denials += 1;
                self.comparison.denied.get_or_insert(native.transfer);
                continue;
            }
            self.comparison.compared += 1;
            beyond = u64::MAX;
            for (engine, reading) in [(Engine::Native, &native), (Engine::System, &system)] {
                let hole = Hole::of(&reading.transfer);
                let end = piece.source.checked_add(piece.length.into());
                let after = hole
                    .zip(end)
                    .map_or(0, |(hole, end)| hole.bytes_from(end.address()));
                beyond = beyond.min(after);
                claims.extend(hole.map(|hole| Claim {
                    engine,
                    piece: *piece,
                    hole,
                    answer: reading.answer(),
                }));
            }
            if native.says_the_same(&system) {
                self.comparison.bytes += native.transfer.copied;
                self.comparison.incomplete += u64::from(!native.transfer.is_complete());
            } else {
                let mut history = History::default();
                history.native.push(native);
                history.system.push(system);
                differing.push((*piece, history));
            }
        }
        self.settle(differing)?;
        self.hold_to(&claims)?;
        Ok(beyond)
    }

    /// Asks engines for the last byte of the holes that they told of, and for one in the middle.
    fn hold_to(&mut self, claims: &[Claim]) -> Result<(), Error> {
        for engine in [Engine::Native, Engine::System] {
            let probes: Vec<_> = claims
                .iter()
                .filter(|claim| claim.engine == engine)
                .flat_map(|claim| {
                    let middle = claim.hole.length / 2;
                    let last = claim.hole.length - 1;
                    [middle, last].map(|offset| Some((claim, claim.hole.byte(offset)?)))
                })
                .flatten()
                .collect();
            let pieces: Vec<_> = probes.iter().map(|(_, byte)| *byte).collect();
            let readings = self.read(&pieces, engine)?;
            for ((claim, byte), reading) in probes.into_iter().zip(readings) {
                if reading.transfer.copied > 0 {
                    self.hold_again(claim, byte)?;
                }
            }
        }
        Ok(())
    }

    /// Memory may have come to be there since the engine told of the hole: it is asked again for
    /// what made it tell, and then for the byte that it can read, as often as it takes.
    fn hold_again(&mut self, claim: &Claim, byte: Piece) -> Result<(), Error> {
        let mut found = claim.answer;
        for _ in 0..ROUNDS {
            let again = self.read(&[claim.piece], claim.engine)?;
            let covers = again
                .first()
                .and_then(|reading| Hole::of(&reading.transfer))
                .is_some_and(|hole| hole.bytes_from(byte.source.address()) > 0);
            let read = self.read(&[byte], claim.engine)?;
            let Some(reading) = read
                .first()
                .filter(|read| covers && read.transfer.copied > 0)
            else {
                return Ok(());
            };
            found = reading.answer();
        }
        let told = Answer {
            copied: 0,
            ..claim.answer
        };
        let (native, system) = match claim.engine {
            Engine::System => (found, told),
            _ => (told, found),
        };
        self.comparison.disagreements.push(Disagreement {
            piece: byte,
            native,
            system,
            byte: None,
            hole: Some(claim.hole),
        });
        Ok(())
    }

    /// Asks again about the pieces that came out differently, all of them in each round.
    fn settle(&mut self, mut differing: Vec<(Piece, History)>) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            if differing.is_empty() {
                return Ok(());
            }
            let pieces: Vec<_> = differing.iter().map(|(piece, _)| *piece).collect();
            let native = self.read(&pieces, Engine::Native)?;
            let system = self.read(&pieces, Engine::System)?;
            for ((_, history), (native, system)) in
                differing.iter_mut().zip(native.into_iter().zip(system))
            {
                history.native.push(native);
                history.system.push(system);
            }
            let mut unsettled = Vec::new();
            for (piece, history) in differing {
                match history.judge() {
                    Judgement::Unsettled => unsettled.push((piece, history)),
                    Judgement::Changed => self.change(piece, &history),
                    Judgement::Disagree => self.disagree(piece, &history),
                }
            }
            differing = unsettled;
        }
        for (piece, history) in differing {
            if history.steady_difference().is_some() {
                self.disagree(piece, &history);
            } else {
                self.change(piece, &history);
            }
        }
        Ok(())
    }

    fn change(&mut self, piece: Piece, history: &History) {
        if self.still.iter().any(|place| place.holds(piece)) {
            self.disagree(piece, history);
        } else {
            self.comparison.changed.push(piece);
        }
    }

    fn disagree(&mut self, piece: Piece, history: &History) {
        let rounds = history.native.iter().zip(&history.system).rev();
        let Some((native, system)) = rounds
            .into_iter()
            .find(|(native, system)| !native.says_the_same(system))
        else {
            return;
        };
        let byte = history.steady_difference().or_else(|| {
            let pairs = native.bytes.iter().zip(&system.bytes);
            pairs.clone().position(|(native, system)| native != system)
        });
        self.comparison.disagreements.push(Disagreement {
            piece,
            native: native.answer(),
            system: system.answer(),
            byte: byte.map(|byte| byte as u64),
            hole: None,
        });
    }

    fn read(&mut self, pieces: &[Piece], engine: Engine) -> Result<Vec<Reading>, Error> {
        let batch = self.device.copy_batch(pieces, engine)?;
        Ok(batch
            .pieces()
            .map(|(transfer, bytes)| Reading {
                transfer: *transfer,
                bytes: bytes.to_vec(),
            })
            .collect())
    }
}

impl History {
    fn judge(&self) -> Judgement {
        let (Some((native, native_before)), Some((system, system_before))) =
            (last_two(&self.native), last_two(&self.system))
        else {
            return Judgement::Unsettled;
        };
        if native.says_the_same(system) {
            Judgement::Changed
        } else if native.says_the_same(native_before) && system.says_the_same(system_before) {
            Judgement::Disagree
        } else {
            Judgement::Unsettled
        }
    }

    /// A byte that neither engine ever saw changing, and that they show differently.
    fn steady_difference(&self) -> Option<usize> {
        let (native, system) = (self.native.first()?, self.system.first()?);
        let steady = |readings: &[Reading], index: usize, byte: u8| {
            readings
                .iter()
                .all(|reading| reading.bytes.get(index) == Some(&byte))
        };
        native
            .bytes
            .iter()
            .zip(&system.bytes)
            .enumerate()
            .position(|(index, (&one, &other))| {
                one != other
                    && steady(&self.native, index, one)
                    && steady(&self.system, index, other)
            })
    }
}

fn last_two(readings: &[Reading]) -> Option<(&Reading, &Reading)> {
    match readings {
        [.., before, last] => Some((last, before)),
        _ => None,
    }
}
