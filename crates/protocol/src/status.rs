//! The status codes that driver and client speak of, and their names.

use core::fmt;

/// An `NTSTATUS`, as it stands on the wire.
///
/// Values: [MS-ERREF] section 2.3.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct NtStatus(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        impl NtStatus {
            $($(#[$doc])* pub const $name: Self = Self($value);)+

            /// The name that Microsoft's headers give the code, where this protocol uses it.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(concat!("STATUS_", stringify!($name))),)+
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Done.
    SUCCESS = 0x0000_0000;
    /// The request waits; never a final status.
    PENDING = 0x0000_0103;
    /// The page was a guard page; the guard is spent.
    GUARD_PAGE_VIOLATION = 0x8000_0001;
    /// The address does not have the alignment asked for.
    DATATYPE_MISALIGNMENT = 0x8000_0002;
    /// Some, not all.
    PARTIAL_COPY = 0x8000_000D;
    /// No reason given.
    UNSUCCESSFUL = 0xC000_0001;
    /// The input is not of the size its code takes.
    INFO_LENGTH_MISMATCH = 0xC000_0004;
    /// The memory is not there, or not for this access.
    ACCESS_VIOLATION = 0xC000_0005;
    /// The page could not be brought in.
    IN_PAGE_ERROR = 0xC000_0006;
    /// Not an open handle.
    INVALID_HANDLE = 0xC000_0008;
    /// A field has no such value.
    INVALID_PARAMETER = 0xC000_000D;
    /// No such control code.
    INVALID_DEVICE_REQUEST = 0xC000_0010;
    /// Not allowed: the device's security descriptor, the handle's owner, or the policy.
    ACCESS_DENIED = 0xC000_0022;
    /// The output cannot hold the response.
    BUFFER_TOO_SMALL = 0xC000_0023;
    /// No such device or value.
    OBJECT_NAME_NOT_FOUND = 0xC000_0034;
    /// This handle has as many requests under way as it may.
    QUOTA_EXCEEDED = 0xC000_0044;
    /// Another version of the protocol.
    REVISION_MISMATCH = 0xC000_0059;
    /// The opener did not hold the privilege.
    PRIVILEGE_NOT_HELD = 0xC000_0061;
    /// Memory ran out.
    INSUFFICIENT_RESOURCES = 0xC000_009A;
    /// Not offered here.
    NOT_SUPPORTED = 0xC000_00BB;
    /// The first parameter of a function.
    INVALID_PARAMETER_1 = 0xC000_00EF;
    /// The fourth parameter of a function; for `MmCopyMemory`, its flags.
    INVALID_PARAMETER_4 = 0xC000_00F2;
    /// The page was the guard page of the caller's own stack, which can grow no further; the guard is
    /// spent.
    STACK_OVERFLOW = 0xC000_00FD;
    /// Cancelled.
    CANCELLED = 0xC000_0120;
    /// Not memory of the kind asked for: no RAM, or not mapped.
    INVALID_ADDRESS = 0xC000_0141;
    /// A length over its limit.
    INVALID_BUFFER_SIZE = 0xC000_0206;
}

impl NtStatus {
    /// Whether the code is a success or informational one: its top bit is clear.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >> 31 == 0
    }
}

impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#010X}", self.0),
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
