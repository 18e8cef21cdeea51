//! A guarded call of foreign code that may raise.

use core::ffi::c_void;

use super::native::user_memory_can_be_closed;

/// The exception that a guarded call raised, if it did.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Raised {
    /// Not 0 if the call raised. The code does not show it, for 0 is a valid code.
    pub(crate) any: u32,
    /// `ExceptionCode`.
    pub(crate) code: u32,
    /// `ExceptionFlags`.
    pub(crate) flags: u32,
    /// `NumberParameters`.
    pub(crate) count: u32,
    /// `ExceptionAddress`.
    pub(crate) address: usize,
    /// The first elements of `ExceptionInformation`.
    pub(crate) parameters: [usize; PARAMETERS],
}

/// The greatest number of arguments of a guarded call.
pub const ARGUMENTS: usize = 10;

/// The number of parameters that are kept: no exception of the kernel has more.
pub(crate) const PARAMETERS: usize = 4;

impl Raised {
    pub(super) const fn new() -> Self {
        Self {
            any: 0,
            code: 0,
            flags: 0,
            count: 0,
            address: 0,
            parameters: [0; PARAMETERS],
        }
    }
}

unsafe extern "efiapi" {
    /// Calls `function`. The result has no meaning if the call raised. `restore` is not 0 if the
    /// processor can close user memory to the kernel; then the exception may have changed that bit.
    pub(super) fn usermode_accessors_call(
        raised: *mut Raised,
        function: *const c_void,
        arguments: *const [usize; ARGUMENTS],
        restore: usize,
    ) -> usize;
}

/// Calls `function`, and returns what it returns or what it raised.
///
/// # Safety
///
/// As for [`crate::raising::call_at`].
pub(crate) unsafe fn call(
    function: *const c_void,
    arguments: &[usize; ARGUMENTS],
) -> Result<usize, Raised> {
    let mut raised = Raised::new();
    let restore = usize::from(user_memory_can_be_closed());
    // SAFETY: record and arguments outlive the call; the caller guarantees the rest.
    let result = unsafe { usermode_accessors_call(&raw mut raised, function, arguments, restore) };
    if raised.any == 0 {
        Ok(result)
    } else {
        Err(raised)
    }
}
