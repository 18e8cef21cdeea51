//! Bulk copies between kernel and user memory.

use crate::{
    Access, Fault, Mode,
    guarded::{self, Route},
    probe,
};

/// `CopyFromMode`: copies `length` bytes from `source`, an address that a caller in `mode`
/// named, to kernel memory.
///
/// The source may have any alignment and may change during the copy. Until this returns, a location
/// may be touched more than once: where two moves of a short copy overlap, and after a fault, when
/// the last bytes are moved one by one. What arrives may then be of several moments, and stays as
/// it is. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the
/// range is not all user memory, with nothing touched; else the exception that the memory
/// raised, after [`Fault::copied`] bytes. With [`Mode::Kernel`]: none.
///
/// # Safety
///
/// `destination` is valid kernel memory for `length` bytes, and does not overlap the source.
/// With [`Mode::Kernel`], `source` is valid kernel memory as well: it is neither checked nor
/// guarded.
#[inline]
pub unsafe fn copy_from_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { from(destination, source, length, mode, Route::Cached) }
}

/// `CopyFromModeAligned`: as [`copy_from_mode`], and `source` must be a multiple of `alignment`
/// bytes unless `mode` is [`Mode::Kernel`] or `length` is 0. The destination's alignment is not
/// looked at.
///
/// # Errors
///
/// [`NtStatus::INVALID_PARAMETER`](crate::NtStatus::INVALID_PARAMETER) if `alignment` is not a power
/// of two; [`NtStatus::DATATYPE_MISALIGNMENT`](crate::NtStatus::DATATYPE_MISALIGNMENT) if `source`
/// is not aligned to it; then those of [`copy_from_mode`].
///
/// # Safety
///
/// As for [`copy_from_mode`].
#[inline]
pub unsafe fn copy_from_mode_aligned(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
    alignment: usize,
) -> Result<(), Fault> {
    aligned(source.addr(), length, mode, alignment, Access::Read)?;
    // SAFETY: the caller's promise is the same.
    unsafe { copy_from_mode(destination, source, length, mode) }
}

/// `CopyFromModeNonTemporal`: as [`copy_from_mode`], with stores that go around the cache, for
/// large transfers that will not be looked at soon.
///
/// On x86-64: `MOVNTDQ` wherever 64 bytes are left at an aligned destination, and an `SFENCE` at
/// the end, also after a fault. So the copy is ordered as a plain one is.
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// As for [`copy_from_mode`].
#[inline]
pub unsafe fn copy_from_mode_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { from(destination, source, length, mode, Route::NonTemporal) }
}

/// `CopyFromUser`: [`copy_from_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// `destination` is valid kernel memory for `length` bytes, and does not overlap the source.
#[inline]
pub unsafe fn copy_from_user(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_from_mode(destination, source, length, Mode::User) }
}

/// `CopyFromUserAligned`: [`copy_from_mode_aligned`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_from_mode_aligned`].
///
/// # Safety
///
/// As for [`copy_from_user`].
#[inline]
pub unsafe fn copy_from_user_aligned(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    alignment: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_from_mode_aligned(destination, source, length, Mode::User, alignment) }
}

/// `CopyFromUserNonTemporal`: [`copy_from_mode_nontemporal`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// As for [`copy_from_user`].
#[inline]
pub unsafe fn copy_from_user_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_from_mode_nontemporal(destination, source, length, Mode::User) }
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
#[inline]
pub unsafe fn copy_to_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { to(destination, source, length, mode, Route::Cached) }
}

/// `CopyToModeNonTemporal`: as [`copy_to_mode`], with the stores of
/// [`copy_from_mode_nontemporal`].
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// As for [`copy_to_mode`].
#[inline]
pub unsafe fn copy_to_mode_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { to(destination, source, length, mode, Route::NonTemporal) }
}

/// `CopyToUser`: [`copy_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// `source` is valid kernel memory for `length` bytes, and does not overlap the destination.
#[inline]
pub unsafe fn copy_to_user(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_to_mode(destination, source, length, Mode::User) }
}

/// `CopyToUserNonTemporal`: [`copy_to_mode_nontemporal`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// As for [`copy_to_user`].
#[inline]
pub unsafe fn copy_to_user_nontemporal(
    destination: *mut u8,
    source: *const u8,
    length: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_to_mode_nontemporal(destination, source, length, Mode::User) }
}

/// The check of the `…Aligned` macros: in user mode only.
#[inline]
pub(super) const fn aligned(
    address: usize,
    length: usize,
    mode: Mode,
    alignment: usize,
    access: Access,
) -> Result<(), Fault> {
    match mode {
        Mode::Kernel => Ok(()),
        Mode::User => match probe::check_alignment(address, length, alignment) {
            Ok(()) => Ok(()),
            Err(status) => Err(Fault::refused(status, address, access)),
        },
    }
}

/// # Safety
///
/// As for [`copy_from_mode`].
#[inline]
unsafe fn from(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
    route: Route,
) -> Result<(), Fault> {
    let destination = (destination.expose_provenance(), Mode::Kernel);
    let source = (source.expose_provenance(), mode);
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::copy(destination, source, length, route) }
}

/// # Safety
///
/// As for [`copy_to_mode`].
#[inline]
unsafe fn to(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
    route: Route,
) -> Result<(), Fault> {
    let destination = (destination.expose_provenance(), mode);
    let source = (source.expose_provenance(), Mode::Kernel);
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::copy(destination, source, length, route) }
}
