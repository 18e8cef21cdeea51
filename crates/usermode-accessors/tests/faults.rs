//! Faults, on real pages of a Windows process: each comes back with the right status, count,
//! address and direction, and the bytes past the count are untouched.
#![cfg(windows)]

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, UserSlice, ddi};

mod pages;
use pages::{PAGE, Pages, Protection, number};

const UNTOUCHED: u8 = 0;

const fn fault(status: NtStatus, copied: usize, address: usize, access: Access) -> Fault {
    Fault {
        status,
        copied,
        address: Some(address),
        access,
        cause: None,
    }
}

/// Reads `length` bytes at `address`, and returns the buffer with the outcome.
fn read(address: usize, length: usize) -> (Result<(), Fault>, Vec<u8>) {
    let mut buffer = vec![UNTOUCHED; length];
    let outcome = UserSlice::new(address, length)
        .reader()
        .and_then(|mut reader| reader.read(&mut buffer));
    (outcome, buffer)
}

fn write(address: usize, source: &[u8]) -> Result<(), Fault> {
    UserSlice::new(address, source.len())
        .writer()
        .and_then(|mut writer| writer.write(source))
}

fn fill(address: usize, byte: u8, length: usize) -> Result<(), Fault> {
    UserSlice::new(address, length)
        .writer()
        .and_then(|mut writer| writer.fill(byte, length))
}

const UNREADABLE: [Protection; 2] = [Protection::NoAccess, Protection::Reserved];
const UNWRITABLE: [Protection; 3] = [
    Protection::NoAccess,
    Protection::Reserved,
    Protection::ReadOnly,
];
/// How far from a page's end accesses start, and how long they are.
const NEAR: usize = 70;

#[test]
fn a_read_stops_exactly_where_readable_memory_ends() {
    for protection in UNREADABLE {
        let pages = Pages::new(&[Protection::ReadOnly, protection]);
        for start in PAGE - NEAR..=PAGE {
            for length in 1..2 * NEAR {
                let readable = length.min(PAGE - start);
                let (outcome, buffer) = read(pages.address(start), length);
                let expected = if readable == length {
                    Ok(())
                } else {
                    let status = NtStatus::ACCESS_VIOLATION;
                    Err(fault(status, readable, pages.address(PAGE), Access::Read))
                };
                assert_eq!(outcome, expected, "{protection:?} {start} {length}");
                for (offset, byte) in buffer.into_iter().enumerate() {
                    let expected = if offset < readable {
                        number(start + offset)
                    } else {
                        UNTOUCHED
                    };
                    assert_eq!(byte, expected, "{protection:?} {start} {length} {offset}");
                }
            }
        }
    }
}

#[test]
fn a_write_stops_exactly_where_writable_memory_ends() {
    let source: Vec<u8> = (0..2 * NEAR).map(|offset| number(offset + 100)).collect();
    for protection in UNWRITABLE {
        let pages = Pages::new(&[Protection::ReadWrite, protection]);
        for start in PAGE - NEAR..=PAGE {
            for length in 1..2 * NEAR {
                let writable = length.min(PAGE - start);
                let before = fill(pages.address(PAGE - NEAR), UNTOUCHED, NEAR);
                assert_eq!(before, Ok(()));
                let outcome = write(pages.address(start), &source[..length]);
                let expected = if writable == length {
                    Ok(())
                } else {
                    let status = NtStatus::ACCESS_VIOLATION;
                    Err(fault(status, writable, pages.address(PAGE), Access::Write))
                };
                assert_eq!(outcome, expected, "{protection:?} {start} {length}");
                let page = pages.bytes(PAGE - NEAR, NEAR);
                let (head, rest) = page.split_at(start - (PAGE - NEAR));
                let (written, tail) = rest.split_at(writable);
                assert!(head.iter().chain(tail).all(|byte| *byte == UNTOUCHED));
                assert_eq!(written, &source[..writable]);
            }
        }
        if protection == Protection::ReadOnly {
            let whole: Vec<u8> = (PAGE..2 * PAGE).map(number).collect();
            assert_eq!(pages.bytes(PAGE, PAGE), whole, "read-only page changed");
        }
    }
}

#[test]
fn a_fill_stops_exactly_where_writable_memory_ends() {
    for protection in UNWRITABLE {
        let pages = Pages::new(&[Protection::ReadWrite, protection]);
        for start in PAGE - NEAR..=PAGE {
            let writable = PAGE - start;
            assert_eq!(
                fill(pages.address(PAGE - NEAR), UNTOUCHED, NEAR),
                Ok(()),
                "{protection:?}"
            );
            assert_eq!(
                fill(pages.address(start), 0xA5, NEAR + 1),
                Err(fault(
                    NtStatus::ACCESS_VIOLATION,
                    writable,
                    pages.address(PAGE),
                    Access::Write
                ))
            );
            let page = pages.bytes(PAGE - NEAR, NEAR);
            let (head, filled) = page.split_at(NEAR - writable);
            assert!(head.iter().all(|byte| *byte == UNTOUCHED));
            assert!(filled.iter().all(|byte| *byte == 0xA5));
        }
    }
}

#[test]
fn counts_are_exact_over_many_pages() {
    let pages = Pages::new(&[
        Protection::ReadWrite,
        Protection::ReadWrite,
        Protection::ReadWrite,
        Protection::ReadOnly,
        Protection::Reserved,
    ]);
    let (outcome, buffer) = read(pages.address(123), 6 * PAGE);
    let readable = 4 * PAGE - 123;
    let end = pages.address(4 * PAGE);
    let status = NtStatus::ACCESS_VIOLATION;
    assert_eq!(outcome, Err(fault(status, readable, end, Access::Read)));
    assert_eq!(buffer[..readable], pages.bytes(123, readable));
    assert!(buffer[readable..].iter().all(|byte| *byte == UNTOUCHED));

    let writable = 3 * PAGE - 5;
    let outcome = write(pages.address(5), &vec![0x5A; 5 * PAGE]);
    let end = pages.address(3 * PAGE);
    assert_eq!(outcome, Err(fault(status, writable, end, Access::Write)));
    assert!(pages.bytes(5, writable).iter().all(|byte| *byte == 0x5A));
}

#[test]
fn a_guard_page_is_reported_as_one_and_spent() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::ReadWrite]);
    let status = NtStatus::GUARD_PAGE_VIOLATION;
    let edge = pages.address(PAGE);

    pages.protect(1, Protection::Guard);
    let (outcome, buffer) = read(pages.address(PAGE - 3), 8);
    assert_eq!(outcome, Err(fault(status, 3, edge, Access::Read)));
    assert_eq!(buffer[3..], [UNTOUCHED; 5]);
    assert_eq!(read(edge, 8).0, Ok(()));

    pages.protect(1, Protection::Guard);
    let outcome = write(pages.address(PAGE - 3), &[1; 8]);
    assert_eq!(outcome, Err(fault(status, 3, edge, Access::Write)));
    assert_eq!(write(edge, &[1; 8]), Ok(()));

    pages.protect(1, Protection::Guard);
    let outcome = UserPtr::<u32>::new(edge).read();
    assert_eq!(outcome, Err(fault(status, 0, edge, Access::Read)));
}

#[test]
fn null_and_its_neighbours_fault() {
    pages::fail_on_unhandled_exceptions();
    for address in [0, 1, 8, 0xFFFF] {
        let status = NtStatus::ACCESS_VIOLATION;
        let expected = fault(status, 0, address, Access::Read);
        assert_eq!(read(address, 16).0, Err(expected));
        let expected = fault(status, 0, address, Access::Write);
        assert_eq!(write(address, &[1; 16]), Err(expected));
    }
}

#[test]
fn numbers_fault_whole() {
    fn faults<T>(pages: &Pages, value: T)
    where
        T: usermode_accessors::Scalar + PartialEq + core::fmt::Debug,
    {
        let status = NtStatus::ACCESS_VIOLATION;
        let size = size_of::<T>();
        let edge = pages.address(PAGE);
        // From inside the readable page across its end: nothing is read or written of it.
        for start in PAGE + 1 - size..=PAGE {
            let before = pages.bytes(PAGE - 8, 8);
            let expected = fault(status, 0, edge, Access::Read);
            let address = pages.address(start);
            let outcome = UserPtr::<T>::new(address).read();
            assert_eq!(outcome, Err(expected), "{size} {start}");
            let expected = fault(status, 0, edge, Access::Write);
            let outcome = UserPtr::<T>::new(address).write(value);
            assert_eq!(outcome, Err(expected), "{size} {start}");
            assert_eq!(pages.bytes(PAGE - 8, 8), before);
        }
        let last = pages.address(PAGE - size);
        assert_eq!(UserPtr::<T>::new(last).write(value), Ok(()));
        assert_eq!(UserPtr::<T>::new(last).read(), Ok(value));
    }
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    faults(&pages, 0x81_u8);
    faults(&pages, 0x8102_u16);
    faults(&pages, 0x8102_0304_u32);
    faults(&pages, 0x8102_0304_0506_0708_u64);
}

#[test]
fn after_a_fault_a_cursor_stands_behind_what_was_moved() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let mut buffer = [UNTOUCHED; 32];
    let mut reader = UserSlice::new(pages.address(PAGE - 20), 64)
        .reader()
        .unwrap();
    reader.read(&mut buffer[..12]).unwrap();
    let met = reader.read(&mut buffer).unwrap_err();
    assert_eq!(met.copied, 8);
    assert_eq!((reader.position(), reader.remaining()), (20, 44));
    let met = reader.read(&mut buffer).unwrap_err();
    assert_eq!(met.copied, 0);

    let mut writer = UserSlice::new(pages.address(PAGE - 20), 64)
        .writer()
        .unwrap();
    assert_eq!(writer.fill(1, 40).unwrap_err().copied, 20);
    assert_eq!((writer.position(), writer.remaining()), (20, 44));
}

#[test]
fn functions_report_partial_faults() {
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Header([u64; 4]);

    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let status = NtStatus::ACCESS_VIOLATION;
    let edge = pages.address(PAGE);
    let mut header = Header([0; 4]);
    // SAFETY: the destination is a header; any bytes are one.
    let outcome = unsafe {
        ddi::read_struct_from_mode_aligned(
            &raw mut header,
            pages.pointer(PAGE - 24).cast(),
            Mode::User,
            8,
        )
    };
    assert_eq!(outcome, Err(fault(status, 24, edge, Access::Read)));
    assert_eq!(header.0[3], 0);
    assert!(header.0[..3].iter().all(|word| *word != 0));

    let pointer = pages.pointer(PAGE - 24);
    // SAFETY: the destination is as long as a header.
    let outcome = unsafe { ddi::copy_from_mode((&raw mut header).cast(), pointer, 32, Mode::User) };
    assert_eq!(outcome, Err(fault(status, 24, edge, Access::Read)));
    // SAFETY: the source is as long as a header.
    let outcome = unsafe { ddi::copy_to_mode(pointer, (&raw const header).cast(), 32, Mode::User) };
    assert_eq!(outcome, Err(fault(status, 24, edge, Access::Write)));
}

#[test]
fn what_the_caller_holds_in_registers_survives_many_faults() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let mut sums = [0_usize; 6];
    let mut scale = 1.5_f64;
    for round in 0..20_000_usize {
        let tail = round % 64;
        let mut buffer = [UNTOUCHED; 64];
        let outcome = UserSlice::new(pages.address(PAGE - tail), 64)
            .reader()
            .and_then(|mut reader| reader.read(&mut buffer));
        assert_eq!(outcome.unwrap_err().copied, tail);
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum += round ^ place;
        }
        scale = black_box(scale + 0.5);
    }
    for (place, sum) in sums.into_iter().enumerate() {
        assert_eq!(sum, (0..20_000).map(|round| round ^ place).sum());
    }
    assert!((scale - 10_001.5).abs() < 0.01);
}

#[test]
fn a_page_that_comes_and_goes_never_hangs_or_tears_a_count() {
    const ROUNDS: usize = 20_000;
    let pages = Pages::new(&[Protection::ReadOnly, Protection::ReadOnly]);
    let done = AtomicBool::new(false);
    let shared = Shared(&pages);
    let flip = || {
        let pages = shared.pages();
        while !done.load(Ordering::Relaxed) {
            pages.protect(1, Protection::NoAccess);
            pages.protect(1, Protection::ReadOnly);
        }
    };
    thread::scope(|scope| {
        scope.spawn(flip);
        let _done = SetOnDrop(&done);
        let (mut round, mut whole, mut partial) = (0, 0, 0);
        while round < ROUNDS || whole == 0 || partial == 0 {
            round += 1;
            let start = PAGE - round % 100;
            let (outcome, buffer) = read(pages.address(start), 200);
            let copied = match outcome {
                Ok(()) => {
                    whole += 1;
                    200
                }
                Err(fault) => {
                    partial += 1;
                    fault.copied
                }
            };
            assert!(copied >= PAGE - start);
            for (offset, byte) in buffer.into_iter().enumerate() {
                let expected = if offset < copied {
                    number(start + offset)
                } else {
                    UNTOUCHED
                };
                assert_eq!(byte, expected);
            }
        }
    });
}

/// Ends the other thread, also when an assertion of this one fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy)]
struct Shared<'a>(&'a Pages);

impl<'a> Shared<'a> {
    const fn pages(self) -> &'a Pages {
        self.0
    }
}

// SAFETY: protecting pages and asking for their addresses may be done from any thread.
unsafe impl Sync for Shared<'_> {}
