//! Memory that changes after each instruction that accesses it.
//!
//! | cases | checks |
//! | --- | --- |
//! | one value is read | every function: the value was there, and is accessed once |
//! | one value is written | every function: it is accessed once |
//! | compare and exchange | every function: the value was there, and is accessed once |
//! | copies | every function, 1 to 129 bytes, structures to 257: each byte is of one content or the other |
//! | lengths of strings | every function, 16 misalignments: the length is that of one of the contents |
//! | captures of a `UNICODE_STRING` | the descriptor is accessed as often as when it is only read; the length is that of one descriptor; no byte after it is written |

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

/// The greatest length of a copy: each byte may be one access.
const LONGEST: usize = 257;

/// Returns the number of accesses to an alternating page.
fn accesses<A: Arena>(run: &Run<'_, A>, page: usize) -> u64 {
    let mut count = [0; 8];
    run.arena.read(page - PAGE, &mut count);
    u64::from_le_bytes(count)
}

/// Runs the cases of every function.
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
            // The second access reads the written value.
            run.same(2, made)?;
        }
    }
    // The other operations repeat until no change comes between.
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
    // Often enough to begin with each content.
    for _ in 0..4 {
        let start = accesses(run, page);
        whole(run, || {
            // SAFETY: user memory, checked and guarded.
            unsafe { ddi::read_unicode_string_from_user(from(page + DESCRIPTOR)) }
        })?;
        let read = accesses(run, page);
        capture(run, page)?;
        run.same(read - start, accesses(run, page) - read)?;
        // The next round begins with the other content.
        whole(run, || UserPtr::<u8>::new(page).read())?;
    }
    Ok(())
}
