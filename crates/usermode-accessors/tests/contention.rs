//! Interlocked operations of two threads on one value: no change is lost.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use usermode_accessors::{Interlocked, UserPtr};

mod processors;

/// How often each of two threads must see a change by the other.
const MEETINGS: usize = 2_000;

/// After how many rounds a thread that shares its processor yields: once within an operation of two
/// steps, and once between two operations.
const ROUNDS_TO_YIELD: usize = 64;

/// Runs two threads that set and clear a bit each in one value. Each must find its bit as it left
/// it: a store that is not atomic would undo the change of the other.
fn contention<T: Interlocked + Send>(
    bits: [T; 2],
    masks: [T; 2],
    is_set: impl Fn(T, T) -> bool + Send + Copy,
    zero: T,
) {
    const ROUNDS: usize = 100_000;
    // SAFETY: only the accessors use the value.
    unsafe { usermode_accessors::allow_in_user_mode() };
    let value = Box::new([zero; 2]);
    let address = value.as_ptr().expose_provenance().next_multiple_of(8);
    let done = AtomicUsize::new(0);
    let share = processors::count() < 2;
    thread::scope(|scope| {
        for (processor, own, other) in [(0, 0, 1), (1, 1, 0)] {
            let (bit, mask, others) = (bits[own], masks[own], bits[other]);
            let done = &done;
            scope.spawn(move || {
                processors::bind_to(processor);
                let (mut rounds, mut meetings, mut seen) = (0, 0, false);
                let mut finished = false;
                // Both continue until both have finished, so that neither works alone.
                while done.load(Relaxed) < 2 {
                    let before = UserPtr::<T>::new(address).fetch_or(bit).unwrap();
                    let found = is_set(before, bit);
                    if share && rounds % ROUNDS_TO_YIELD == 0 {
                        thread::yield_now();
                    }
                    let after = UserPtr::<T>::new(address).fetch_and(mask).unwrap();
                    let kept = is_set(after, bit);
                    if found || !kept {
                        done.store(2, Relaxed);
                        panic!("round {rounds}: the other thread changed the bit of this one");
                    }
                    rounds += 1;
                    if share && rounds % ROUNDS_TO_YIELD == ROUNDS_TO_YIELD / 2 {
                        thread::yield_now();
                    }
                    meetings += usize::from(is_set(before, others) != seen);
                    seen = is_set(before, others);
                    if !finished && rounds >= ROUNDS && meetings >= MEETINGS {
                        finished = true;
                        done.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    let last = UserPtr::<T>::new(address).read().unwrap();
    assert!(!is_set(last, bits[0]) && !is_set(last, bits[1]));
}

#[test]
fn no_change_is_lost_between_two_threads() {
    contention([1, 2], [!1, !2], |value: u32, bit| value & bit != 0, 0);
    let high = 1 << 63;
    contention(
        [1, high],
        [!1, !high],
        |value: u64, bit| value & bit != 0,
        0,
    );
}

/// Runs two threads that count in one value by compare and exchange, until enough comparisons have
/// failed. Returns the value and the number of increments.
fn counting<T: Interlocked + PartialEq>(zero: T, successor: impl Fn(T) -> T + Sync) -> (T, usize) {
    const ROUNDS: usize = 50_000;
    // SAFETY: only the accessors use the value.
    unsafe { usermode_accessors::allow_in_user_mode() };
    let value = Box::new([zero; 2]);
    let address = value.as_ptr().expose_provenance().next_multiple_of(8);
    let (failures, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let share = processors::count() < 2;
    let count = &|processor| {
        processors::bind_to(processor);
        let mut rounds = 0;
        while rounds < ROUNDS || failures.load(Relaxed) < MEETINGS {
            let mut seen = UserPtr::<T>::new(address).read().unwrap();
            if share && rounds % ROUNDS_TO_YIELD == 0 {
                thread::yield_now();
            }
            loop {
                let at = UserPtr::<T>::new(address);
                let original = at.compare_exchange(seen, successor(seen)).unwrap();
                if original == seen {
                    break;
                }
                failures.fetch_add(1, Relaxed);
                seen = original;
            }
            rounds += 1;
        }
        total.fetch_add(rounds, Relaxed);
    };
    thread::scope(|scope| {
        for processor in 0..2 {
            scope.spawn(move || count(processor));
        }
    });
    let last = UserPtr::<T>::new(address).read_acquire().unwrap();
    (last, total.into_inner())
}

#[test]
fn two_threads_count_by_compare_and_exchange() {
    let (last, total) = counting(0_u64, |value| value + 1);
    assert_eq!(usize::try_from(last), Ok(total));
    let (last, total) = counting(0_u32, |value| value + 1);
    assert_eq!(usize::try_from(last), Ok(total));
}
