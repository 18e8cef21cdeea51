//! A call of foreign code that may raise. The routine is the one that guards no access.

use core::ffi::c_void;

use super::native::user_memory_can_be_closed;

/// What the routine that guards a call leaves behind, filled in if the call raised.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Raised {
    /// Not 0: the call raised. The code cannot tell, 0 is one.
    pub(crate) any: u32,
    /// `ExceptionCode`.
    pub(crate) code: u32,
    /// `ExceptionFlags`.
    pub(crate) flags: u32,
    /// `NumberParameters`.
    pub(crate) count: u32,
    /// `ExceptionAddress`.
    pub(crate) address: usize,
    /// The first of `ExceptionInformation`.
    pub(crate) parameters: [usize; PARAMETERS],
}

/// How many parameters of an exception are kept: no exception of the kernel's own has more.
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
    /// The result has no meaning if the call raised. `restore` not 0: here the bit exists that
    /// closes user memory to the kernel, and the exception may have changed it.
    pub(super) fn usermode_accessors_call(
        raised: *mut Raised,
        function: *const c_void,
        arguments: *const [usize; 6],
        restore: usize,
    ) -> usize;
}

/// Calls `function`, and returns what it returns or what it raised.
///
/// # Safety
///
/// As for [`crate::raising::call`].
pub(crate) unsafe fn call(
    function: *const c_void,
    arguments: &[usize; 6],
) -> Result<usize, Raised> {
    let mut raised = Raised::new();
    let restore = usize::from(user_memory_can_be_closed());
    // SAFETY: record and arguments outlive the call; the caller vouches for the function.
    let result = unsafe { usermode_accessors_call(&raw mut raised, function, arguments, restore) };
    if raised.any == 0 {
        Ok(result)
    } else {
        Err(raised)
    }
}
