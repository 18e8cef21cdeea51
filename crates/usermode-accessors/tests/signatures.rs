//! Calls with typed arguments and results of every number, width and sign. No call raises.

use std::ffi::c_void;

use usermode_accessors::{
    NtStatus,
    raising::{self, Routine},
};

/// Calls a routine that does not raise.
#[track_caller]
fn call<F: Routine<A>, A>(routine: F, arguments: A) -> F::Output {
    // SAFETY: the routines of this file have no conditions, and do not raise.
    unsafe { raising::call(routine, arguments) }.unwrap()
}

/// Digits of a number, one for each argument.
macro_rules! digits {
    ($($convention:literal $name:ident($($argument:ident)*);)+) => {$(
        #[allow(clippy::missing_const_for_fn, reason = "one of them takes no arguments")]
        unsafe extern $convention fn $name($($argument: u64),*) -> u64 {
            [0, $($argument),*].iter().fold(0, |sum, digit| sum * 10 + digit)
        }
    )+};
}

digits! {
    "efiapi" none();
    "efiapi" three(a b c);
    "efiapi" six(a b c d e f);
    "efiapi" ten(a b c d e f g h i j);
    "system" system_ten(a b c d e f g h i j);
    "C" c_ten(a b c d e f g h i j);
}

#[test]
fn every_argument_arrives_in_its_place() {
    let routine: unsafe extern "efiapi" fn() -> _ = none;
    assert_eq!(call(routine, ()), 0);
    let routine: unsafe extern "efiapi" fn(_, _, _) -> _ = three;
    assert_eq!(call(routine, (1, 2, 3)), 123);
    let routine: unsafe extern "efiapi" fn(_, _, _, _, _, _) -> _ = six;
    assert_eq!(call(routine, (1, 2, 3, 4, 5, 6)), 123_456);
    let arguments = (1, 2, 3, 4, 5, 6, 7, 8, 9, 0);
    let routine: unsafe extern "efiapi" fn(_, _, _, _, _, _, _, _, _, _) -> _ = ten;
    assert_eq!(call(routine, arguments), 1_234_567_890);
    let routine: unsafe extern "system" fn(_, _, _, _, _, _, _, _, _, _) -> _ = system_ten;
    assert_eq!(call(routine, arguments), 1_234_567_890);
    let routine: unsafe extern "C" fn(_, _, _, _, _, _, _, _, _, _) -> _ = c_ten;
    assert_eq!(call(routine, arguments), 1_234_567_890);
}

const unsafe extern "efiapi" fn narrow(byte: i8, word: u16, long: i32, address: *mut c_void) -> i8 {
    if word == u16::MAX && long == -3 && address.is_null() {
        byte
    } else {
        1
    }
}

const unsafe extern "efiapi" fn status(status: NtStatus) -> NtStatus {
    status
}

const unsafe extern "efiapi" fn nothing(_: *const u8) {}

const unsafe extern "efiapi" fn same(pointer: *const u32) -> *const u32 {
    pointer
}

#[test]
fn narrow_and_signed_values_pass_both_ways() {
    let routine: unsafe extern "efiapi" fn(_, _, _, _) -> _ = narrow;
    let null = std::ptr::null_mut();
    assert_eq!(call(routine, (-2, u16::MAX, -3, null)), -2);
    let routine: unsafe extern "efiapi" fn(_) -> _ = status;
    assert_eq!(
        call(routine, (NtStatus::ACCESS_DENIED,)),
        NtStatus::ACCESS_DENIED
    );
    let routine: unsafe extern "efiapi" fn(_) = nothing;
    call(routine, (std::ptr::null(),));
    let value = 5;
    let pointer = &raw const value;
    let routine: unsafe extern "efiapi" fn(_) -> _ = same;
    assert_eq!(call(routine, (pointer,)), pointer);
}
