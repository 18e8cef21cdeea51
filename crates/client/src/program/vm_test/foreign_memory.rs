//! The round that reads memory of the whole system with both engines.
//!
//! The native engine reads here what nobody gave to the driver: RAM that others use, large pages, memory
//! that can be paged out, memory of one session. If the driver is wrong about any of it, the machine stops.
//! So each piece is written down, and the file flushed, before it is read: after a crash, the report says
//! which piece it was.
//!
//! The driver reads its policy when it is loaded. The policy is widened for that moment alone, and written
//! back before the first piece.

use std::fmt;

use ringcopy_protocol::{ENGINE_VALUE, EngineKind, MemoryRange, POLICY_VALUE, Reach};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Test,
    rounds::{ENGINES, Round},
};
use crate::{
    machine::{Failure, KernelMemory, System, SystemError},
    parse_number,
};

/// The most bytes of a piece.
const PIECE: u64 = 256 << 10;

/// The most pieces of each kind of memory, besides the edges of RAM.
const PIECES: u64 = 64;

/// The most ranges of RAM whose edges are read.
const EDGES: usize = 64;

const PAGE: u64 = crate::PAGE_LENGTH;

/// The policy's values before the test changed them; `None` where there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedPolicy {
    reach: Option<u32>,
    engine: Option<u32>,
}

impl SavedPolicy {
    pub(super) fn read(system: &mut dyn System) -> Result<Self, SystemError> {
        Ok(Self {
            reach: system.parameter(POLICY_VALUE)?,
            engine: system.parameter(ENGINE_VALUE)?,
        })
    }

    /// Lets the driver reach all memory, with either engine, when it is loaded next.
    pub(super) fn widen(self, system: &mut dyn System) -> Result<(), SystemError> {
        let reach = self.reach.unwrap_or_default() | Reach::MEMORY.bits();
        system.set_parameter(POLICY_VALUE, reach)?;
        self.engine.map_or(Ok(()), |_| {
            system.set_parameter(ENGINE_VALUE, EngineKind::Auto as u32)
        })
    }

    /// Writes the values back. A value that did not exist is what it stands for: 0.
    pub(super) fn restore(self, system: &mut dyn System) -> Result<(), SystemError> {
        system.set_parameter(POLICY_VALUE, self.reach.unwrap_or_default())?;
        self.engine
            .map_or(Ok(()), |engine| system.set_parameter(ENGINE_VALUE, engine))
    }
}

/// A piece of memory to read with both engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    physical: bool,
    base: u64,
    length: u64,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.physical { "physical" } else { "virtual" };
        write!(f, "{kind} {:#x}, {} bytes", self.base, self.length)
    }
}

impl Test<'_> {
    /// Runs the steps of the round, between loading the driver and the statistics.
    pub(super) fn read_foreign_memory(&mut self, round: &Round) -> Result<(), Failure> {
        self.step(ENGINES, Self::check_engines, round)?;
        let skipped = self
            .step_result(ENGINES)
            .filter(|result| result["skipped"].is_string())
            .map(|result| json!({ "skipped": result["skipped"] }));
        for &name in round.driven().iter().filter(|name| **name != ENGINES) {
            let skipped = skipped.clone();
            self.step(
                name,
                |test| skipped.map_or_else(|| test.compare(name, round), Ok),
                round,
            )?;
        }
        Ok(())
    }

    /// Asks the driver whether this process may read memory of the system with the native engine.
    fn check_engines(&mut self) -> Result<Value, String> {
        let document = self.exercise.command(&["info"])?;
        if let Some(error) = document["error"].as_str() {
            return Err(error.into());
        }
        let information = &document["information"];
        let (native, reach) = (&information["native_engine"], &information["reach"]);
        let reached = reach.as_array().map_or(0, Vec::len);
        let skipped = if native != "STATUS_SUCCESS" {
            let status = native.as_str().unwrap_or("unknown");
            Some(format!(
                "the native engine is not in use ({status}), so nothing was compared; see `ringcopy \
                 info`"
            ))
        } else if reached < 2 {
            Some(
                "this process does not hold SeDebugPrivilege, so nothing was compared; see `ringcopy \
                 doctor`"
                    .into(),
            )
        } else {
            None
        };
        Ok(json!({ "native_engine": native, "reach": reach, "skipped": skipped }))
    }

    /// Compares both engines over one kind of memory.
    fn compare(&mut self, name: &str, round: &Round) -> Result<Value, String> {
        let pieces = match self.pieces(name)? {
            Ok(pieces) => pieces,
            Err(reason) => return Ok(json!({ "skipped": reason })),
        };
        let mut sums = [
            ("compared", 0),
            ("bytes", 0),
            ("incomplete", 0),
            ("changed", 0),
        ];
        for piece in &pieces {
            if self.system.is_interrupted() {
                break;
            }
            self.progress.trying = Some(piece.to_string());
            self.save().map_err(|failure| failure.0)?;
            self.exercise
                .say(&format!("round \"{}\": {name}: {piece}", round.name));
            let kind = if piece.physical {
                "--physical"
            } else {
                "--virtual"
            };
            let range = format!("{:#x}:{}", piece.base, piece.length);
            let document = self.exercise.command(&["verify", kind, &range])?;
            let document = self.check_document(round, name, document)?;
            for (field, sum) in &mut sums {
                *sum += document[*field].as_u64().unwrap_or(0);
            }
        }
        let mut result = json!({ "pieces": pieces.len() });
        for (field, sum) in sums {
            result[field] = sum.into();
        }
        Ok(result)
    }

    /// Returns the pieces of one kind of memory, or why there are none.
    fn pieces(&mut self, name: &str) -> Result<Result<Vec<Piece>, String>, String> {
        let kind = match name {
            "kernel image" => KernelMemory::Image,
            "paged pool" => KernelMemory::PagedPool,
            "session space" => KernelMemory::SessionSpace,
            _ => {
                let document = self.exercise.command(&["ranges"])?;
                if let Some(error) = document["error"].as_str() {
                    return Err(error.into());
                }
                return Ok(Ok(pieces_of_ram(&ranges(&document))));
            }
        };
        Ok(match self.system.kernel_memory(kind) {
            Ok(ranges) if ranges.is_empty() => {
                Err("the system names no memory of this kind".into())
            }
            Ok(ranges) => Ok(pieces_of_kernel_memory(&ranges)),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// Returns the ranges of RAM in a document of `ringcopy ranges`.
fn ranges(document: &Value) -> Vec<MemoryRange> {
    let ranges = document["ranges"].as_array().into_iter().flatten();
    ranges
        .filter_map(|range| {
            Some(MemoryRange {
                base: parse_number(range["base"].as_str()?).ok()?,
                length: range["length"].as_u64()?,
            })
        })
        .collect()
}

/// Spreads pieces evenly over RAM, and adds the first and last page of each range.
fn pieces_of_ram(ranges: &[MemoryRange]) -> Vec<Piece> {
    let total: u64 = ranges
        .iter()
        .fold(0, |sum, range| sum.saturating_add(range.length));
    let mut pieces = Vec::new();
    let mut before = 0_u64;
    let stride = (total / PIECES).max(PIECE);
    for range in ranges {
        // The first multiple of the stride in this range, counted over all ranges.
        let mut next = before
            .checked_next_multiple_of(stride)
            .map(|multiple| multiple - before);
        while let Some(offset) = next.filter(|offset| *offset < range.length) {
            pieces.push(physical(range, offset, PIECE));
            next = offset.checked_add(stride);
        }
        before = before.saturating_add(range.length);
    }
    for range in ranges.iter().take(EDGES).filter(|range| range.length > 0) {
        pieces.push(physical(range, 0, PAGE));
        pieces.push(physical(range, range.length.saturating_sub(PAGE), PAGE));
    }
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

fn physical(range: &MemoryRange, offset: u64, most: u64) -> Piece {
    Piece {
        physical: true,
        base: range.base.saturating_add(offset),
        length: most.min(range.length - offset),
    }
}

/// Cuts memory of the kernel into pieces.
fn pieces_of_kernel_memory(ranges: &[MemoryRange]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for range in ranges {
        let mut offset = 0;
        while offset < range.length && (pieces.len() as u64) < PIECES {
            pieces.push(Piece {
                physical: false,
                base: range.base.saturating_add(offset),
                length: PIECE.min(range.length - offset),
            });
            offset += PIECE;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(base: u64, length: u64) -> MemoryRange {
        MemoryRange { base, length }
    }

    #[test]
    fn pieces_are_spread_over_ram_and_lie_in_it() {
        let ram = [
            range(0x1000, 0x9E000),
            range(0x10_0000, 0x7FE0_0000),
            range(0x1_0000_0000, 0x8000_0000),
            range(0x2_0000_0000, 1),
        ];
        let pieces = pieces_of_ram(&ram);
        assert!((64..80).contains(&pieces.len()), "{}", pieces.len());
        for piece in &pieces {
            assert!(piece.physical && (1..=PIECE).contains(&piece.length));
            let within = |ram: &MemoryRange| {
                piece.base >= ram.base && piece.base + piece.length <= ram.base + ram.length
            };
            assert!(ram.iter().any(within), "{piece}");
        }
        for edge in [0x1000, 0x9E000, 0x7FEF_F000, 0x1_7FFF_F000, 0x2_0000_0000] {
            assert!(pieces.iter().any(|piece| piece.base == edge), "{edge:#x}");
        }
        let above = pieces.iter().filter(|piece| piece.base > 0x1_0000_0000);
        assert!(above.count() > 30);
    }

    #[test]
    fn strange_ranges_give_few_pieces() {
        assert_eq!(pieces_of_ram(&[]), []);
        assert_eq!(pieces_of_ram(&[range(5, 0)]), []);
        assert_eq!(pieces_of_ram(&[range(0, 10)]).len(), 1);
        let whole = pieces_of_ram(&[range(0, u64::MAX), range(1, u64::MAX)]);
        assert!(whole.len() < 200, "{}", whole.len());
        let endless = pieces_of_kernel_memory(&[range(u64::MAX - 5, u64::MAX)]);
        assert_eq!(endless.len() as u64, PIECES);
    }
}
