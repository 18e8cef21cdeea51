//! Copies while another thread closes and opens their pages, or writes to them. A copy is complete, or
//! stops with an exact count.
#![cfg(windows)]

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use usermode_accessors::{Access, Fault, NtStatus, UserSlice, ddi};

mod pages;
mod processors;
use pages::{PAGE, Pages, Protection};

const UNTOUCHED: u8 = 0;
/// The least number of copies. More are made until every result has occurred.
const ROUNDS: usize = 5_000;

/// Pages that two threads use.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a Pages);

impl<'a> Shared<'a> {
    const fn pages(self) -> &'a Pages {
        self.0
    }
}

// SAFETY: protecting pages and asking for their addresses may be done from any thread.
unsafe impl Sync for Shared<'_> {}
// SAFETY: as above.
unsafe impl Send for Shared<'_> {}

/// Ends the other thread, also if an assertion of this thread fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `test` while another thread repeats `disturb`.
fn while_disturbed(pages: &Pages, disturb: impl Fn(&Pages) + Sync, test: impl FnOnce()) {
    let done = AtomicBool::new(false);
    let shared = Shared(pages);
    thread::scope(|scope| {
        scope.spawn(|| {
            processors::bind_to(1);
            while !done.load(Ordering::Relaxed) {
                disturb(shared.pages());
            }
        });
        let _done = SetOnDrop(&done);
        processors::bind_to(0);
        test();
    });
}

/// Lengths for each class of a copy.
const LENGTHS: [usize; 10] = [3, 7, 16, 31, 60, 90, 120, 250, 700, 1500];

#[test]
fn a_destination_that_changes_holds_the_counted_bytes_and_no_more() {
    type Write = fn(*mut u8, usize) -> Result<(), Fault>;
    static SOURCE: [u8; 2048] = [0x77; 2048];
    let writes: [Write; 3] = [
        // SAFETY: the source is longer than any length; so below.
        |to, length| unsafe { ddi::copy_to_user(to, SOURCE.as_ptr(), length) },
        // SAFETY: as above.
        |to, length| unsafe { ddi::copy_to_user_nontemporal(to, SOURCE.as_ptr(), length) },
        // SAFETY: as above.
        |to, length| unsafe { ddi::fill_user_memory(to, length, 0x77) },
    ];
    for write in writes {
        // Both pages are always readable. Both, one, or none of them is writable.
        let pages = Pages::new(&[Protection::ReadWrite, Protection::ReadWrite]);
        let disturb = |pages: &Pages| {
            for (page, protection) in [
                (0, Protection::ReadOnly),
                (1, Protection::ReadOnly),
                (0, Protection::ReadWrite),
                (1, Protection::ReadWrite),
            ] {
                pages.protect(page, protection);
            }
        };
        while_disturbed(&pages, disturb, || {
            let (mut round, mut whole, mut partial, mut none) = (0, 0, 0, 0);
            while round < ROUNDS || whole == 0 || partial == 0 || none == 0 {
                round += 1;
                let length = LENGTHS[round % LENGTHS.len()];
                let start = PAGE - 1 - round % (length - 1);
                // Clears the range, which may take several attempts.
                // SAFETY: pages of this test.
                while unsafe { ddi::zero_user_memory(pages.pointer(start - 8), length + 16) }
                    .is_err()
                {}
                let result = write(pages.pointer(start), length);
                let written = pages.bytes(start - 8, length + 16);
                let copied = match result {
                    Ok(()) => length,
                    Err(fault) => {
                        assert_eq!(fault.status, NtStatus::ACCESS_VIOLATION);
                        assert_eq!(fault.access, Access::Write);
                        fault.copied
                    }
                };
                match copied {
                    0 => none += 1,
                    _ if copied == length => whole += 1,
                    _ => partial += 1,
                }
                let place = (round, length, start, copied);
                let (before, rest) = written.split_at(8);
                let (there, after) = rest.split_at(copied);
                assert!(there.iter().all(|byte| *byte == 0x77), "{place:?}");
                let mut untouched = before.iter().chain(after);
                assert!(untouched.all(|byte| *byte == UNTOUCHED), "{place:?}");
            }
        });
    }
}

#[test]
fn captured_bytes_do_not_change_with_their_source() {
    let pages = Pages::new(&[Protection::ReadWrite]);
    let disturb = |pages: &Pages| {
        for byte in [0xAA, 0x55] {
            // SAFETY: pages of this test, to which no reference exists.
            unsafe { ddi::fill_user_memory(pages.pointer(0), 2048, byte) }.unwrap();
        }
    };
    disturb(&pages);
    while_disturbed(&pages, disturb, || {
        let (mut round, mut torn, mut seen) = (0, 0, [false; 2]);
        while round < ROUNDS || seen != [true; 2] {
            round += 1;
            let length = LENGTHS[round % LENGTHS.len()];
            let mut captured = vec![UNTOUCHED; length];
            UserSlice::new(pages.address(round % 64), length)
                .reader()
                .unwrap()
                .read(&mut captured)
                .unwrap();
            let copy = captured.clone();
            assert!(copy.iter().all(|byte| [0xAA, 0x55].contains(byte)));
            seen[usize::from(copy[0] == 0x55)] = true;
            torn += usize::from(copy.iter().any(|byte| *byte != copy[0]));
            // The other thread continues; the captured bytes do not change.
            let now = pages.bytes(0, 1)[0];
            for _ in 0..50 {
                if pages.bytes(0, 1)[0] != now {
                    break;
                }
                thread::yield_now();
            }
            assert_eq!(black_box(&captured), &copy);
        }
        black_box(torn);
    });
}
