//! Faults in copies of the unusual kinds, on real pages: each stops exactly where the memory does,
//! from whichever end it comes.
#![cfg(windows)]

use usermode_accessors::{Access, Fault, Mode, NtStatus, UnicodeString, UserPtr, UserSlice, ddi};

mod pages;
use pages::{PAGE, Pages, Protection, number};

const UNTOUCHED: u8 = 0;
const NEAR: usize = 40;
const UNREADABLE: [Protection; 2] = [Protection::NoAccess, Protection::Reserved];
const UNWRITABLE: [Protection; 3] = [
    Protection::NoAccess,
    Protection::Reserved,
    Protection::ReadOnly,
];

const fn violation(copied: usize, address: usize, access: Access) -> Result<(), Fault> {
    Err(Fault {
        status: NtStatus::ACCESS_VIOLATION,
        copied,
        address: Some(address),
        access,
        cause: None,
    })
}

/// Clears the end of the first page.
fn clear(pages: &Pages) {
    // SAFETY: pages of this test.
    unsafe { ddi::zero_user_memory(pages.pointer(PAGE - NEAR), NEAR) }.unwrap();
}

#[test]
fn reads_around_the_cache_stop_at_the_byte() {
    for protection in UNREADABLE {
        let pages = Pages::new(&[Protection::ReadOnly, protection]);
        for start in PAGE - NEAR..=PAGE {
            for length in 1..NEAR + 20 {
                for shift in 0..8 {
                    let readable = length.min(PAGE - start);
                    let mut buffer = vec![UNTOUCHED; length + 16];
                    let to =
                        buffer.as_mut_ptr().addr().next_multiple_of(8) - buffer.as_ptr().addr();
                    let to = to + shift;
                    // SAFETY: the buffer has this much room.
                    let outcome = unsafe {
                        ddi::copy_from_user_nontemporal(
                            buffer[to..].as_mut_ptr(),
                            pages.pointer(start),
                            length,
                        )
                    };
                    let expected = if readable == length {
                        Ok(())
                    } else {
                        violation(readable, pages.address(PAGE), Access::Read)
                    };
                    assert_eq!(outcome, expected, "{protection:?} {start} {length} {shift}");
                    let (before, rest) = buffer.split_at(to);
                    let (read, after) = rest.split_at(readable);
                    assert!(before.iter().chain(after).all(|byte| *byte == UNTOUCHED));
                    let expected = (start..start + readable).map(number);
                    assert!(read.iter().copied().eq(expected));
                }
            }
        }
    }
}

#[test]
fn writes_around_the_cache_stop_at_the_byte() {
    let source: Vec<u8> = (0..100).map(|offset| number(offset + 100)).collect();
    for protection in UNWRITABLE {
        let pages = Pages::new(&[Protection::ReadWrite, protection]);
        for start in PAGE - NEAR..=PAGE {
            for shift in 0..8 {
                let length = NEAR + 20;
                let writable = PAGE - start;
                clear(&pages);
                let from = source[shift..].as_ptr();
                // SAFETY: the source is this long.
                let outcome =
                    unsafe { ddi::copy_to_user_nontemporal(pages.pointer(start), from, length) };
                let expected = violation(writable, pages.address(PAGE), Access::Write);
                assert_eq!(outcome, expected, "{protection:?} {start} {shift}");
                let page = pages.bytes(PAGE - NEAR, NEAR);
                let (before, written) = page.split_at(NEAR - writable);
                assert!(before.iter().all(|byte| *byte == UNTOUCHED));
                assert_eq!(written, &source[shift..shift + writable]);
            }
        }
    }
}

#[test]
fn a_copy_between_callers_tells_the_side_that_failed() {
    type Copy = unsafe fn(*mut u8, *const u8, usize) -> Result<(), Fault>;
    // SAFETY: pages of this test; so below.
    let to_mode: Copy =
        |to, from, length| unsafe { ddi::copy_from_user_to_mode(to, from, length, Mode::User) };
    for copy in [
        to_mode,
        ddi::copy_to_user_from_user,
        ddi::move_to_user_from_user,
    ] {
        let source = Pages::new(&[Protection::ReadOnly, Protection::NoAccess]);
        let target = Pages::new(&[Protection::ReadWrite, Protection::ReadOnly]);
        for readable in 0..12 {
            for writable in 0..12 {
                clear(&target);
                let (from, to) = (PAGE - readable, PAGE - writable);
                // SAFETY: as above.
                let outcome = unsafe { copy(target.pointer(to), source.pointer(from), 20) };
                let expected = if readable <= writable {
                    violation(readable, source.address(PAGE), Access::Read)
                } else {
                    violation(writable, target.address(PAGE), Access::Write)
                };
                assert_eq!(outcome, expected);
                let moved = readable.min(writable);
                let page = target.bytes(to, writable);
                assert_eq!(page[..moved], source.bytes(from, moved));
                assert!(page[moved..].iter().all(|byte| *byte == UNTOUCHED));
            }
        }
    }
}

#[test]
fn both_sides_are_checked_before_either_is_touched() {
    let pages = Pages::new(&[Protection::ReadWrite]);
    let kernel = std::ptr::without_provenance_mut::<u8>(0xFFFF_8000_0000_0000);
    let own = pages.pointer(0);
    let refused = |access| violation(0, kernel.addr(), access);
    // SAFETY: refused, or pages of this test; so below.
    let outcome = unsafe { ddi::copy_to_user_from_user(own, kernel, 8) };
    assert_eq!(outcome, refused(Access::Read));
    // SAFETY: as above.
    let outcome = unsafe { ddi::copy_to_user_from_user(kernel, own, 8) };
    assert_eq!(outcome, refused(Access::Write));
    // SAFETY: as above.
    let outcome = unsafe { ddi::move_to_user_from_user(kernel, kernel.wrapping_sub(4), 8) };
    assert_eq!(outcome, violation(0, kernel.addr() - 4, Access::Read));
    // SAFETY: as above.
    let outcome = unsafe { ddi::copy_from_user_to_mode(own, kernel, 8, Mode::Kernel) };
    assert_eq!(outcome, refused(Access::Read));
    let last = std::ptr::without_provenance_mut::<u8>(0x7FFF_FFFE_FFFE);
    // SAFETY: as above.
    let outcome = unsafe { ddi::move_to_user_from_user(last, last.wrapping_sub(2), 4) };
    assert_eq!(outcome, violation(0, last.addr(), Access::Write));
}

#[test]
fn a_backward_move_counts_from_the_end() {
    const LENGTH: usize = 60;
    const SHIFT: usize = 7;
    // The first page cannot be read: the source begins in it, and the destination too, or not.
    for protection in UNREADABLE {
        let pages = Pages::new(&[protection, Protection::ReadWrite]);
        for readable in 0..LENGTH - 1 {
            let before = pages.bytes(PAGE, 2 * LENGTH);
            let source = PAGE + readable - LENGTH;
            let to = pages.pointer(source + SHIFT);
            // SAFETY: pages of this test.
            let outcome = unsafe { ddi::move_to_user_from_user(to, pages.pointer(source), LENGTH) };
            let writable = (readable + SHIFT).min(LENGTH);
            assert!(readable < writable);
            let expected = violation(readable, pages.address(PAGE - 1), Access::Read);
            assert_eq!(outcome, expected, "{readable}");
            // Only the last bytes of the destination have changed, and into the source's.
            let mut expected = before.clone();
            expected.copy_within(..readable, SHIFT);
            assert_eq!(pages.bytes(PAGE, 2 * LENGTH), expected);
        }
    }
    // The first page cannot be written, but read.
    let pages = Pages::new(&[Protection::ReadOnly, Protection::ReadWrite]);
    for writable in 0..LENGTH {
        let before = pages.bytes(PAGE - LENGTH, 3 * LENGTH);
        let target = PAGE + writable - LENGTH;
        let (to, from) = (pages.pointer(target), pages.pointer(target - SHIFT));
        // SAFETY: pages of this test.
        let outcome = unsafe { ddi::move_to_user_from_user(to, from, LENGTH) };
        let expected = violation(writable, pages.address(PAGE - 1), Access::Write);
        assert_eq!(outcome, expected, "{writable}");
        let mut expected = before.clone();
        expected.copy_within(LENGTH - SHIFT..LENGTH - SHIFT + writable, LENGTH);
        assert_eq!(pages.bytes(PAGE - LENGTH, 3 * LENGTH), expected);
    }
}

#[test]
fn a_forward_move_counts_from_the_start() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let before = pages.bytes(PAGE - NEAR, NEAR);
    let from = UserSlice::new(pages.address(PAGE - 20), 30);
    let to = UserSlice::new(pages.address(PAGE - 27), 30);
    let outcome = from.move_to(to);
    assert_eq!(outcome, violation(20, pages.address(PAGE), Access::Read));
    let mut expected = before;
    expected.copy_within(NEAR - 20.., NEAR - 27);
    assert_eq!(pages.bytes(PAGE - NEAR, NEAR), expected);
}

#[test]
fn guard_pages_are_reported_by_every_kind_of_copy() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::ReadWrite]);
    let edge = pages.pointer(PAGE);
    let mut buffer = [UNTOUCHED; 32];
    let expected = |copied, at, access| {
        Err(Fault {
            status: NtStatus::GUARD_PAGE_VIOLATION,
            copied,
            address: Some(at),
            access,
            cause: None,
        })
    };
    pages.protect(1, Protection::Guard);
    let from = edge.wrapping_sub(11);
    // SAFETY: the buffer has the room; pages of this test; so below.
    let outcome = unsafe { ddi::copy_from_user_nontemporal(buffer.as_mut_ptr(), from, 32) };
    assert_eq!(outcome, expected(11, edge.addr(), Access::Read));
    assert!(buffer[11..].iter().all(|byte| *byte == UNTOUCHED));

    pages.protect(1, Protection::Guard);
    let to = edge.wrapping_sub(3);
    // SAFETY: as above.
    let outcome = unsafe { ddi::move_to_user_from_user(to, to.wrapping_sub(1), 8) };
    assert_eq!(outcome, expected(0, edge.addr() + 3, Access::Read));
}

#[test]
fn after_a_fault_both_cursors_stand_behind_what_was_moved() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let mut reader = UserSlice::new(pages.address(PAGE - 9), 20)
        .reader()
        .unwrap();
    let mut writer = UserSlice::new(pages.address(0), 64).writer().unwrap();
    let met = writer.write_from(&mut reader, 20).unwrap_err();
    assert_eq!((met.copied, met.access), (9, Access::Read));
    assert_eq!((reader.position(), writer.position()), (9, 9));
    assert_eq!(pages.bytes(0, 9), pages.bytes(PAGE - 9, 9));
}

#[test]
fn a_capture_reports_how_much_of_the_buffer_it_had() {
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let descriptor = UnicodeString {
        length: 20,
        maximum_length: 20,
        buffer: pages.address(PAGE - 7),
    };
    let at = pages.pointer(64).cast();
    // SAFETY: pages of this test.
    unsafe { ddi::write_unicode_string_to_user(at, descriptor) }.unwrap();
    let mut room = [0; 16];
    let met = UserPtr::<UnicodeString>::new(at.addr())
        .capture(&mut room)
        .unwrap_err();
    let expected = violation(7, pages.address(PAGE), Access::Read);
    assert_eq!(Err(met), expected);
    assert_eq!((room[3] >> 8, room[4]), (0, 0));

    let met = UserPtr::<UnicodeString>::new(pages.address(PAGE - 8)).capture(&mut room);
    let expected = violation(0, pages.address(PAGE), Access::Read);
    assert_eq!(met.map(|_| ()), expected);
}
