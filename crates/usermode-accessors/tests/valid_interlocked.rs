//! Interlocked operations on memory that is there: what they store, what they answer, and that no
//! change is lost when two threads make them.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use usermode_accessors::{Access, Fault, Interlocked, Mode, NtStatus, UserPtr, ddi};

mod processors;

const MODES: [Mode; 2] = [Mode::User, Mode::Kernel];

/// One value of the heap between two others, so that too wide a store shows.
struct Place<T>(Box<[T; 3]>);

impl<T: Copy + PartialEq + Debug> Place<T> {
    fn new(value: T, around: T) -> Self {
        Self(Box::new([around, value, around]))
    }

    fn pointer(&mut self) -> *mut T {
        (&raw mut *self.0).cast::<T>().wrapping_add(1)
    }

    fn holds(&self, value: T, around: T) {
        assert_eq!(*self.0, [around, value, around]);
    }
}

type Operation<T> = unsafe fn(*mut T, T, Mode) -> Result<T, Fault>;

/// Tries the three operations of one type on one value, by the generic layer.
fn generic<T: Interlocked + PartialEq + Debug>(old: T, value: T, and: T, or: T, around: T) {
    for mode in MODES {
        let mut place = Place::new(old, around);
        // SAFETY: the place is this test's alone.
        let at = |place: &mut Place<T>| unsafe {
            UserPtr::<T>::for_mode(place.pointer().expose_provenance(), mode)
        };
        assert_eq!(at(&mut place).fetch_and(value), Ok(old));
        place.holds(and, around);
        let mut place = Place::new(old, around);
        assert_eq!(at(&mut place).fetch_or(value), Ok(old));
        place.holds(or, around);
        let mut place = Place::new(old, around);
        assert_eq!(at(&mut place).compare_exchange(value, and), Ok(old));
        place.holds(old, around);
        assert_eq!(at(&mut place).compare_exchange(old, value), Ok(old));
        place.holds(value, around);
    }
}

#[test]
fn operations_store_and_tell_what_was_there() {
    let (old, value) = (0xF0F0_1234_u32, 0xFF00_00FF_u32);
    generic(old, value, old & value, old | value, 0x5555_5555);
    generic(0, value, 0, value, 0x5555_5555);
    let (old, value) = (old.cast_signed(), value.cast_signed());
    generic(old, value, old & value, old | value, 0x5555_5555);
    let (old, value) = (0xF0F0_1234_8765_4321_u64, 0xFF00_00FF_00FF_FF00_u64);
    generic(old, value, old & value, old | value, 0x5555_5555_5555_5555);
    let (old, value) = (old.cast_signed(), value.cast_signed());
    generic(old, value, old & value, old | value, 0x5555_5555_5555_5555);
    // Equal in the low half only.
    let (old, other) = (0x1_0000_0007_u64, 0x2_0000_0007_u64);
    generic(old, other, old & other, old | other, 0);
}

#[test]
fn functions_take_their_arguments_in_microsofts_order() {
    let (old, value) = (0x0F0F_1234, 0x7F00_00FF);
    let (old64, value64) = (0x0F0F_1234_8765_4321, 0x7F00_00FF_00FF_FF00);
    for mode in MODES {
        // SAFETY: the places are this test's alone; so below.
        let each: [(Operation<i32>, i32); 2] = [
            (ddi::interlocked_and_to_mode, old & value),
            (ddi::interlocked_or_to_mode, old | value),
        ];
        for (operation, after) in each {
            let mut place = Place::new(old, 0);
            // SAFETY: as above.
            let original = unsafe { operation(place.pointer(), value, mode) };
            assert_eq!(original, Ok(old));
            place.holds(after, 0);
        }
        let each: [(Operation<i64>, i64); 2] = [
            (ddi::interlocked_and64_to_mode, old64 & value64),
            (ddi::interlocked_or64_to_mode, old64 | value64),
        ];
        for (operation, after) in each {
            let mut place = Place::new(old64, 0);
            // SAFETY: as above.
            let original = unsafe { operation(place.pointer(), value64, mode) };
            assert_eq!(original, Ok(old64));
            place.holds(after, 0);
        }
        let mut place = Place::new(old, 0);
        // SAFETY: as above.
        let original =
            unsafe { ddi::interlocked_compare_exchange_to_mode(place.pointer(), value, old, mode) };
        assert_eq!(original, Ok(old));
        place.holds(value, 0);
        let mut place = Place::new(old64, 0);
        // SAFETY: as above.
        let original = unsafe {
            ddi::interlocked_compare_exchange64_to_mode(place.pointer(), value64, old64, mode)
        };
        assert_eq!(original, Ok(old64));
        place.holds(value64, 0);
    }

    let mut place = Place::new(old, 0);
    // SAFETY: as above.
    let original = unsafe { ddi::interlocked_and_to_user(place.pointer(), value) };
    assert_eq!(original, Ok(old));
    // SAFETY: as above.
    let original = unsafe { ddi::interlocked_or_to_user(place.pointer(), 0x100) };
    assert_eq!(original, Ok(old & value));
    let now = (old & value) | 0x100;
    // SAFETY: as above.
    let original = unsafe { ddi::interlocked_compare_exchange_to_user(place.pointer(), 5, now) };
    assert_eq!(original, Ok(now));
    place.holds(5, 0);

    let mut place = Place::new(old64, 0);
    // SAFETY: as above.
    let original = unsafe { ddi::interlocked_and64_to_user(place.pointer(), value64) };
    assert_eq!(original, Ok(old64));
    // SAFETY: as above.
    let original = unsafe { ddi::interlocked_or64_to_user(place.pointer(), 0x100) };
    assert_eq!(original, Ok(old64 & value64));
    let now = (old64 & value64) | 0x100;
    // SAFETY: as above.
    let original = unsafe { ddi::interlocked_compare_exchange64_to_user(place.pointer(), 5, now) };
    assert_eq!(original, Ok(now));
    place.holds(5, 0);
}

#[test]
fn natural_alignment_is_demanded_in_either_mode() {
    fn demands<T: Interlocked + PartialEq + Debug>(value: T) {
        let room = Box::new([0x5A_u8; 32]);
        let start = room.as_ptr().expose_provenance().next_multiple_of(8);
        for mode in MODES {
            for offset in (1..size_of::<T>()).chain(9..8 + size_of::<T>()) {
                let address = start + offset;
                let refused = Err(Fault {
                    status: NtStatus::DATATYPE_MISALIGNMENT,
                    copied: 0,
                    address: Some(address),
                    access: Access::Write,
                    cause: None,
                });
                // SAFETY: inside the room, should the check be missing.
                let at = || unsafe { UserPtr::<T>::for_mode(address, mode) };
                assert_eq!(at().fetch_and(value), refused, "{offset}");
                assert_eq!(at().fetch_or(value), refused, "{offset}");
                assert_eq!(at().compare_exchange(value, value), refused, "{offset}");
            }
        }
        assert_eq!(*room, [0x5A; 32]);
    }
    demands(7_u32);
    demands(7_i64);
}

#[test]
fn only_user_memory_will_do_and_alignment_comes_first() {
    for (address, status) in [
        (0x7FFF_FFFF_0000, NtStatus::ACCESS_VIOLATION),
        (0xFFFF_8000_0000_0000, NtStatus::ACCESS_VIOLATION),
        (0xFFFF_FFFF_FFFF_FFF8, NtStatus::ACCESS_VIOLATION),
        (0xFFFF_8000_0000_0001, NtStatus::DATATYPE_MISALIGNMENT),
    ] {
        let status_of = |outcome: Result<u64, Fault>| outcome.unwrap_err().status;
        let at = || UserPtr::<u64>::new(address);
        assert_eq!(status_of(at().fetch_and(0)), status);
        assert_eq!(status_of(at().fetch_or(0)), status);
        assert_eq!(status_of(at().compare_exchange(0, 0)), status);
    }
}

/// How often each of two threads must see the other at work, for the two to have met at all.
const MEETINGS: usize = 2_000;

/// Every so many rounds, a thread that shares its processor with the other lets that have it: in the
/// midst of an operation of two steps, and half-way to the next time between two.
const PATIENCE: usize = 64;

/// Two threads set and clear bits of their own in one value. Each must find its bit as it left it
/// every time: a store that was not indivisible would undo the other's.
fn contention<T: Interlocked + Send>(
    bits: [T; 2],
    masks: [T; 2],
    is_set: impl Fn(T, T) -> bool + Send + Copy,
    zero: T,
) {
    const ROUNDS: usize = 100_000;
    let value = Box::new([zero; 2]);
    let address = value.as_ptr().expose_provenance().next_multiple_of(8);
    let done = AtomicUsize::new(0);
    let share = processors::count() < 2;
    thread::scope(|scope| {
        for (processor, own, other) in [(0, 0, 1), (1, 1, 0)] {
            let (bit, mask, others) = (bits[own], masks[own], bits[other]);
            let done = &done;
            scope.spawn(move || {
                processors::take(processor);
                let (mut rounds, mut meetings, mut seen) = (0, 0, false);
                let mut finished = false;
                // Each goes on until both have had enough, so that neither works alone.
                while done.load(Relaxed) < 2 {
                    let before = UserPtr::<T>::new(address).fetch_or(bit).unwrap();
                    let found = is_set(before, bit);
                    if share && rounds % PATIENCE == 0 {
                        thread::yield_now();
                    }
                    let after = UserPtr::<T>::new(address).fetch_and(mask).unwrap();
                    let kept = is_set(after, bit);
                    if found || !kept {
                        done.store(2, Relaxed);
                        panic!("round {rounds}: a bit of this thread's was changed");
                    }
                    rounds += 1;
                    if share && rounds % PATIENCE == PATIENCE / 2 {
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

/// Two threads count in one value by comparing and exchanging, until they have got in each other's
/// way often enough.
fn counting<T: Interlocked + PartialEq>(zero: T, successor: impl Fn(T) -> T + Sync) -> (T, usize) {
    const ROUNDS: usize = 50_000;
    let value = Box::new([zero; 2]);
    let address = value.as_ptr().expose_provenance().next_multiple_of(8);
    let (failures, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let share = processors::count() < 2;
    let count = &|processor| {
        processors::take(processor);
        let mut rounds = 0;
        while rounds < ROUNDS || failures.load(Relaxed) < MEETINGS {
            let mut seen = UserPtr::<T>::new(address).read().unwrap();
            if share && rounds % PATIENCE == 0 {
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
fn two_threads_count_by_comparing() {
    let (last, total) = counting(0_u64, |value| value + 1);
    assert_eq!(usize::try_from(last), Ok(total));
    let (last, total) = counting(0_u32, |value| value + 1);
    assert_eq!(usize::try_from(last), Ok(total));
}

#[test]
fn what_is_released_is_acquired() {
    let value = Box::new(0_u64);
    let address = (&raw const *value).expose_provenance();
    UserPtr::<u64>::new(address).write_release(1).unwrap();
    assert_eq!(UserPtr::<u64>::new(address).read_acquire(), Ok(1));
}
