//! WDFDRIVER: a driver's root object, and its unload.

use crate::{
    call::{Call, getters},
    callback,
    client::ClientRef,
    dispatch,
    nt::device,
    object::{
        Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        create,
    },
    report::{report, violation},
};
use wdk_sys::{
    _WDF_DRIVER_INIT_FLAGS as InitFlags, NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT,
    PFN_WDF_DRIVER_UNLOAD, PWDF_DRIVER_CONFIG, PWDF_OBJECT_ATTRIBUTES, PWSTR,
    STATUS_DRIVER_INTERNAL_ERROR, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER,
    WDF_DRIVER_CONFIG, WDFDRIVER,
};

/// A driver's root object.
pub(crate) struct Driver {
    evt_unload: PFN_WDF_DRIVER_UNLOAD,
}

impl Class for Driver {
    const KIND: Kind = Kind::Driver;

    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }
}

/// `WdfDriverCreate`.
///
/// `STATUS_INFO_LENGTH_MISMATCH` for a configuration of another size;
/// `STATUS_DRIVER_INTERNAL_ERROR` for a second call; `STATUS_INVALID_PARAMETER` for a non-PnP
/// driver with `EvtDriverDeviceAdd`. Drivers with Plug and Play are not implemented.
pub(crate) fn create_driver(
    call: &Call,
    driver_object: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    config: PWDF_DRIVER_CONFIG,
    driver: *mut WDFDRIVER,
) -> NTSTATUS {
    call.require_passive();
    call.require(driver_object);
    call.require(registry_path);
    let config = call.read(config);
    let made = make_driver(call, driver_object, attributes, &config);
    call.report(made.map(|made| call.write_optional(driver, made.handle().cast())))
}

fn make_driver(
    call: &Call,
    driver_object: PDRIVER_OBJECT,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    config: &WDF_DRIVER_CONFIG,
) -> Result<Ref<Driver>, NTSTATUS> {
    let client = call.client();
    if config.Size as usize != size_of::<WDF_DRIVER_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if client.driver().is_some() {
        return Err(STATUS_DRIVER_INTERNAL_ERROR);
    }
    if driver_object != client.driver_object() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let flags = config.DriverInitFlags.cast_signed();
    if flags & InitFlags::WdfDriverInitNonPnpDriver == 0 {
        violation!(
            NotImplemented,
            "WdfDriverCreate: drivers with Plug and Play are not implemented"
        );
    }
    if config.EvtDriverDeviceAdd.is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = Attributes::read(call, attributes, Allowed::LEVELS)?;
    let driver = create(
        client,
        &attributes,
        None,
        Driver {
            evt_unload: config.EvtDriverUnload,
        },
    )?;

    // A non-PnP driver without EvtDriverUnload stays loaded (EVT_WDF_DRIVER_UNLOAD).
    let unloads = config.EvtDriverUnload.is_some();
    client.set_up(config.DriverInitFlags, config.DriverPoolTag, unloads);
    client.set_driver(Some(driver));
    if unloads {
        device::set_unload(driver_object, Some(unload));
    }
    if flags & InitFlags::WdfDriverInitNoDispatchOverride == 0 {
        device::set_dispatch(driver_object, Some(dispatch::dispatch));
    }
    Ok(driver)
}

/// The driver's unload routine. Its stub calls it, and then `WdfVersionUnbind`.
///
/// # Safety
///
/// Called by the I/O manager or the driver's stub with the driver's object, once.
unsafe extern "C" fn unload(driver_object: PDRIVER_OBJECT) {
    let Some(client) = ClientRef::of_driver_object(driver_object) else {
        report!("unload: {driver_object:p} is not a bound driver's");
        return;
    };
    if let Some(driver) = client.driver() {
        callback::call!(driver.evt_unload, "EvtDriverUnload", driver.handle().cast());
        delete(client);
    }
}

/// Deletes a driver's root object with its descendants: devices, their links, queues.
pub(crate) fn delete(client: ClientRef) {
    if let Some(driver) = client.driver() {
        driver.any().delete();
        client.set_driver(None);
    }
}

getters! {
    /// `WdfDriverGetRegistryPath`.
    get_registry_path(Call::object::<Driver>: WDFDRIVER => driver) -> PWSTR
        = driver.client().registry_path().as_ptr();
    /// `WdfDriverWdmGetDriverObject`.
    wdm_get_driver_object(Call::object::<Driver>: WDFDRIVER => driver) -> PDRIVER_OBJECT
        = driver.client().driver_object();
}
