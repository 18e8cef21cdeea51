//! Faults of the guarded routines on Linux, with a signal handler in place of Windows's dispatcher.
//!
//! The handler uses the same scopes and calls the same filter. It overwrites every register that an
//! unwind may overwrite, and continues at the landing pad. So these tests show the code of the routine
//! after a fault; they do not show that Windows gets there. Each test sets the exception code. The fault
//! of a guard page opens the page.

mod dispatcher;
mod guard_pages;
mod pages;

use std::{format, string::String, vec, vec::Vec};

use super::copy_backward;
use crate::arch::{
    Side, Trap, Width, guarded_and, guarded_compare_exchange, guarded_copy, guarded_copy_backward,
    guarded_copy_nontemporal, guarded_fill, guarded_or, guarded_read, guarded_read_acquire,
    guarded_scan, guarded_write, guarded_write_release,
};
use dispatcher::{CODE, GUARDS};
use pages::{NONE, PAGE, Pages, READ, READ_WRITE, numbers};

fn stopped(result: Result<(), Trap>, copied: usize, case: &str) {
    let trap = result.expect_err(case);
    assert_eq!(trap.code(), CODE.get(), "{case}");
    assert_eq!(trap.copied(), copied, "{case}");
}

type Copy = unsafe fn(Side, *mut u8, *const u8, usize) -> Result<(), Trap>;

const FORWARD: [(&str, Copy); 2] = [
    ("copy", guarded_copy),
    ("non-temporal", guarded_copy_nontemporal),
];

/// Returns numbers of bytes before the closed page, each with misalignments of the other side.
fn positions() -> impl Iterator<Item = (usize, usize)> {
    (0..=150).flat_map(|before| [0, 1, 7, 8, 13].map(|shift| (before, shift)))
}

const LENGTH: usize = 200;
const UNTOUCHED: u8 = 0xEE;

/// Copies from the end of the first page, `before` bytes before the closed one.
fn reading_stops(copy: Copy, pages: &Pages, (before, shift): (usize, usize), case: &str) {
    let mut to = [UNTOUCHED; LENGTH + 16];
    let from = PAGE - before;
    let buffer = to[shift..].as_mut_ptr();
    // SAFETY: the buffer is long enough; a fault returns.
    let result = unsafe { copy(Side::Source, buffer, pages.at(from), LENGTH) };
    stopped(result, before, case);
    assert_eq!(to[shift..shift + before], numbers(from, before), "{case}");
    let rest = to[..shift].iter().chain(&to[shift + before..]);
    assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");
}

/// Copies to the end of the first page.
fn writing_stops(copy: Copy, pages: &Pages, (before, shift): (usize, usize), case: &str) {
    let from = numbers(1000, LENGTH + 16);
    let to = pages.at(PAGE - before);
    // SAFETY: the buffer is long enough; a fault returns.
    let result = unsafe { copy(Side::Destination, to, from[shift..].as_ptr(), LENGTH) };
    stopped(result, before, case);
    written(pages, &from[shift..shift + before], case);
}

/// Fills the end of the first page.
fn filling_stops(pages: &Pages, before: usize, case: &str) {
    // SAFETY: a fault returns.
    let result = unsafe { guarded_fill(pages.at(PAGE - before), 0, LENGTH) };
    stopped(result, before, case);
    written(pages, &vec![0; before], case);
}

/// Checks that of the first two pages only the last bytes of the first one have changed, to `bytes`.
fn written(pages: &Pages, bytes: &[u8], case: &str) {
    let to = PAGE - bytes.len();
    assert_eq!(pages.bytes(0, to), numbers(0, to), "{case}");
    assert_eq!(pages.bytes(to, bytes.len()), bytes, "{case}");
    assert_eq!(pages.bytes(PAGE, PAGE), numbers(PAGE, PAGE), "{case}");
}

/// Copies backward from the start of the second page, of which `after` bytes are copied.
fn reading_backward_stops(pages: &Pages, (after, shift): (usize, usize), case: &str) {
    let mut to = [UNTOUCHED; LENGTH + 16];
    let from = pages.at(PAGE + after - LENGTH);
    let buffer = to[shift..].as_mut_ptr();
    // SAFETY: the buffer is long enough; a fault returns.
    let result = unsafe { guarded_copy_backward(Side::Source, buffer, from, LENGTH) };
    let address = result.as_ref().map_err(|trap| trap.address());
    let last = pages.at(PAGE - 1).addr();
    assert_eq!(address, Err(Some(last)), "{case}");
    stopped(result, after, case);
    let end = shift + LENGTH;
    assert_eq!(to[end - after..end], numbers(PAGE, after), "{case}");
    let rest = to[..end - after].iter().chain(&to[end..]);
    assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");
}

#[test]
fn a_copy_stops_at_the_byte_that_cannot_be_read() {
    let pages = Pages::new([READ, NONE, READ]);
    for position in positions() {
        for (name, copy) in FORWARD {
            reading_stops(copy, &pages, position, &format!("{name} {position:?}"));
        }
    }
}

#[test]
fn a_copy_and_a_fill_stop_at_the_byte_that_cannot_be_written() {
    for position in positions().step_by(3) {
        for (name, copy) in FORWARD {
            let pages = Pages::new([READ_WRITE, READ, READ]);
            writing_stops(copy, &pages, position, &format!("{name} {position:?}"));
        }
        let pages = Pages::new([READ_WRITE, READ, READ]);
        filling_stops(&pages, position.0, &format!("fill {position:?}"));
    }
}

#[test]
fn a_backward_copy_counts_from_the_end() {
    let pages = Pages::new([NONE, READ_WRITE, READ]);
    for position in positions() {
        reading_backward_stops(&pages, position, &format!("{position:?}"));
    }
}

#[test]
fn a_move_that_faults_has_moved_the_bytes_of_before() {
    for distance in (1..=20).chain([31, 32, 33, 48, 63, 64, 65, 100]) {
        for moved in (0..=130).step_by(5) {
            let case = format!("{distance} {moved}");
            let pages = Pages::new([READ_WRITE, READ, READ]);
            let to = PAGE - moved;
            // SAFETY: a fault returns.
            let result = unsafe {
                guarded_copy(
                    Side::Destination,
                    pages.at(to),
                    pages.at(to + distance),
                    LENGTH,
                )
            };
            stopped(result, moved, &case);
            let expected = numbers(to + distance, moved);
            assert_eq!(pages.bytes(to, moved), expected, "down {case}");

            let pages = Pages::new([READ, READ_WRITE, READ_WRITE]);
            let to = PAGE + moved - LENGTH;
            let from = pages.at(to - distance);
            // SAFETY: a fault returns.
            let result = unsafe { guarded_copy_backward(Side::Both, pages.at(to), from, LENGTH) };
            stopped(result, moved, &case);
            let expected = numbers(PAGE - distance, moved);
            assert_eq!(pages.bytes(PAGE, moved), expected, "up {case}");
        }
    }
}

#[test]
fn a_move_without_a_guard_is_right_at_any_distance() {
    for distance in 1..=100 {
        let pages = Pages::new([READ_WRITE; 3]);
        // SAFETY: all of it is ours.
        unsafe { copy_backward(pages.at(distance), pages.at(0), LENGTH) };
        assert_eq!(
            pages.bytes(distance, LENGTH),
            numbers(0, LENGTH),
            "{distance}"
        );
    }
}

#[test]
fn a_string_is_read_up_to_the_closed_page() {
    let pages = Pages::new([READ, NONE, READ]);
    for (before, wide) in [
        (0, false),
        (1, false),
        (9, false),
        (0, true),
        (2, true),
        (8, true),
    ] {
        // SAFETY: a fault returns.
        let result = unsafe { guarded_scan(pages.at(PAGE - before), 100, wide) };
        stopped(result.map(|_| ()), before, &format!("{before} {wide}"));
    }
}

#[test]
fn an_access_of_one_number_returns_from_its_fault() {
    let pages = Pages::new([READ, NONE, READ]);
    let (there, gone) = (pages.at(8), pages.at(PAGE));
    let mut results: Vec<(String, Result<(), Trap>)> = Vec::new();
    for width in [Width::One, Width::Two, Width::Four, Width::Eight] {
        let mut add = |name: &str, result| results.push((format!("{name} {width:?}"), result));
        // SAFETY: a fault returns; so below.
        add("read", unsafe { guarded_read(gone, width) }.map(|_| ()));
        // SAFETY: as above.
        add(
            "acquire",
            unsafe { guarded_read_acquire(gone, width) }.map(|_| ()),
        );
        // SAFETY: as above.
        add("write", unsafe { guarded_write(there, 1, width) });
        // SAFETY: as above.
        add("release", unsafe { guarded_write_release(there, 1, width) });
    }
    for wide in [false, true] {
        for user in [there, gone] {
            let mut add = |name: &str, result: Result<u64, Trap>| {
                results.push((format!("{name} {wide} {user:?}"), result.map(|_| ())));
            };
            // SAFETY: as above.
            add("and", unsafe { guarded_and(user, 0, wide) });
            // SAFETY: as above.
            add("or", unsafe { guarded_or(user, 0, wide) });
            // SAFETY: as above. What is there is not 0, so nothing would be exchanged.
            add("compare", unsafe {
                guarded_compare_exchange(user, 1, 0, wide)
            });
        }
    }
    for (case, result) in results {
        stopped(result, 0, &case);
    }
    assert_eq!(pages.bytes(0, PAGE), numbers(0, PAGE));
}
