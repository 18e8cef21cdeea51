//! Copies and fills of every length to 260 bytes and around 1 and 2 KiB, stopped at every byte by the end of
//! a page, on either side. The count is exact, and the bytes after it are untouched.
#![cfg(windows)]

use std::cell::Cell;

use usermode_accessors::{Access, Fault, NtStatus, ddi};

mod pages;
use pages::{
    AddVectoredExceptionHandler, PAGE, Pages, Pointers, Protection, UNTOUCHED, fault, number,
};

/// The greatest distance from the end of the page at which an access begins.
const NEAR: usize = 2200;

type Copy = unsafe fn(*mut u8, *const u8, usize) -> Result<(), Fault>;

/// Returns lengths, each with a distance from the end of the page.
fn cases() -> impl Iterator<Item = (usize, usize)> {
    let each = (1..=260).flat_map(|length| (0..length).map(move |whole| (length, whole)));
    let long = [1023, 1024, 1025, 1100, 2047, 2048, 2100];
    let long = long.into_iter().flat_map(|length| {
        (0..length)
            .step_by(37)
            .chain([63, 64, 65, 127, 128, 129, length - 1])
            .map(move |whole| (length, whole))
    });
    each.chain(long)
}

/// Clears the end of the first page.
fn clear(pages: &Pages) {
    // SAFETY: pages of this test.
    unsafe { ddi::zero_user_memory(pages.pointer(PAGE - NEAR), NEAR) }.unwrap();
}

#[test]
fn a_source_that_ends_at_any_byte_is_read_up_to_it() {
    let pages = Pages::new(&[Protection::ReadOnly, Protection::NoAccess]);
    let edge = pages.address(PAGE);
    for copy in [ddi::copy_from_user as Copy, ddi::copy_from_user_nontemporal] {
        for (length, readable) in cases() {
            let from = pages.pointer(PAGE - readable);
            let mut buffer = vec![UNTOUCHED; length + 1];
            let shift = length % 2;
            let to = buffer[shift..].as_mut_ptr();
            // SAFETY: the buffer is long enough.
            let met = unsafe { copy(to, from, length) }.unwrap_err();
            let expected = fault(NtStatus::ACCESS_VIOLATION, readable, edge, Access::Read);
            assert_eq!(met, expected, "{length} {readable}");
            let (read, rest) = buffer[shift..].split_at(readable);
            let there = (PAGE - readable..PAGE).map(number);
            assert!(read.iter().copied().eq(there), "{length} {readable}");
            assert!(rest.iter().all(|byte| *byte == UNTOUCHED));
        }
    }
}

#[test]
fn a_destination_that_ends_at_any_byte_is_written_up_to_it() {
    let source: Vec<u8> = (0..NEAR).map(|offset| number(offset + 100)).collect();
    let fill: Copy = |to, _, length| {
        // SAFETY: pages of this test.
        unsafe { ddi::fill_user_memory(to, length, 0x77) }
    };
    let sevens = vec![0x77; NEAR];
    for (copy, source) in [
        (ddi::copy_to_user as Copy, &source),
        (ddi::copy_to_user_nontemporal, &source),
        (fill, &sevens),
    ] {
        let pages = Pages::new(&[Protection::ReadWrite, Protection::ReadOnly]);
        let edge = pages.address(PAGE);
        let after_edge = pages.bytes(PAGE, PAGE);
        for (length, writable) in cases() {
            clear(&pages);
            let to = pages.pointer(PAGE - writable);
            // SAFETY: the source is this long.
            let met = unsafe { copy(to, source.as_ptr(), length) }.unwrap_err();
            let expected = fault(NtStatus::ACCESS_VIOLATION, writable, edge, Access::Write);
            assert_eq!(met, expected, "{length} {writable}");
            let page = pages.bytes(PAGE - NEAR, NEAR);
            let (before, written) = page.split_at(NEAR - writable);
            assert!(before.iter().all(|byte| *byte == UNTOUCHED));
            assert_eq!(written, &source[..writable], "{length}");
        }
        assert_eq!(pages.bytes(PAGE, PAGE), after_edge);
    }
}

#[test]
fn the_nearer_of_two_ends_stops_a_copy() {
    let source = Pages::new(&[Protection::ReadOnly, Protection::NoAccess]);
    let target = Pages::new(&[Protection::ReadWrite, Protection::ReadOnly]);
    for length in [
        2, 5, 11, 16, 20, 32, 47, 64, 81, 96, 100, 128, 200, 1024, 2048,
    ] {
        for readable in (0..length).step_by(1 + length / 24) {
            for writable in (0..length).step_by(1 + length / 24) {
                clear(&target);
                let from = source.pointer(PAGE - readable);
                let to = target.pointer(PAGE - writable);
                // SAFETY: pages of this test.
                let met = unsafe { ddi::copy_to_user_from_user(to, from, length) }.unwrap_err();
                let (copied, address, access) = if readable <= writable {
                    (readable, source.address(PAGE), Access::Read)
                } else {
                    (writable, target.address(PAGE), Access::Write)
                };
                let expected = fault(NtStatus::ACCESS_VIOLATION, copied, address, access);
                assert_eq!(met, expected, "{length} {readable} {writable}");
                let page = target.bytes(PAGE - writable, writable);
                let (written, rest) = page.split_at(copied);
                assert_eq!(written, source.bytes(PAGE - readable, copied));
                assert!(rest.iter().all(|byte| *byte == UNTOUCHED));
            }
        }
    }
}

#[test]
fn a_backward_move_stops_at_any_byte_from_the_end() {
    for (protection, access) in [
        (Protection::NoAccess, Access::Read),
        (Protection::ReadOnly, Access::Write),
    ] {
        let pages = Pages::new(&[protection, Protection::ReadWrite]);
        for length in 1..=140 {
            for moved in 0..length {
                // The last `moved` bytes of the side that stops the move lie after the edge. The
                // other side is one byte above or below.
                let side = PAGE + moved - length;
                let (to, from) = match access {
                    Access::Read => (side + 1, side),
                    Access::Write => (side, side - 1),
                };
                let before = pages.bytes(PAGE, 300);
                let (target, source) = (pages.pointer(to), pages.pointer(from));
                // SAFETY: pages of this test.
                let result = unsafe { ddi::move_to_user_from_user(target, source, length) };
                if length == 1 {
                    // The ranges do not overlap, so the move does not run backward.
                    assert_eq!(result.unwrap_err().copied, 0);
                    continue;
                }
                let at = pages.address(PAGE - 1);
                let expected = fault(NtStatus::ACCESS_VIOLATION, moved, at, access);
                assert_eq!(result, Err(expected), "{length} {moved}");
                let mut after = before;
                match access {
                    Access::Read => after.copy_within(..moved, 1),
                    Access::Write if moved > 0 => {
                        let first = pages.bytes(PAGE - 1, 1)[0];
                        after.copy_within(..moved - 1, 1);
                        after[0] = first;
                    }
                    Access::Write => {}
                }
                assert_eq!(pages.bytes(PAGE, 300), after, "{length} {moved}");
            }
        }
    }
}

#[test]
fn a_guard_page_stops_a_copy_at_any_byte_and_is_accessed_once() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::ReadWrite]);
    let edge = pages.address(PAGE);
    let after_edge = pages.bytes(PAGE, PAGE);
    let source = vec![0x77; NEAR];
    for length in [1, 3, 6, 13, 27, 50, 64, 80, 110, 200, 1024, 2048] {
        for whole in (0..length).step_by(1 + length / 60) {
            let expected = |access| Err(fault(NtStatus::GUARD_PAGE_VIOLATION, whole, edge, access));
            let at = pages.pointer(PAGE - whole);

            let mut buffer = vec![UNTOUCHED; length];
            pages.protect(1, Protection::Guard);
            // SAFETY: the buffer is this long; pages of this test; so below.
            let met = unsafe { ddi::copy_from_user(buffer.as_mut_ptr(), at, length) };
            assert_eq!(met, expected(Access::Read), "{length} {whole}");
            assert_eq!(buffer[..whole], pages.bytes(PAGE - whole, whole));
            assert!(buffer[whole..].iter().all(|byte| *byte == UNTOUCHED));

            for copy in [
                ddi::copy_to_user as Copy,
                ddi::copy_to_user_nontemporal,
                |to, _, length| {
                    // SAFETY: as above.
                    unsafe { ddi::fill_user_memory(to, length, 0x77) }
                },
            ] {
                clear(&pages);
                pages.protect(1, Protection::Guard);
                // SAFETY: as above.
                let met = unsafe { copy(at, source.as_ptr(), length) };
                assert_eq!(met, expected(Access::Write), "{length} {whole}");
                assert_eq!(pages.bytes(PAGE - whole, whole), source[..whole]);
                assert_eq!(pages.bytes(PAGE, PAGE), after_edge, "{length} {whole}");
            }
        }
    }
}

thread_local! {
    static EXCEPTIONS: Cell<usize> = const { Cell::new(0) };
}

unsafe extern "system" fn count_exceptions(_: *mut Pointers) -> i32 {
    const EXCEPTION_CONTINUE_SEARCH: i32 = 0;
    EXCEPTIONS.set(EXCEPTIONS.get() + 1);
    EXCEPTION_CONTINUE_SEARCH
}

#[test]
fn a_fault_costs_one_exception() {
    // SAFETY: the handler changes only a counter of its thread.
    unsafe { AddVectoredExceptionHandler(1, count_exceptions) };
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let mut memory = vec![0x77; NEAR];
    let memory = memory.as_mut_ptr();
    for (length, whole) in cases() {
        let at = pages.pointer(PAGE - whole);
        let accesses: [&dyn Fn() -> Result<(), Fault>; 5] = [
            // SAFETY: the memory is long enough; the pages are the test's.
            &|| unsafe { ddi::copy_from_user(memory, at, length) },
            // SAFETY: as above.
            &|| unsafe { ddi::copy_to_user(at, memory, length) },
            // SAFETY: as above.
            &|| unsafe { ddi::copy_from_user_nontemporal(memory, at, length) },
            // SAFETY: as above.
            &|| unsafe { ddi::copy_to_user_nontemporal(at, memory, length) },
            // SAFETY: as above.
            &|| unsafe { ddi::fill_user_memory(at, length, 0x77) },
        ];
        for (index, access) in accesses.iter().enumerate() {
            EXCEPTIONS.set(0);
            assert!(access().is_err());
            assert_eq!(EXCEPTIONS.get(), 1, "{index} {length} {whole}");
        }
    }
}

#[test]
fn a_guard_page_stops_a_backward_move_at_any_byte() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::ReadWrite]);
    for length in [2, 7, 15, 31, 32, 33, 64, 90] {
        for moved in 0..length {
            let from = PAGE + moved - length;
            let before = pages.bytes(PAGE, 200);
            pages.protect(0, Protection::Guard);
            let (target, source) = (pages.pointer(from + 1), pages.pointer(from));
            // SAFETY: pages of this test.
            let met = unsafe { ddi::move_to_user_from_user(target, source, length) };
            let status = NtStatus::GUARD_PAGE_VIOLATION;
            let at = pages.address(PAGE - 1);
            let expected = fault(status, moved, at, Access::Read);
            assert_eq!(met, Err(expected), "{length} {moved}");
            let mut after = before;
            after.copy_within(..moved, 1);
            assert_eq!(pages.bytes(PAGE, 200), after);
        }
    }
}
