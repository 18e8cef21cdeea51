//! Copies between kernel and user memory.

use crate::{
    Access, Fault, Mode,
    guarded::{self, Route},
    probe,
};

/// `CopyFromMode`: copies `length` bytes from `source`, an address that a caller in `mode` passed, to
/// kernel memory.
///
/// The source may have any alignment and may change during the copy. Until the function returns, it may
/// access a location more than once: where two moves of a short copy overlap, and after a fault, when
/// it moves the last bytes one by one. So the copied bytes may be of several moments. They do not
/// change after the return. IRQL: at most `APC_LEVEL`.
///
/// # Errors
///
/// With [`Mode::User`]: [`NtStatus::ACCESS_VIOLATION`](crate::NtStatus::ACCESS_VIOLATION) if the range is
/// not all user memory, and then nothing is accessed; or the exception that the memory raised, after
/// [`Fault::copied`] bytes. With [`Mode::Kernel`]: none.
///
/// # Safety
///
/// `destination` is valid kernel memory for `length` bytes, and does not overlap the source. With
/// [`Mode::Kernel`], `source` is valid kernel memory too; it is neither checked nor guarded.
#[inline]
pub unsafe fn copy_from_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe {
        copy(
            (destination, Mode::Kernel),
            (source, mode),
            length,
            Route::Cached,
        )
    }
}

/// `CopyFromModeAligned`: copies as [`copy_from_mode`] does, from an aligned source.
///
/// `source` must be a multiple of `alignment` bytes, unless `mode` is [`Mode::Kernel`] or `length` is
/// 0. The alignment of the destination is not checked.
///
/// # Errors
///
/// [`NtStatus::INVALID_PARAMETER`](crate::NtStatus::INVALID_PARAMETER) if `alignment` is not a power of
/// two; [`NtStatus::DATATYPE_MISALIGNMENT`](crate::NtStatus::DATATYPE_MISALIGNMENT) if `source` is not
/// aligned to it; then those of [`copy_from_mode`].
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

/// `CopyFromModeNonTemporal`: copies as [`copy_from_mode`] does, with stores that bypass the cache. It
/// is for large copies whose destination is not read soon.
///
/// On x86-64 it uses `MOVNTDQ` where 64 bytes are left at an aligned destination, and an `SFENCE` at
/// the end, also after a fault. So it is ordered like a plain copy.
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
    unsafe {
        copy(
            (destination, Mode::Kernel),
            (source, mode),
            length,
            Route::NonTemporal,
        )
    }
}

/// `CopyToMode`: copies `length` bytes of kernel memory to `destination`, an address that a caller in
/// `mode` passed. The rest is as for [`copy_from_mode`].
///
/// # Errors
///
/// As for [`copy_from_mode`], but of `destination`.
///
/// # Safety
///
/// `source` is valid kernel memory for `length` bytes, and does not overlap the destination. With
/// [`Mode::Kernel`], `destination` is valid kernel memory too; it is neither checked nor guarded.
#[inline]
pub unsafe fn copy_to_mode(
    destination: *mut u8,
    source: *const u8,
    length: usize,
    mode: Mode,
) -> Result<(), Fault> {
    // SAFETY: the caller's promise is the same.
    unsafe {
        copy(
            (destination, mode),
            (source, Mode::Kernel),
            length,
            Route::Cached,
        )
    }
}

/// `CopyToModeNonTemporal`: copies as [`copy_to_mode`] does, with the stores of
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
    unsafe {
        copy(
            (destination, mode),
            (source, Mode::Kernel),
            length,
            Route::NonTemporal,
        )
    }
}

user_forms! {
    "CopyFromUser", safety: "`destination` is valid kernel memory for `length` bytes, and does not overlap the source."
    pub unsafe fn copy_from_user(destination: *mut u8, source: *const u8, length: usize) -> ()
        => copy_from_mode(destination, source, length, Mode::User);
    "CopyFromUserAligned", safety: "As for [`copy_from_user`]."
    pub unsafe fn copy_from_user_aligned(
        destination: *mut u8, source: *const u8, length: usize, alignment: usize
    ) -> () => copy_from_mode_aligned(destination, source, length, Mode::User, alignment);
    "CopyFromUserNonTemporal", safety: "As for [`copy_from_user`]."
    pub unsafe fn copy_from_user_nontemporal(
        destination: *mut u8, source: *const u8, length: usize
    ) -> () => copy_from_mode_nontemporal(destination, source, length, Mode::User);
    "CopyToUser", safety: "`source` is valid kernel memory for `length` bytes, and does not overlap the destination."
    pub unsafe fn copy_to_user(destination: *mut u8, source: *const u8, length: usize) -> ()
        => copy_to_mode(destination, source, length, Mode::User);
    "CopyToUserNonTemporal", safety: "As for [`copy_to_user`]."
    pub unsafe fn copy_to_user_nontemporal(
        destination: *mut u8, source: *const u8, length: usize
    ) -> () => copy_to_mode_nontemporal(destination, source, length, Mode::User);
}

/// Checks the alignment in user mode, as the `…Aligned` macros do.
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

/// Copies between two addresses, each with the mode of its caller.
///
/// # Safety
///
/// As for [`guarded::copy`].
#[inline]
pub(super) unsafe fn copy(
    (destination, destination_mode): (*mut u8, Mode),
    (source, source_mode): (*const u8, Mode),
    length: usize,
    route: Route,
) -> Result<(), Fault> {
    let destination = (destination.expose_provenance(), destination_mode);
    let source = (source.expose_provenance(), source_mode);
    // SAFETY: the caller's promise is the same.
    unsafe { guarded::copy(destination, source, length, route) }
}
