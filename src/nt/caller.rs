//! The caller's memory, by the rules of the request's mode.

use usermode_accessors::{Mode, UserSlice};

use super::wdf::Request;

/// The mode whose rules a request's copies follow: what the I/O manager recorded, or stricter.
/// The caller's words never make one.
#[derive(Clone, Copy)]
pub struct CallerMode(Mode);

impl CallerMode {
    /// As recorded for the request.
    pub fn of(request: &Request) -> Self {
        Self(request.requestor_mode())
    }

    /// `UserMode`, whatever the requestor is.
    pub const fn strict() -> Self {
        Self(Mode::User)
    }

    /// Whether addresses are checked.
    pub const fn is_user(self) -> bool {
        matches!(self.0, Mode::User)
    }

    /// Memory that the caller named: checked and guarded in user mode.
    pub const fn slice(self, address: usize, length: usize) -> UserSlice {
        // SAFETY: `Mode::Kernel` comes from the I/O manager alone. The requestor is then kernel
        // code, which vouches for the pointers in its request until the request is completed, and
        // no copy outlasts that.
        unsafe { UserSlice::for_mode(address, length, self.0) }
    }
}
