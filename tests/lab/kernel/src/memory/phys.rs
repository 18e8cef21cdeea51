//! Physical memory, through the linear mapping.

use super::PAGE;
use super::layout::{LINEAR, LINEAR_LENGTH};
use crate::raw::{self, Plain};

/// Returns the virtual address of a physical address.
pub(crate) fn linear(address: u64) -> u64 {
    assert!(
        address < LINEAR_LENGTH,
        "{address:#x} is not memory of this machine"
    );
    LINEAR + address
}

/// Returns the physical address of an address in the linear mapping.
pub(crate) const fn of_kernel(address: u64) -> u64 {
    address - LINEAR
}

pub(crate) fn read<T: Plain>(address: u64) -> T {
    raw::read(linear(address))
}

/// Reads an entry of a page table.
pub(crate) fn read_entry(address: u64) -> u64 {
    raw::read_volatile(linear(address))
}

/// Writes an entry of a page table.
pub(crate) fn write_entry(address: u64, value: u64) {
    raw::write_volatile(linear(address), value);
}

/// Fills one frame with a 64-bit pattern.
pub(crate) fn fill_frame(frame: u64, pattern: u64) {
    let start = linear(frame);
    for place in (start..start + PAGE).step_by(64) {
        raw::write(place, [pattern; 8]);
    }
}
