//! The end of user memory, as the kernel knows it.

use usermode_accessors::{NtStatus, probe};

#[link(name = "ntoskrnl")]
unsafe extern "C" {
    /// Declared by `ntddk.h`. The kernel exports it as data, which is reached through its entry in the
    /// import table; the attribute asks for that. The declaration in `wdk-sys` does not.
    static MmUserProbeAddress: usize;
}

/// Has the accessors use the system's user limit. IRQL: any.
///
/// # Errors
///
/// Those of [`probe::set_user_limit`].
pub fn use_that_of_system() -> Result<(), NtStatus> {
    // SAFETY: the kernel sets the variable when it starts, and never changes it.
    let limit = unsafe { MmUserProbeAddress };
    probe::set_user_limit(limit)
}
