//! The checks of an address, compared with a model in wider arithmetic.
#![cfg(not(windows))]

use proptest::prelude::*;
use usermode_accessors::{
    Access, Fault, Mode, NtStatus, UserPtr, UserSlice,
    probe::{self, FOUR_LEVEL_LIMIT},
};

const LIMIT: u128 = 0x7FFF_FFFF_0000;

/// Numbers around every limit, and any other number.
fn word() -> impl Strategy<Value = usize> {
    let near =
        |edge: usize| (0..300_usize).prop_map(move |off| edge.wrapping_add(off).wrapping_sub(150));
    prop_oneof![
        near(0),
        near(FOUR_LEVEL_LIMIT),
        near(0x8000_0000_0000),
        near(0xFFFF_8000_0000_0000),
        any::<usize>(),
        (0..FOUR_LEVEL_LIMIT),
        (0..64_usize),
    ]
}

const fn expected(address: usize, length: usize, alignment: usize) -> Result<(), NtStatus> {
    if length == 0 {
        Ok(())
    } else if alignment.count_ones() != 1 {
        Err(NtStatus::INVALID_PARAMETER)
    } else if !address.is_multiple_of(alignment) {
        Err(NtStatus::DATATYPE_MISALIGNMENT)
    } else if address as u128 + length as u128 > LIMIT {
        Err(NtStatus::ACCESS_VIOLATION)
    } else {
        Ok(())
    }
}

fn alignment() -> impl Strategy<Value = usize> {
    prop_oneof![
        (0..64_u32).prop_map(|bit| 1 << bit),
        (0..6_u32).prop_map(|bit| 1 << bit),
        word()
    ]
}

/// Lets the safe types work in this process.
fn allow_here() {
    // SAFETY: this program reads a boxed number, and writes nothing.
    unsafe { usermode_accessors::allow_in_user_mode() };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_checks_agree_with_the_model(address in word(), length in word(), alignment in alignment()) {
        prop_assert_eq!(probe::check(address, length, alignment), expected(address, length, alignment));
        prop_assert_eq!(probe::check_range(address, length), expected(address, length, 1));
        let only_alignment = if length == 0 { Ok(()) } else { expected(address, 1, alignment) };
        if only_alignment != Err(NtStatus::ACCESS_VIOLATION) {
            prop_assert_eq!(probe::check_alignment(address, length, alignment), only_alignment);
        }
    }

    #[test]
    fn readers_and_writers_are_made_by_the_checks(address in word(), length in word(), alignment in alignment()) {
        allow_here();
        let refused = |access| {
            expected(address, length, alignment)
                .map_err(|status| Fault::new(status, 0, Some(address), access))
        };
        let reader = UserSlice::new(address, length).reader_aligned(alignment);
        prop_assert_eq!(reader.as_ref().map(|_| ()).map_err(|fault| *fault), refused(Access::Read));
        if let Ok(reader) = reader {
            prop_assert_eq!((reader.remaining(), reader.position()), (length, 0));
        }
        let writer = UserSlice::new(address, length).writer_aligned(alignment);
        prop_assert_eq!(writer.as_ref().map(|_| ()).map_err(|fault| *fault), refused(Access::Write));
        if let Ok(writer) = writer {
            prop_assert_eq!((writer.remaining(), writer.position()), (length, 0));
        }
        let both = UserSlice::new(address, length).reader_and_writer();
        prop_assert_eq!(both.is_ok(), probe::check_range(address, length).is_ok());
        // SAFETY: nothing is read or written through it.
        let kernel = unsafe { UserSlice::for_mode(address, length, Mode::Kernel) };
        prop_assert!(kernel.reader_aligned(alignment).is_ok());
    }
}

#[test]
fn the_last_byte_of_user_memory_is_in_and_the_next_is_out() {
    assert_eq!(probe::check_range(FOUR_LEVEL_LIMIT - 1, 1), Ok(()));
    assert_eq!(
        probe::check_range(FOUR_LEVEL_LIMIT - 1, 2),
        Err(NtStatus::ACCESS_VIOLATION)
    );
    assert_eq!(
        probe::check_range(FOUR_LEVEL_LIMIT, 1),
        Err(NtStatus::ACCESS_VIOLATION)
    );
    assert_eq!(
        probe::check_range(usize::MAX, 2),
        Err(NtStatus::ACCESS_VIOLATION)
    );
    assert_eq!(probe::check_range(0, FOUR_LEVEL_LIMIT), Ok(()));
}

#[test]
fn any_mode_but_kernel_mode_is_user_mode() {
    for raw in i8::MIN..=i8::MAX {
        let mode = if raw == 0 { Mode::Kernel } else { Mode::User };
        assert_eq!(Mode::from_raw(raw), mode);
    }
    assert_eq!((Mode::Kernel.as_raw(), Mode::User.as_raw()), (0, 1));
}

/// Reads a number, as a dispatch routine would.
fn dispatch(address: usize) -> i32 {
    fn read(address: usize) -> Result<u32, NtStatus> {
        Ok(UserPtr::<u32>::new(address).read()?)
    }
    read(address).err().unwrap_or(NtStatus::SUCCESS).into()
}

#[test]
fn a_fault_becomes_the_status_that_a_dispatch_routine_returns() {
    allow_here();
    let memory = Box::new(7_u32);
    assert_eq!(dispatch((&raw const *memory).expose_provenance()), 0);
    assert_eq!(dispatch(FOUR_LEVEL_LIMIT), 0xC000_0005_u32.cast_signed());
}
