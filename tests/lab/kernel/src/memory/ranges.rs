//! The physical addresses that are RAM of the system, and those of firmware.

use alloc::vec::Vec;

use ringcopy_lab_mailbox::RamState;

use super::{PAGE, page_of};
use crate::global::Global;

/// Physical memory from `start` to `end`, both on page boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Range {
    pub(crate) const fn length(self) -> u64 {
        self.end - self.start
    }

    pub(crate) const fn contains(self, address: u64) -> bool {
        self.start <= address && address < self.end
    }
}

/// A hole in the list of RAM. The memory can be read, as memory of firmware can: code that reads it
/// has not looked at the list.
pub(crate) const HOLE: Range = Range {
    start: 48 << 20,
    end: (48 << 20) + 0x1_0000,
};

static RAM: Global<Vec<Range>> = Global::new(Vec::new());
static FIRMWARE: Global<Vec<Range>> = Global::new(Vec::new());

/// The firmware's ROM on every PC: the last 64 KiB of the first MiB.
const ROM: Range = Range {
    start: 0xF_0000,
    end: 0x10_0000,
};

/// Sets the list of RAM from the firmware's map: whole pages of usable memory, without the first
/// page, which NT never reports, and without the `withheld` ranges.
pub(crate) fn set(usable: &[(u64, u64)], withheld: &[Range]) {
    let mut ranges: Vec<Range> = usable
        .iter()
        .map(|&(start, length)| Range {
            start: start.next_multiple_of(PAGE).max(PAGE),
            end: page_of(start + length),
        })
        .filter(|range| range.start < range.end)
        .collect();
    ranges.sort_by_key(|range| range.start);
    for &hole in withheld {
        ranges = without(&ranges, hole);
    }
    RAM.with(|ram| *ram = ranges);
}

fn without(ranges: &[Range], hole: Range) -> Vec<Range> {
    let mut left: Vec<Range> = ranges
        .iter()
        .flat_map(|range| {
            [
                Range {
                    start: range.start,
                    end: range.end.min(hole.start),
                },
                Range {
                    start: range.start.max(hole.end),
                    end: range.end,
                },
            ]
        })
        .filter(|range| range.start < range.end)
        .collect();
    left.dedup();
    left
}

/// RAM that drivers are not told of.
static UNLISTED: Global<Vec<Range>> = Global::new(Vec::new());

/// Adds RAM or removes it. What the lab itself has there stays.
pub(crate) fn change(range: Range, state: RamState) {
    RAM.with(|ram| {
        let mut ranges = without(ram, range);
        if state != RamState::Absent {
            ranges.push(range);
            ranges.sort_by_key(|range| range.start);
            // Ranges that touch are one, as they were before a part was removed.
            ranges.dedup_by(|next, last| {
                let touches = next.start == last.end;
                if touches {
                    last.end = next.end;
                }
                touches
            });
        }
        *ram = ranges;
    });
    UNLISTED.with(|unlisted| {
        *unlisted = without(unlisted, range);
        if state == RamState::Unlisted {
            unlisted.push(range);
        }
    });
}

/// Returns the ranges that drivers are told of.
pub(crate) fn listed() -> Vec<Range> {
    let unlisted = UNLISTED.with(|unlisted| unlisted.clone());
    let mut ranges = all();
    for hole in unlisted {
        ranges = without(&ranges, hole);
    }
    ranges
}

/// Sets the firmware's ranges: those that its map does not call usable.
pub(crate) fn set_firmware(kept: &[(u64, u64)]) {
    let mut ranges = Vec::from([ROM]);
    ranges.extend(kept.iter().map(|&(start, length)| Range {
        start: page_of(start),
        end: (start + length).next_multiple_of(PAGE),
    }));
    FIRMWARE.with(|firmware| *firmware = ranges);
}

/// Returns the firmware's ranges; the first is its ROM.
pub(crate) fn firmware() -> Vec<Range> {
    FIRMWARE.with(|firmware| firmware.clone())
}

pub(crate) fn all() -> Vec<Range> {
    RAM.with(|ram| ram.clone())
}

pub(crate) fn is_ram(address: u64) -> bool {
    RAM.with(|ram| ram.iter().any(|range| range.contains(address)))
}

/// Returns the first address after all RAM.
pub(crate) fn end() -> u64 {
    RAM.with(|ram| ram.last().map_or(0, |range| range.end))
}
