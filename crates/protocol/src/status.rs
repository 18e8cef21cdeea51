//! The status codes that a client can meet, and their names: the one list of both.

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

            /// All that have a name here, in ascending order.
            pub const NAMED: &[Self] = &[$(Self::$name),+];

            /// The name that Microsoft's headers give the code, if it is one of [`NAMED`](
            /// Self::NAMED).
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

// What the driver and its engines end a request or a copy with, and what the framework, the I/O
// manager and the memory manager can, on the way to the driver or beneath it. Those of the framework
// (`WDF`): wdfstatus.h.
statuses! {
    /// Done.
    SUCCESS = 0x0000_0000;
    /// The wait came to its end first.
    TIMEOUT = 0x0000_0102;
    /// The request waits; never a final status.
    PENDING = 0x0000_0103;
    /// The page was a guard page; the guard is spent.
    GUARD_PAGE_VIOLATION = 0x8000_0001;
    /// The address does not have the alignment asked for.
    DATATYPE_MISALIGNMENT = 0x8000_0002;
    /// A debugger's breakpoint was hit.
    BREAKPOINT = 0x8000_0003;
    /// A debugger's single step, or a debug register's access, came.
    SINGLE_STEP = 0x8000_0004;
    /// The output holds a part of the response.
    BUFFER_OVERFLOW = 0x8000_0005;
    /// Some, not all.
    PARTIAL_COPY = 0x8000_000D;
    /// The device is at work for another.
    DEVICE_BUSY = 0x8000_0011;
    /// No reason given.
    UNSUCCESSFUL = 0xC000_0001;
    /// Nobody wrote that yet.
    NOT_IMPLEMENTED = 0xC000_0002;
    /// The input is not of the size its code takes.
    INFO_LENGTH_MISMATCH = 0xC000_0004;
    /// The memory is not there, or not for this access.
    ACCESS_VIOLATION = 0xC000_0005;
    /// The page could not be brought in.
    IN_PAGE_ERROR = 0xC000_0006;
    /// The process may use no more of the paging file.
    PAGEFILE_QUOTA = 0xC000_0007;
    /// Not an open handle.
    INVALID_HANDLE = 0xC000_0008;
    /// A field has no such value.
    INVALID_PARAMETER = 0xC000_000D;
    /// No such device.
    NO_SUCH_DEVICE = 0xC000_000E;
    /// No such control code.
    INVALID_DEVICE_REQUEST = 0xC000_0010;
    /// Memory of the process's ran out.
    NO_MEMORY = 0xC000_0017;
    /// The addresses are taken.
    CONFLICTING_ADDRESSES = 0xC000_0018;
    /// The processor does not know the instruction.
    ILLEGAL_INSTRUCTION = 0xC000_001D;
    /// Not allowed: the device's security descriptor, the handle's owner, or the policy.
    ACCESS_DENIED = 0xC000_0022;
    /// The output cannot hold the response.
    BUFFER_TOO_SMALL = 0xC000_0023;
    /// The handle is to something else.
    OBJECT_TYPE_MISMATCH = 0xC000_0024;
    /// A name that no object can have.
    OBJECT_NAME_INVALID = 0xC000_0033;
    /// No such device or value.
    OBJECT_NAME_NOT_FOUND = 0xC000_0034;
    /// The name is taken.
    OBJECT_NAME_COLLISION = 0xC000_0035;
    /// A path that no object can have.
    OBJECT_PATH_SYNTAX_BAD = 0xC000_003B;
    /// Another holds it open, and does not share.
    SHARING_VIOLATION = 0xC000_0043;
    /// This handle has as many requests under way as it may.
    QUOTA_EXCEEDED = 0xC000_0044;
    /// Pages cannot have this protection.
    INVALID_PAGE_PROTECTION = 0xC000_0045;
    /// The object is about to go.
    DELETE_PENDING = 0xC000_0056;
    /// Another version of the protocol.
    REVISION_MISMATCH = 0xC000_0059;
    /// The opener did not hold the privilege.
    PRIVILEGE_NOT_HELD = 0xC000_0061;
    /// Not a list of access rights.
    INVALID_ACL = 0xC000_0077;
    /// Not the identifier of a user or group.
    INVALID_SID = 0xC000_0078;
    /// Not a security descriptor.
    INVALID_SECURITY_DESCR = 0xC000_0079;
    /// An image imports a function that another does not have.
    PROCEDURE_NOT_FOUND = 0xC000_007A;
    /// Not an image that can be loaded here.
    INVALID_IMAGE_FORMAT = 0xC000_007B;
    /// A division by zero.
    INTEGER_DIVIDE_BY_ZERO = 0xC000_0094;
    /// More than the object has room for.
    ALLOTTED_SPACE_EXCEEDED = 0xC000_0099;
    /// Memory ran out.
    INSUFFICIENT_RESOURCES = 0xC000_009A;
    /// The device is not connected.
    DEVICE_NOT_CONNECTED = 0xC000_009D;
    /// The process may keep no more memory resident.
    WORKING_SET_QUOTA = 0xC000_00A1;
    /// The device does not serve requests yet, or any more.
    DEVICE_NOT_READY = 0xC000_00A3;
    /// The request took too long.
    IO_TIMEOUT = 0xC000_00B5;
    /// Not offered here.
    NOT_SUPPORTED = 0xC000_00BB;
    /// The device is gone.
    DEVICE_DOES_NOT_EXIST = 0xC000_00C0;
    /// A buffer of the caller's that cannot be used.
    INVALID_USER_BUFFER = 0xC000_00E8;
    /// The first parameter of a function.
    INVALID_PARAMETER_1 = 0xC000_00EF;
    /// The second parameter of a function.
    INVALID_PARAMETER_2 = 0xC000_00F0;
    /// The third parameter of a function.
    INVALID_PARAMETER_3 = 0xC000_00F1;
    /// The fourth parameter of a function; for `MmCopyMemory`, its flags.
    INVALID_PARAMETER_4 = 0xC000_00F2;
    /// The page was the guard page of the caller's own stack, which can grow no further; the guard is
    /// spent.
    STACK_OVERFLOW = 0xC000_00FD;
    /// The caller's process ends.
    PROCESS_IS_TERMINATING = 0xC000_010A;
    /// As many handles are open as may be.
    TOO_MANY_OPENED_FILES = 0xC000_011F;
    /// Cancelled.
    CANCELLED = 0xC000_0120;
    /// The handle is being closed.
    FILE_CLOSED = 0xC000_0128;
    /// RAM and paging files together are used up.
    COMMITMENT_LIMIT = 0xC000_012D;
    /// Not memory of the kind asked for: no RAM, or not mapped.
    INVALID_ADDRESS = 0xC000_0141;
    /// Not at this IRQL.
    INVALID_LEVEL = 0xC000_0148;
    /// A driver lost its way.
    DRIVER_INTERNAL_ERROR = 0xC000_0183;
    /// Not in the device's present state.
    INVALID_DEVICE_STATE = 0xC000_0184;
    /// A length over its limit.
    INVALID_BUFFER_SIZE = 0xC000_0206;
    /// No such thing.
    NOT_FOUND = 0xC000_0225;
    /// The device was removed.
    DEVICE_REMOVED = 0xC000_02B6;
    /// An assertion in kernel code failed.
    ASSERTION_FAILURE = 0xC000_0420;
    /// RAM is broken there.
    HARDWARE_MEMORY_ERROR = 0xC000_0709;
    /// The queue is stopped.
    WDF_PAUSED = 0xC020_0203;
    /// The queue takes no requests.
    WDF_BUSY = 0xC020_0204;
    /// Attributes of an object that contradict themselves.
    WDF_OBJECT_ATTRIBUTES_INVALID = 0xC020_0209;
    /// The queue presents requests to nobody.
    WDF_NO_CALLBACK = 0xC020_020B;
    /// The framework chooses the object's parent.
    WDF_PARENT_ASSIGNMENT_NOT_ALLOWED = 0xC020_020F;
    /// The object has no such synchronization scope.
    WDF_SYNCHRONIZATION_SCOPE_INVALID = 0xC020_0210;
    /// The object has no such execution level.
    WDF_EXECUTION_LEVEL_INVALID = 0xC020_0211;
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
    fn f16_a_code_without_a_name_is_hexadecimal() {
        assert_eq!(NtStatus::NO_MEMORY.to_string(), "STATUS_NO_MEMORY");
        assert_eq!(NtStatus(0xC000_DEAD).to_string(), "0xC000DEAD");
    }
}
