//! What a copy should do, said as plainly as possible: one byte after the other.

use std::collections::BTreeMap;

use mm_copy::{Levels, Reason, Transfer};

use crate::{
    machine::{Machine, READ_FAILURE},
    tables::reach,
};

/// What a range of virtual addresses is mapped to.
#[derive(Clone, Copy, Debug)]
pub enum Mapped {
    Physical(u64),
    DeadEnd(Reason),
}

/// What is mapped where. It must name every address that a test copies from.
#[derive(Default)]
pub struct Map(BTreeMap<u64, (u64, Mapped)>);

impl Map {
    pub fn insert(&mut self, address: u64, length: u64, mapped: Mapped) {
        self.0.insert(address, (length, mapped));
    }

    fn look_up(&self, address: u64) -> Result<u64, Reason> {
        let (start, (length, mapped)) = self
            .0
            .range(..=address)
            .next_back()
            .unwrap_or_else(|| panic!("the map has no entry for {address:#x}"));
        let offset = address - start;
        assert!(offset < *length, "the map has no entry for {address:#x}");
        match mapped {
            Mapped::Physical(physical) => Ok(physical + offset),
            Mapped::DeadEnd(reason) => Err(*reason),
        }
    }

    /// How many bytes from `address` on, which is mapped, are not RAM and mapped by the same entry.
    fn hole_in_mapping(&self, machine: &Machine, address: u64) -> u64 {
        let (start, (length, _)) = self.0.range(..=address).next_back().unwrap();
        let left = length - (address - start);
        let hole = machine.hole_at(self.look_up(address).unwrap());
        u64::try_from(hole).map_or(left, |hole| hole.min(left))
    }

    /// How many bytes from `address` on belong to dead ends, the last of which begins within
    /// `length` bytes; those of entries that are not present if they `may_be_out`.
    fn dead_ends_from(&self, address: u64, length: u64, may_be_out: bool) -> u64 {
        let mut done = 0;
        while done < length {
            let at = address + done;
            done += match self.look_up(at) {
                Err(Reason::NotPresent { level }) if may_be_out => reach(level) - at % reach(level),
                Err(Reason::ReservedBits { level } | Reason::TableNotRam { level }) => {
                    reach(level) - at % reach(level)
                }
                _ => break,
            };
        }
        done
    }

    /// Holds a hole to all that is mapped: none of its bytes may be readable.
    fn assert_unreadable(&self, machine: &Machine, address: u64, length: u64) {
        let end = u128::from(address) + u128::from(length);
        assert!(end <= 1 << 64);
        for (&start, &(length, mapped)) in &self.0 {
            let first = start.max(address);
            let last = end.min(u128::from(start) + u128::from(length));
            if let Mapped::Physical(physical) = mapped
                && u128::from(first) < last
            {
                let physical = physical + (first - start);
                assert!(!machine.is_ram(physical), "{first:#x} is readable");
                let hole = machine.hole_at(physical);
                assert!(hole >= last - u128::from(first), "the hole has RAM in it");
            }
        }
    }
}

/// The bytes that arrive, what ends the copy, and how many bytes from there on cannot be read.
pub struct Expected {
    pub bytes: Vec<u8>,
    pub end: Option<Reason>,
    pub hole: u64,
}

/// The first address of system memory.
pub const fn system_start(levels: Levels) -> u64 {
    match levels {
        Levels::Four => 0xFFFF_8000_0000_0000,
        Levels::Five => 0xFF00_0000_0000_0000,
    }
}

fn physical_byte<const SPAN: u64>(machine: &Machine<SPAN>, address: u64) -> Result<u8, Reason> {
    if address >> machine.address_bits != 0 {
        Err(Reason::BeyondPhysicalWidth)
    } else if !machine.is_ram(address) {
        Err(Reason::NotRam)
    } else if machine.broken == Some(address) {
        Err(Reason::Read(READ_FAILURE))
    } else {
        Ok(machine.byte(address))
    }
}

fn gather(address: u64, length: usize, byte: impl Fn(u64) -> Result<u8, Reason>) -> Expected {
    let mut expected = Expected {
        bytes: Vec::new(),
        end: None,
        hole: 0,
    };
    if u128::from(address) + length as u128 > 1 << 64 {
        expected.end = Some(Reason::Wraps);
        return expected;
    }
    for offset in 0..length as u64 {
        match byte(address + offset) {
            Ok(byte) => expected.bytes.push(byte),
            Err(reason) => {
                expected.end = Some(reason);
                break;
            }
        }
    }
    expected
}

pub fn physical<const SPAN: u64>(machine: &Machine<SPAN>, address: u64, length: usize) -> Expected {
    let mut expected = gather(address, length, |address| physical_byte(machine, address));
    if let Some(Reason::NotRam | Reason::BeyondPhysicalWidth) = expected.end {
        let hole = machine.hole_at(address + expected.bytes.len() as u64);
        expected.hole = u64::try_from(hole).unwrap_or(u64::MAX);
    }
    expected
}

pub fn system(
    machine: &Machine,
    map: &Map,
    levels: Levels,
    address: u64,
    length: usize,
) -> Expected {
    let lowest = system_start(levels);
    let mut expected = gather(address, length, |address| {
        if address < 1 << 63 {
            Err(Reason::OutsideSystemRange)
        } else if address < lowest {
            Err(Reason::NonCanonical)
        } else {
            physical_byte(machine, map.look_up(address)?)
        }
    });
    let stopped_at = address.wrapping_add(expected.bytes.len() as u64);
    expected.hole = match expected.end {
        Some(Reason::OutsideSystemRange) => lowest - stopped_at,
        Some(Reason::NonCanonical) => {
            let left = length - expected.bytes.len();
            let hole = lowest - stopped_at;
            hole + map.dead_ends_from(lowest, (left as u64).saturating_sub(hole), false)
        }
        Some(
            reason @ (Reason::NotPresent { .. }
            | Reason::ReservedBits { .. }
            | Reason::TableNotRam { .. }),
        ) => {
            let left = (length - expected.bytes.len()) as u64;
            map.dead_ends_from(
                stopped_at,
                left,
                matches!(reason, Reason::NotPresent { .. }),
            )
        }
        Some(Reason::NotRam) => map.hole_in_mapping(machine, stopped_at),
        _ => 0,
    };
    if expected.hole > 0 && stopped_at >= lowest {
        map.assert_unreadable(machine, stopped_at, expected.hole);
    }
    expected
}

/// What is in a target before a copy.
const UNTOUCHED: u8 = 0xA5;

/// Lets `copy` fill a target of `length` bytes and holds all it did to what was `expected`.
pub fn check(
    expected: &Expected,
    address: u64,
    length: usize,
    copy: impl FnOnce(usermode_accessors::VolatileSlice<'_>) -> Transfer,
) {
    let mut target = vec![UNTOUCHED; length];
    let transfer = copy(target.as_mut_slice().into());
    let count = expected.bytes.len();
    assert_eq!(
        (transfer.transferred, transfer.stop.map(|stop| stop.reason)),
        (count, expected.end),
        "{length} bytes from {address:#x}"
    );
    let hole = transfer.stop.map_or(0, |stop| stop.hole_length);
    assert_eq!(hole, expected.hole, "{length} bytes from {address:#x}");
    match expected.end {
        None => {
            assert_eq!(transfer.status.0, 0);
            assert_eq!(count, length);
        }
        Some(reason) => {
            assert_eq!(transfer.status, reason.status());
            assert!(transfer.status.0 >> 31 == 1, "{reason:?} is a success");
            let stopped_at = transfer.stop.map(|stop| stop.address);
            assert_eq!(stopped_at, Some(address.wrapping_add(count as u64)));
        }
    }
    let (arrived, rest) = target.split_at(count);
    if let Some(wrong) = arrived
        .iter()
        .zip(&expected.bytes)
        .position(|(a, b)| a != b)
    {
        panic!("byte {wrong} of {length} from {address:#x} is wrong");
    }
    assert!(
        rest.iter().all(|&byte| byte == UNTOUCHED),
        "bytes after the first {count} from {address:#x} were written"
    );
}
