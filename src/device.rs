//! The control device: its name, who may open it, its queue, and what it holds.

use ringcopy_protocol::{DEVICE_NAME, DEVICE_SDDL, DEVICE_TYPE, NtStatus, SYMBOLIC_LINK_NAME};
use wdk_sys::{ULONG, WDFQUEUE, WDFREQUEST};

use crate::{
    caller_context,
    dispatch::{self, ServedIn},
    driver::Settings,
    engine::Engines,
    file::{self, FileContext},
    nt::{
        context::{self, Context, ContextType},
        contiguous::ContiguousPages,
        wdf::{ControlDevice, Driver, FileCallbacks, Request},
    },
};

/// What all handles share, from load to unload.
pub struct DeviceContext {
    pub settings: Settings,
    pub engines: Engines,
    /// The page that stands for device memory: uncached, and nobody else's.
    pub device_page: ContiguousPages,
}

impl Context for DeviceContext {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<DeviceContext> = ContextType::new(c"RingCopyDevice", &TYPE);
        &TYPE
    }
}

/// Creates the device, its link and its queue, and opens it for business.
///
/// The queue is parallel, at passive level, without the framework's lock: requests of different
/// handles do not wait for each other, and nothing in a handler may rely on being alone.
pub fn create(driver: &Driver, context: DeviceContext) -> Result<(), NtStatus> {
    let device = ControlDevice {
        name: DEVICE_NAME,
        link: SYMBOLIC_LINK_NAME,
        security: DEVICE_SDDL,
        device_type: DEVICE_TYPE.into(),
        file: FileCallbacks {
            create: file::evt_device_file_create,
            attributes: context::attributes::<FileContext>(),
        },
        in_caller_context: caller_context::evt_io_in_caller_context,
        device_control: evt_io_device_control,
    };
    device.create(driver, context)
}

/// Serves what [`caller_context`] put into the queue.
extern "C" fn evt_io_device_control(
    _queue: WDFQUEUE,
    request: WDFREQUEST,
    _output_length: usize,
    _input_length: usize,
    _control_code: ULONG,
) {
    let request = Request::of_callback(request);
    let outcome = dispatch::serve(&request, ServedIn::Queue);
    request.complete(outcome);
}

/// The contexts that a request works with.
pub fn contexts(request: &Request) -> Result<(&DeviceContext, &FileContext), NtStatus> {
    let device = request.device_context();
    let file = request.file_context();
    // Either is missing only where a request comes without an open handle.
    device.zip(file).ok_or(NtStatus::INVALID_HANDLE)
}
