//! Guard pages, which are accessed once.

use super::*;

#[test]
fn a_guard_page_stops_a_copy_and_a_fill_at_any_byte_and_is_accessed_once() {
    for (guard, (before, shift)) in GUARDS.into_iter().flat_map(|guard| {
        positions()
            .step_by(3)
            .map(move |position| (guard, position))
    }) {
        CODE.set(guard.0);
        let at = PAGE - before;
        let other = numbers(1000, LENGTH + 16);
        for (name, copy) in FORWARD {
            let case = format!("{name} {guard} {before} {shift}");
            let mut to = [UNTOUCHED; LENGTH + 16];
            let pages = Pages::new([READ, NONE, READ]);
            // SAFETY: the buffer is long enough; a fault returns.
            let result =
                unsafe { copy(Side::Source, to[shift..].as_mut_ptr(), pages.at(at), LENGTH) };
            stopped(result, before, &case);
            assert_eq!(to[shift..shift + before], numbers(at, before), "{case}");
            let rest = to[..shift].iter().chain(&to[shift + before..]);
            assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");

            let pages = Pages::new([READ_WRITE, NONE, READ]);
            // SAFETY: the buffer is long enough; a fault returns.
            let result = unsafe {
                copy(
                    Side::Destination,
                    pages.at(at),
                    other[shift..].as_ptr(),
                    LENGTH,
                )
            };
            stopped(result, before, &case);
            let written = pages.bytes(at, before);
            assert_eq!(written, other[shift..shift + before], "{case}");
            assert_eq!(pages.bytes(PAGE, PAGE), numbers(PAGE, PAGE), "{case}");
        }
        let pages = Pages::new([READ_WRITE, NONE, READ]);
        // SAFETY: a fault returns.
        let result = unsafe { guarded_fill(pages.at(at), 0, LENGTH) };
        stopped(result, before, &format!("fill {guard} {before}"));
        assert_eq!(pages.bytes(at, before), vec![0; before]);
        assert_eq!(pages.bytes(PAGE, PAGE), numbers(PAGE, PAGE));
    }
}

#[test]
fn a_guard_page_stops_a_backward_copy_at_any_byte_and_is_accessed_once() {
    for (guard, (after, shift)) in GUARDS.into_iter().flat_map(|guard| {
        positions()
            .step_by(3)
            .map(move |position| (guard, position))
    }) {
        CODE.set(guard.0);
        let case = format!("{guard} {after} {shift}");
        let at = PAGE + after - LENGTH;
        let mut to = [UNTOUCHED; LENGTH + 16];
        let pages = Pages::new([NONE, READ_WRITE, READ]);
        // SAFETY: the buffer is long enough; a fault returns.
        let result = unsafe {
            guarded_copy_backward(Side::Source, to[shift..].as_mut_ptr(), pages.at(at), LENGTH)
        };
        let last = pages.at(PAGE - 1).addr();
        let address = result.as_ref().map_err(|trap| trap.address());
        assert_eq!(address, Err(Some(last)), "{case}");
        stopped(result, after, &case);
        let end = shift + LENGTH;
        assert_eq!(to[end - after..end], numbers(PAGE, after), "{case}");
        let rest = to[..end - after].iter().chain(&to[end..]);
        assert!(rest.copied().all(|byte| byte == UNTOUCHED), "{case}");

        let from = numbers(1000, LENGTH + 16);
        let pages = Pages::new([NONE, READ_WRITE, READ]);
        // SAFETY: the buffer is long enough; a fault returns.
        let result = unsafe {
            guarded_copy_backward(
                Side::Destination,
                pages.at(at),
                from[shift..].as_ptr(),
                LENGTH,
            )
        };
        stopped(result, after, &case);
        assert_eq!(pages.bytes(PAGE, after), from[end - after..end], "{case}");
        assert_eq!(pages.bytes(0, PAGE), numbers(0, PAGE), "{case}");
    }
}
