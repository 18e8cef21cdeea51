//! The fault that the guard makes of an exception, by its code and parameters. A vectored handler, which
//! runs first, rewrites the record of each fault into the exception under test. A copy faults twice if the
//! address of the first fault is not one of its range, because it then continues byte by byte.
#![cfg(windows)]

use std::{env, process::Command, sync::Mutex};

use usermode_accessors::{Access, Fault, NtStatus, UserSlice};

mod pages;
use pages::{AddVectoredExceptionHandler, Pages, Pointers, Protection};

#[derive(Clone, Copy)]
struct Rewrite {
    used: bool,
    /// The address of the first fault, if that has parameters of its own.
    first: Option<usize>,
    code: u32,
    parameters: u32,
    information: [usize; 3],
}

static REWRITE: Mutex<Option<Rewrite>> = Mutex::new(None);

const EXCEPTION_CONTINUE_SEARCH: i32 = 0;
const ACCESS_VIOLATION: u32 = 0xC000_0005;

unsafe extern "system" fn rewrite(pointers: *mut Pointers) -> i32 {
    // SAFETY: the system passes valid pointers.
    let record = unsafe { (*pointers).record };
    // SAFETY: as above.
    let record = unsafe { &mut *record };
    if record.code == ACCESS_VIOLATION
        && let Some(rewrite) = REWRITE.lock().unwrap().as_mut()
    {
        rewrite.used = true;
        record.code = rewrite.code;
        let (parameters, information) = match rewrite.first.take() {
            Some(address) => (3, [0, address, 0x9ABC]),
            None => (rewrite.parameters, rewrite.information),
        };
        record.parameters = parameters;
        record.information[..3].copy_from_slice(&information);
    }
    EXCEPTION_CONTINUE_SEARCH
}

/// Makes a read or a write of 8 bytes, of which 3 succeed, and returns its fault.
fn meet(access: Access, code: u32, parameters: u32, information: [usize; 3]) -> Fault {
    meet_after(None, access, code, parameters, information)
}

/// Does the same as [`meet`]. The first fault has the address `first`.
fn meet_after(
    first: Option<usize>,
    access: Access,
    code: u32,
    parameters: u32,
    information: [usize; 3],
) -> Fault {
    static ONE_AT_A_TIME: Mutex<bool> = Mutex::new(false);
    let mut installed = ONE_AT_A_TIME.lock().unwrap();
    if !*installed {
        // SAFETY: the handler does what a handler must.
        unsafe { AddVectoredExceptionHandler(1, rewrite) };
        *installed = true;
    }
    let pages = Pages::new(&[Protection::ReadWrite, Protection::NoAccess]);
    let slice = UserSlice::new(pages.address(pages::PAGE - 3), 8);
    *REWRITE.lock().unwrap() = Some(Rewrite {
        used: false,
        first,
        code,
        parameters,
        information,
    });
    let mut buffer = [0; 8];
    let result = match access {
        Access::Read => slice.reader().unwrap().read(&mut buffer),
        Access::Write => slice.writer().unwrap().write(&buffer),
    };
    let rewrite = REWRITE.lock().unwrap().take();
    assert!(rewrite.unwrap().used, "the handler was not asked");
    drop(installed);
    result.unwrap_err()
}

const ALL_ONES: usize = usize::MAX;

/// `STATUS_DEVICE_DATA_ERROR`.
const CAUSE: usize = 0xC000_009C;

#[test]
fn every_exception_that_memory_raises_becomes_its_fault() {
    for access in [Access::Read, Access::Write] {
        for status in [
            NtStatus::ACCESS_VIOLATION,
            NtStatus::IN_PAGE_ERROR,
            NtStatus::GUARD_PAGE_VIOLATION,
            NtStatus::DATATYPE_MISALIGNMENT,
            NtStatus::STACK_OVERFLOW,
        ] {
            let information = [usize::from(access == Access::Write), 0x1234, CAUSE];
            // A guard page must not be accessed again: if the exception has another address, the copy
            // does not continue.
            let guard = [NtStatus::GUARD_PAGE_VIOLATION, NtStatus::STACK_OVERFLOW];
            let sought = !guard.contains(&status);
            let copied = if sought { 3 } else { 0 };
            let expected = Fault::new(status, copied, Some(0x1234), access);
            assert_eq!(meet(access, status.0, 2, information), expected);
        }
    }
}

#[test]
fn a_valid_kind_of_the_exception_is_reported() {
    let met = meet(Access::Read, ACCESS_VIOLATION, 2, [1, 0x1234, CAUSE]);
    assert_eq!(met.access, Access::Write);
    let met = meet(Access::Write, ACCESS_VIOLATION, 2, [8, 0x1234, CAUSE]);
    assert_eq!((met.access, met.address), (Access::Write, Some(0x1234)));
}

#[test]
fn an_exception_without_address_leaves_it_unknown() {
    for access in [Access::Read, Access::Write] {
        let expected = |status| Fault::new(status, 3, None, access);
        let non_canonical = meet(access, ACCESS_VIOLATION, 2, [0, ALL_ONES, CAUSE]);
        assert_eq!(non_canonical, expected(NtStatus::ACCESS_VIOLATION));
        let status = NtStatus::DATATYPE_MISALIGNMENT;
        let bare = meet_after(Some(0x5678), access, status.0, 0, [1, 0x1234, CAUSE]);
        assert_eq!(bare, expected(status));
    }
}

#[test]
fn an_in_page_error_reports_its_cause() {
    let cause = |code: NtStatus, parameters, third| {
        meet(Access::Read, code.0, parameters, [0, 0x1234, third]).cause
    };
    let expected = Some(NtStatus(0xC000_009C));
    let sign_extended = CAUSE | 0xFFFF_FFFF_0000_0000;
    assert_eq!(cause(NtStatus::IN_PAGE_ERROR, 3, CAUSE), expected);
    assert_eq!(cause(NtStatus::IN_PAGE_ERROR, 3, sign_extended), expected);
    // There is no cause without a third parameter, or with another exception.
    assert_eq!(cause(NtStatus::IN_PAGE_ERROR, 2, CAUSE), None);
    assert_eq!(cause(NtStatus::ACCESS_VIOLATION, 3, CAUSE), None);
}

/// Set in the child process: the code of the exception to meet.
const CODE: &str = "USERMODE_ACCESSORS_TEST_CODE";

/// Runs in the child process. It does nothing if the variable is not set.
#[test]
fn meets_the_exception_it_is_told() {
    if let Ok(code) = env::var(CODE) {
        let _ = meet(Access::Read, code.parse().unwrap(), 2, [0, 8, CAUSE]);
    }
}

#[test]
fn any_other_exception_is_not_caught() {
    let survives = |code: u32| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "meets_the_exception_it_is_told"])
            .env(CODE, code.to_string())
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(survives(ACCESS_VIOLATION));
    for code in [
        0x8000_0003, // STATUS_BREAKPOINT
        0x8000_0004, // STATUS_SINGLE_STEP
        0xC000_001D, // STATUS_ILLEGAL_INSTRUCTION
        0xC000_0094, // STATUS_INTEGER_DIVIDE_BY_ZERO
        0xC000_0420, // STATUS_ASSERTION_FAILURE
        0xE06D_7363, // a C++ exception
    ] {
        assert!(!survives(code), "{code:#X}");
    }
}
