//! Converts numbers to pointers. A caller passes a number, so each address of a case is one.

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
