//! WDFDRIVER: a driver's root object, and its unload.

use crate::{
    bind,
    call::{Call, getters},
    callback::{self, ask},
    client::ClientRef,
    device::init::{self, DeviceInit},
    dispatch,
    nt::{
        device::{self, DeviceObject},
        text::{Text, wide},
    },
    object::{
        Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        create,
    },
    report::report,
    string::StringObject,
    sync::Constraints,
};
use core::ptr::NonNull;
use wdk_sys::{
    _WDF_DRIVER_INIT_FLAGS as InitFlags, BOOLEAN, NTSTATUS, PCUNICODE_STRING, PDEVICE_OBJECT,
    PDRIVER_OBJECT, PFN_WDF_DRIVER_DEVICE_ADD, PFN_WDF_DRIVER_UNLOAD, PWDF_DRIVER_CONFIG,
    PWDF_DRIVER_VERSION_AVAILABLE_PARAMS, PWDF_OBJECT_ATTRIBUTES, PWSTR,
    STATUS_DRIVER_INTERNAL_ERROR, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
    WDF_DRIVER_CONFIG, WDF_DRIVER_VERSION_AVAILABLE_PARAMS, WDFDRIVER, WDFSTRING,
};

/// The flags that the framework accepts.
const KNOWN_FLAGS: i32 = InitFlags::WdfDriverInitNonPnpDriver
    | InitFlags::WdfDriverInitNoDispatchOverride
    | InitFlags::WdfDriverInitCompanion;

/// A driver's root object.
pub(crate) struct Driver {
    evt_device_add: PFN_WDF_DRIVER_DEVICE_ADD,
    evt_unload: PFN_WDF_DRIVER_UNLOAD,
    pub(crate) constraints: Constraints,
}

impl Class for Driver {
    const KIND: Kind = Kind::Driver;

    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }
}

/// `WdfDriverCreate`.
///
/// `STATUS_INFO_LENGTH_MISMATCH` for a configuration of another size; `STATUS_INVALID_PARAMETER` for
/// unknown flags, and for a non-PnP driver with `EvtDriverDeviceAdd`; `STATUS_DRIVER_INTERNAL_ERROR`
/// for a second call.
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
    let made = call
        .read_versioned(config, &[])
        .and_then(|config| make_driver(call, driver_object, attributes, &config));
    call.report(made.map(|made| call.write_optional(driver, made.handle().cast())))
}

fn make_driver(
    call: &Call,
    driver_object: PDRIVER_OBJECT,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    config: &WDF_DRIVER_CONFIG,
) -> Result<Ref<Driver>, NTSTATUS> {
    let client = call.client();
    let flags = config.DriverInitFlags.cast_signed();
    if flags & !KNOWN_FLAGS != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if client.driver().is_some() {
        return Err(STATUS_DRIVER_INTERNAL_ERROR);
    }
    if driver_object != client.driver_object() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let is_non_pnp = flags & InitFlags::WdfDriverInitNonPnpDriver != 0;
    let overrides_dispatch = flags & InitFlags::WdfDriverInitNoDispatchOverride == 0;
    if is_non_pnp && overrides_dispatch && config.EvtDriverDeviceAdd.is_some() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = Attributes::read(call, attributes, Allowed::LEVELS)?;
    let driver = create(
        client,
        &attributes,
        None,
        Driver {
            evt_device_add: config.EvtDriverDeviceAdd,
            evt_unload: config.EvtDriverUnload,
            constraints: Constraints::read(&attributes, Constraints::DEFAULT),
        },
    )?;

    // A non-PnP driver without EvtDriverUnload stays loaded (EVT_WDF_DRIVER_UNLOAD).
    let is_pnp = overrides_dispatch && !is_non_pnp;
    let unloads = is_pnp || config.EvtDriverUnload.is_some();
    client.set_up(config.DriverInitFlags, config.DriverPoolTag, unloads);
    client.set_driver(Some(driver));
    if overrides_dispatch {
        device::set_unload(driver_object, if unloads { Some(unload) } else { None });
        device::set_add_device(driver_object, if is_pnp { Some(add_device) } else { None });
        device::set_dispatch(driver_object, Some(dispatch::dispatch));
    } else if unloads {
        device::set_unload(driver_object, Some(unload));
    }
    Ok(driver)
}

/// The driver's `AddDevice` routine: lets the driver make a function device for a physical one.
///
/// What `EvtDriverDeviceAdd` returns; a device that it made before an error is deleted. A filter's error
/// without a device is success.
///
/// # Safety
///
/// Called by the Plug and Play manager with the driver's object and that of a device of a bus.
unsafe extern "C" fn add_device(
    driver_object: PDRIVER_OBJECT,
    physical: PDEVICE_OBJECT,
) -> NTSTATUS {
    let driver = ClientRef::of_driver_object(driver_object).and_then(|client| client.driver());
    let (Some(driver), Some(physical)) = (driver, NonNull::new(physical)) else {
        report!("AddDevice: {driver_object:p} is not a bound driver's");
        return STATUS_UNSUCCESSFUL;
    };
    // SAFETY: the manager's device object, which exists until its stack has been removed.
    let physical = unsafe { DeviceObject::new(physical) };
    match init::for_function(driver.client(), physical) {
        Ok(init) => call_device_add(driver, init),
        Err(status) => status,
    }
}

fn call_device_add(driver: Ref<Driver>, init: Ref<DeviceInit>) -> NTSTATUS {
    init.any().reference();
    let evt_device_add = driver.evt_device_add;
    let (driver, handle) = (driver.handle().cast(), init.handle().cast());
    let added = ask!(evt_device_add, "EvtDriverDeviceAdd", driver, handle);
    let created = init.created.get();
    let is_filter = init.with(|settings| settings.is_filter);
    if created.is_none() {
        init.any().delete();
    }
    init.any().release();
    match (added, created) {
        (Ok(()), Some(device)) => device.finish_initializing(),
        (Err(_), Some(device)) => {
            device.any().delete();
        }
        (Err(_), None) if is_filter => return STATUS_SUCCESS,
        (_, None) => {}
    }
    added.err().unwrap_or(STATUS_SUCCESS)
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

/// `WdfDriverRetrieveVersionString`.
///
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn retrieve_version_string(
    call: &Call,
    driver: WDFDRIVER,
    string: WDFSTRING,
) -> NTSTATUS {
    call.require_passive();
    call.object::<Driver>(driver);
    let string = call.object::<StringObject>(string);
    let text = Text::new(&wide(VERSION));
    call.report(text.map(|text| string.set(text)))
}

/// The string that the published sources make of the version of `bind` and a build number.
const VERSION: &[u8; 43] = b"Kernel Mode Driver Framework version 1.33.0";

/// `WdfDriverIsVersionAvailable`. Structures of another size have no version.
pub(crate) fn is_version_available(
    call: &Call,
    driver: WDFDRIVER,
    version: PWDF_DRIVER_VERSION_AVAILABLE_PARAMS,
) -> BOOLEAN {
    call.require_passive();
    call.object::<Driver>(driver);
    let version = call.read(version);
    call.require_size::<WDF_DRIVER_VERSION_AVAILABLE_PARAMS>(version.Size);
    BOOLEAN::from(version.MajorVersion == bind::MAJOR && version.MinorVersion <= bind::MINOR)
}
