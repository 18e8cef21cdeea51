//! The mode of the caller of an access.

/// The processor mode of the caller of a request: NT's `KPROCESSOR_MODE`.
///
/// Source: the `Mode` parameter of `CopyFromMode` and its siblings, `usermode_accessors.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Mode {
    /// `KernelMode`: the address is from the kernel. Its range and alignment are not checked, and the
    /// access is not guarded.
    Kernel = 0,
    /// `UserMode`: the address is untrusted. It is checked, and the access is guarded.
    User = 1,
}

impl Mode {
    /// Returns the mode of a raw `KPROCESSOR_MODE`.
    ///
    /// Every value other than `KernelMode` is [`Mode::User`], which is the stricter mode. Microsoft's
    /// macros do the same: `Mode != KernelMode` turns the checks on.
    #[must_use]
    pub const fn from_raw(mode: i8) -> Self {
        if mode == Self::Kernel as i8 {
            Self::Kernel
        } else {
            Self::User
        }
    }

    /// Returns the value as NT passes it.
    #[must_use]
    pub const fn as_raw(self) -> i8 {
        self as i8
    }
}
