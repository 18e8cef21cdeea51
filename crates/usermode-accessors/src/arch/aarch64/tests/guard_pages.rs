//! Guard pages, which are accessed once.

use super::*;

/// Calls `test` with each position, after it has set the exception of each kind of guard page.
fn at_guard_pages(test: impl Fn((usize, usize), &str)) {
    for guard in GUARDS {
        CODE.set(guard.0);
        for position in positions().step_by(3) {
            test(position, &format!("{guard} {position:?}"));
        }
    }
}

#[test]
fn a_guard_page_stops_a_copy_and_a_fill_at_any_byte_and_is_accessed_once() {
    at_guard_pages(|position, case| {
        for (name, copy) in FORWARD {
            let case = format!("{name} {case}");
            let pages = Pages::new([READ, NONE, READ]);
            reading_stops(copy, &pages, position, &case);
            let pages = Pages::new([READ_WRITE, NONE, READ]);
            writing_stops(copy, &pages, position, &case);
        }
        let pages = Pages::new([READ_WRITE, NONE, READ]);
        filling_stops(&pages, position.0, &format!("fill {case}"));
    });
}

#[test]
fn a_guard_page_stops_a_backward_copy_at_any_byte_and_is_accessed_once() {
    at_guard_pages(|position, case| {
        let pages = Pages::new([NONE, READ_WRITE, READ]);
        reading_backward_stops(&pages, position, case);

        let (after, shift) = position;
        let from = numbers(1000, LENGTH + 16);
        let pages = Pages::new([NONE, READ_WRITE, READ]);
        let to = pages.at(PAGE + after - LENGTH);
        let buffer = from[shift..].as_ptr();
        // SAFETY: the buffer is long enough; a fault returns.
        let result = unsafe { guarded_copy_backward(Side::Destination, to, buffer, LENGTH) };
        stopped(result, after, case);
        let end = shift + LENGTH;
        assert_eq!(pages.bytes(PAGE, after), from[end - after..end], "{case}");
        assert_eq!(pages.bytes(0, PAGE), numbers(0, PAGE), "{case}");
    });
}
