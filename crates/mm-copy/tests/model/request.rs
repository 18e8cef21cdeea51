//! Requests: which checks come first, and who copies.

use std::cell::RefCell;

use mm_copy::{CopyFlags, Engine, Native, PageTableWalk, Reason, Transfer, copy_memory};
use usermode_accessors::{NtStatus, VolatileSlice};

use crate::{
    machine::{Machine, PAGE, READ_FAILURE},
    tables::Tables,
};

const INVALID_PARAMETER_4: u32 = 0xC000_00F2;
const INVALID_ADDRESS: u32 = 0xC000_0141;
const ACCESS_VIOLATION: u32 = 0xC000_0005;

const USER_LIMIT: u64 = 0x7FFF_FFFF_0000;
const DATA: u64 = 0x4000_0000;
const SYSTEM_START: u64 = 0xFF00_0000_0000_0000;

/// An engine that says what it was asked for. Its physical memory has one page of RAM.
struct Asked {
    memory: Machine,
    system: RefCell<Vec<(u64, usize)>>,
}

impl Asked {
    fn new() -> Self {
        Self {
            memory: Machine::new(40, &[(DATA, PAGE)]),
            system: RefCell::default(),
        }
    }

    fn nothing_happened(&self) -> bool {
        self.memory.lookups.get() == 0 && self.system.borrow().is_empty()
    }
}

impl Engine for Asked {
    type Memory = Machine;

    fn physical_memory(&self) -> &Machine {
        &self.memory
    }

    fn copy_system(&self, address: u64, target: VolatileSlice<'_>) -> Transfer {
        self.system.borrow_mut().push((address, target.len()));
        Transfer::stopped(1, address + 1, Reason::Read(READ_FAILURE))
    }

    fn system_start(&self) -> u64 {
        SYSTEM_START
    }
}

/// Copies `length` bytes, which must leave the target as it was if nothing is transferred.
fn request(engine: &Asked, flags: u32, source: u64, length: usize) -> Transfer {
    let mut target = vec![0xA5; length];
    let flags = CopyFlags::from_bits_retain(flags);
    let transfer = copy_memory(engine, flags, source, target.as_mut_slice().into());
    if transfer.transferred == 0 {
        assert!(target.iter().all(|&byte| byte == 0xA5));
    }
    transfer
}

#[test]
fn exactly_one_flag_is_taken() {
    let engine = Asked::new();
    for flags in (0..64).chain((0..32).map(|bit| 1 << bit)).chain([u32::MAX]) {
        if flags == 1 || flags == 2 {
            continue;
        }
        for (source, length) in [(DATA, 16), (DATA, 0), (0, 16), (u64::MAX, 16)] {
            let transfer = request(&engine, flags, source, length);
            assert_eq!(transfer.status.0, INVALID_PARAMETER_4, "{flags:#x}");
            assert_eq!(transfer.transferred, 0);
            assert_eq!(transfer.stop.unwrap().reason, Reason::Flags);
        }
    }
    assert!(engine.nothing_happened());
}

#[test]
fn an_empty_request_looks_at_nothing() {
    let engine = Asked::new();
    for flags in [1, 2] {
        for source in [0, DATA, USER_LIMIT - 1, USER_LIMIT, 1 << 63, u64::MAX] {
            assert_eq!(request(&engine, flags, source, 0), Transfer::complete(0));
        }
    }
    assert!(engine.nothing_happened());
}

#[test]
fn a_physical_request_goes_to_physical_memory() {
    let engine = Asked::new();
    let transfer = request(&engine, 1, DATA + PAGE - 4, 16);
    assert_eq!(transfer.transferred, 4);
    assert_eq!(transfer.status.0, INVALID_ADDRESS);
    assert_eq!(transfer.stop.unwrap().address, DATA + PAGE);
    let transfer = request(&engine, 1, u64::MAX, 2);
    assert_eq!(transfer.stop.unwrap().reason, Reason::Wraps);
    assert!(engine.system.borrow().is_empty());
}

#[test]
fn a_range_that_leaves_user_memory_is_refused_untouched() {
    // SAFETY: the accessors only read.
    unsafe { usermode_accessors::allow_in_user_mode() };
    let engine = Asked::new();
    // Nothing is mapped there in a Linux process: a byte read would end the test.
    let cases = [
        (USER_LIMIT - 1, 2),
        (USER_LIMIT - 16, 17),
        (USER_LIMIT - PAGE, 0x10_0000),
    ];
    for (source, length) in cases {
        let transfer = request(&engine, 2, source, length);
        assert_eq!(transfer.status.0, ACCESS_VIOLATION, "{source:#x}");
        assert_eq!(transfer.transferred, 0);
        let stop = transfer.stop.unwrap();
        assert_eq!(stop.reason, Reason::OutsideUserRange);
        assert_eq!(stop.address, source);
    }
    assert!(engine.nothing_happened());
}

#[test]
fn addresses_between_user_and_system_are_refused() {
    let engine = Asked::new();
    for source in [USER_LIMIT, 0x8000_0000_0000, (1 << 63) - 1] {
        let transfer = request(&engine, 2, source, 16);
        assert_eq!(transfer.status.0, INVALID_ADDRESS, "{source:#x}");
        assert_eq!(transfer.transferred, 0);
        let stop = transfer.stop.unwrap();
        assert_eq!(stop.reason, Reason::OutsideSystemRange);
        assert_eq!(stop.hole_length, SYSTEM_START - source);
    }
    for source in [1 << 63, SYSTEM_START - 1] {
        let stop = request(&engine, 2, source, 16).stop.unwrap();
        assert_eq!(stop.reason, Reason::NonCanonical);
        assert_eq!(stop.hole_length, SYSTEM_START - source);
    }
    assert!(engine.nothing_happened());
}

#[test]
fn a_system_request_goes_to_the_engine_whole() {
    let engine = Asked::new();
    let transfer = request(&engine, 2, SYSTEM_START, 9);
    assert_eq!(transfer.transferred, 1);
    assert_eq!(transfer.status, READ_FAILURE);
    let _ = request(&engine, 2, u64::MAX - 8, 9);
    let asked = [(SYSTEM_START, 9), (u64::MAX - 8, 9)];
    assert_eq!(*engine.system.borrow(), asked);
    let transfer = request(&engine, 2, u64::MAX - 8, 10);
    assert_eq!(transfer.stop.unwrap().reason, Reason::Wraps);
    assert_eq!(transfer.status.0, INVALID_ADDRESS);
    assert_eq!(*engine.system.borrow(), asked);
}

#[test]
fn user_memory_is_read_whichever_engine_there_is() {
    // SAFETY: the accessors only read.
    unsafe { usermode_accessors::allow_in_user_mode() };
    let engine = Asked::new();
    let source: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let address = source.as_ptr().expose_provenance() as u64;
    for (offset, length) in [(0, 1), (1, 0x1FFF), (0, source.len())] {
        let mut target = vec![0xA5; length];
        let transfer = copy_memory(
            &engine,
            CopyFlags::VIRTUAL,
            address + offset as u64,
            target.as_mut_slice().into(),
        );
        assert_eq!(transfer, Transfer::complete(length));
        assert!(target == source[offset..offset + length]);
    }
    assert!(engine.nothing_happened());
}

#[test]
fn the_native_engine_serves_both_kinds() {
    let pool = (0x10_0000, 0x10_0000);
    let mut machine = Machine::new(40, &[pool, (DATA, 2 * PAGE)]);
    let mut tables = Tables::new(&mut machine, mm_copy::Levels::Four, pool);
    let base = 0xFFFF_9000_0000_0000;
    tables.page(&mut machine, base, 1, DATA + PAGE, 0);
    let walk = PageTableWalk::new(&machine, tables.root, tables.levels);
    let engine = Native::new(&machine, walk);
    for (flags, source) in [
        (CopyFlags::PHYSICAL, DATA + PAGE + 7),
        (CopyFlags::VIRTUAL, base + 7),
    ] {
        let mut target = [0; 16];
        let transfer = copy_memory(&engine, flags, source, (&mut target).into());
        assert_eq!(transfer, Transfer::complete(16));
        for (byte, address) in target.into_iter().zip(DATA + PAGE + 7..) {
            assert_eq!(byte, machine.byte(address));
        }
    }
}

#[test]
fn a_reader_that_fails_with_a_success_does_not_make_one() {
    for status in [0, 0x103, 0x4000_0000] {
        let reason = Reason::Read(NtStatus(status));
        assert_eq!(reason.status().0, 0xC000_0001);
    }
    for status in [0x8000_0001, 0x8000_000D, 0xC000_0006] {
        let reason = Reason::Read(NtStatus(status));
        assert_eq!(reason.status().0, status);
    }
}
