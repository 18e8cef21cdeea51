//! Structures: `ReadStructFromModeAligned`.

use core::mem::size_of;

use crate::{Fault, Mode};

use super::copy_from_mode_aligned;

/// `ReadStructFromModeAligned`: copies a `T` from `source`, an address that a caller in `mode`
/// named. The size comes from the type. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_from_mode_aligned`]. After a fault the first [`Fault::copied`] bytes of
/// `destination` are overwritten, the rest is not.
///
/// # Safety
///
/// `destination` is valid for writes of a `T`, and does not overlap the source. What arrives are
/// the caller's bytes: the destination may be read as a `T` only if every pattern of bytes is
/// one. With [`Mode::Kernel`], `source` is valid as well: it is neither checked nor guarded.
pub unsafe fn read_struct_from_mode_aligned<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
    alignment: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same, for the size of a `T`.
    unsafe {
        copy_from_mode_aligned(
            destination.cast(),
            source.cast(),
            size_of::<T>(),
            mode,
            alignment,
        )
    }
}
