//! What outlives a request: the administrator's settings, and the contexts of device and handle.

mod device;
mod file;
mod settings;

pub use device::DeviceContext;
pub use file::FileContext;

use ringcopy_protocol::NtStatus;

use crate::nt::wdf::Request;

/// Returns the contexts of a request's device and handle. Either is missing only if the request
/// came without an open handle.
pub fn contexts(request: &Request) -> Result<(&DeviceContext, &FileContext), NtStatus> {
    let device = request.device_context();
    let file = request.file_context();
    device.zip(file).ok_or(NtStatus::INVALID_HANDLE)
}
