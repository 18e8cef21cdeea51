//! Buffers of nonpaged pool, with the driver's tag.
//!
//! The global allocator aborts if the allocation fails, and keeps no alignment over 16. Here a failed
//! allocation is a status.

use core::{ffi::c_void, ptr::NonNull};

use ringcopy_protocol::NtStatus;
use usermode_accessors::VolatileSlice;
use wdk_sys::{
    POOL_FLAG_NON_PAGED,
    ntddk::{ExAllocatePool2, ExFreePoolWithTag},
};

/// Shown as `RgCp` by the pool tools.
pub const POOL_TAG: u32 = u32::from_le_bytes(*b"RgCp");

/// Allocates zeroed nonpaged memory; `STATUS_INSUFFICIENT_RESOURCES` if that fails. IRQL: at most
/// `DISPATCH_LEVEL`.
pub(super) fn allocate(length: usize) -> Result<NonNull<u8>, NtStatus> {
    // SAFETY: any size and tag may be asked for at this IRQL; without POOL_FLAG_RAISE_ON_FAILURE a
    // failure is null.
    let address = unsafe { ExAllocatePool2(POOL_FLAG_NON_PAGED, length as u64, POOL_TAG) };
    NonNull::new(address.cast()).ok_or(NtStatus::INSUFFICIENT_RESOURCES)
}

/// Frees memory.
///
/// # Safety
///
/// [`allocate`] returned it, and it is not used any more.
pub(super) unsafe fn free(bytes: NonNull<u8>) {
    let address: *mut c_void = bytes.as_ptr().cast();
    // SAFETY: as the caller guarantees; allocated with this tag.
    unsafe { ExFreePoolWithTag(address, POOL_TAG) };
}

/// Zeroed nonpaged memory; freed when dropped.
pub struct PoolBuffer {
    bytes: NonNull<u8>,
    length: usize,
}

impl PoolBuffer {
    /// Allocates a buffer; `STATUS_INSUFFICIENT_RESOURCES` if that fails. IRQL: at most
    /// `DISPATCH_LEVEL`.
    pub fn allocate(length: usize) -> Result<Self, NtStatus> {
        allocate(length).map(|bytes| Self { bytes, length })
    }

    /// Returns the bytes for a copy.
    pub const fn as_volatile(&mut self) -> VolatileSlice<'_> {
        // SAFETY: the allocation is `length` bytes long, lives as long as `self`, and is borrowed
        // exclusively.
        unsafe { VolatileSlice::from_raw_parts(self.bytes.as_ptr(), self.length) }
    }

    /// Returns the bytes.
    pub const fn as_slice(&self) -> &[u8] {
        // SAFETY: the pool zeroed `length` bytes, and writes need `&mut self`.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr(), self.length) }
    }
}

impl Drop for PoolBuffer {
    fn drop(&mut self) {
        // SAFETY: allocated by `allocate`, and freed once.
        unsafe { free(self.bytes) };
    }
}
