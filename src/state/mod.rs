//! What outlives a request: the administrator's settings, and the contexts of device and handle.

mod device;
mod file;
mod settings;

pub use device::DeviceContext;
pub use file::FileContext;

use ringcopy_protocol::NtStatus;

use crate::nt::wdf::{Device, Request};

/// Returns the contexts of a request's device and handle. Either is missing only if the request
/// came without an open handle.
#[inline]
pub fn contexts<'a>(
    device: &'a Device,
    request: &'a Request,
) -> Result<(&'a DeviceContext, &'a FileContext), NtStatus> {
    let file = request.file_context().ok_or(NtStatus::INVALID_HANDLE)?;
    let device = device.context().ok_or(NtStatus::INVALID_HANDLE)?;
    Ok((device, file))
}
