//! The table of cases.

use ringcopy_protocol::{DEVICE_PAGE_LENGTH, Direction, NtStatus};

use super::case::{
    Action::{self, Agree, FromDevice, Ranges, ReadBatch, Scatter, ToDevice, WithinDevice},
    Address::{
        self, AroundUnmapped, Before, BeforeUnmapped, BelowHole, BelowRamEnd, BelowUserLimit,
        Buffer, Fixed, FixedPhysical, PhysicalIo, PhysicalOwn, PhysicalSession, Session, System,
        SystemData, SystemIo, SystemUnmapped,
    },
    Case,
    Expected::{self, AsItsParts, Refused},
    Fault, Group, Part,
};
use crate::Protection;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Not canonical with four or five levels of page tables.
const NON_CANONICAL: u64 = 0x8000_0000_0000_0000;

/// The last eight bytes of the address space; a longer range wraps around.
const LAST_WORD: u64 = u64::MAX - 7;

/// The last page of the widest physical address, 52 bits, where no machine has RAM.
const LAST_PHYSICAL_PAGE: u64 = (1 << 52) - 4096;

const READ: Fault = Fault::Access(Direction::Read);
const WRITE: Fault = Fault::Access(Direction::Write);

const fn from(source: Address, length: u64, alignment: u32) -> Action {
    Action::CopyFrom {
        source,
        length,
        alignment,
    }
}

const fn to(destination: Address, length: u64, alignment: u32) -> Action {
    Action::CopyTo {
        destination,
        length,
        alignment,
    }
}

const fn through(source: Address, destination: Address, length: u64) -> Action {
    Action::CopyThrough {
        source,
        destination,
        length,
    }
}

const fn read(source: Address, length: u64) -> Action {
    Action::Read { source, length }
}

const fn stops(status: NtStatus, copied: u64, fault: Fault) -> Expected {
    Expected::Stops {
        status,
        copied,
        fault,
    }
}

const fn violates(copied: u64, fault: Fault) -> Expected {
    stops(NtStatus::ACCESS_VIOLATION, copied, fault)
}

const fn no_such_memory(copied: u64) -> Expected {
    stops(NtStatus::INVALID_ADDRESS, copied, READ)
}

const fn part(source: Address, length: u32, expected: Expected) -> Part {
    Part {
        source,
        target: None,
        length,
        expected,
    }
}

const fn scattered(part: Part, target: Address) -> Part {
    Part {
        target: Some(target),
        ..part
    }
}

const COMPLETE: Expected = Expected::Complete;

/// Pieces of every kind that a handle of any policy may read.
const WITHIN_REACH: &[Part] = &[
    part(Session, 8, COMPLETE),
    part(PhysicalSession, 4 << 10, COMPLETE),
    part(Buffer(3), 8, COMPLETE),
    part(Fixed(NON_CANONICAL), 0, COMPLETE),
    part(Session, 4097, COMPLETE),
];

/// Pieces with holes of all kinds, each between pieces without a hole.
const HOLES: &[Part] = &[
    part(Session, 64, COMPLETE),
    part(BelowHole(100), 300, no_such_memory(100)),
    part(Session, 64, COMPLETE),
    part(BeforeUnmapped(100), 300, violates(100, READ)),
    part(SystemUnmapped, 64, no_such_memory(0)),
    part(PhysicalIo, 64, no_such_memory(0)),
    part(Buffer(0), 64, COMPLETE),
];

const SCATTERED: &[Part] = &[
    scattered(part(Session, 64, COMPLETE), Buffer(5)),
    scattered(part(Session, 64, violates(0, WRITE)), System),
    scattered(
        part(PhysicalSession, 300, violates(100, WRITE)),
        Before(100, Protection::ReadOnly),
    ),
    scattered(part(Buffer(1), 5000, COMPLETE), Buffer(4090)),
];

macro_rules! cases {
    ($($group:ident { $($name:literal: $action:expr => $expected:expr;)+ })+) => {
        /// Every case, in the order of the report.
        pub static CASES: &[Case] = &[$($(Case {
            group: Group::$group,
            name: $name,
            action: $action,
            expected: $expected,
        },)+)+];
    };
}

cases! {
    User {
        "4 KiB, 16-aligned": from(Buffer(0), 4 * KIB, 16) => COMPLETE;
        "source 3 bytes off its alignment":
            from(Buffer(3), 64, 8) => stops(NtStatus::DATATYPE_MISALIGNMENT, 0, READ);
        "source ends in an unmapped page":
            from(BeforeUnmapped(1001), 4 * KIB, 1) => violates(1001, READ);
        "unmapped page in the middle": from(AroundUnmapped(777), 6 * KIB, 1) => violates(777, READ);
        "guard page in the middle":
            from(Before(512, Protection::Guard), KIB, 8)
                => stops(NtStatus::GUARD_PAGE_VIOLATION, 512, READ);
        "kernel pointer": from(System, 64, 8) => violates(0, READ);
        "across the end of user memory": from(BelowUserLimit(16), 64, 8) => violates(0, READ);
        "non-canonical pointer": from(Fixed(NON_CANONICAL), 64, 8) => violates(0, READ);
        "wraps around": from(Fixed(LAST_WORD), 64, 8) => violates(0, READ);
        "0 bytes at a kernel pointer": from(System, 0, 8) => COMPLETE;
        "16 KiB, byte-aligned": to(Buffer(5), 16 * KIB, 1) => COMPLETE;
        "destination turns read-only":
            to(Before(100, Protection::ReadOnly), KIB, 4) => violates(100, WRITE);
        "kernel pointer": to(System, 64, 8) => violates(0, WRITE);
        "1 MiB, both ends unaligned": through(Buffer(1), Buffer(6), MIB) => COMPLETE;
        "source ends in a no-access page":
            through(Before(3000, Protection::NoAccess), Buffer(0), 4 * KIB) => violates(3000, READ);
        "unmapped page in the destination":
            through(Buffer(0), BeforeUnmapped(64 * KIB + 9), 128 * KIB)
                => violates(64 * KIB + 9, WRITE);
    }
    Device {
        "to the page, all of it": ToDevice { offset: 0, length: DEVICE_PAGE_LENGTH } => COMPLETE;
        "from the page, unaligned": FromDevice { offset: 3, length: 1021 } => COMPLETE;
        "within the page, unaligned":
            WithinDevice { source: 1, destination: 2050, length: 2046 } => COMPLETE;
        "source and destination overlap":
            WithinDevice { source: 0, destination: 255, length: 256 }
                => Refused(NtStatus::INVALID_PARAMETER);
        "beyond the page":
            FromDevice { offset: DEVICE_PAGE_LENGTH - 8, length: 16 }
                => Refused(NtStatus::INVALID_BUFFER_SIZE);
    }
    System {
        "own memory, 256 KiB": read(Buffer(7), 256 * KIB) => COMPLETE;
        "own memory ends in an unmapped page":
            read(BeforeUnmapped(2222), 8 * KIB) => violates(2222, READ);
        "session buffer, virtual": read(Session, 16 * KIB) => COMPLETE;
        "session buffer, physical": read(PhysicalSession, 4 * KIB) => COMPLETE;
        "system memory": read(SystemData, 64) => COMPLETE;
        "system memory, not mapped": read(SystemUnmapped, 64) => no_such_memory(0);
        "system memory that maps I/O space": read(SystemIo, 64) => no_such_memory(0);
        "RAM of our own, physical": read(PhysicalOwn, 4 * KIB) => COMPLETE;
        "I/O space, physical": read(PhysicalIo, 64) => no_such_memory(0);
        "RAM up to a hole": read(BelowHole(100), 300) => no_such_memory(100);
        "RAM up to its end": read(BelowRamEnd(5000), 8 * KIB) => no_such_memory(5000);
        "beyond all RAM": read(FixedPhysical(LAST_PHYSICAL_PAGE), 64) => no_such_memory(0);
        "many pieces at once": ReadBatch(WITHIN_REACH) => AsItsParts;
        "holes do not affect other pieces": ReadBatch(HOLES) => AsItsParts;
        "many pieces to many places": Scatter(SCATTERED) => AsItsParts;
        "both engines agree": Agree(WITHIN_REACH) => AsItsParts;
        "both engines agree on holes": Agree(HOLES) => AsItsParts;
        "the list of RAM": Ranges => AsItsParts;
    }
}
