//! Bulk copies: `CopyFromMode`, `CopyFromModeAligned`, `CopyToMode`.

use crate::{Access, Fault, Mode, guarded, probe};

/// `CopyFromMode`: copies `length` bytes from `source`, an address that a caller in `mode`
/// named, to kernel memory.
///
/// The source may have any alignment and may change during the copy; the processor may touch a
/// location more than once. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// With [`Mode::User`]: [`Status::ACCESS_VIOLATION`](crate::Status::ACCESS_VIOLATION) if the
/// range is not all user memory, with nothing touched; else the exception that the memory
/// raised, after [`Fault::copied`] bytes. With [`Mode::Kernel`]: none.
///
/// # Safety
///
/// `destination` is valid kernel memory for `length` bytes, and does not overlap the source.
/// With [`Mode::Kernel`], `source` is valid kernel memory as well: it is neither checked nor
/// guarded.
pub unsafe fn copy_from_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::copy_from(destination, source.expose_provenance(), length, mode) }
}

/// `CopyFromModeAligned`: as [`copy_from_mode`], and `source` must be a multiple of `alignment`
/// bytes unless `mode` is [`Mode::Kernel`] or `length` is 0. The destination's alignment is not
/// looked at.
///
/// # Errors
///
/// [`Status::INVALID_PARAMETER`](crate::Status::INVALID_PARAMETER) if `alignment` is not a power
/// of two; [`Status::DATATYPE_MISALIGNMENT`](crate::Status::DATATYPE_MISALIGNMENT) if `source`
/// is not aligned to it; then those of [`copy_from_mode`].
///
/// # Safety
///
/// As for [`copy_from_mode`].
pub unsafe fn copy_from_mode_aligned(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
    alignment: usize,
) -> Result<(), Fault> {
    if mode == Mode::User {
        probe::check_alignment(source.addr(), length, alignment)
            .map_err(|status| Fault::refused(status, source.addr(), Access::Read))?;
    }
    // SAFETY: the caller's promise is the same.
    unsafe { copy_from_mode(destination, source, length, mode) }
}

/// `CopyToMode`: copies `length` bytes of kernel memory to `destination`, an address that a
/// caller in `mode` named. Otherwise as [`copy_from_mode`].
///
/// # Errors
///
/// As for [`copy_from_mode`], with regard to `destination`.
///
/// # Safety
///
/// `source` is valid kernel memory for `length` bytes, and does not overlap the destination.
/// With [`Mode::Kernel`], `destination` is valid kernel memory as well: it is neither checked
/// nor guarded.
pub unsafe fn copy_to_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::copy_to(destination.expose_provenance(), source, length, mode) }
}
