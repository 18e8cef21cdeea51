//! The user limit is set once, and every check follows it. This file has one test: the limit is the
//! process's.
#![cfg(not(windows))]

use usermode_accessors::{
    NtStatus, UserSlice,
    probe::{self, FOUR_LEVEL_LIMIT},
};

#[test]
fn the_checks_follow_the_limit_that_was_set() {
    const FIVE_LEVEL_LIMIT: usize = 0x00FF_FFFF_FFFF_0000;
    // SAFETY: this test accesses no memory through the safe types.
    unsafe { usermode_accessors::allow_in_user_mode() };
    let last_byte = |limit: usize| {
        assert_eq!(probe::user_limit(), limit);
        assert_eq!(probe::check_range(limit - 1, 1), Ok(()));
        assert_eq!(
            probe::check_range(limit, 1),
            Err(NtStatus::ACCESS_VIOLATION)
        );
        assert!(UserSlice::new(limit - 8, 8).reader_and_writer().is_ok());
        assert!(UserSlice::new(limit - 8, 9).reader().is_err());
    };
    last_byte(FOUR_LEVEL_LIMIT);
    for refused in [0, 1 << 63, 0xFFFF_8000_0000_0000, usize::MAX] {
        assert_eq!(
            probe::set_user_limit(refused),
            Err(NtStatus::INVALID_PARAMETER)
        );
        last_byte(FOUR_LEVEL_LIMIT);
    }
    probe::set_user_limit(FIVE_LEVEL_LIMIT).unwrap();
    last_byte(FIVE_LEVEL_LIMIT);
}
