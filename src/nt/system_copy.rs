//! `MmCopyMemory`, the system's own.

use mm_copy::{CopyFlags, ReadError};
use usermode_accessors::{NtStatus, VolatileSlice};
use wdk_sys::{MM_COPY_ADDRESS, ntddk::MmCopyMemory};

/// Copies into nonpaged system memory. IRQL: at most `APC_LEVEL`.
pub fn mm_copy_memory(
    flags: CopyFlags,
    address: u64,
    mut target: VolatileSlice<'_>,
) -> Result<(), ReadError> {
    let mut source = MM_COPY_ADDRESS::default();
    // Both members of the union are 64 bits wide; the flags select one.
    source.__bindgen_anon_1.PhysicalAddress.QuadPart = address.cast_signed();
    let mut transferred = 0;
    // SAFETY: the target is nonpaged system memory of that length (pool, contiguous memory, or
    // locked pages: the driver makes no other slices but of its stack, which is resident while
    // its thread runs), and the routine never touches a bad source.
    let status = unsafe {
        MmCopyMemory(
            target.as_mut_ptr().cast(),
            source,
            target.len() as u64,
            flags.bits(),
            &raw mut transferred,
        )
    };
    if status >= 0 {
        Ok(())
    } else {
        let transferred = usize::try_from(transferred).unwrap_or(0).min(target.len());
        Err(ReadError {
            status: NtStatus::from_raw(status),
            transferred,
        })
    }
}
