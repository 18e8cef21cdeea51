//! The few `NTSTATUS` values that an access can end with.

use core::fmt;

/// An `NTSTATUS`.
///
/// A fault found by the processor carries the exception code as it came, which is the status of
/// that name; a fault found by a check carries the status that `ProbeForRead` raises for it.
///
/// Source of the values: \[MS-ERREF\] section 2.3.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Status(pub u32);

impl Status {
    /// `STATUS_SUCCESS`: done.
    pub const SUCCESS: Self = Self(0x0000_0000);
    /// `STATUS_GUARD_PAGE_VIOLATION`: the page was a guard page; its guard is spent now.
    pub const GUARD_PAGE_VIOLATION: Self = Self(0x8000_0001);
    /// `STATUS_DATATYPE_MISALIGNMENT`: the address lacks the alignment asked for.
    pub const DATATYPE_MISALIGNMENT: Self = Self(0x8000_0002);
    /// `STATUS_ACCESS_VIOLATION`: not a user range, or not accessible in this way.
    pub const ACCESS_VIOLATION: Self = Self(0xC000_0005);
    /// `STATUS_IN_PAGE_ERROR`: the page could not be brought in.
    pub const IN_PAGE_ERROR: Self = Self(0xC000_0006);
    /// `STATUS_INVALID_PARAMETER`: an alignment that is no power of two.
    pub const INVALID_PARAMETER: Self = Self(0xC000_000D);
    /// `STATUS_STACK_OVERFLOW`: the page was the guard page of the thread's own user-mode stack, and
    /// that stack cannot grow any further; the guard is spent now.
    ///
    /// Any caller can have it raised, by the address of that page. See "Thread Stack Size" in the
    /// Win32 documentation.
    pub const STACK_OVERFLOW: Self = Self(0xC000_00FD);
    /// `STATUS_INVALID_BUFFER_SIZE`: two lengths that had to agree do not, or more was asked
    /// for than is left.
    pub const INVALID_BUFFER_SIZE: Self = Self(0xC000_0206);

    /// The value as NT passes it, an `i32`.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0.cast_signed()
    }

    /// The name that Microsoft's headers give the value, if it is one of this type's constants.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::SUCCESS => Some("STATUS_SUCCESS"),
            Self::GUARD_PAGE_VIOLATION => Some("STATUS_GUARD_PAGE_VIOLATION"),
            Self::DATATYPE_MISALIGNMENT => Some("STATUS_DATATYPE_MISALIGNMENT"),
            Self::ACCESS_VIOLATION => Some("STATUS_ACCESS_VIOLATION"),
            Self::IN_PAGE_ERROR => Some("STATUS_IN_PAGE_ERROR"),
            Self::INVALID_PARAMETER => Some("STATUS_INVALID_PARAMETER"),
            Self::STACK_OVERFLOW => Some("STATUS_STACK_OVERFLOW"),
            Self::INVALID_BUFFER_SIZE => Some("STATUS_INVALID_BUFFER_SIZE"),
            _ => None,
        }
    }
}

/// The `NTSTATUS` that a dispatch routine returns.
impl From<Status> for i32 {
    #[inline]
    fn from(status: Status) -> Self {
        status.as_raw()
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(formatter, "{name} (0x{:08X})", self.0),
            None => write!(formatter, "0x{:08X}", self.0),
        }
    }
}
