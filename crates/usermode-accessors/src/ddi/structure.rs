//! Copies of a structure, with the size of its type.

use core::mem::size_of;

use super::copy::{aligned, copy_from_mode, copy_from_mode_aligned, copy_to_mode};
use crate::{Access, Fault, Mode};

/// `ReadStructFromMode`: copies a `T` from `source`, an address that a caller in `mode` passed.
///
/// Alignment is not required. The copy is not atomic: the structure may change during it. Validate the
/// copy, and use only the copy. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_from_mode`]. After a fault the first [`Fault::copied`] bytes of `destination` are
/// overwritten, and the others are not.
///
/// # Safety
///
/// `destination` is valid for writes of a `T`, and does not overlap the source. The caller determines
/// the bytes, so the destination may be read as a `T` only if every pattern of bytes is a `T`. With
/// [`Mode::Kernel`], `source` is valid too; it is neither checked nor guarded.
#[inline]
pub unsafe fn read_struct_from_mode<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same, for the size of a `T`.
    unsafe { copy_from_mode(destination.cast(), source.cast(), size_of::<T>(), mode) }
}

/// `ReadStructFromModeAligned`: copies as [`read_struct_from_mode`] does. `source` must be a multiple
/// of `alignment` bytes, unless `mode` is [`Mode::Kernel`].
///
/// # Errors
///
/// As for [`copy_from_mode_aligned`]. After a fault the first [`Fault::copied`] bytes of `destination`
/// are overwritten, and the others are not.
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

/// `ReadStructFromModeHelper`: [`read_struct_from_mode`] with the size as an argument, which is
/// [`copy_from_mode`].
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

/// `WriteStructToMode`: copies a `T` to `destination`, an address that a caller in `mode` passed.
///
/// All its bytes are written, padding included. The padding must not hold bytes that the caller must
/// not read. Alignment is not required. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// As for [`copy_to_mode`]. After a fault the first [`Fault::copied`] bytes of `destination` are
/// overwritten, and the others are not.
///
/// # Safety
///
/// `source` is valid for reads of a `T`, all its bytes are initialised, and it does not overlap the
/// destination. With [`Mode::Kernel`], `destination` is valid too; it is neither checked nor guarded.
#[inline]
pub unsafe fn write_struct_to_mode<T: Copy>(
    destination: *mut T,
    source: *const T,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same, for the size of a `T`.
    unsafe { copy_to_mode(destination.cast(), source.cast(), size_of::<T>(), mode) }
}

/// `WriteStructToModeAligned`: copies as [`write_struct_to_mode`] does, to an aligned destination.
///
/// `destination` must be a multiple of `alignment` bytes, unless `mode` is [`Mode::Kernel`]. The
/// alignment of the source is not checked.
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

/// `WriteStructToModeHelper`: [`write_struct_to_mode`] with the size as an argument, which is
/// [`copy_to_mode`].
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

user_forms! {
    "ReadStructFromUser", safety: "As for [`read_struct_from_mode`]."
    pub unsafe fn read_struct_from_user<T: Copy>(destination: *mut T, source: *const T) -> ()
        => read_struct_from_mode(destination, source, Mode::User);
    "ReadStructFromUserAligned", safety: "As for [`read_struct_from_mode`]."
    pub unsafe fn read_struct_from_user_aligned<T: Copy>(
        destination: *mut T, source: *const T, alignment: usize
    ) -> () => read_struct_from_mode_aligned(destination, source, Mode::User, alignment);
    "ReadStructFromUserHelper", safety: "As for [`copy_from_mode`]."
    pub unsafe fn read_struct_from_user_helper(
        destination: *mut u8, source: *const u8, size: usize
    ) -> () => read_struct_from_mode_helper(destination, source, size, Mode::User);
    "WriteStructToUser", safety: "As for [`write_struct_to_mode`]."
    pub unsafe fn write_struct_to_user<T: Copy>(destination: *mut T, source: *const T) -> ()
        => write_struct_to_mode(destination, source, Mode::User);
    "WriteStructToUserAligned", safety: "As for [`write_struct_to_mode`]."
    pub unsafe fn write_struct_to_user_aligned<T: Copy>(
        destination: *mut T, source: *const T, alignment: usize
    ) -> () => write_struct_to_mode_aligned(destination, source, Mode::User, alignment);
    "WriteStructToUserHelper", safety: "As for [`copy_to_mode`]."
    pub unsafe fn write_struct_to_user_helper(
        destination: *mut u8, source: *const u8, size: usize
    ) -> () => write_struct_to_mode_helper(destination, source, size, Mode::User);
}
