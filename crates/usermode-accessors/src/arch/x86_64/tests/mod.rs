//! When user memory is open, without ring 0; and addresses that the range check would refuse.

mod closing_page;
mod routines;
mod single_step;
mod smap;
mod streaming_stores;

use core::{ffi::c_void, ptr, sync::atomic::Ordering::SeqCst};
use std::thread;

use super::{
    Record, Trap, USER_LIMIT, copy, copy_backward, copy_nontemporal, copy_upward, fill, read, scan,
    write,
};
use crate::arch::{
    ARGUMENTS, Raised, Width, guarded_copy_closed, guarded_read, guarded_read_closed,
    raising::usermode_accessors_call,
};
use routines::{LONGEST, call, routines};
use smap::{Alone, CLAC_COUNT, FAULTS_WHILE_CLOSED, OPEN, STAC_COUNT, processor_alone};

const fn no_fault() -> Record {
    Record {
        code: 0,
        kind: 0,
        address: 0,
        cause: 0,
    }
}

const fn bad() -> *mut u8 {
    ptr::without_provenance_mut(16)
}

/// Calls every routine with AC set if `ac`: with memory that is there, and with an address that is not.
/// `alone` comes before each call, and `check` gets the code of its fault, or 0.
fn call_all(ac: bool, alone: impl Fn() -> Alone, check: impl Fn(u32)) {
    let mut memory = [0_u64; LONGEST / 8];
    for routine in routines() {
        for (user, code) in [(memory.as_mut_ptr().cast(), 0), (bad(), 0xC000_0005)] {
            let _alone = alone();
            let mut record = no_fault();
            routine.call(&mut record, user, ac);
            assert_eq!(record.code, code);
            check(code);
        }
    }
}

#[test]
fn user_memory_is_open_for_the_access_and_closed_after_it_and_after_a_fault() {
    call_all(
        false,
        || processor_alone(false).with_smap(),
        |code| {
            // Some routines resume after a fault.
            assert!((1..=1 + u32::from(code != 0)).contains(&STAC_COUNT.load(SeqCst)));
            assert_eq!(CLAC_COUNT.load(SeqCst), 1);
            assert_eq!(FAULTS_WHILE_CLOSED.load(SeqCst), 0);
            assert!(!OPEN.load(SeqCst));
        },
    );
}

#[test]
fn user_memory_that_was_open_stays_open() {
    call_all(
        true,
        || processor_alone(true).with_smap(),
        |_| {
            assert_eq!(CLAC_COUNT.load(SeqCst), 0);
            assert!(OPEN.load(SeqCst));
        },
    );
}

#[test]
fn user_memory_is_not_opened_without_smap() {
    call_all(
        false,
        || processor_alone(false),
        |_| {
            assert_eq!(STAC_COUNT.load(SeqCst), 0);
            assert_eq!(CLAC_COUNT.load(SeqCst), 0);
        },
    );
}

/// System addresses, and whether the fault of an access reports the address.
const SYSTEM: [(usize, bool); 5] = [
    (0x0000_8000_0000_0000, false),
    (0x8000_0000_0000_0000, false),
    (0xFFFF_7FFF_FFFF_FFF0, false),
    (0xFFFF_8000_0000_0000, true),
    (0xFFFF_FFFF_FFFF_F000, true),
];

#[test]
fn a_fault_of_a_system_or_non_canonical_address_returns() {
    for (address, known) in SYSTEM {
        let system = ptr::without_provenance_mut(address);
        let expect = |trap: Trap| {
            assert_eq!((trap.code(), trap.copied()), (0xC000_0005, 0));
            assert_eq!(trap.address(), known.then_some(address), "{address:#x}");
        };
        let _alone = processor_alone(false).with_smap();
        for length in [8, LONGEST] {
            let mut buffer = [7; LONGEST];
            // SAFETY: the buffer is this long, and the guard is what is being tried.
            expect(
                unsafe { guarded_copy_closed(buffer.as_mut_ptr(), system, length) }.unwrap_err(),
            );
            assert_eq!(buffer, [7; LONGEST]);
            // SAFETY: as above.
            expect(unsafe { guarded_copy_closed(system, buffer.as_ptr(), length) }.unwrap_err());
        }
        for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
            // SAFETY: as above.
            expect(unsafe { guarded_read_closed(system, width) }.unwrap_err());
        }
        assert_eq!(STAC_COUNT.load(SeqCst), 0);
    }
}

#[test]
fn a_system_address_that_was_not_checked_becomes_the_user_limit() {
    let limit = USER_LIMIT.load(SeqCst);
    for routine in routines() {
        for (address, _) in SYSTEM {
            let _alone = processor_alone(false);
            let mut record = no_fault();
            routine.call(&mut record, ptr::without_provenance_mut(address), false);
            // A backward copy moves nothing: there are no bytes between the limit and the limit.
            assert!(record.code == 0xC000_0005 && record.address == limit || record.code == 0);
            assert!(record.code != 0 || routine.is_backward());
        }
    }
}

#[test]
fn direct_accesses_never_open_user_memory() {
    let (mut to, from) = ([0_u64; 2], [1_u64; 2]);
    let pointer = to.as_mut_ptr().cast();
    let _alone = processor_alone(false);
    // SAFETY: both arrays hold 16 bytes.
    unsafe { copy(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    unsafe { fill(pointer, 1, 16) };
    // SAFETY: as above.
    unsafe { copy_backward(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    unsafe { copy_nontemporal(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    unsafe { copy_upward(pointer, from.as_ptr().cast(), 16) };
    // SAFETY: as above.
    let length = unsafe { scan(pointer, 16, false) };
    assert_eq!(length, 1);
    for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
        // SAFETY: as above.
        let value = unsafe { read(pointer, width) };
        // SAFETY: as above.
        unsafe { write(pointer, value, width) };
    }
    assert_eq!(STAC_COUNT.load(SeqCst), 0);
    assert_eq!(CLAC_COUNT.load(SeqCst), 0);
}

#[test]
fn faults_of_other_threads_are_not_counted() {
    let _alone = processor_alone(true);
    let fault = || {
        // SAFETY: the guard is what meets the fault.
        let result = unsafe { guarded_read(bad(), Width::One) };
        assert!(result.is_err());
        (OPEN.load(SeqCst), FAULTS_WHILE_CLOSED.load(SeqCst))
    };
    let noted = thread::scope(|scope| scope.spawn(fault).join().unwrap());
    assert_eq!(noted, (true, 0));
    assert_eq!(fault(), (false, 0));
    assert_eq!(fault(), (false, 1));
}

/// Calls a function that raises, with AC set if `ac`. `restore_ac` is what ring 0 under SMAP passes.
/// Returns whether the guard caught the exception.
fn raise(restore_ac: bool, ac: bool) -> bool {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn RaiseException(code: u32, flags: u32, count: u32, parameters: *const usize);
    }
    let mut raised = Raised::new();
    let mut arguments = [0; ARGUMENTS];
    arguments[0] = 0xE000_0001_usize;
    let guarded = [
        (&raw mut raised).expose_provenance(),
        (RaiseException as *const c_void).expose_provenance(),
        (&raw const arguments).expose_provenance(),
        usize::from(restore_ac),
    ];
    // SAFETY: the function is foreign, and takes four arguments.
    unsafe { call(usermode_accessors_call as *const c_void, guarded, ac) };
    raised.any != 0
}

#[test]
fn after_an_exception_user_memory_is_as_open_as_before_the_call() {
    for (open, stac, clac) in [(false, 0, 1), (true, 1, 0)] {
        let _alone = processor_alone(!open);
        assert!(raise(true, open));
        let counts = (STAC_COUNT.load(SeqCst), CLAC_COUNT.load(SeqCst));
        assert_eq!((counts, OPEN.load(SeqCst)), ((stac, clac), open));
    }
    let _alone = processor_alone(false);
    assert!(raise(false, false));
    assert_eq!((STAC_COUNT.load(SeqCst), CLAC_COUNT.load(SeqCst)), (0, 0));
}
