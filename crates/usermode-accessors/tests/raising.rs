//! Calls that raise. The matrix of accessors tests arguments and results.
#![cfg(windows)]

use std::{ffi::c_void, hint::black_box, ptr};

use usermode_accessors::{
    NtStatus,
    raising::{self, Exception},
};

mod pages;
use pages::prepare_process;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn RaiseException(code: u32, flags: u32, count: u32, parameters: *const usize);
}

#[link(name = "ntdll")]
unsafe extern "system" {
    fn RtlMoveMemory(destination: *mut u8, source: *const u8, length: usize);
}

fn raise(code: u32, flags: u32, parameters: &[usize]) -> Exception {
    prepare_process();
    let count = u32::try_from(parameters.len()).unwrap();
    let routine: unsafe extern "system" fn(_, _, _, _) = RaiseException;
    // SAFETY: foreign code; the parameters are this many.
    unsafe { raising::call(routine, (code, flags, count, parameters.as_ptr())) }.unwrap_err()
}

#[test]
fn every_code_is_caught_with_its_flags_and_parameters() {
    let mut addresses = Vec::new();
    for code in [
        0,
        0xC000_0005,
        0x8000_0002,
        0x8000_0003,
        0xC000_0094,
        0xC000_0420,
        0xE000_0001,
        0xE06D_7363,
    ] {
        for flags in [0, 1] {
            for count in 0..=15_u32 {
                let parameters: Vec<usize> = (0..count).map(|at| 1000 + at as usize).collect();
                let met = raise(code, flags, &parameters);
                assert_eq!((met.code, met.flags), (NtStatus(code), flags));
                assert_eq!(NtStatus::from(met), met.code);
                assert_eq!(met.parameter_count, count);
                let kept = parameters.len().min(4);
                assert_eq!(met.parameters(), &parameters[..kept]);
                addresses.push(met.address);
            }
        }
    }
    assert!(addresses.iter().all(|at| *at == addresses[0] && *at != 0));
}

#[test]
fn a_fault_of_the_callee_is_caught() {
    let mut byte = 0_u8;
    let routine: unsafe extern "system" fn(_, _, _) = RtlMoveMemory;
    let from = ptr::without_provenance(16);
    // SAFETY: foreign code.
    let met = unsafe { raising::call(routine, (&raw mut byte, from, 1)) }.unwrap_err();
    assert_eq!(met.code, NtStatus::ACCESS_VIOLATION);
    assert_eq!(met.parameters(), [0, 16]);
}

#[test]
fn registers_of_the_caller_survive() {
    const extern "efiapi" fn identity(value: usize) -> usize {
        value
    }
    let mut sums = [0_usize; 8];
    let mut scale = 1.5_f64;
    for round in 0..2_000_usize {
        if round % 2 == 0 {
            let met = raise(0xE000_0001, 0, &[round]);
            assert_eq!(met.parameters(), [round]);
        } else {
            // SAFETY: the function takes an integer, and does not raise.
            let result = unsafe { raising::call_at(identity as *const c_void, [round]) };
            assert_eq!(result, Ok(round));
        }
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum += round ^ index;
        }
        scale = black_box(scale + 0.5);
    }
    for (index, sum) in sums.into_iter().enumerate() {
        assert_eq!(sum, (0..2_000).map(|round| round ^ index).sum());
    }
    assert!((scale - 1_001.5).abs() < 0.01);
}

#[test]
fn nested_calls_catch_their_own_exceptions() {
    /// Catches an exception of its own, within another guarded call.
    extern "efiapi" fn inner(code: usize) -> usize {
        let code = u32::try_from(code).unwrap();
        raise(code, 0, &[]).code.0 as usize
    }
    // SAFETY: the function catches the exception, and returns.
    let result = unsafe { raising::call_at(inner as *const c_void, [0xE000_0007]) };
    assert_eq!(result, Ok(0xE000_0007));
}
