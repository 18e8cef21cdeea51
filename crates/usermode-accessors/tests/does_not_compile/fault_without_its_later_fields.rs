// error[E0639]: cannot create non-exhaustive struct using struct expression

use usermode_accessors::{Access, Fault, NtStatus};

pub fn fault() -> Fault {
    Fault {
        status: NtStatus::ACCESS_VIOLATION,
        copied: 0,
        address: None,
        access: Access::Read,
        cause: None,
    }
}
