//! The guard of calls that raise.

use std::ffi::c_void;

use usermode_accessors::raising;

/// Tells each argument by its place. The convention is that of Windows for the processor, on every
/// system.
const extern "efiapi" fn weigh(
    first: usize,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> usize {
    first + 10 * second + 100 * third + 1_000 * fourth + 10_000 * fifth + 100_000 * sixth
}

#[test]
fn arguments_arrive_in_their_places_and_the_result_comes_back() {
    let function = weigh as *const c_void;
    // SAFETY: the function takes six integers, and raises nothing; so below.
    let result = unsafe { raising::call(function, [1, 2, 3, 4, 5, 6]) };
    assert_eq!(result, Ok(654_321));
    // SAFETY: as above.
    let result = unsafe { raising::call(function, [1, 2, 3]) };
    assert_eq!(result, Ok(321));
    // SAFETY: as above.
    let result = unsafe { raising::call(function, []) };
    assert_eq!(result, Ok(0));
}

#[cfg(windows)]
mod pages;

#[cfg(windows)]
mod windows {
    use std::{ffi::c_void, hint::black_box};

    use super::{pages::fail_on_unhandled_exceptions, weigh};
    use usermode_accessors::{
        NtStatus,
        raising::{self, Exception},
    };

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn RaiseException(code: u32, flags: u32, count: u32, parameters: *const usize);
    }

    #[link(name = "ntdll")]
    unsafe extern "system" {
        fn RtlMoveMemory(destination: *mut u8, source: *const u8, length: usize);
    }

    fn raise(code: u32, flags: u32, parameters: &[usize]) -> Exception {
        fail_on_unhandled_exceptions();
        let arguments = [
            code as usize,
            flags as usize,
            parameters.len(),
            parameters.as_ptr().expose_provenance(),
        ];
        // SAFETY: foreign code, which takes these four.
        unsafe { raising::call(RaiseException as *const c_void, arguments) }.unwrap_err()
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
    fn a_fault_of_the_callee_is_caught_too() {
        let mut byte = 0_u8;
        let to = (&raw mut byte).expose_provenance();
        // SAFETY: foreign code, which takes these three.
        let met =
            unsafe { raising::call(RtlMoveMemory as *const c_void, [to, 16, 1]) }.unwrap_err();
        assert_eq!(met.code, NtStatus::ACCESS_VIOLATION);
        assert_eq!(met.parameters(), [0, 16]);
    }

    #[test]
    fn what_the_caller_holds_in_registers_survives() {
        let mut sums = [0_usize; 8];
        let mut scale = 1.5_f64;
        for round in 0..2_000_usize {
            if round % 2 == 0 {
                let met = raise(0xE000_0001, 0, &[round]);
                assert_eq!(met.parameters(), [round]);
            } else {
                let function = weigh as *const c_void;
                // SAFETY: the function takes six integers, and raises nothing.
                let result = unsafe { raising::call(function, [round]) };
                assert_eq!(result, Ok(round));
            }
            for (place, sum) in sums.iter_mut().enumerate() {
                *sum += round ^ place;
            }
            scale = black_box(scale + 0.5);
        }
        for (place, sum) in sums.into_iter().enumerate() {
            assert_eq!(sum, (0..2_000).map(|round| round ^ place).sum());
        }
        assert!((scale - 1_001.5).abs() < 0.01);
    }

    #[test]
    fn a_guard_within_a_guard_catches_its_own() {
        /// Meets an exception of its own and outlives it, called by a guard.
        extern "efiapi" fn inner(code: usize) -> usize {
            let code = u32::try_from(code).unwrap();
            raise(code, 0, &[]).code.0 as usize
        }
        // SAFETY: nothing leaves the function but by its return.
        let outcome = unsafe { raising::call(inner as *const c_void, [0xE000_0007]) };
        assert_eq!(outcome, Ok(0xE000_0007));
    }
}
