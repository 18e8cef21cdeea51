//! `NTSTATUS` values. Source: [MS-ERREF] section 2.3.1.

/// An `NTSTATUS`.
pub(crate) type Status = u32;

macro_rules! statuses {
    ($($name:ident = $value:literal;)+) => {
        $(pub(crate) const $name: Status = $value;)+
    };
}

statuses! {
    SUCCESS = 0;
    TIMEOUT = 0x0000_0102;
    PENDING = 0x0000_0103;
    GUARD_PAGE_VIOLATION = 0x8000_0001;
    DATATYPE_MISALIGNMENT = 0x8000_0002;
    BREAKPOINT = 0x8000_0003;
    SINGLE_STEP = 0x8000_0004;
    BUFFER_OVERFLOW = 0x8000_0005;
    ACCESS_VIOLATION = 0xC000_0005;
    IN_PAGE_ERROR = 0xC000_0006;
    INVALID_HANDLE = 0xC000_0008;
    INVALID_PARAMETER = 0xC000_000D;
    NO_SUCH_DEVICE = 0xC000_000E;
    INVALID_DEVICE_REQUEST = 0xC000_0010;
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
    OBJECT_PATH_SYNTAX_BAD = 0xC000_003B;
    REVISION_MISMATCH = 0xC000_0059;
    INVALID_ACL = 0xC000_0077;
    INVALID_SID = 0xC000_0078;
    INVALID_SECURITY_DESCR = 0xC000_0079;
    INTEGER_DIVIDE_BY_ZERO = 0xC000_0094;
    INSUFFICIENT_RESOURCES = 0xC000_009A;
    NOT_SUPPORTED = 0xC000_00BB;
    INVALID_PARAMETER_4 = 0xC000_00F2;
    INVALID_ADDRESS = 0xC000_0141;
    ALLOTTED_SPACE_EXCEEDED = 0xC000_0099;
    ASSERTION_FAILURE = 0xC000_0420;
}

/// The high two bits tell how bad a status is.
pub(crate) const fn is_error(status: Status) -> bool {
    status >> 30 == 3
}

/// Success or information: what C's `NT_SUCCESS` accepts.
pub(crate) const fn is_success(status: Status) -> bool {
    status >> 31 == 0
}
