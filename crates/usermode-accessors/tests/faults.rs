//! Faults on pages of a Windows process, beyond the cases of the matrix of accessors: many pages, null
//! addresses, readers and writers after a fault, registers of the caller.
#![cfg(windows)]

use std::hint::black_box;

use usermode_accessors::{Access, Fault, NtStatus, UserSlice};

mod pages;
use pages::{PAGE, Pages, Protection, UNTOUCHED, fault};

const STATUS: NtStatus = NtStatus::ACCESS_VIOLATION;

/// Reads `length` bytes at `address`. Returns the buffer with the result.
fn read(address: usize, length: usize) -> (Result<(), Fault>, Vec<u8>) {
    let mut buffer = vec![UNTOUCHED; length];
    let result = UserSlice::new(address, length)
        .reader()
        .and_then(|mut reader| reader.read(&mut buffer));
    (result, buffer)
}

fn write(address: usize, source: &[u8]) -> Result<(), Fault> {
    UserSlice::new(address, source.len())
        .writer()
        .and_then(|mut writer| writer.write(source))
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
    let (result, buffer) = read(pages.address(123), 6 * PAGE);
    let readable = 4 * PAGE - 123;
    let end = pages.address(4 * PAGE);
    assert_eq!(result, Err(fault(STATUS, readable, end, Access::Read)));
    assert_eq!(buffer[..readable], pages.bytes(123, readable));
    assert!(buffer[readable..].iter().all(|byte| *byte == UNTOUCHED));

    let writable = 3 * PAGE - 5;
    let result = write(pages.address(5), &vec![0x5A; 5 * PAGE]);
    let end = pages.address(3 * PAGE);
    assert_eq!(result, Err(fault(STATUS, writable, end, Access::Write)));
    assert!(pages.bytes(5, writable).iter().all(|byte| *byte == 0x5A));
}

#[test]
fn null_and_the_addresses_near_it_fault() {
    pages::prepare_process();
    for address in [0, 1, 8, 0xFFFF] {
        let expected = |access| Err(fault(STATUS, 0, address, access));
        assert_eq!(read(address, 16).0, expected(Access::Read));
        assert_eq!(write(address, &[1; 16]), expected(Access::Write));
    }
}

#[test]
fn after_a_fault_a_reader_and_a_writer_stand_after_the_moved_bytes() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let slice = || UserSlice::new(pages.address(PAGE - 20), 64);
    let mut buffer = [UNTOUCHED; 32];
    let mut reader = slice().reader().unwrap();
    reader.read(&mut buffer[..12]).unwrap();
    assert_eq!(reader.read(&mut buffer).unwrap_err().copied, 8);
    assert_eq!((reader.position(), reader.remaining()), (20, 44));
    assert_eq!(reader.read(&mut buffer).unwrap_err().copied, 0);

    let mut writer = slice().writer().unwrap();
    assert_eq!(writer.fill(1, 40).unwrap_err().copied, 20);
    assert_eq!((writer.position(), writer.remaining()), (20, 44));
}

#[test]
fn after_a_fault_of_a_copy_between_them_both_stand_after_the_moved_bytes() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let from = UserSlice::new(pages.address(PAGE - 9), 20);
    let mut reader = from.reader().unwrap();
    let mut writer = UserSlice::new(pages.address(0), 64).writer().unwrap();
    let met = writer.write_from(&mut reader, 20).unwrap_err();
    assert_eq!((met.copied, met.access), (9, Access::Read));
    assert_eq!((reader.position(), writer.position()), (9, 9));
    assert_eq!(pages.bytes(0, 9), pages.bytes(PAGE - 9, 9));
}

#[test]
fn registers_of_the_caller_survive_many_faults() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let mut sums = [0_usize; 6];
    let mut scale = 1.5_f64;
    for round in 0..20_000_usize {
        let tail = round % 64;
        let mut buffer = [UNTOUCHED; 64];
        let result = UserSlice::new(pages.address(PAGE - tail), 64)
            .reader()
            .and_then(|mut reader| reader.read(&mut buffer));
        assert_eq!(result.unwrap_err().copied, tail);
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum += round ^ index;
        }
        scale = black_box(scale + 0.5);
    }
    for (index, sum) in sums.into_iter().enumerate() {
        assert_eq!(sum, (0..20_000).map(|round| round ^ index).sum());
    }
    assert!((scale - 10_001.5).abs() < 0.01);
}
