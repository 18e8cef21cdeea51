//! Faults of interlocked operations and in the search for the end of a string, on real pages.
#![cfg(windows)]

use usermode_accessors::{Access, Fault, Interlocked, NtStatus, UserPtr, ddi};

mod pages;
use pages::{PAGE, Pages, Protection};

const fn fault(status: NtStatus, copied: usize, address: usize, access: Access) -> Fault {
    Fault {
        status,
        copied,
        address: Some(address),
        access,
        cause: None,
    }
}

fn operations_fault<T: Interlocked + PartialEq + core::fmt::Debug>(value: T) {
    for protection in [
        Protection::NoAccess,
        Protection::Reserved,
        Protection::ReadOnly,
    ] {
        let pages = Pages::new(&[Protection::ReadWrite, protection]);
        let edge = pages.address(PAGE);
        let met = Err(fault(NtStatus::ACCESS_VIOLATION, 0, edge, Access::Write));
        let at = || UserPtr::<T>::new(edge);
        assert_eq!(at().fetch_and(value), met, "{protection:?}");
        assert_eq!(at().fetch_or(value), met, "{protection:?}");
        // A comparison that fails needs to write as well.
        assert_eq!(at().compare_exchange(value, value), met, "{protection:?}");
        let last = pages.address(PAGE - size_of::<T>());
        let there = UserPtr::<T>::new(last).read().unwrap();
        assert_eq!(
            UserPtr::<T>::new(last).compare_exchange(there, value),
            Ok(there)
        );
        assert_eq!(UserPtr::<T>::new(last).fetch_or(value), Ok(value));
        assert_eq!(UserPtr::<T>::new(last).fetch_and(value), Ok(value));
    }
    let pages = Pages::new(&[Protection::ReadWrite]);
    let status = NtStatus::GUARD_PAGE_VIOLATION;
    for operation in [
        |at: UserPtr<T>, value| at.fetch_and(value),
        |at: UserPtr<T>, value| at.fetch_or(value),
        |at: UserPtr<T>, value| at.compare_exchange(value, value),
    ] {
        pages.protect(0, Protection::Guard);
        let start = pages.address(0);
        let met = operation(UserPtr::new(start), value).unwrap_err();
        assert_eq!(
            (met.status, met.copied, met.address),
            (status, 0, Some(start))
        );
    }
}

#[test]
fn interlocked_operations_fault_and_change_nothing() {
    operations_fault(7_u32);
    operations_fault(-7_i32);
    operations_fault(0x7000_0000_0007_u64);
    operations_fault(-7_i64);
}

#[test]
fn a_string_may_end_with_its_page() {
    for protection in [Protection::NoAccess, Protection::Reserved] {
        let pages = Pages::new(&[Protection::ReadWrite, protection]);
        let edge = pages.address(PAGE);
        for length in 0..40 {
            // SAFETY: pages of this test; so below.
            unsafe { ddi::fill_user_memory(pages.pointer(0), PAGE, 0x41) }.unwrap();
            let string = edge - 1 - length;
            // SAFETY: as above.
            unsafe { ddi::write_uchar_to_user(pages.pointer(PAGE - 1), 0) }.unwrap();
            assert_eq!(UserPtr::<u8>::new(string).string_length(), Ok(length));

            let string = edge - 2 - 2 * length;
            // SAFETY: as above.
            unsafe { ddi::write_wchar_to_user(pages.pointer(PAGE - 2).cast(), 0) }.unwrap();
            assert_eq!(UserPtr::<u16>::new(string).string_length(), Ok(length));
        }
    }
}

#[test]
fn a_string_that_does_not_end_faults_behind_its_last_character() {
    let status = NtStatus::ACCESS_VIOLATION;
    for protection in [Protection::NoAccess, Protection::Reserved] {
        let pages = Pages::new(&[Protection::ReadOnly, protection]);
        let edge = pages.address(PAGE);
        for length in 0..40 {
            let met = fault(status, length, edge, Access::Read);
            let narrow = || UserPtr::<u8>::new(edge - length);
            assert_eq!(narrow().string_length(), Err(met));
            assert_eq!(narrow().string_length_within(length), Ok(None));
            assert_eq!(narrow().string_length_within(length + 1), Err(met));

            let met = fault(status, 2 * length, edge, Access::Read);
            let wide = || UserPtr::<u16>::new(edge - 2 * length);
            assert_eq!(wide().string_length(), Err(met));
            assert_eq!(wide().string_length_within(length), Ok(None));
            assert_eq!(wide().string_length_within(length + 1), Err(met));

            // The last character is half there.
            let met = fault(status, 2 * length, edge, Access::Read);
            let odd = UserPtr::<u16>::new(edge - 2 * length - 1);
            assert_eq!(odd.string_length(), Err(met));
        }
    }
    let pages = Pages::new(&[Protection::ReadOnly, Protection::ReadWrite]);
    pages.protect(1, Protection::Guard);
    let edge = pages.address(PAGE);
    let status = NtStatus::GUARD_PAGE_VIOLATION;
    let met = UserPtr::<u16>::new(edge - 6).string_length();
    assert_eq!(met, Err(fault(status, 6, edge, Access::Read)));
}
