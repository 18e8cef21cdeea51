//! [`NtStatus`]: an `NTSTATUS`, with names for the codes that a driver and its callers meet.
//!
//! Values: \[MS-ERREF\] section 2.3.1; those of the framework (`WDF_`): `wdfstatus.h`.

#![no_std]
#![forbid(unsafe_code)]

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
extern crate std;

use core::fmt;

/// An `NTSTATUS`.
///
/// An exception's code is the status of the same name.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct NtStatus(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        impl NtStatus {
            $(
                $(#[$doc])*
                #[doc = concat!("\n`STATUS_", stringify!($name), "`.")]
                pub const $name: Self = Self($value);
            )+

            /// Every code that has a name here, in ascending order.
            pub const NAMED: &[Self] = &[$(Self::$name),+];

            /// Returns the name that Microsoft's headers give the code, if it is one of
            /// [`NAMED`](Self::NAMED).
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
    SUCCESS = 0x0000_0000;
    TIMEOUT = 0x0000_0102;
    /// The request is under way. Never a final status.
    PENDING = 0x0000_0103;
    OBJECT_NAME_EXISTS = 0x4000_0000;
    /// The page was a guard page. Its guard is spent now.
    GUARD_PAGE_VIOLATION = 0x8000_0001;
    /// The address lacks the required alignment.
    DATATYPE_MISALIGNMENT = 0x8000_0002;
    BREAKPOINT = 0x8000_0003;
    SINGLE_STEP = 0x8000_0004;
    /// The output holds the first part of the result.
    BUFFER_OVERFLOW = 0x8000_0005;
    PARTIAL_COPY = 0x8000_000D;
    DEVICE_BUSY = 0x8000_0011;
    NO_MORE_ENTRIES = 0x8000_001A;
    UNSUCCESSFUL = 0xC000_0001;
    NOT_IMPLEMENTED = 0xC000_0002;
    INVALID_INFO_CLASS = 0xC000_0003;
    INFO_LENGTH_MISMATCH = 0xC000_0004;
    ACCESS_VIOLATION = 0xC000_0005;
    IN_PAGE_ERROR = 0xC000_0006;
    PAGEFILE_QUOTA = 0xC000_0007;
    INVALID_HANDLE = 0xC000_0008;
    INVALID_PARAMETER = 0xC000_000D;
    NO_SUCH_DEVICE = 0xC000_000E;
    INVALID_DEVICE_REQUEST = 0xC000_0010;
    END_OF_FILE = 0xC000_0011;
    /// A completion routine keeps the request.
    MORE_PROCESSING_REQUIRED = 0xC000_0016;
    NO_MEMORY = 0xC000_0017;
    CONFLICTING_ADDRESSES = 0xC000_0018;
    ILLEGAL_INSTRUCTION = 0xC000_001D;
    ACCESS_DENIED = 0xC000_0022;
    BUFFER_TOO_SMALL = 0xC000_0023;
    OBJECT_TYPE_MISMATCH = 0xC000_0024;
    OBJECT_NAME_INVALID = 0xC000_0033;
    OBJECT_NAME_NOT_FOUND = 0xC000_0034;
    OBJECT_NAME_COLLISION = 0xC000_0035;
    OBJECT_PATH_NOT_FOUND = 0xC000_003A;
    OBJECT_PATH_SYNTAX_BAD = 0xC000_003B;
    SHARING_VIOLATION = 0xC000_0043;
    QUOTA_EXCEEDED = 0xC000_0044;
    INVALID_PAGE_PROTECTION = 0xC000_0045;
    DELETE_PENDING = 0xC000_0056;
    REVISION_MISMATCH = 0xC000_0059;
    PRIVILEGE_NOT_HELD = 0xC000_0061;
    INVALID_ACL = 0xC000_0077;
    INVALID_SID = 0xC000_0078;
    INVALID_SECURITY_DESCR = 0xC000_0079;
    PROCEDURE_NOT_FOUND = 0xC000_007A;
    INVALID_IMAGE_FORMAT = 0xC000_007B;
    DISK_FULL = 0xC000_007F;
    INTEGER_DIVIDE_BY_ZERO = 0xC000_0094;
    INTEGER_OVERFLOW = 0xC000_0095;
    ALLOTTED_SPACE_EXCEEDED = 0xC000_0099;
    INSUFFICIENT_RESOURCES = 0xC000_009A;
    DEVICE_NOT_CONNECTED = 0xC000_009D;
    DEVICE_POWER_FAILURE = 0xC000_009E;
    WORKING_SET_QUOTA = 0xC000_00A1;
    DEVICE_NOT_READY = 0xC000_00A3;
    IO_TIMEOUT = 0xC000_00B5;
    FILE_IS_A_DIRECTORY = 0xC000_00BA;
    NOT_SUPPORTED = 0xC000_00BB;
    DEVICE_DOES_NOT_EXIST = 0xC000_00C0;
    REQUEST_NOT_ACCEPTED = 0xC000_00D0;
    INVALID_USER_BUFFER = 0xC000_00E8;
    INVALID_PARAMETER_1 = 0xC000_00EF;
    INVALID_PARAMETER_2 = 0xC000_00F0;
    INVALID_PARAMETER_3 = 0xC000_00F1;
    /// The fourth parameter has an invalid value. For `MmCopyMemory`: its flags.
    INVALID_PARAMETER_4 = 0xC000_00F2;
    /// The page was the guard page of the thread's own user-mode stack, which cannot grow further. Its
    /// guard is spent now. Any caller can cause it by passing that page's address: "Thread Stack
    /// Size", Win32 documentation.
    STACK_OVERFLOW = 0xC000_00FD;
    PROCESS_IS_TERMINATING = 0xC000_010A;
    TOO_MANY_OPENED_FILES = 0xC000_011F;
    CANCELLED = 0xC000_0120;
    FILE_CLOSED = 0xC000_0128;
    COMMITMENT_LIMIT = 0xC000_012D;
    /// Not an address of the required kind: not RAM, or not mapped.
    INVALID_ADDRESS = 0xC000_0141;
    INVALID_LEVEL = 0xC000_0148;
    DRIVER_INTERNAL_ERROR = 0xC000_0183;
    INVALID_DEVICE_STATE = 0xC000_0184;
    /// A length exceeds its limit, or two lengths disagree.
    INVALID_BUFFER_SIZE = 0xC000_0206;
    NOT_FOUND = 0xC000_0225;
    DEVICE_REMOVED = 0xC000_02B6;
    ASSERTION_FAILURE = 0xC000_0420;
    HARDWARE_MEMORY_ERROR = 0xC000_0709;
    WDF_INTERNAL_ERROR = 0xC020_0201;
    WDF_PAUSED = 0xC020_0203;
    WDF_BUSY = 0xC020_0204;
    WDF_REQUEST_INVALID_STATE = 0xC020_0208;
    WDF_OBJECT_ATTRIBUTES_INVALID = 0xC020_0209;
    WDF_NO_CALLBACK = 0xC020_020B;
    WDF_INCOMPATIBLE_EXECUTION_LEVEL = 0xC020_020C;
    WDF_PARENT_ASSIGNMENT_NOT_ALLOWED = 0xC020_020F;
    WDF_SYNCHRONIZATION_SCOPE_INVALID = 0xC020_0210;
    WDF_EXECUTION_LEVEL_INVALID = 0xC020_0211;
    WDF_PARENT_NOT_SPECIFIED = 0xC020_0212;
    /// The hypervisor's policy does not allow it.
    HV_ACCESS_DENIED = 0xC035_0006;
}

impl NtStatus {
    /// Converts the `i32` that NT's functions return.
    #[must_use]
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw.cast_unsigned())
    }

    /// Converts to the `i32` that NT's functions return.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0.cast_signed()
    }

    /// Returns whether the code is a success or informational one: `NT_SUCCESS`.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >> 31 == 0
    }

    /// Returns whether the code is an error, which a warning is not: `NT_ERROR`.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >> 30 == 3
    }

    /// Returns `Ok` for a success or informational code.
    /// # Errors
    /// The code itself, if it is a warning or an error.
    pub const fn into_result(self) -> Result<(), Self> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }
}

impl From<NtStatus> for i32 {
    #[inline]
    fn from(status: NtStatus) -> Self {
        status.as_raw()
    }
}

/// Writes the name, or the value in hexadecimal if the code has none.
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

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn every_code_has_one_name() {
        for pair in NtStatus::NAMED.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} and {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn a_code_without_a_name_is_hexadecimal() {
        assert_eq!(NtStatus::NO_MEMORY.to_string(), "STATUS_NO_MEMORY");
        assert_eq!(NtStatus(0xC000_DEAD).to_string(), "0xC000DEAD");
    }

    #[test]
    fn severities_are_those_of_nt_success_and_nt_error() {
        for (status, success, error) in [
            (NtStatus::SUCCESS, true, false),
            (NtStatus(0x4000_0000), true, false),
            (NtStatus::GUARD_PAGE_VIOLATION, false, false),
            (NtStatus::UNSUCCESSFUL, false, true),
        ] {
            assert_eq!(status.is_success(), success, "{status}");
            assert_eq!(status.is_error(), error, "{status}");
            assert_eq!(NtStatus::from_raw(status.into()), status);
        }
    }
}
