//! The control device: its name, who may open it, and its callbacks.

use ringcopy_protocol::{DEVICE_NAME, DEVICE_SDDL, DEVICE_TYPE, NtStatus, SYMBOLIC_LINK_NAME};
use wdk_sys::{WDFDEVICE, WDFFILEOBJECT, WDFREQUEST};

use crate::{
    caller_context,
    nt::{
        context,
        wdf::{ControlDevice, Device, Driver, FileCallbacks, FileObject, Request},
    },
    queue,
    state::{DeviceContext, FileContext},
    trace,
};

/// Creates the device, its link and its queue, and allows opens.
///
/// The queue is parallel, at passive level, without the framework's lock: requests of different
/// handles do not wait for each other, and a handler may run concurrently with any other.
pub fn create(driver: &Driver, context: DeviceContext) -> Result<(), NtStatus> {
    let device = ControlDevice {
        name: DEVICE_NAME,
        link: SYMBOLIC_LINK_NAME,
        security: DEVICE_SDDL,
        device_type: DEVICE_TYPE.into(),
        file: FileCallbacks {
            create: evt_device_file_create,
            attributes: context::attributes::<FileContext>(),
        },
        in_caller_context: caller_context::evt_io_in_caller_context,
        device_control: queue::evt_io_device_control,
    };
    device.create(driver, context)
}

/// Runs in the opener's process and thread. The request names the subject whose privileges count.
extern "C" fn evt_device_file_create(
    device: WDFDEVICE,
    request: WDFREQUEST,
    file_object: WDFFILEOBJECT,
) {
    let request = Request::of_callback(request);
    let opened = Device::of_callback(device)
        .context::<DeviceContext>()
        .ok_or(NtStatus::UNSUCCESSFUL)
        .and_then(|device| FileContext::open(device, &request))
        .and_then(|file| {
            let (privileged, reach) = (file.privileged, file.reach);
            FileObject::of_callback(file_object).set_context(file)?;
            trace::opened(privileged, reach);
            Ok(())
        })
        .inspect_err(|status| trace::open_refused(*status));
    request.complete(opened.map(|()| 0));
}
