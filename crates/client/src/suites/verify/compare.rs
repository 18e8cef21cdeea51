//! Asks both engines for pieces of memory, and asks again where they differ.

use ringcopy_protocol::{EngineKind, NtStatus};

use super::Region;
use crate::{CopyReport, Device, Error, Piece, Source, Transport, device::groups_within};

/// The number of times that both are asked again before memory is taken to change too fast.
const ROUNDS: usize = 8;

/// The most bytes that one comparison asks each engine for at once.
const CHUNK: u64 = 4 << 20;

/// A piece that the engines read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The piece.
    pub piece: Piece,
    /// The result of the native engine.
    pub native: CopyReport,
    /// The result of the system's engine.
    pub system: CopyReport,
    /// The first byte that differs, as an offset into the piece, if both engines read it.
    pub byte: Option<u64>,
    /// The hole that contains the piece, if the engine that reported it reads the piece.
    pub hole: Option<Hole>,
}

/// Memory that an engine reported as not readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first byte.
    pub source: Source,
    /// Bytes.
    pub length: u64,
}

impl Hole {
    /// Returns the hole that a copy ended in, if the driver reported one.
    fn of(report: &CopyReport) -> Option<Self> {
        Some(Self {
            source: report.source?.checked_add(report.result.copied)?,
            length: report.result.hole_length,
        })
        .filter(|hole| hole.length > 0)
    }

    /// Returns one byte of the hole as a piece.
    fn byte(&self, offset: u64) -> Option<Piece> {
        let source = self.source.checked_add(offset)?;
        (offset < self.length).then_some(Piece { source, length: 1 })
    }

    /// Returns how many bytes of the hole lie at `address` and after it.
    fn bytes_from(&self, address: u64) -> u64 {
        address
            .checked_sub(self.source.address())
            .map_or(0, |offset| self.length.saturating_sub(offset))
    }
}

/// A hole that an engine reported, and the piece whose copy reported it.
#[derive(Clone, Copy)]
struct ReportedHole {
    engine: EngineKind,
    piece: Piece,
    hole: Hole,
    report: CopyReport,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Pieces that both engines were asked for.
    pub compared: u64,
    /// Bytes that both engines copied.
    pub bytes: u64,
    /// Pieces that both engines refused, or that both stopped in.
    pub incomplete: u64,
    /// Pieces whose memory changed during the comparison.
    pub changed: Vec<Piece>,
    /// Pieces that the engines read differently.
    pub disagreements: Vec<Disagreement>,
    /// The first piece that is out of this handle's reach.
    pub denied: Option<CopyReport>,
    /// Pieces that are out of this handle's reach, which are not compared.
    pub denials: u64,
}

/// One reading of a piece.
#[derive(Clone, PartialEq, Eq)]
struct Reading {
    report: CopyReport,
    /// The bytes that arrived.
    bytes: Vec<u8>,
}

impl Reading {
    /// Returns what both engines must agree on, besides the bytes.
    const fn end(&self) -> (NtStatus, u64) {
        (self.report.result.status(), self.report.result.copied)
    }

    fn agrees_with(&self, other: &Self) -> bool {
        let equal = self.end() == other.end() && self.bytes == other.bytes;
        equal || self.leaves_the_rest_to(other)
    }

    /// The native engine does not read RAM that the driver maps uncached, and the system's does.
    fn leaves_the_rest_to(&self, other: &Self) -> bool {
        self.report.result.status() == NtStatus::INVALID_PAGE_PROTECTION
            && other.bytes.starts_with(&self.bytes)
    }

    const fn is_denied(&self) -> bool {
        matches!(
            self.report.result.status(),
            NtStatus::ACCESS_DENIED | NtStatus::PRIVILEGE_NOT_HELD
        )
    }
}

/// The readings of one piece by both engines, one for each round.
#[derive(Default)]
struct History {
    native: Vec<Reading>,
    system: Vec<Reading>,
}

/// What the readings of a piece show.
enum Verdict {
    Unsettled,
    Changed,
    Disagree,
}

/// Compares the engines of one driver.
pub struct Verifier<'d, 't, T: Transport + ?Sized> {
    device: &'d mut Device<'t, T>,
    comparison: Comparison,
    /// Memory that does not change.
    still: Vec<Region>,
}

impl<'d, 't, T: Transport + ?Sized> Verifier<'d, 't, T> {
    /// Creates a verifier that has compared nothing yet.
    pub fn new(device: &'d mut Device<'t, T>) -> Self {
        Self {
            device,
            comparison: Comparison::default(),
            still: Vec::new(),
        }
    }

    /// Names memory that does not change during the comparison. A change there is a disagreement.
    pub fn keep_still(&mut self, regions: impl IntoIterator<Item = Region>) {
        self.still.extend(regions);
    }

    /// Returns the result.
    #[must_use]
    pub fn finish(self) -> Comparison {
        self.comparison
    }

    /// Compares pieces. Returns how many bytes after the last piece are in a hole that both engines
    /// reported.
    ///
    /// # Errors
    /// If a request fails. A piece that could not be copied is not an error.
    pub fn compare(&mut self, pieces: &[Piece]) -> Result<u64, Error> {
        let mut beyond = 0;
        for group in groups_within(pieces, |piece| piece.length, CHUNK) {
            beyond = self.compare_group(group)?;
        }
        Ok(beyond)
    }

    fn compare_group(&mut self, pieces: &[Piece]) -> Result<u64, Error> {
        let native = self.read(pieces, EngineKind::Native)?;
        let system = self.read(pieces, EngineKind::System)?;
        let mut differing = Vec::new();
        let mut holes = Vec::new();
        let mut beyond = 0;
        for ((piece, native), system) in pieces.iter().zip(native).zip(system) {
            beyond = 0;
            if native.is_denied() && native.agrees_with(&system) {
                self.comparison.denials += 1;
                self.comparison.denied.get_or_insert(native.report);
                continue;
            }
            self.comparison.compared += 1;
            beyond = u64::MAX;
            for (engine, reading) in [(EngineKind::Native, &native), (EngineKind::System, &system)]
            {
                let hole = Hole::of(&reading.report);
                let end = piece.source.checked_add(piece.length.into());
                let after = hole
                    .zip(end)
                    .map_or(0, |(hole, end)| hole.bytes_from(end.address()));
                beyond = beyond.min(after);
                holes.extend(hole.map(|hole| ReportedHole {
                    engine,
                    piece: *piece,
                    hole,
                    report: reading.report,
                }));
            }
            if native.agrees_with(&system) {
                self.comparison.bytes += native.report.result.copied;
                self.comparison.incomplete += u64::from(!native.report.is_complete());
            } else {
                let mut history = History::default();
                history.native.push(native);
                history.system.push(system);
                differing.push((*piece, history));
            }
        }
        self.settle(differing)?;
        self.check_holes(&holes)?;
        Ok(beyond)
    }

    /// Asks the engines for two bytes of each hole that they reported: the last one, and the one in
    /// the middle.
    fn check_holes(&mut self, holes: &[ReportedHole]) -> Result<(), Error> {
        for engine in [EngineKind::Native, EngineKind::System] {
            let probes: Vec<_> = holes
                .iter()
                .filter(|reported| reported.engine == engine)
                .flat_map(|reported| {
                    let middle = reported.hole.length / 2;
                    let last = reported.hole.length - 1;
                    [middle, last].map(|offset| Some((reported, reported.hole.byte(offset)?)))
                })
                .flatten()
                .collect();
            let pieces: Vec<_> = probes.iter().map(|(_, byte)| *byte).collect();
            let readings = self.read(&pieces, engine)?;
            for ((reported, byte), reading) in probes.into_iter().zip(readings) {
                if reading.report.result.copied > 0 {
                    self.check_hole_again(reported, byte)?;
                }
            }
        }
        Ok(())
    }

    /// Checks a byte that the engine read from a hole that it had reported. Memory may have appeared
    /// there in between, so the engine is asked again for the piece and for the byte.
    fn check_hole_again(&mut self, reported: &ReportedHole, byte: Piece) -> Result<(), Error> {
        let mut found = reported.report;
        for _ in 0..ROUNDS {
            let again = self.read(&[reported.piece], reported.engine)?;
            let covers = again
                .first()
                .and_then(|reading| Hole::of(&reading.report))
                .is_some_and(|hole| hole.bytes_from(byte.source.address()) > 0);
            let read = self.read(&[byte], reported.engine)?;
            let Some(reading) = read
                .first()
                .filter(|read| covers && read.report.result.copied > 0)
            else {
                return Ok(());
            };
            found = reading.report;
        }
        let mut in_hole = reported.report;
        in_hole.result.copied = 0;
        let (native, system) = match reported.engine {
            EngineKind::System => (found, in_hole),
            _ => (in_hole, found),
        };
        self.comparison.disagreements.push(Disagreement {
            piece: byte,
            native,
            system,
            byte: None,
            hole: Some(reported.hole),
        });
        Ok(())
    }

    /// Asks again for the pieces that differ, for all of them in each round.
    fn settle(&mut self, mut differing: Vec<(Piece, History)>) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            if differing.is_empty() {
                return Ok(());
            }
            let pieces: Vec<_> = differing.iter().map(|(piece, _)| *piece).collect();
            let native = self.read(&pieces, EngineKind::Native)?;
            let system = self.read(&pieces, EngineKind::System)?;
            for ((_, history), (native, system)) in
                differing.iter_mut().zip(native.into_iter().zip(system))
            {
                history.native.push(native);
                history.system.push(system);
            }
            let mut unsettled = Vec::new();
            for (piece, history) in differing {
                match history.verdict() {
                    Verdict::Unsettled => unsettled.push((piece, history)),
                    Verdict::Changed => self.change(piece, &history),
                    Verdict::Disagree => self.disagree(piece, &history),
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
        if self.still.iter().any(|region| region.holds(piece)) {
            self.disagree(piece, history);
        } else {
            self.comparison.changed.push(piece);
        }
    }

    fn disagree(&mut self, piece: Piece, history: &History) {
        let rounds = history.native.iter().zip(&history.system).rev();
        let Some((native, system)) = rounds
            .into_iter()
            .find(|(native, system)| !native.agrees_with(system))
        else {
            return;
        };
        let byte = history.steady_difference().or_else(|| {
            let pairs = native.bytes.iter().zip(&system.bytes);
            pairs.clone().position(|(native, system)| native != system)
        });
        self.comparison.disagreements.push(Disagreement {
            piece,
            native: native.report,
            system: system.report,
            byte: byte.map(|byte| byte as u64),
            hole: None,
        });
    }

    fn read(&mut self, pieces: &[Piece], engine: EngineKind) -> Result<Vec<Reading>, Error> {
        let batch = self.device.copy_batch(pieces, engine)?;
        Ok(batch
            .pieces()
            .map(|(report, bytes)| Reading {
                report: *report,
                bytes: bytes.to_vec(),
            })
            .collect())
    }
}

impl History {
    fn verdict(&self) -> Verdict {
        let (Some((native, native_before)), Some((system, system_before))) =
            (last_two(&self.native), last_two(&self.system))
        else {
            return Verdict::Unsettled;
        };
        if native.agrees_with(system) {
            Verdict::Changed
        } else if native.agrees_with(native_before) && system.agrees_with(system_before) {
            Verdict::Disagree
        } else {
            Verdict::Unsettled
        }
    }

    /// Returns the first byte that never changed for either engine, and that differs between them.
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
