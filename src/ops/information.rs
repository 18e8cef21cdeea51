//! Returns the version and the limits of the driver, and the reach of the handle.

use mm_copy::Levels;
use ringcopy_protocol::{
    DEVICE_PAGE_LENGTH, Header, InformationResponse, MAXIMUM_ENTRIES, MAXIMUM_LENGTH, NtStatus,
    SESSION_LENGTH, kind,
};
use usermode_accessors::{Mode, probe};

use super::Call;
use crate::nt::{processor, session_pages::Pages};

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    call.capture::<kind::Information>()?;
    let session = if call.file.privileged {
        Some(call.file.session.get()?)
    } else {
        None
    };
    let response = InformationResponse {
        header: Header::of::<InformationResponse>(),
        driver_version: version(),
        policy: call.device.settings.policy.bits(),
        reach: call.file.reach.bits(),
        native_status: call.device.engines.native_status().0,
        paging_levels: match processor::paging_levels() {
            Levels::Four => 4,
            Levels::Five => 5,
        },
        smap: processor::supervisor_access_prevention().into(),
        session_address: session.map_or(0, Pages::address),
        session_physical_addresses: session.map_or([0; _], Pages::physical_addresses),
        session_length: SESSION_LENGTH,
        user_limit: probe::user_limit() as u64,
        maximum_length: MAXIMUM_LENGTH,
        device_page_length: DEVICE_PAGE_LENGTH,
        kernel_mode: (call.request.requestor_mode() == Mode::Kernel).into(),
        maximum_entries: MAXIMUM_ENTRIES,
        physical_address_bits: processor::physical_address_bits(),
        maximum_handles: call.device.settings.maximum_handles,
        native_under_hypervisor: call.device.settings.native_under_hypervisor.into(),
    };
    call.respond(&response, 0)
}

/// Returns major, minor and patch of the package's version.
fn version() -> [u32; 3] {
    let mut numbers = [0; 3];
    let parts = env!("CARGO_PKG_VERSION").split(['.', '-', '+']);
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.parse().unwrap_or(0);
    }
    numbers
}
