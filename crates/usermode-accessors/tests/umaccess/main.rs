//! The feature `umaccess`: which of Microsoft's functions each access calls, with which arguments, and
//! what becomes of an exception.
#![cfg(all(windows, target_arch = "x86_64"))]

use usermode_accessors::{Access, Fault, Mode, NtStatus, UserPtr, UserSlice, ddi, probe};

mod library;
#[path = "../pages/mod.rs"]
mod pages;
use pages::{PAGE, Pages, Protection, UNTOUCHED, fault};

const STATUS: NtStatus = NtStatus::ACCESS_VIOLATION;

/// Takes the number of calls of a function since it was last taken.
macro_rules! calls_of {
    ($name:literal) => {{
        let calls: u32;
        // SAFETY: the variable of the function is a number.
        unsafe {
            std::arch::asm!(
                concat!("xchg [rip + calls_of_", $name, "], {0:e}"),
                inout(reg) 0_u32 => calls,
            );
        }
        calls
    }};
}

/// One test, because the functions count the calls of all threads.
#[test]
fn every_access_to_user_memory_is_microsofts() {
    let pages = Pages::new(&[
        Protection::ReadWrite,
        Protection::ReadWrite,
        Protection::Reserved,
    ]);
    bulk(&pages);
    numbers(&pages);
    updates(&pages);
    strings(&pages);
    kernel_memory_is_not_theirs();
}

fn bulk(pages: &Pages) {
    let mut buffer = [UNTOUCHED; 16];
    let slice = |offset, length| UserSlice::new(pages.address(offset), length);
    slice(5, 16).reader().unwrap().read(&mut buffer).unwrap();
    assert_eq!(pages.bytes(5, 16), buffer);
    assert_eq!(calls_of!("CopyFromUser"), 1);

    slice(100, 16).writer().unwrap().write(&buffer).unwrap();
    assert_eq!(
        (calls_of!("CopyToUser"), pages.bytes(100, 16)),
        (1, buffer.to_vec())
    );
    slice(100, 16).writer().unwrap().fill(7, 3).unwrap();
    assert_eq!(
        (calls_of!("FillUserMemory"), pages.bytes(100, 3)),
        (1, vec![7; 3])
    );

    slice(200, 4).move_to(slice(300, 4)).unwrap();
    assert_eq!(calls_of!("CopyToUserFromUser"), 1);
    let moved = pages.bytes(400, 8);
    slice(400, 8).move_to(slice(404, 8)).unwrap();
    assert_eq!(calls_of!("MoveToUserFromUser"), 1);
    assert_eq!(pages.bytes(404, 8), moved);

    let user = pages.pointer(500);
    // SAFETY: the buffer has 16 bytes, and the pages are the test's.
    unsafe { ddi::copy_from_user_nontemporal(buffer.as_mut_ptr(), user, 16) }.unwrap();
    assert_eq!(calls_of!("CopyFromUserNonTemporal"), 1);
    // SAFETY: as above.
    unsafe { ddi::copy_to_user_nontemporal(user, buffer.as_ptr(), 16) }.unwrap();
    assert_eq!(calls_of!("CopyToUserNonTemporal"), 1);

    // An exception is a fault that counts nothing, though bytes were moved.
    let end = pages.address(2 * PAGE);
    let reader = slice(2 * PAGE - 3, 16).reader();
    let result = reader.unwrap().read(&mut buffer);
    assert_eq!(result, Err(fault(STATUS, 0, end, Access::Read)));
    let writer = slice(2 * PAGE - 3, 16).writer();
    let result = writer.unwrap().write(&[1; 16]);
    assert_eq!(result, Err(fault(STATUS, 0, end, Access::Write)));
    assert_eq!((calls_of!("CopyFromUser"), calls_of!("CopyToUser")), (1, 1));

    // What a check refuses is not asked for.
    assert!(UserSlice::new(probe::user_limit(), 1).reader().is_err());
    // SAFETY: the range is refused.
    let refused = unsafe { ddi::copy_from_user(buffer.as_mut_ptr(), usize::MAX as *const u8, 4) };
    assert_eq!(refused.unwrap_err().status, STATUS);
    assert_eq!(calls_of!("CopyFromUser"), 0);
}

fn numbers(pages: &Pages) {
    macro_rules! width {
        ($type:ty: $read:literal $acquire:literal $write:literal $release:literal) => {
            let pointer = || UserPtr::<$type>::new(pages.address(600));
            let value = <$type>::MAX / 3;
            pointer().write(value).unwrap();
            assert_eq!(
                (pointer().read(), calls_of!($write), calls_of!($read)),
                (Ok(value), 1, 1)
            );
            pointer().write_release(1).unwrap();
            assert_eq!(pointer().read_acquire(), Ok(1));
            assert_eq!((calls_of!($release), calls_of!($acquire)), (1, 1));
            let end = pages.address(2 * PAGE);
            let expected = |access| Fault::new(STATUS, 0, Some(end), access);
            let beyond = UserPtr::<$type>::new(end).read();
            assert_eq!(beyond, Err(expected(Access::Read)));
            let beyond = UserPtr::<$type>::new(end).write(1);
            assert_eq!(beyond, Err(expected(Access::Write)));
            assert_eq!((calls_of!($write), calls_of!($read)), (1, 1));
        };
    }
    width!(u8: "ReadUCharFromUser" "ReadUCharFromUserAcquire" "WriteUCharToUser" "WriteUCharToUserRelease");
    width!(u16: "ReadUShortFromUser" "ReadUShortFromUserAcquire" "WriteUShortToUser" "WriteUShortToUserRelease");
    width!(u32: "ReadULongFromUser" "ReadULongFromUserAcquire" "WriteULongToUser" "WriteULongToUserRelease");
    width!(u64: "ReadULonglongFromUser" "ReadULonglongFromUserAcquire" "WriteULonglongToUser" "WriteULonglongToUserRelease");
}

fn updates(pages: &Pages) {
    macro_rules! width {
        ($type:ty: $and:literal $or:literal $exchange:literal) => {
            let pointer = || UserPtr::<$type>::new(pages.address(704));
            pointer().write(!0).unwrap();
            assert_eq!((pointer().fetch_and(0b110), calls_of!($and)), (Ok(!0), 1));
            assert_eq!((pointer().fetch_or(1), calls_of!($or)), (Ok(0b110), 1));
            assert_eq!(
                (pointer().compare_exchange(7, 9), calls_of!($exchange)),
                (Ok(7), 1)
            );
            assert_eq!(pointer().read(), Ok(9));
            let misaligned = UserPtr::<$type>::new(pages.address(705)).fetch_or(1);
            let status = misaligned.unwrap_err().status;
            assert_eq!(
                (status, calls_of!($or)),
                (NtStatus::DATATYPE_MISALIGNMENT, 0)
            );
        };
    }
    width!(i32: "InterlockedAndToUser" "InterlockedOrToUser" "InterlockedCompareExchangeToUser");
    width!(i64: "InterlockedAnd64ToUser" "InterlockedOr64ToUser" "InterlockedCompareExchange64ToUser");
    (
        calls_of!("ReadULongFromUser"),
        calls_of!("ReadULonglongFromUser"),
    );
}

fn strings(pages: &Pages) {
    UserSlice::new(pages.address(800), 32)
        .writer()
        .unwrap()
        .write(b"nine char\0ni\0ne\0\0\0")
        .unwrap();
    let narrow = || UserPtr::<u8>::new(pages.address(800));
    let wide = || UserPtr::<u16>::new(pages.address(810));
    assert_eq!(
        (narrow().string_length(), calls_of!("StringLengthFromUser")),
        (Ok(9), 1)
    );
    assert_eq!(
        (
            wide().string_length(),
            calls_of!("WideStringLengthFromUser")
        ),
        (Ok(3), 1)
    );
    calls_of!("ReadUCharFromUser");
    assert_eq!(narrow().string_length_within(9), Ok(None));
    assert_eq!(calls_of!("ReadUCharFromUser"), 9);
    assert_eq!(narrow().string_length_within(10), Ok(Some(9)));
    assert_eq!(wide().string_length_within(4), Ok(Some(3)));
    // A string outside user memory is not asked for.
    for address in [probe::user_limit(), usize::MAX] {
        let refused = UserPtr::<u8>::new(address).string_length();
        assert_eq!(refused, Err(fault(STATUS, 0, address, Access::Read)));
    }
    assert_eq!(calls_of!("StringLengthFromUser"), 0);
}

fn kernel_memory_is_not_theirs() {
    let (mut to, from) = ([0_u8; 8], [1_u8; 8]);
    calls_of!("CopyFromUser");
    // SAFETY: two arrays of 8 bytes.
    unsafe { ddi::copy_from_mode(to.as_mut_ptr(), from.as_ptr(), 8, Mode::Kernel) }.unwrap();
    assert_eq!((to, calls_of!("CopyFromUser")), (from, 0));
}
