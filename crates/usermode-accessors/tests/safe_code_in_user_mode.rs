//! A program of user mode without `unsafe` can change nothing through the safe types, and reads nothing.
#![forbid(unsafe_code)]

use usermode_accessors::{Access, Fault, NtStatus, UnicodeString, UserPtr, UserSlice};

/// What no test may change.
const VALUE: u64 = 0x5A5A_5A5A_5A5A_5A5A;

/// Runs `attempt` with the address of an object, which must refuse and leave the object as it was.
#[track_caller]
fn is_refused<T>(access: Access, attempt: impl FnOnce(usize) -> Result<T, Fault>) {
    let object = Box::new(VALUE);
    let address = (&raw const *object).expose_provenance();
    let refused = Fault::new(NtStatus::NOT_SUPPORTED, 0, Some(address), access);
    assert_eq!(attempt(address).err(), Some(refused));
    assert_eq!(*object, VALUE);
}

#[test]
fn a_slice_becomes_neither_reader_nor_writer() {
    is_refused(Access::Read, |at| UserSlice::new(at, 8).reader());
    is_refused(Access::Read, |at| UserSlice::new(at, 8).reader_aligned(8));
    is_refused(Access::Read, |at| UserSlice::new(at, 8).reader_and_writer());
    is_refused(Access::Write, |at| UserSlice::new(at, 8).writer());
    is_refused(Access::Write, |at| UserSlice::new(at, 8).writer_aligned(8));
    is_refused(Access::Read, |at| {
        UserSlice::new(at, 4).move_to(UserSlice::new(at + 4, 4))
    });
}

#[test]
fn the_length_of_a_slice_makes_no_difference() {
    is_refused(Access::Write, |at| UserSlice::new(at, 0).writer());
    is_refused(Access::Write, |at| UserSlice::new(at, usize::MAX).writer());
}

#[test]
fn a_pointer_neither_reads_nor_writes() {
    let pointer = UserPtr::<u64>::new;
    is_refused(Access::Read, |at| pointer(at).read());
    is_refused(Access::Read, |at| pointer(at).read_acquire());
    is_refused(Access::Write, |at| pointer(at).write(1));
    is_refused(Access::Write, |at| pointer(at).write_release(1));
    is_refused(Access::Write, |at| pointer(at).fetch_and(1));
    is_refused(Access::Write, |at| pointer(at).fetch_or(1));
    is_refused(Access::Write, |at| pointer(at).compare_exchange(VALUE, 1));
}

#[test]
fn a_string_is_not_read() {
    is_refused(Access::Read, |at| UserPtr::<u8>::new(at).string_length());
    is_refused(Access::Read, |at| {
        UserPtr::<u16>::new(at).string_length_within(4)
    });
    is_refused(Access::Read, |at| {
        UserPtr::<UnicodeString>::new(at)
            .capture(&mut [0; 8])
            .map(drop)
    });
}
