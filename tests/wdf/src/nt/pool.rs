//! Nonpaged pool for the framework itself, and pool of any kind for the driver's memory objects.
//!
//! The framework's own blocks have [`TAG`], which distinguishes them from the driver's in a report
//! of leaks.

use super::routine;
use core::{
    ffi::c_void,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::atomic::{AtomicPtr, Ordering},
};
use wdk_sys::{POOL_TYPE, SIZE_T, ULONG, ULONG64, ntddk};

/// The tag of the framework's own allocations.
pub(crate) const TAG: ULONG = u32::from_le_bytes(*b"LdWF");

/// Every pool block is aligned to this (`MEMORY_ALLOCATION_ALIGNMENT` of x64).
pub(crate) const ALIGNMENT: usize = 16;

/// `POOL_TYPE` values that a driver may name (wdm.h, `POOL_TYPE`).
const PAGED_POOL: POOL_TYPE = 1;
const NONPAGED_POOL: POOL_TYPE = 0;
pub(crate) const NONPAGED_POOL_NX: POOL_TYPE = 512;

/// `POOL_FLAGS` of `ExAllocatePool2` (wdm.h, `POOL_FLAGS`).
const POOL_FLAG_UNINITIALIZED: ULONG64 = 0x2;
const POOL_FLAG_NON_PAGED: ULONG64 = 0x40;
const POOL_FLAG_NON_PAGED_EXECUTE: ULONG64 = 0x80;
const POOL_FLAG_PAGED: ULONG64 = 0x100;

type AllocatePool2 = unsafe extern "C" fn(ULONG64, SIZE_T, ULONG) -> *mut c_void;

/// `ExAllocatePool2`, once [`find`] has found it.
static ALLOCATE_POOL_2: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

unsafe extern "C" {
    /// Deprecated; used if `ExAllocatePool2` is missing.
    fn ExAllocatePoolWithTag(pool: POOL_TYPE, bytes: SIZE_T, tag: ULONG) -> *mut c_void;
}

/// Looks up `ExAllocatePool2`, which kernels before Windows 10, version 2004, do not have.
pub(crate) fn find() {
    if let Some(routine) = routine::address("ExAllocatePool2") {
        ALLOCATE_POOL_2.store(routine.as_ptr(), Ordering::Release);
    }
}

/// Allocates a block with unspecified contents. `pool` is the driver's choice.
pub(crate) fn allocate_raw(pool: POOL_TYPE, bytes: usize, tag: ULONG) -> Option<NonNull<c_void>> {
    let routine = ALLOCATE_POOL_2.load(Ordering::Acquire);
    let block = if routine.is_null() {
        // SAFETY: any size but zero, which no caller passes, and any tag but zero are valid.
        unsafe { ExAllocatePoolWithTag(pool, bytes as SIZE_T, tag) }
    } else {
        let flags = match pool {
            PAGED_POOL => POOL_FLAG_PAGED,
            NONPAGED_POOL => POOL_FLAG_NON_PAGED_EXECUTE,
            _ => POOL_FLAG_NON_PAGED,
        };
        // SAFETY: `find` stored the address of the export of that name, whose type this is.
        let routine = unsafe { core::mem::transmute::<*mut c_void, AllocatePool2>(routine) };
        // SAFETY: the flags name one pool; any size but zero and any tag but zero are valid.
        unsafe { routine(flags | POOL_FLAG_UNINITIALIZED, bytes as SIZE_T, tag) }
    };
    NonNull::new(block)
}

/// Whether a driver may use this pool. `WdfMemoryCreate` refuses others: combinations with
/// `MustSucceed` and the like.
pub(crate) const fn is_known(pool: POOL_TYPE) -> bool {
    matches!(pool, PAGED_POOL | NONPAGED_POOL | NONPAGED_POOL_NX)
}

/// Allocates a zeroed block of nonpaged pool for the framework.
pub(crate) fn allocate_zeroed(bytes: usize) -> Option<NonNull<c_void>> {
    let block = allocate_raw(NONPAGED_POOL_NX, bytes, TAG)?;
    // SAFETY: the block was just allocated with this size.
    unsafe { block.as_ptr().cast::<u8>().write_bytes(0, bytes) };
    Some(block)
}

/// Frees a block.
///
/// # Safety
///
/// `block` came from [`allocate_raw`] with this tag, or from [`allocate_zeroed`] and `tag` is
/// [`TAG`]; nothing uses it any more.
pub(crate) unsafe fn free(block: NonNull<c_void>, tag: ULONG) {
    // SAFETY: the caller's promise.
    unsafe { ntddk::ExFreePoolWithTag(block.as_ptr(), tag) };
}

/// A block of nonpaged pool of any size, freed when dropped.
pub(crate) struct Block(NonNull<c_void>);

impl Block {
    /// Allocates a block of zeroes. `None` if there is no memory.
    pub(crate) fn zeroed(bytes: usize) -> Option<Self> {
        allocate_zeroed(bytes).map(Self)
    }

    pub(crate) const fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: `zeroed` allocated the block with this tag.
        unsafe { free(self.0, TAG) };
    }
}

/// A value in nonpaged pool, freed when dropped.
pub(crate) struct Allocation<T>(NonNull<T>);

impl<T> Allocation<T> {
    /// Moves a value to the pool. `None` if there is no memory.
    pub(crate) fn new(value: T) -> Option<Self> {
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        let place = allocate_zeroed(size_of::<T>().max(1))?.cast::<T>();
        // SAFETY: the block was just allocated for a T.
        unsafe { place.write(value) };
        Some(Self(place))
    }

    /// Gives up the ownership; [`Allocation::from_raw`] takes it back.
    pub(crate) const fn into_raw(self) -> NonNull<T> {
        let place = self.0;
        core::mem::forget(self);
        place
    }

    /// Takes back the ownership.
    ///
    /// # Safety
    ///
    /// `place` came from [`Allocation::into_raw`], and nothing else owns it.
    pub(crate) const unsafe fn from_raw(place: NonNull<T>) -> Self {
        Self(place)
    }
}

impl<T> Deref for Allocation<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the allocation owns a valid T.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for Allocation<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the allocation owns a valid T, which is borrowed mutably.
        unsafe { self.0.as_mut() }
    }
}

impl<T> Drop for Allocation<T> {
    fn drop(&mut self) {
        // SAFETY: the allocation owns a valid T, which nothing uses after this.
        unsafe { self.0.drop_in_place() };
        // SAFETY: `new` allocated the block with this tag.
        unsafe { free(self.0.cast(), TAG) };
    }
}
