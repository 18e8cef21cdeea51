//! The codes a copy ends with that no single access does.
//!
//! Source of the values: \[MS-ERREF\] section 2.3.1.

use usermode_accessors::Status;

pub(crate) const UNSUCCESSFUL: Status = Status(0xC000_0001);
pub(crate) const INVALID_PARAMETER_4: Status = Status(0xC000_00F2);
pub(crate) const INVALID_ADDRESS: Status = Status(0xC000_0141);

/// `status`, if it is an error or a warning; a success is no reason for a copy to end.
pub(crate) const fn failure(status: Status) -> Status {
    if status.0 >> 31 == 0 {
        UNSUCCESSFUL
    } else {
        status
    }
}
