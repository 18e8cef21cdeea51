//! The caller's memory, by the rules of the request's mode.

use ringcopy_protocol::{Method, NtStatus, Reach};
use usermode_accessors::{Mode, UserSlice};

use super::wdf::Request;

/// The mode whose rules a request's copies follow: what the I/O manager recorded, or stricter.
/// The caller's words never make one.
#[derive(Clone, Copy)]
pub struct CallerMode(Mode);

impl CallerMode {
    /// As recorded for the request, where the policy allows kernel callers; else `UserMode`.
    pub fn of(request: &Request, policy: Reach) -> Self {
        if policy.contains(Reach::KERNEL_CALLERS) {
            Self(request.requestor_mode())
        } else {
            Self::strict()
        }
    }

    /// As the kernel takes it.
    pub(super) const fn mode(self) -> Mode {
        self.0
    }

    /// `UserMode`, whatever the requestor is.
    pub const fn strict() -> Self {
        Self(Mode::User)
    }

    /// Checks where the I/O manager takes the output of a buffered or direct request to. It has
    /// done that itself for a requestor of user mode; for one of kernel mode it takes any address.
    pub fn check_output(
        self,
        request: &Request,
        method: Method,
        length: usize,
    ) -> Result<(), NtStatus> {
        if method == Method::Neither || length == 0 || request.requestor_mode() == Mode::User {
            return Ok(());
        }
        self.slice(request.output_address(method), length)
            .writer()
            .map(drop)
            .map_err(NtStatus::from)
    }

    /// Memory that the caller named: checked and guarded in user mode.
    pub const fn slice(self, address: usize, length: usize) -> UserSlice {
        // SAFETY: `Mode::Kernel` comes from the I/O manager alone. The requestor is then kernel
        // code, which vouches for the pointers in its request until the request is completed, and
        // no copy outlasts that.
        unsafe { UserSlice::for_mode(address, length, self.0) }
    }
}
