//! `DriverEntry`, and the device.

use crate::{
    behaviour, check,
    codes::{ADD_FAILS, DEVICE_SCOPE, FILTER, PASSIVE},
    fail_if, notes, power, requests, sized, status_of, wdf,
};
use core::ptr::null_mut;
use wdk_sys::{
    _WDF_EXECUTION_LEVEL as ExecutionLevel, _WDF_FILEOBJECT_CLASS as FileObjectClass,
    _WDF_SYNCHRONIZATION_SCOPE as SynchronizationScope, _WDF_TRI_STATE as TriState, GUID, NTSTATUS,
    PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_DRIVER_CONFIG, WDF_FILEOBJECT_CONFIG,
    WDF_OBJECT_ATTRIBUTES, WDFDEVICE, WDFDRIVER, WDFFILEOBJECT, WDFOBJECT,
};

/// The class of the device's interface.
static INTERFACE: GUID = GUID {
    Data1: 0x5B2C_0A0E,
    Data2: 0x3C3E,
    Data3: 0x4B0E,
    Data4: [0x9B, 0x3C, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F],
};

/// Creates the driver's object.
///
/// # Safety
///
/// Only the I/O manager calls this, with a driver object and its service's path.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "C" fn driver_entry(driver: PDRIVER_OBJECT, path: PCUNICODE_STRING) -> NTSTATUS {
    let mut config = sized!(WDF_DRIVER_CONFIG {
        EvtDriverDeviceAdd: Some(device_add),
        EvtDriverUnload: Some(unload),
    });
    let mut handle: WDFDRIVER = null_mut();
    let status = wdf!(
        WdfDriverCreate,
        driver,
        path,
        null_mut(),
        &raw mut config,
        &raw mut handle
    );
    if status >= 0 {
        behaviour::read(handle);
    }
    status
}

/// Returns attributes with the parent and the levels that devices and queues inherit.
pub fn attributes() -> WDF_OBJECT_ATTRIBUTES {
    sized!(WDF_OBJECT_ATTRIBUTES {
        ExecutionLevel: ExecutionLevel::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: SynchronizationScope::WdfSynchronizationScopeInheritFromParent,
    })
}

unsafe extern "C" fn device_add(_driver: WDFDRIVER, init: PWDFDEVICE_INIT) -> NTSTATUS {
    status_of(make_device(init))
}

fn make_device(init: PWDFDEVICE_INIT) -> Result<(), NTSTATUS> {
    let mut init = init;
    let mut callbacks = power::callbacks();
    wdf!(
        WdfDeviceInitSetPnpPowerEventCallbacks,
        init,
        &raw mut callbacks
    );
    if behaviour::has(FILTER) {
        wdf!(WdfFdoInitSetFilter, init);
    }
    let mut files = sized!(WDF_FILEOBJECT_CONFIG {
        EvtFileCleanup: Some(file_cleanup),
        EvtFileClose: Some(file_close),
        AutoForwardCleanupClose: TriState::WdfUseDefault,
        FileObjectClass: FileObjectClass::WdfFileObjectWdfCannotUseFsContexts,
    });
    wdf!(
        WdfDeviceInitSetFileObjectConfig,
        init,
        &raw mut files,
        null_mut()
    );
    wdf!(
        WdfDeviceInitSetIoInCallerContextCallback,
        init,
        Some(requests::in_caller_context)
    );
    let mut attributes = attributes();
    attributes.EvtCleanupCallback = Some(device_cleanup);
    if behaviour::has(DEVICE_SCOPE) {
        attributes.SynchronizationScope = SynchronizationScope::WdfSynchronizationScopeDevice;
    }
    if behaviour::has(PASSIVE) {
        attributes.ExecutionLevel = ExecutionLevel::WdfExecutionLevelPassive;
    }
    let mut device: WDFDEVICE = null_mut();
    check(wdf!(
        WdfDeviceCreate,
        &raw mut init,
        &raw mut attributes,
        &raw mut device
    ))?;
    check(wdf!(
        WdfDeviceCreateDeviceInterface,
        device,
        &raw const INTERFACE,
        null_mut()
    ))?;
    requests::initialize(device)?;
    check(fail_if(ADD_FAILS, c"EvtDriverDeviceAdd"))
}

notes! {
    unload(WDFDRIVER) = c"EvtDriverUnload";
    device_cleanup(WDFOBJECT) = c"EvtCleanupCallback of the device";
    file_cleanup(WDFFILEOBJECT) = c"EvtFileCleanup";
    file_close(WDFFILEOBJECT) = c"EvtFileClose";
}
