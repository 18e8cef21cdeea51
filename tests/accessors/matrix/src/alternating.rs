//! Memory that changes with each access to it, so between any two instructions that look there.
//!
//! | cases | crossed with |
//! | --- | --- |
//! | one value read | every function: what was there, looked at once |
//! | one value written | every function: looked at once |
//! | compared and exchanged | every function: what was there, looked at once |
//! | copied | every function, 1 to 129 bytes; structures to 257: each byte of the one content or the other |
//! | lengths of strings | every function, 16 misalignments: one of the ends that there are |
//! | `UNICODE_STRING`s captured | the descriptor is looked at as often as to be read alone; as long as one of the descriptors says, and nothing behind |

use usermode_accessors::{UserPtr, ddi};

use crate::{
    Arena,
    interlocked::Operation,
    layout::{ALTERNATING, PAGE},
    pointer::from,
    rewritten::{
        COPIED, DESCRIPTOR, LENGTHS, STRING, all_locked, capture, copies, copy, locked, one_value,
        scalars, scan, scans, whole,
    },
    run::Run,
    scalar::Way,
    tally::Checked,
};

/// The longest that is copied: a byte may be an access.
const LONGEST: usize = 257;

/// Accesses that an alternating page has seen.
fn accesses<A: Arena>(run: &Run<'_, A>, page: usize) -> u64 {
    let mut count = [0; 8];
    run.arena.read(page - PAGE, &mut count);
    u64::from_le_bytes(count)
}

/// Every function, with a page that changes with each access.
pub(crate) fn all<A: Arena>(run: &mut Run<'_, A>) -> Checked {
    let page = run.arena.base() + ALTERNATING * PAGE;
    for function in scalars() {
        let before = accesses(run, page);
        let first = one_value(run, function, page)?;
        let made = accesses(run, page) - before;
        if matches!(function.way, Way::Read(_)) {
            run.same(1, made)?;
            run.same(before % 2, u64::from(!first))?;
        } else {
            // And one to look at what was written.
            run.same(2, made)?;
        }
    }
    // The others try until nobody comes between.
    for function in all_locked().filter(|one| one.operation == Operation::CompareExchange) {
        let before = accesses(run, page);
        let first = locked(run, function, page)?;
        run.same(1, accesses(run, page) - before)?;
        run.same(before % 2, u64::from(!first))?;
    }
    for function in copies() {
        let lengths = LENGTHS.iter().filter(|length| **length <= LONGEST);
        for length in lengths.take(function.length.map_or(LENGTHS.len(), |_| 1)) {
            if function.length.is_none_or(|only| only <= LONGEST) {
                copy(run, function, page + COPIED + length % 16, *length)?;
            }
        }
    }
    for function in scans() {
        for shift in 0..16 {
            scan(run, function, page + STRING, shift)?;
        }
    }
    captures(run, page)
}

fn captures<A: Arena>(run: &mut Run<'_, A>, page: usize) -> Checked {
    // As often as it takes to begin with either content.
    for _ in 0..4 {
        let start = accesses(run, page);
        whole(run, || {
            // SAFETY: user memory, checked and guarded.
            unsafe { ddi::read_unicode_string_from_user(from(page + DESCRIPTOR)) }
        })?;
        let read = accesses(run, page);
        capture(run, page)?;
        run.same(read - start, accesses(run, page) - read)?;
        // So that the next round begins with the other content.
        whole(run, || UserPtr::<u8>::new(page).read())?;
    }
    Ok(())
}
