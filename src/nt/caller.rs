//! Access to the caller's memory by the rules of the request's mode.

use ringcopy_protocol::{Method, NtStatus, Reach};
use usermode_accessors::{CallerMode as AddressRules, Mode, UserSlice};

use super::wdf::Request;

/// The mode whose rules a request's copies follow: the mode that the I/O manager recorded, or the
/// stricter one. It is never taken from the request's fields alone.
#[derive(Clone, Copy)]
pub struct CallerMode(AddressRules);

impl CallerMode {
    /// Returns the recorded mode if the policy allows kernel callers; otherwise `UserMode`.
    pub fn of(request: &Request, policy: Reach) -> Self {
        if policy.contains(Reach::KERNEL_CALLERS) {
            // SAFETY: the mode comes from the I/O manager alone. If it is the kernel's, the requestor is
            // kernel code, which guarantees the pointers in its request until the request is
            // completed, and no copy outlasts that.
            Self(unsafe { AddressRules::new(request.requestor_mode()) })
        } else {
            Self::strict()
        }
    }

    /// Returns the mode.
    pub(super) const fn mode(self) -> Mode {
        self.0.mode()
    }

    /// Returns `UserMode`, whatever the requestor is.
    pub const fn strict() -> Self {
        Self(AddressRules::STRICT)
    }

    /// Checks the address to which the I/O manager copies the output of a buffered or direct request.
    /// The I/O manager itself checks it for user mode, but not for kernel mode.
    #[inline]
    pub fn check_output(
        request: &Request,
        policy: Reach,
        method: Method,
        length: usize,
    ) -> Result<(), NtStatus> {
        if method == Method::Neither || length == 0 || request.requestor_mode() == Mode::User {
            return Ok(());
        }
        Self::of(request, policy).check_output_of_kernel(request, method, length)
    }

    #[cold]
    fn check_output_of_kernel(
        self,
        request: &Request,
        method: Method,
        length: usize,
    ) -> Result<(), NtStatus> {
        self.slice(request.output_address(method), length)
            .writer()
            .map(drop)
            .map_err(NtStatus::from)
    }

    /// Returns memory of the caller, which is checked and guarded in user mode.
    pub const fn slice(self, address: usize, length: usize) -> UserSlice {
        self.0.slice(address, length)
    }
}
