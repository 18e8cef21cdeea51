//! A string of a 32-bit caller, whose descriptor names an address of 32 bits.
#![cfg(windows)]

use std::{ffi::c_void, ptr, slice};

use usermode_accessors::{Access, Fault, NtStatus, UnicodeString32, UserPtr};

mod pages;
use pages::{PAGE, prepare_process};

const MEM_COMMIT_AND_RESERVE: u32 = 0x3000;
const PAGE_READWRITE: u32 = 0x04;

#[link(name = "kernel32")]
unsafe extern "system" {
    fn VirtualAlloc(address: *mut c_void, size: usize, kind: u32, protect: u32) -> *mut c_void;
}

/// Returns an address below 4 GiB, `length` bytes before the end of a page that no page follows.
fn before_the_end_of_a_page(length: usize) -> u32 {
    let page = (0x1000_0000..0x7000_0000_usize)
        .step_by(0x10_0000)
        .map(ptr::without_provenance_mut)
        // SAFETY: asks for one page, which stays until the process ends.
        .map(|at| unsafe { VirtualAlloc(at, PAGE, MEM_COMMIT_AND_RESERVE, PAGE_READWRITE) })
        .find(|page| !page.is_null())
        .unwrap();
    u32::try_from(page.expose_provenance() + PAGE - length).unwrap()
}

/// Captures a string of 3 characters, of which the first `there` bytes are in a page.
fn capture(there: usize) -> Result<Vec<u16>, Fault> {
    prepare_process();
    let start = before_the_end_of_a_page(there);
    let buffer: *mut u8 = ptr::with_exposed_provenance_mut(start as usize);
    // SAFETY: these bytes are the end of a page of this test.
    let bytes = unsafe { slice::from_raw_parts_mut(buffer, there) };
    bytes.copy_from_slice(&b"a\0b\0c\0"[..there]);
    let descriptor = UnicodeString32 {
        length: 6,
        maximum_length: 6,
        buffer: start,
    };
    let address = (&raw const descriptor).expose_provenance();
    let mut characters = [0; 8];
    UserPtr::<UnicodeString32>::new(address)
        .capture(&mut characters)
        .map(|captured| captured.to_vec())
}

#[test]
fn a_string_below_4_gib_is_captured() {
    assert_eq!(capture(6), Ok(vec![0x61, 0x62, 0x63]));
}

#[test]
fn a_string_that_is_not_all_there_is_a_fault() {
    let fault = capture(4).unwrap_err();
    let expected = (NtStatus::ACCESS_VIOLATION, 4, Access::Read);
    assert_eq!((fault.status, fault.copied, fault.access), expected);
}
