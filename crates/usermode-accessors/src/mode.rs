//! On whose behalf an access is made.

/// The processor mode that a request came from: NT's `KPROCESSOR_MODE`.
///
/// Source: the `Mode` parameter of `CopyFromMode` and its siblings, `usermode_accessors.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Mode {
    /// `KernelMode`: the address is the kernel's own. It is used as it stands: no range check,
    /// no alignment check, no fault guard.
    Kernel = 0,
    /// `UserMode`: the address is an untrusted word. It is checked, then accessed under guard.
    User = 1,
}

impl Mode {
    /// The mode that a raw `KPROCESSOR_MODE` stands for.
    ///
    /// Whatever is not `KernelMode` counts as [`Mode::User`]: the stricter reading, and the one
    /// that Microsoft's own macros take (`Mode != KernelMode` turns the checks on).
    #[must_use]
    pub const fn from_raw(mode: i8) -> Self {
        if mode == Self::Kernel as i8 {
            Self::Kernel
        } else {
            Self::User
        }
    }

    /// The value as NT passes it.
    #[must_use]
    pub const fn as_raw(self) -> i8 {
        self as i8
    }
}
