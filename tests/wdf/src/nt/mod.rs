//! The only calls into the kernel, as safe functions of a few lines.

pub(crate) mod deferred;
pub(crate) mod device;
pub(crate) mod event;
pub(crate) mod file;
pub(crate) mod interface;
pub(crate) mod irp;
pub(crate) mod irql;
pub(crate) mod lock;
pub(crate) mod mdl;
pub(crate) mod notification;
pub(crate) mod pool;
pub(crate) mod routine;
pub(crate) mod shutdown;
pub(crate) mod text;

/// `KernelMode` and `UserMode` (`KPROCESSOR_MODE`).
pub(crate) const KERNEL_MODE: i8 = 0;
pub(crate) const USER_MODE: i8 = 1;

/// Returns the address of a member of a structure, by its offset.
pub(crate) const fn member<S, T>(structure: *mut S, offset: usize) -> *mut T {
    structure.wrapping_byte_add(offset).cast()
}
