//! Random machines, random page tables, and requests that aim at their edges.

use mm_copy::{Levels, Reason};
use proptest::prelude::*;

use crate::{
    machine::{Machine, PAGE, mix},
    tables::{LARGE, Tables},
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Where the tables are. Nothing else is there.
const POOL: (u64, u64) = (MIB, 4 * MIB);
/// A frame that is not RAM on any machine.
pub const HOLE: u64 = 8 * MIB;
/// Runs of RAM and gaps of all sizes.
const CRUMBS: u64 = 16 * MIB;
/// RAM for pages of 2 MiB, with a gap in the third.
const LARGE_PAGES: u64 = GIB;
/// RAM for pages of 1 GiB, with a gap.
const GIANT_PAGES: u64 = 4 * GIB;

/// A machine: the width of its addresses, and the runs and gaps in its crumbs.
#[derive(Clone, Debug)]
pub struct Memory {
    address_bits: u32,
    crumbs: Vec<(u64, u64)>,
    /// The list of ranges claims RAM beyond the physical width.
    excessive: bool,
    broken: Option<u64>,
}

pub fn memory() -> impl Strategy<Value = Memory> {
    let run = prop_oneof![1..9_u64, 4090..4100_u64, Just(8192), 9000..300_000_u64];
    let gap = prop_oneof![Just(0), 1..9_u64, Just(4096), 1..10_000_u64];
    (
        36..=52_u32,
        prop::collection::vec((run, gap), 1..24),
        any::<bool>(),
        prop::option::weighted(0.3, CRUMBS..CRUMBS + MIB),
    )
        .prop_map(|(address_bits, crumbs, excessive, broken)| Memory {
            address_bits,
            crumbs,
            excessive,
            broken,
        })
}

impl Memory {
    pub fn build<const SPAN: u64>(&self) -> Machine<SPAN> {
        let end = 1 << self.address_bits;
        let mut ram = vec![
            POOL,
            (LARGE_PAGES, 5 * MIB + 77),
            (LARGE_PAGES + 6 * MIB, 2 * MIB),
            (GIANT_PAGES, 0x1234_5678),
            (GIANT_PAGES + 0x2000_0000, 0x1FFF_FFFF),
            (end - MIB, if self.excessive { 2 * MIB } else { MIB }),
        ];
        let mut start = CRUMBS;
        for &(run, gap) in &self.crumbs {
            ram.push((start, run));
            start += run + gap;
        }
        // Lists are sorted nowhere by contract.
        ram.rotate_left(self.crumbs.len() / 2);
        let mut machine = Machine::with_span(self.address_bits, &ram);
        machine.broken = self.broken;
        machine
    }

    /// Physical addresses where something begins or ends.
    fn edges(&self) -> Vec<u64> {
        let machine = self.build::<PAGE>();
        let mut edges = vec![0, u64::MAX, 1 << self.address_bits, CRUMBS];
        edges.extend(self.broken);
        for range in &machine.ram {
            edges.extend([range.start, range.start + range.length]);
        }
        edges
    }
}

/// What is at a range of 2 MiB of virtual addresses.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    Large { frame: u64, harmless: u64 },
    Small { seed: u64, dead_end_in: u64 },
    NotPresent { raw: u64 },
    Reserved { bit: u32 },
    TableNotRam,
}

fn slot() -> impl Strategy<Value = Slot> {
    prop_oneof![
        3 => (0..5_u64, any::<u64>()).prop_map(|(frame, harmless)| Slot::Large { frame, harmless }),
        6 => (any::<u64>(), prop_oneof![Just(3_u64), Just(40), Just(1000)])
            .prop_map(|(seed, dead_end_in)| Slot::Small { seed, dead_end_in }),
        1 => any::<u64>().prop_map(|raw| Slot::NotPresent { raw: raw & !1 }),
        1 => (13..52_u32).prop_map(|bit| Slot::Reserved { bit }),
        1 => Just(Slot::TableNotRam),
    ]
}

/// System memory: slots of 2 MiB up to a multiple of 1 GiB, what is in that GiB, more slots.
#[derive(Clone, Debug)]
pub struct Layout {
    pub levels: Levels,
    middle: u64,
    before: Vec<Slot>,
    giant: Slot,
    after: Vec<Slot>,
}

pub fn layout() -> impl Strategy<Value = Layout> {
    let slots = || prop::collection::vec(slot(), 1..4);
    (any::<bool>(), any::<u64>(), slots(), slot(), slots()).prop_map(
        |(five, place, before, giant, after)| {
            let (levels, lowest) = if five {
                (Levels::Five, 0xFF00_0000_0000_0000)
            } else {
                (Levels::Four, 0xFFFF_8000_0000_0000)
            };
            // A GiB of the upper half that has neighbours on both sides.
            let gibs = (u64::MAX - lowest) / GIB - 1;
            let middle = lowest + (1 + place % gibs) * GIB;
            Layout {
                levels,
                middle,
                before,
                giant,
                after,
            }
        },
    )
}

impl Layout {
    const fn first(&self) -> u64 {
        self.middle - self.before.len() as u64 * 2 * MIB
    }

    pub fn build(&self, machine: &mut Machine) -> Tables {
        let mut tables = Tables::new(machine, self.levels, POOL);
        let before = (self.first()..).step_by(2 << 20).zip(&self.before);
        // Where the middle is the last GiB of all, nothing is after it.
        let next = self.middle.checked_add(GIB);
        let after = next
            .into_iter()
            .flat_map(|next| (next..).step_by(2 << 20).zip(&self.after));
        for (address, slot) in before.chain(after) {
            fill(machine, &mut tables, address, 2, *slot);
        }
        fill(machine, &mut tables, self.middle, 3, self.giant);
        tables
    }

    /// Virtual addresses where something begins or ends.
    fn edges(&self) -> Vec<u64> {
        let middle = self.middle;
        let mut edges: Vec<u64> = (self.first()..=middle).step_by(2 << 20).collect();
        // In a page of 1 GiB: the gap in its RAM.
        edges.extend([0x1234_5678, 0x2000_0000, 0x3FFF_FFFF].map(|offset| middle + offset));
        edges.extend((1..5).map(|page| self.first() + page * PAGE));
        edges.push(self.first() + 2 * MIB - 3 * PAGE);
        edges
    }

    /// Where what is described ends.
    pub fn end(&self) -> u128 {
        u128::from(self.middle) + u128::from(GIB) + self.after.len() as u128 * 2 * u128::from(MIB)
    }
}

/// Puts what `slot` says at `address`, in an entry of `level` 2 or 3.
fn fill(machine: &mut Machine, tables: &mut Tables, address: u64, level: u8, slot: Slot) {
    let (pages, size) = match level {
        2 => (LARGE_PAGES, 2 * MIB),
        _ => (GIANT_PAGES, GIB),
    };
    match slot {
        Slot::Large { frame, harmless } => {
            // One page of 1 GiB has RAM.
            let frame = if level == 2 { frame } else { frame / 4 };
            tables.page(machine, address, level, pages + frame * size, harmless);
        }
        Slot::Small { seed, dead_end_in } if level == 2 => {
            for page in 0..512 {
                let address = address + page * PAGE;
                fill_page(machine, tables, address, mix(seed + page), dead_end_in);
            }
        }
        // A GiB of small pages would be slow: its page directory is empty.
        Slot::Small { .. } => {
            for place in 0..512 {
                let reason = Reason::NotPresent { level: 2 };
                tables.dead_end(machine, address + place * 2 * MIB, 2, 0, reason);
            }
        }
        Slot::NotPresent { raw } => {
            tables.dead_end(machine, address, level, raw, Reason::NotPresent { level });
        }
        Slot::Reserved { bit } => {
            let raw = if bit >= machine.address_bits {
                // Above the physical width: reserved in a pointer to a table, too.
                (1 << bit) | HOLE
            } else {
                // Below the size of the page.
                1 << (13 + bit % (9 * u32::from(level) - 10)) | LARGE
            };
            let reason = Reason::ReservedBits { level };
            tables.dead_end(machine, address, level, raw | 1, reason);
        }
        Slot::TableNotRam => {
            let reason = Reason::TableNotRam { level: level - 1 };
            tables.dead_end(machine, address, level, HOLE | 1, reason);
        }
    }
}

fn fill_page(
    machine: &mut Machine,
    tables: &mut Tables,
    address: u64,
    random: u64,
    dead_end_in: u64,
) {
    let choice = random >> 32;
    if choice.is_multiple_of(dead_end_in) {
        let (raw, reason) = match choice / dead_end_in % 2 {
            1 if machine.address_bits < 52 => (
                1 | 1 << machine.address_bits,
                Reason::ReservedBits { level: 1 },
            ),
            _ => (random & !1, Reason::NotPresent { level: 1 }),
        };
        tables.dead_end(machine, address, 1, raw, reason);
    } else {
        // Mostly in the crumbs, which have gaps; else where there are none for a while.
        let frame = match choice % 4 {
            0 => CRUMBS + random % 256 * PAGE,
            _ => LARGE_PAGES + random % 1024 * PAGE,
        };
        tables.page(machine, address, 1, frame, random);
    }
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        2 => 0..9_usize,
        4 => 0..9000_usize,
        3 => 0..100_000_usize,
        1 => 0..3_000_000_usize,
    ]
}

/// An address near one of `edges`, and how much to copy from there.
fn near(edges: Vec<u64>) -> impl Strategy<Value = (u64, usize)> {
    let distance = prop_oneof![-9..9_i64, -5000..5000_i64, -70_000..70_000_i64];
    (prop::sample::select(edges), distance, length())
        .prop_map(|(edge, distance, length)| (edge.wrapping_add_signed(distance), length))
}

pub fn physical_request() -> impl Strategy<Value = (Memory, (u64, usize))> {
    memory().prop_flat_map(|memory| {
        let request = near(memory.edges());
        (Just(memory), request)
    })
}

pub fn system_request() -> impl Strategy<Value = (Memory, Layout, (u64, usize))> {
    (memory(), layout()).prop_flat_map(|(memory, layout)| {
        let first = layout.first();
        let end = layout.end();
        let request = near(layout.edges()).prop_map(move |(address, length)| {
            // The model knows what it was told: begin there, and end there.
            let address = address.max(first);
            let space = end - u128::from(address);
            (address, length.min(usize::try_from(space).unwrap()))
        });
        (Just(memory), Just(layout), request)
    })
}
