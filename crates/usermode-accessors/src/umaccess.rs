//! Accesses by Microsoft's functions, for the feature `umaccess`.
//!
//! The functions are declared as their pages describe them, and come from `umaccess.lib`. Each is called
//! under the guard of [`raising`]. It returns no count of the bytes that were moved before an exception,
//! so the faults here count none.
//!
//! The checks of this crate come before the calls; Microsoft's functions check again.
//!
//! Source: the pages of `usermode_accessors.h`.

use core::ffi::c_void;

use crate::{
    Access, Character, Fault, Interlocked, NtStatus, Scalar,
    arch::Width,
    guarded::{Order, Route},
    raising::{self, Exception, Routine},
};

unsafe extern "C" {
    fn CopyFromUser(destination: *mut c_void, source: *const c_void, length: usize);
    fn CopyFromUserNonTemporal(destination: *mut c_void, source: *const c_void, length: usize);
    fn CopyToUser(destination: *mut c_void, source: *const c_void, length: usize);
    fn CopyToUserNonTemporal(destination: *mut c_void, source: *const c_void, length: usize);
    fn CopyToUserFromUser(destination: *mut c_void, source: *const c_void, length: usize);
    fn MoveToUserFromUser(destination: *mut c_void, source: *const c_void, length: usize);
    fn FillUserMemory(destination: *mut c_void, length: usize, fill: u8);
    fn ReadUCharFromUser(source: *const u8) -> u8;
    fn ReadUCharFromUserAcquire(source: *const u8) -> u8;
    fn ReadUShortFromUser(source: *const u16) -> u16;
    fn ReadUShortFromUserAcquire(source: *const u16) -> u16;
    fn ReadULongFromUser(source: *const u32) -> u32;
    fn ReadULongFromUserAcquire(source: *const u32) -> u32;
    fn ReadULonglongFromUser(source: *const u64) -> u64;
    fn ReadULonglongFromUserAcquire(source: *const u64) -> u64;
    fn WriteUCharToUser(destination: *mut u8, value: u8);
    fn WriteUCharToUserRelease(destination: *mut u8, value: u8);
    fn WriteUShortToUser(destination: *mut u16, value: u16);
    fn WriteUShortToUserRelease(destination: *mut u16, value: u16);
    fn WriteULongToUser(destination: *mut u32, value: u32);
    fn WriteULongToUserRelease(destination: *mut u32, value: u32);
    fn WriteULonglongToUser(destination: *mut u64, value: u64);
    fn WriteULonglongToUserRelease(destination: *mut u64, value: u64);
    fn InterlockedAndToUser(destination: *mut i32, value: i32) -> i32;
    fn InterlockedAnd64ToUser(destination: *mut i64, value: i64) -> i64;
    fn InterlockedOrToUser(destination: *mut i32, value: i32) -> i32;
    fn InterlockedOr64ToUser(destination: *mut i64, value: i64) -> i64;
    fn InterlockedCompareExchangeToUser(
        destination: *mut i32,
        exchange: i32,
        comperand: i32,
    ) -> i32;
    fn InterlockedCompareExchange64ToUser(
        destination: *mut i64,
        exchange: i64,
        comperand: i64,
    ) -> i64;
    fn StringLengthFromUser(string: *const i8) -> usize;
    fn WideStringLengthFromUser(string: *const u16) -> usize;
}

/// Pointers to the functions, which the declarations give their types.
type CopyFunction = unsafe extern "C" fn(*mut c_void, *const c_void, usize);
type ReadFunction<T> = unsafe extern "C" fn(*const T) -> T;
type WriteFunction<T> = unsafe extern "C" fn(*mut T, T);
type UpdateFunction<T> = unsafe extern "C" fn(*mut T, T) -> T;
type ExchangeFunction<T> = unsafe extern "C" fn(*mut T, T, T) -> T;

/// Calls one of Microsoft's functions, for an access of kind `expected`.
///
/// # Safety
///
/// The conditions of the function hold.
#[inline]
unsafe fn call<F: Routine<Arguments>, Arguments>(
    function: F,
    arguments: Arguments,
    expected: Access,
) -> Result<F::Output, Fault> {
    // SAFETY: the functions are code in C; the caller guarantees the rest.
    unsafe { raising::call(function, arguments) }.map_err(|exception| fault(exception, expected))
}

/// Returns the fault of an exception. How many bytes were moved is not known, so it counts none.
#[cold]
fn fault(exception: Exception, expected: Access) -> Fault {
    const ALL_ONES: usize = usize::MAX;
    let reports = [NtStatus::ACCESS_VIOLATION, NtStatus::IN_PAGE_ERROR].contains(&exception.code);
    let (address, access) = match exception.parameters() {
        [_, ALL_ONES, ..] => (None, expected),
        [0, address, ..] => (Some(*address), Access::Read),
        [1, address, ..] => (Some(*address), Access::Write),
        [_, address, ..] if reports => (Some(*address), expected),
        _ => (None, expected),
    };
    let mut fault = Fault::new(exception.code, 0, address, access);
    if exception.code == NtStatus::IN_PAGE_ERROR
        && let [_, _, cause, ..] = exception.parameters()
    {
        let [a, b, c, d, ..] = cause.to_le_bytes();
        fault.cause = Some(NtStatus(u32::from_le_bytes([a, b, c, d])));
    }
    fault
}

/// Copies from user memory, to it, or both.
///
/// # Safety
///
/// A side that is not user memory is valid for `length` bytes.
pub(crate) unsafe fn copy(
    (destination, to_user): (*mut u8, bool),
    (source, from_user): (*const u8, bool),
    length: usize,
    route: Route,
) -> Result<(), Fault> {
    let (function, expected): (CopyFunction, _) = match (to_user, from_user, route) {
        (true, true, _) => (CopyToUserFromUser, Access::Read),
        (true, false, Route::Cached) => (CopyToUser, Access::Write),
        (true, false, Route::NonTemporal) => (CopyToUserNonTemporal, Access::Write),
        (false, _, Route::Cached) => (CopyFromUser, Access::Read),
        (false, _, Route::NonTemporal) => (CopyFromUserNonTemporal, Access::Read),
    };
    let arguments = (destination.cast(), source.cast(), length);
    // SAFETY: the caller's promise is the same.
    unsafe { call(function, arguments, expected) }
}

/// Moves within user memory.
pub(crate) fn move_bytes(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    let function: CopyFunction = MoveToUserFromUser;
    let arguments = (destination.cast(), source.cast(), length);
    // SAFETY: both sides are user memory.
    unsafe { call(function, arguments, Access::Read) }
}

/// Fills user memory.
pub(crate) fn fill(destination: *mut u8, byte: u8, length: usize) -> Result<(), Fault> {
    let function: unsafe extern "C" fn(_, _, _) = FillUserMemory;
    // SAFETY: it is user memory.
    unsafe { call(function, (destination.cast(), length, byte), Access::Write) }
}

/// Reads a number.
pub(crate) fn read<T: Scalar>(source: *const u8, order: Order) -> Result<T, Fault> {
    macro_rules! read {
        ($type:ty: $relaxed:ident $acquire:ident) => {{
            let function: ReadFunction<$type> = match order {
                Order::Relaxed => $relaxed,
                Order::AcquireRelease => $acquire,
            };
            // SAFETY: it is user memory.
            u64::from(unsafe { call(function, (source.cast(),), Access::Read) }?)
        }};
    }
    Ok(T::from_bits(match T::WIDTH {
        Width::One => read!(u8: ReadUCharFromUser ReadUCharFromUserAcquire),
        Width::Two => read!(u16: ReadUShortFromUser ReadUShortFromUserAcquire),
        Width::Four => read!(u32: ReadULongFromUser ReadULongFromUserAcquire),
        Width::Eight => read!(u64: ReadULonglongFromUser ReadULonglongFromUserAcquire),
    }))
}

/// Writes a number.
pub(crate) fn write<T: Scalar>(destination: *mut u8, value: T, order: Order) -> Result<(), Fault> {
    macro_rules! write {
        ($type:ty: $relaxed:ident $release:ident) => {{
            let function: WriteFunction<$type> = match order {
                Order::Relaxed => $relaxed,
                Order::AcquireRelease => $release,
            };
            #[allow(
                clippy::cast_possible_truncation,
                trivial_numeric_casts,
                reason = "the low bits are the value"
            )]
            let value = value.into_bits() as $type;
            // SAFETY: it is user memory.
            unsafe { call(function, (destination.cast(), value), Access::Write) }
        }};
    }
    match T::WIDTH {
        Width::One => write!(u8: WriteUCharToUser WriteUCharToUserRelease),
        Width::Two => write!(u16: WriteUShortToUser WriteUShortToUserRelease),
        Width::Four => write!(u32: WriteULongToUser WriteULongToUserRelease),
        Width::Eight => write!(u64: WriteULonglongToUser WriteULonglongToUserRelease),
    }
}

/// Returns the low half as a `LONG`.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a narrow value has its bits in the low half"
)]
const fn low(bits: u64) -> i32 {
    (bits as u32).cast_signed()
}

/// An update that needs one operand.
#[derive(Clone, Copy)]
pub(crate) enum Update {
    And,
    Or,
}

/// Updates an aligned number, and returns the value before.
pub(crate) fn update<T: Interlocked>(
    destination: *mut u8,
    value: u64,
    update: Update,
) -> Result<T, Fault> {
    let before = if T::WIDTH == Width::Eight {
        let function: UpdateFunction<i64> = match update {
            Update::And => InterlockedAnd64ToUser,
            Update::Or => InterlockedOr64ToUser,
        };
        let arguments = (destination.cast(), value.cast_signed());
        // SAFETY: it is user memory.
        unsafe { call(function, arguments, Access::Write) }?.cast_unsigned()
    } else {
        let function: UpdateFunction<i32> = match update {
            Update::And => InterlockedAndToUser,
            Update::Or => InterlockedOrToUser,
        };
        let arguments = (destination.cast(), low(value));
        // SAFETY: it is user memory.
        let before = unsafe { call(function, arguments, Access::Write) }?;
        before.cast_unsigned().into()
    };
    Ok(T::from_bits(before))
}

/// Stores `exchange` in an aligned number that is `comperand`, and returns the value before.
pub(crate) fn compare_exchange<T: Interlocked>(
    destination: *mut u8,
    exchange: u64,
    comperand: u64,
) -> Result<T, Fault> {
    let before = if T::WIDTH == Width::Eight {
        let function: ExchangeFunction<i64> = InterlockedCompareExchange64ToUser;
        let (new, old) = (exchange.cast_signed(), comperand.cast_signed());
        // SAFETY: it is user memory.
        unsafe { call(function, (destination.cast(), new, old), Access::Write) }?.cast_unsigned()
    } else {
        let function: ExchangeFunction<i32> = InterlockedCompareExchangeToUser;
        let arguments = (destination.cast(), low(exchange), low(comperand));
        // SAFETY: it is user memory.
        let before = unsafe { call(function, arguments, Access::Write) }?;
        before.cast_unsigned().into()
    };
    Ok(T::from_bits(before))
}

/// Counts the characters before the terminator, or returns `count` if there is none among so many. If
/// `count` is 0, which it is for each address outside user memory, nothing is called.
///
/// Microsoft's functions have no bound. So a bounded count reads one character after the other, each
/// under a guard of its own.
pub(crate) fn string_length<T: Character>(
    string: *const u8,
    count: usize,
    bounded: bool,
) -> Result<usize, Fault> {
    if count == 0 {
        return Ok(0);
    }
    if bounded {
        let mut length = 0;
        while length < count {
            let offset = length.wrapping_mul(T::WIDTH as usize);
            if read::<T>(string.wrapping_add(offset), Order::Relaxed)?.into_bits() == 0 {
                break;
            }
            length = length.wrapping_add(1);
        }
        return Ok(length);
    }
    if T::WIDTH == Width::Two {
        let function: unsafe extern "C" fn(_) -> _ = WideStringLengthFromUser;
        #[allow(
            clippy::cast_ptr_alignment,
            reason = "a wide string may be at an odd address"
        )]
        let string = string.cast::<u16>();
        // SAFETY: it is user memory.
        unsafe { call(function, (string,), Access::Read) }
    } else {
        let function: unsafe extern "C" fn(_) -> _ = StringLengthFromUser;
        // SAFETY: it is user memory.
        unsafe { call(function, (string.cast::<i8>(),), Access::Read) }
    }
}
