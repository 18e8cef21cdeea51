//! The table of cases.

use ringcopy_protocol::{DEVICE_PAGE_LENGTH, Direction, NtStatus};

use super::case::{Action, Case, Expected, Fault, Group, Origin, Part, Physical, Place};
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

const fn user(name: &'static str, action: Action, expected: Expected) -> Case {
    Case {
        group: Group::UserMemory,
        name,
        action,
        expected,
    }
}

const fn device(name: &'static str, action: Action, expected: Expected) -> Case {
    Case {
        group: Group::DeviceMemory,
        name,
        action,
        expected,
    }
}

const fn memory(name: &'static str, action: Action, expected: Expected) -> Case {
    Case {
        group: Group::CopyMemory,
        name,
        action,
        expected,
    }
}

const fn from(source: Place, length: u64, alignment: u32) -> Action {
    Action::CopyFrom {
        source,
        length,
        alignment,
    }
}

const fn to(destination: Place, length: u64, alignment: u32) -> Action {
    Action::CopyTo {
        destination,
        length,
        alignment,
    }
}

const fn through(source: Place, destination: Place, length: u64) -> Action {
    Action::CopyThrough {
        source,
        destination,
        length,
        alignment: 1,
    }
}

const fn read(source: Place, length: u64) -> Action {
    Action::ReadVirtual { source, length }
}

const fn read_physical(source: Physical, length: u64) -> Action {
    Action::ReadPhysical { source, length }
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

const fn part(source: Place, length: u32, expected: Expected) -> Part {
    Part {
        source: Origin::Virtual(source),
        target: None,
        length,
        expected,
    }
}

const fn physical(source: Physical, length: u32, expected: Expected) -> Part {
    Part {
        source: Origin::Physical(source),
        target: None,
        length,
        expected,
    }
}

const fn to_place(part: Part, target: Place) -> Part {
    Part {
        target: Some(target),
        ..part
    }
}

const COMPLETE: Expected = Expected::Complete;

/// Pieces of every kind that every handle may read.
const WITHIN_REACH: &[Part] = &[
    part(Place::Session, 8, COMPLETE),
    physical(Physical::Session, 16 << 10, COMPLETE),
    part(Place::Buffer(3), 8, COMPLETE),
    part(Place::Fixed(NON_CANONICAL), 0, COMPLETE),
    part(Place::Session, 4097, COMPLETE),
];

/// Pieces with holes of all kinds, each between pieces without a hole.
const HOLES: &[Part] = &[
    part(Place::Session, 64, COMPLETE),
    physical(Physical::BelowHole(100), 300, no_such_memory(100)),
    part(Place::Session, 64, COMPLETE),
    part(Place::BeforeUnmapped(100), 300, violates(100, READ)),
    part(Place::SystemUnmapped, 64, no_such_memory(0)),
    physical(Physical::Io, 64, no_such_memory(0)),
    part(Place::Buffer(0), 64, COMPLETE),
];

const SCATTERED: &[Part] = &[
    to_place(part(Place::Session, 64, COMPLETE), Place::Buffer(5)),
    to_place(part(Place::Session, 64, violates(0, WRITE)), Place::Session),
    to_place(
        physical(Physical::Session, 300, violates(100, WRITE)),
        Place::Before(100, Protection::ReadOnly),
    ),
    to_place(part(Place::Buffer(1), 5000, COMPLETE), Place::Buffer(4090)),
];

const fn parts(name: &'static str, action: Action) -> Case {
    memory(name, action, Expected::AsItsParts)
}

/// Every case, in the order of the report.
pub static CASES: &[Case] = &[
    user(
        "4 KiB, 16-aligned",
        from(Place::Buffer(0), 4 * KIB, 16),
        Expected::Complete,
    ),
    user(
        "source 3 bytes off its alignment",
        from(Place::Buffer(3), 64, 8),
        stops(NtStatus::DATATYPE_MISALIGNMENT, 0, READ),
    ),
    user(
        "source ends in an unmapped page",
        from(Place::BeforeUnmapped(1001), 4 * KIB, 1),
        violates(1001, READ),
    ),
    user(
        "unmapped page in the middle",
        from(Place::AroundUnmapped(777), 6 * KIB, 1),
        violates(777, READ),
    ),
    user(
        "guard page in the middle",
        from(Place::Before(512, Protection::Guard), KIB, 8),
        stops(NtStatus::GUARD_PAGE_VIOLATION, 512, READ),
    ),
    user(
        "kernel pointer",
        from(Place::Session, 64, 8),
        violates(0, READ),
    ),
    user(
        "across the end of user memory",
        from(Place::BelowUserLimit(16), 64, 8),
        violates(0, READ),
    ),
    user(
        "non-canonical pointer",
        from(Place::Fixed(NON_CANONICAL), 64, 8),
        violates(0, READ),
    ),
    user(
        "wraps around",
        from(Place::Fixed(LAST_WORD), 64, 8),
        violates(0, READ),
    ),
    user(
        "0 bytes at a kernel pointer",
        from(Place::Session, 0, 8),
        Expected::Complete,
    ),
    user(
        "16 KiB, byte-aligned",
        to(Place::Buffer(5), 16 * KIB, 1),
        Expected::Complete,
    ),
    user(
        "destination turns read-only",
        to(Place::Before(100, Protection::ReadOnly), KIB, 4),
        violates(100, WRITE),
    ),
    user(
        "kernel pointer",
        to(Place::Session, 64, 8),
        violates(0, WRITE),
    ),
    user(
        "1 MiB, both ends unaligned",
        through(Place::Buffer(1), Place::Buffer(6), MIB),
        Expected::Complete,
    ),
    user(
        "source ends in a no-access page",
        through(
            Place::Before(3000, Protection::NoAccess),
            Place::Buffer(0),
            4 * KIB,
        ),
        violates(3000, READ),
    ),
    user(
        "unmapped page in the destination",
        through(
            Place::Buffer(0),
            Place::BeforeUnmapped(64 * KIB + 9),
            128 * KIB,
        ),
        violates(64 * KIB + 9, WRITE),
    ),
    device(
        "to the page, all of it",
        Action::ToDevice {
            offset: 0,
            length: DEVICE_PAGE_LENGTH,
        },
        Expected::Complete,
    ),
    device(
        "from the page, unaligned",
        Action::FromDevice {
            offset: 3,
            length: 1021,
        },
        Expected::Complete,
    ),
    device(
        "within the page, unaligned",
        Action::WithinDevice {
            source: 1,
            destination: 2050,
            length: 2046,
        },
        Expected::Complete,
    ),
    device(
        "source and destination overlap",
        Action::WithinDevice {
            source: 0,
            destination: 255,
            length: 256,
        },
        Expected::Refused(NtStatus::INVALID_PARAMETER),
    ),
    device(
        "beyond the page",
        Action::FromDevice {
            offset: DEVICE_PAGE_LENGTH - 8,
            length: 16,
        },
        Expected::Refused(NtStatus::INVALID_BUFFER_SIZE),
    ),
    memory(
        "own memory, 256 KiB",
        read(Place::Buffer(7), 256 * KIB),
        Expected::Complete,
    ),
    memory(
        "own memory ends in an unmapped page",
        read(Place::BeforeUnmapped(2222), 8 * KIB),
        violates(2222, READ),
    ),
    memory(
        "session buffer, virtual",
        read(Place::Session, 16 * KIB),
        Expected::Complete,
    ),
    memory(
        "session buffer, physical",
        read_physical(Physical::Session, 16 * KIB),
        Expected::Complete,
    ),
    memory(
        "system memory",
        read(Place::SystemData, 64),
        Expected::Complete,
    ),
    memory(
        "system memory, not mapped",
        read(Place::SystemUnmapped, 64),
        no_such_memory(0),
    ),
    memory(
        "system memory that maps I/O space",
        read(Place::SystemIo, 64),
        no_such_memory(0),
    ),
    memory(
        "RAM of our own, physical",
        read_physical(Physical::OwnPage, 4 * KIB),
        Expected::Complete,
    ),
    memory(
        "I/O space, physical",
        read_physical(Physical::Io, 64),
        no_such_memory(0),
    ),
    memory(
        "RAM up to a hole",
        read_physical(Physical::BelowHole(100), 300),
        no_such_memory(100),
    ),
    memory(
        "RAM up to its end",
        read_physical(Physical::BelowEnd(5000), 8 * KIB),
        no_such_memory(5000),
    ),
    memory(
        "beyond all RAM",
        read_physical(Physical::Fixed(LAST_PHYSICAL_PAGE), 64),
        no_such_memory(0),
    ),
    parts("many pieces at once", Action::ReadBatch(WITHIN_REACH)),
    parts("holes do not affect other pieces", Action::ReadBatch(HOLES)),
    parts("many pieces to many places", Action::Scatter(SCATTERED)),
    parts("both engines agree", Action::Agree(WITHIN_REACH)),
    parts("both engines agree on holes", Action::Agree(HOLES)),
    parts("the list of RAM", Action::Ranges),
];
