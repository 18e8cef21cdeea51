//! Numbers as addresses: what a caller passes is a number, and so is every address of a case.

use core::ptr;

pub(crate) const fn bytes(address: usize) -> *const u8 {
    ptr::with_exposed_provenance(address)
}

pub(crate) const fn bytes_mut(address: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(address)
}

pub(crate) const fn to<T>(address: usize) -> *mut T {
    ptr::with_exposed_provenance_mut(address)
}

pub(crate) const fn from<T>(address: usize) -> *const T {
    ptr::with_exposed_provenance(address)
}
