//! `DriverEntry`, and the device.

use crate::{
    behaviour::{self, ADD_FAILS, DEVICE_SCOPE, PASSIVE},
    fail_if, note, power, requests, wdf,
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

/// Returns a structure whose member `Size` has its size.
macro_rules! sized {
    ($type:ident { $($member:ident: $value:expr),* $(,)? }) => {{
        #[expect(clippy::cast_possible_truncation, reason = "a small structure")]
        const SIZE: u32 = size_of::<$type>() as u32;
        $type { Size: SIZE, $($member: $value,)* ..$type::default() }
    }};
}
pub(crate) use sized;

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

unsafe extern "C" fn unload(_driver: WDFDRIVER) {
    note(c"EvtDriverUnload");
}

/// Returns attributes with the parent and the levels that devices and queues inherit.
pub fn attributes() -> WDF_OBJECT_ATTRIBUTES {
    sized!(WDF_OBJECT_ATTRIBUTES {
        ExecutionLevel: ExecutionLevel::WdfExecutionLevelInheritFromParent,
        SynchronizationScope: SynchronizationScope::WdfSynchronizationScopeInheritFromParent,
    })
}

unsafe extern "C" fn device_add(_driver: WDFDRIVER, init: PWDFDEVICE_INIT) -> NTSTATUS {
    let mut init = init;
    let mut callbacks = power::callbacks();
    wdf!(
        WdfDeviceInitSetPnpPowerEventCallbacks,
        init,
        &raw mut callbacks
    );
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
    let mut status = wdf!(
        WdfDeviceCreate,
        &raw mut init,
        &raw mut attributes,
        &raw mut device
    );
    if status >= 0 {
        status = wdf!(
            WdfDeviceCreateDeviceInterface,
            device,
            &raw const INTERFACE,
            null_mut()
        );
    }
    if status >= 0 {
        status = requests::initialize(device);
    }
    if status < 0 {
        return status;
    }
    fail_if(ADD_FAILS, c"EvtDriverDeviceAdd")
}

unsafe extern "C" fn device_cleanup(_device: WDFOBJECT) {
    note(c"EvtCleanupCallback of the device");
}

unsafe extern "C" fn file_cleanup(_file: WDFFILEOBJECT) {
    note(c"EvtFileCleanup");
}

unsafe extern "C" fn file_close(_file: WDFFILEOBJECT) {
    note(c"EvtFileClose");
}
