//! The checks of an address, against a model in wider arithmetic, and that everything which
//! touches user memory makes them.
#![cfg(not(windows))]

use proptest::prelude::*;
use usermode_accessors::{
    Access, Fault, Mode, NtStatus, UserPtr, UserSlice, ddi,
    probe::{self, USER_LIMIT},
};

const LIMIT: u128 = 0x7FFF_FFFF_0000;

/// Numbers that crowd around every edge, and any other.
fn word() -> impl Strategy<Value = usize> {
    let near =
        |edge: usize| (0..300_usize).prop_map(move |off| edge.wrapping_add(off).wrapping_sub(150));
    prop_oneof![
        near(0),
        near(USER_LIMIT),
        near(0x8000_0000_0000),
        near(0xFFFF_8000_0000_0000),
        any::<usize>(),
        (0..USER_LIMIT),
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
    fn readers_and_writers_come_out_of_the_checks(address in word(), length in word(), alignment in alignment()) {
        let refused = |access| expected(address, length, alignment).map_err(|status| Fault {
            status,
            copied: 0,
            address: Some(address),
            access,
            cause: None,
        });
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
    assert_eq!(probe::check_range(USER_LIMIT - 1, 1), Ok(()));
    assert_eq!(
        probe::check_range(USER_LIMIT - 1, 2),
        Err(NtStatus::ACCESS_VIOLATION)
    );
    assert_eq!(
        probe::check_range(USER_LIMIT, 1),
        Err(NtStatus::ACCESS_VIOLATION)
    );
    assert_eq!(
        probe::check_range(usize::MAX, 2),
        Err(NtStatus::ACCESS_VIOLATION)
    );
    assert_eq!(probe::check_range(0, USER_LIMIT), Ok(()));
}

/// Addresses that the range check alone keeps from being touched: there is no guard here, so a
/// function that forgot the check would end this process.
const FORBIDDEN: [usize; 5] = [
    USER_LIMIT,
    USER_LIMIT - 1,
    0x8000_0000_0000,
    0xFFFF_8000_0000_0000,
    usize::MAX,
];

const fn refused(address: usize, access: Access) -> Fault {
    Fault {
        status: NtStatus::ACCESS_VIOLATION,
        copied: 0,
        address: Some(address),
        access,
        cause: None,
    }
}

#[test]
fn functions_refuse_what_is_no_user_memory() {
    for address in FORBIDDEN {
        let pointer = std::ptr::without_provenance_mut::<u8>(address);
        let mut buffer = [7_u8; 8];
        // SAFETY: the buffer is as long as it says.
        let outcome = unsafe { ddi::copy_from_mode(buffer.as_mut_ptr(), pointer, 8, Mode::User) };
        assert_eq!(outcome, Err(refused(address, Access::Read)));
        // SAFETY: as above.
        let outcome =
            unsafe { ddi::copy_from_mode_aligned(buffer.as_mut_ptr(), pointer, 8, Mode::User, 1) };
        assert_eq!(outcome, Err(refused(address, Access::Read)));
        assert_eq!(buffer, [7; 8]);
        // SAFETY: as above.
        let outcome = unsafe { ddi::copy_to_mode(pointer, buffer.as_ptr(), 8, Mode::User) };
        assert_eq!(outcome, Err(refused(address, Access::Write)));
        let mut value = 7_u64;
        // SAFETY: the destination is a u64.
        let outcome = unsafe {
            ddi::read_struct_from_mode_aligned(&raw mut value, pointer.cast(), Mode::User, 1)
        };
        assert_eq!(outcome, Err(refused(address, Access::Read)));
        assert_eq!(value, 7);
        assert_eq!(
            UserPtr::<u16>::new(address).read(),
            Err(refused(address, Access::Read))
        );
        assert_eq!(
            UserPtr::<u16>::new(address).write(1),
            Err(refused(address, Access::Write))
        );
    }
}

#[test]
fn aligned_functions_refuse_a_misaligned_source_in_user_mode_only() {
    let memory: Box<[u64]> = vec![0x0807_0605_0403_0201, 0x100F_0E0D_0C0B_0A09].into();
    let odd = memory.as_ptr().cast::<u8>().wrapping_add(1);
    let misaligned = |status| {
        Err(Fault {
            status,
            copied: 0,
            address: Some(odd.addr()),
            access: Access::Read,
            cause: None,
        })
    };
    let copy = |length, mode, alignment| {
        let mut buffer = [0_u8; 8];
        // SAFETY: the buffer holds up to 8 bytes, and so does the source.
        let outcome = unsafe {
            ddi::copy_from_mode_aligned(buffer.as_mut_ptr(), odd, length, mode, alignment)
        };
        outcome.map(|()| buffer)
    };
    let read = [2, 3, 4, 5, 6, 7, 8, 9];
    assert_eq!(copy(8, Mode::User, 1), Ok(read));
    assert_eq!(
        copy(8, Mode::User, 2),
        misaligned(NtStatus::DATATYPE_MISALIGNMENT)
    );
    assert_eq!(
        copy(8, Mode::User, 3),
        misaligned(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(
        copy(8, Mode::User, 0),
        misaligned(NtStatus::INVALID_PARAMETER)
    );
    assert_eq!(copy(0, Mode::User, 8), Ok([0; 8]));
    assert_eq!(copy(8, Mode::Kernel, 8), Ok(read));
}

#[test]
fn any_mode_but_kernel_mode_is_user_mode() {
    for raw in i8::MIN..=i8::MAX {
        let mode = if raw == 0 { Mode::Kernel } else { Mode::User };
        assert_eq!(Mode::from_raw(raw), mode);
    }
    assert_eq!((Mode::Kernel.as_raw(), Mode::User.as_raw()), (0, 1));
}

/// Reads a number, and returns what a dispatch routine would.
fn dispatch(address: usize) -> i32 {
    fn read(address: usize) -> Result<u32, NtStatus> {
        Ok(UserPtr::<u32>::new(address).read()?)
    }
    read(address).err().unwrap_or(NtStatus::SUCCESS).into()
}

#[test]
fn a_fault_becomes_the_status_that_a_dispatch_routine_returns() {
    let memory = Box::new(7_u32);
    assert_eq!(dispatch((&raw const *memory).expose_provenance()), 0);
    assert_eq!(dispatch(USER_LIMIT), 0xC000_0005_u32.cast_signed());
}
