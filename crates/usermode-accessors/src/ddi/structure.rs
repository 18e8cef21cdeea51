//! Structures: the size comes from the type.

use core::mem::size_of;

use super::copy::{aligned, copy_from_mode, copy_from_mode_aligned, copy_to_mode};
use crate::{Access, Fault, Mode};

/// `ReadStructFromMode`: copies a `T` from `source`, an address that a caller in `mode` named.
///
/// Alignment is not enforced. The copy is not atomic: the structure may change in the middle of
/// it. Judge the copy, and only the copy. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_from_mode`]. After a fault the first [`Fault::copied`] bytes of `destination` are
/// overwritten, the rest is not.
///
/// # Safety
///
/// `destination` is valid for writes of a `T`, and does not overlap the source. What arrives are
/// the caller's bytes: the destination may be read as a `T` only if every pattern of bytes is
/// one. With [`Mode::Kernel`], `source` is valid as well: it is neither checked nor guarded.
#[inline]
pub unsafe fn read_struct_from_mode<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same, for the size of a `T`.
    unsafe { copy_from_mode(destination.cast(), source.cast(), size_of::<T>(), mode) }
}

/// `ReadStructFromModeAligned`: as [`read_struct_from_mode`], and `source` must be a multiple of
/// `alignment` bytes unless `mode` is [`Mode::Kernel`].
///
/// # Errors
///
/// As for [`copy_from_mode_aligned`]. After a fault the first [`Fault::copied`] bytes of
/// `destination` are overwritten, the rest is not.
///
/// # Safety
///
/// As for [`read_struct_from_mode`].
#[inline]
pub unsafe fn read_struct_from_mode_aligned<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
    alignment: usize,
) -> Result<(), Fault> {
    let (to, from) = (destination.cast(), source.cast());
    // SAFETY: the caller's promise is the same, for the size of a `T`.
    unsafe { copy_from_mode_aligned(to, from, size_of::<T>(), mode, alignment) }
}

/// `ReadStructFromModeHelper`: what [`read_struct_from_mode`] comes down to, with the size as a
/// number of bytes: [`copy_from_mode`].
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// As for [`copy_from_mode`].
#[inline]
pub unsafe fn read_struct_from_mode_helper(
    destination: *mut u8,
    source: *const u8,
    size: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_from_mode(destination, source, size, mode) }
}

/// `ReadStructFromUser`: [`read_struct_from_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`read_struct_from_mode`].
///
/// # Safety
///
/// As for [`read_struct_from_mode`].
#[inline]
pub unsafe fn read_struct_from_user<T: Copy>(
    destination: *mut T,
    source: *const T,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { read_struct_from_mode(destination, source, Mode::User) }
}

/// `ReadStructFromUserAligned`: [`read_struct_from_mode_aligned`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`read_struct_from_mode_aligned`].
///
/// # Safety
///
/// As for [`read_struct_from_mode`].
#[inline]
pub unsafe fn read_struct_from_user_aligned<T: Copy>(
    destination: *mut T,
    source: *const T,
    alignment: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { read_struct_from_mode_aligned(destination, source, Mode::User, alignment) }
}

/// `ReadStructFromUserHelper`: [`read_struct_from_mode_helper`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_from_mode`].
///
/// # Safety
///
/// As for [`copy_from_mode`].
#[inline]
pub unsafe fn read_struct_from_user_helper(
    destination: *mut u8,
    source: *const u8,
    size: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { read_struct_from_mode_helper(destination, source, size, Mode::User) }
}

/// `WriteStructToMode`: copies a `T` to `destination`, an address that a caller in `mode` named.
///
/// All its bytes go out, padding too: see to it that no padding holds what the caller must not
/// see. Alignment is not enforced. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_to_mode`]. After a fault the first [`Fault::copied`] bytes of `destination` are
/// overwritten, the rest is not.
///
/// # Safety
///
/// `source` is valid for reads of a `T`, all its bytes are initialised, and it does not overlap
/// the destination. With [`Mode::Kernel`], `destination` is valid as well: it is neither checked
/// nor guarded.
#[inline]
pub unsafe fn write_struct_to_mode<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same, for the size of a `T`.
    unsafe { copy_to_mode(destination.cast(), source.cast(), size_of::<T>(), mode) }
}

/// `WriteStructToModeAligned`: as [`write_struct_to_mode`], and `destination` must be a multiple
/// of `alignment` bytes unless `mode` is [`Mode::Kernel`]. The source's alignment is not looked
/// at.
///
/// # Errors
///
/// [`NtStatus::INVALID_PARAMETER`](crate::NtStatus::INVALID_PARAMETER) if `alignment` is not a power
/// of two; [`NtStatus::DATATYPE_MISALIGNMENT`](crate::NtStatus::DATATYPE_MISALIGNMENT) if
/// `destination` is not aligned to it; then those of [`write_struct_to_mode`].
///
/// # Safety
///
/// As for [`write_struct_to_mode`].
#[inline]
pub unsafe fn write_struct_to_mode_aligned<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
    alignment: usize,
) -> Result<(), Fault> {
    let size = size_of::<T>();
    aligned(destination.addr(), size, mode, alignment, Access::Write)?;
    // SAFETY: the caller's promise is the same.
    unsafe { write_struct_to_mode(destination, source, mode) }
}

/// `WriteStructToModeHelper`: what [`write_struct_to_mode`] comes down to, with the size as a
/// number of bytes: [`copy_to_mode`].
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// As for [`copy_to_mode`].
#[inline]
pub unsafe fn write_struct_to_mode_helper(
    destination: *mut u8,
    source: *const u8,
    size: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy_to_mode(destination, source, size, mode) }
}

/// `WriteStructToUser`: [`write_struct_to_mode`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`write_struct_to_mode`].
///
/// # Safety
///
/// As for [`write_struct_to_mode`].
#[inline]
pub unsafe fn write_struct_to_user<T: Copy>(
    destination: *mut T,
    source: *const T,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { write_struct_to_mode(destination, source, Mode::User) }
}

/// `WriteStructToUserAligned`: [`write_struct_to_mode_aligned`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`write_struct_to_mode_aligned`].
///
/// # Safety
///
/// As for [`write_struct_to_mode`].
#[inline]
pub unsafe fn write_struct_to_user_aligned<T: Copy>(
    destination: *mut T,
    source: *const T,
    alignment: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { write_struct_to_mode_aligned(destination, source, Mode::User, alignment) }
}

/// `WriteStructToUserHelper`: [`write_struct_to_mode_helper`] with [`Mode::User`].
///
/// # Errors
///
/// As for [`copy_to_mode`].
///
/// # Safety
///
/// As for [`copy_to_mode`].
#[inline]
pub unsafe fn write_struct_to_user_helper(
    destination: *mut u8,
    source: *const u8,
    size: usize,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe { write_struct_to_mode_helper(destination, source, size, Mode::User) }
}
