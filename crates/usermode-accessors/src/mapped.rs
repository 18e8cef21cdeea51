//! Reads of kernel memory that is mapped, and that may refuse to be read all the same.
//!
//! A hypervisor can withhold a page of RAM that the kernel's page tables map: an access to it then
//! raises an exception in the kernel, though no table says why. The result of a fault at a system
//! address depends on the exception:
//!
//! - A general protection fault, or another exception that a hypervisor injects, is dispatched to
//!   the handlers of the code that caused it, as `STATUS_ACCESS_VIOLATION` of an unknown address.
//!   These functions return it as a [`Fault`].
//! - A page fault at a system address that the page tables do not map, or not for this access, is
//!   not dispatched: the system stops with bug check 0x50, `PAGE_FAULT_IN_NONPAGED_AREA`, which
//!   "cannot be protected by try-except". At `DISPATCH_LEVEL` and above, it stops with bug check
//!   0xD1. No guard changes that, so the memory must be mapped.
//! - A machine check stops the system.
//!
//! Source: "Handling Exceptions", Windows driver documentation; "Bug Check 0x50", debugger
//! documentation. Which exception a hypervisor injects is its own affair. By the Hypervisor
//! Top-Level Functional Specification ("Virtual Secure Mode"), an access that a higher trust level
//! does not permit goes to that level; what the code that made it sees is not documented.
//!
//! User memory stays closed (SMAP) during these reads.
//!
//! IRQL: any at which the memory is resident and exceptions are dispatched: at most
//! `DISPATCH_LEVEL`.

use crate::{Access, Fault, Scalar, VolatileSlice, arch};

/// Copies from `source` on to all of `target`, or up to the first byte that cannot be read.
///
/// # Safety
///
/// As many bytes as `target` has are mapped in kernel space at `source`, readable as far as the
/// page tables say, and none of them is part of `target`. They may change at any time.
///
/// # Errors
///
/// The [`Fault`] of a read that was refused, with the exact count of the bytes before it.
#[inline]
pub unsafe fn read_to(source: *const u8, mut target: VolatileSlice<'_>) -> Result<(), Fault> {
    // SAFETY: the caller vouches for the source; the target is valid by its type.
    unsafe { arch::guarded_copy_closed(target.as_mut_ptr(), source, target.len()) }
        .map_err(|trap| Fault::from_trap(trap, Access::Read))
}

/// Reads a number with one instruction.
///
/// # Safety
///
/// As for [`read_to`].
///
/// # Errors
///
/// The [`Fault`] of a read that was refused.
#[inline]
pub unsafe fn read<T: Scalar>(source: *const T) -> Result<T, Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { arch::guarded_read_closed(source.cast(), T::WIDTH) }
        .map(T::from_bits)
        .map_err(|trap| Fault::from_trap(trap, Access::Read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_there_is_read() {
        let source: [u8; 200] = core::array::from_fn(|index| index.to_le_bytes()[0]);
        for length in 0..source.len() {
            let mut target = [0xEE; 200];
            // SAFETY: the source is longer, and another array.
            unsafe { read_to(source.as_ptr(), (&mut target[..length]).into()) }.unwrap();
            assert_eq!(target[..length], source[..length]);
            assert!(target[length..].iter().all(|&byte| byte == 0xEE));
        }
        // SAFETY: there are 8 bytes.
        let value: u64 = unsafe { read(source.as_ptr().cast()) }.unwrap();
        assert_eq!(value, 0x0706_0504_0302_0100);
    }
}
