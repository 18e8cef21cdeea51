//! The safe types are for kernel mode.
//!
//! In kernel mode no Rust object lies in user memory, so a safe function may write anywhere there. In a
//! process of user mode all Rust objects do.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::{Access, Fault, Mode, NtStatus, arch};

static ALLOWED_IN_USER_MODE: AtomicBool = AtomicBool::new(false);

/// Lets the safe types access the memory of this process, if it runs in user mode.
///
/// Without this call they refuse every user address there with [`NtStatus::NOT_SUPPORTED`]: otherwise
/// safe code could write over the objects of the program. It is for test programs, which call it once,
/// before the first access. In kernel mode it has no effect. It cannot be undone.
///
/// # Safety
///
/// If the process runs in user mode: from now on, all code of the process gives the safe types of this
/// crate only addresses of memory that was set aside for that, in which no Rust object is in use during
/// the access, or which is not mapped.
pub unsafe fn allow_in_user_mode() {
    ALLOWED_IN_USER_MODE.store(true, Ordering::Relaxed);
}

/// Checks that a safe type may access the address of a caller in `mode`.
///
/// The promise of an `unsafe` constructor includes the memory of a caller in kernel mode.
#[inline]
pub(crate) fn check(mode: Mode, address: usize, access: Access) -> Result<(), Fault> {
    if matches!(mode, Mode::Kernel)
        || arch::is_kernel()
        || ALLOWED_IN_USER_MODE.load(Ordering::Relaxed)
    {
        return Ok(());
    }
    Err(Fault::refused(NtStatus::NOT_SUPPORTED, address, access))
}
