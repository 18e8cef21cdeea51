//! A page that becomes read-only between two instructions of an access: what was written is what is
//! counted.

use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

use super::{single_step::stepped, smap::processor_alone};
use crate::{
    Fault, ddi,
    pages::{PAGE, Pages, Protection, UNTOUCHED},
};

const BYTE: u8 = 0x77;
static SOURCE: [u8; 256] = [BYTE; 256];

/// The page, and the instructions until it becomes read-only.
static CLOSING: AtomicPtr<Pages> = AtomicPtr::new(core::ptr::null_mut());
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Writes so many bytes after `instructions` single steps of which the page becomes read-only. Returns the
/// bytes that are counted.
fn written(
    pages: &mut Pages,
    instructions: usize,
    write: impl FnOnce() -> Result<(), Fault>,
) -> Option<usize> {
    CLOSING.store(pages, SeqCst);
    LEFT.store(instructions, SeqCst);
    let result = stepped(
        |_| {
            let left = LEFT.load(SeqCst);
            if left == 0 {
                // SAFETY: the test has the pages until the steps have ended.
                unsafe { &*CLOSING.load(SeqCst) }.protect(0, Protection::ReadOnly);
            }
            LEFT.store(left.wrapping_sub(1), SeqCst);
            left != 0
        },
        write,
    );
    result.err().map(|fault| fault.copied)
}

#[test]
fn what_is_written_before_a_page_closes_is_what_is_counted() {
    type Write = fn(*mut u8, usize) -> Result<(), Fault>;
    let writes: [Write; 3] = [
        // SAFETY: the source is longer than any length; so below.
        |to, length| unsafe { ddi::copy_to_user(to, SOURCE.as_ptr(), length) },
        // SAFETY: as above.
        |to, length| unsafe { ddi::copy_to_user_nontemporal(to, SOURCE.as_ptr(), length) },
        // SAFETY: as above.
        |to, length| unsafe { ddi::fill_user_memory(to, length, BYTE) },
    ];
    let mut pages = Pages::new(&[Protection::ReadWrite]);
    let _alone = processor_alone(false);
    for (kind, write) in writes.into_iter().enumerate() {
        for length in [31, 60, 90, 120, 250] {
            for start in [0, 8, 13] {
                let mut partial = false;
                for instructions in 0.. {
                    pages.protect(0, Protection::ReadWrite);
                    // SAFETY: a page of this test, to which no reference exists.
                    unsafe { pages.pointer(0).write_bytes(UNTOUCHED, PAGE) };
                    let to = pages.pointer(start);
                    let counted = written(&mut pages, instructions, || write(to, length));
                    let Some(counted) = counted else { break };
                    let bytes = pages.bytes(0, PAGE);
                    let place = (kind, length, start, instructions, counted);
                    let is_written = |byte: &u8| *byte == BYTE;
                    assert!(
                        bytes[start..start + counted].iter().all(is_written),
                        "{place:?}"
                    );
                    assert_eq!(
                        bytes.iter().filter(|byte| is_written(byte)).count(),
                        counted,
                        "{place:?}"
                    );
                    partial |= counted != 0;
                }
                assert!(partial, "{kind} {length} {start}");
            }
        }
    }
}
