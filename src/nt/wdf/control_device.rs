//! Creation of the control device.

use core::ptr;

use ringcopy_protocol::NtStatus;
use wdk_sys::{
    _WDF_EXECUTION_LEVEL::WdfExecutionLevelPassive,
    _WDF_FILEOBJECT_CLASS::WdfFileObjectWdfCanUseFsContext,
    _WDF_SYNCHRONIZATION_SCOPE::WdfSynchronizationScopeNone, FILE_DEVICE_SECURE_OPEN,
    PWDFDEVICE_INIT, WDF_FILEOBJECT_CONFIG, WDF_OBJECT_ATTRIBUTES, WDFDEVICE, WDFFILEOBJECT,
    WDFQUEUE, WDFREQUEST, call_unsafe_wdf_function_binding,
};

use super::{Device, Driver, size_field};
use crate::nt::{
    context::{self, Context},
    unicode::WideString,
};

/// How the device is opened.
pub struct FileCallbacks {
    /// Completes the create request.
    pub create: extern "C" fn(WDFDEVICE, WDFREQUEST, WDFFILEOBJECT),
    /// The attributes of the file objects.
    pub attributes: WDF_OBJECT_ATTRIBUTES,
}

/// The properties of a control device.
pub struct ControlDevice {
    /// Its name.
    pub name: &'static str,
    /// The symbolic link to it.
    pub link: &'static str,
    /// Who may open it, in the security descriptor definition language.
    pub security: &'static str,
    /// Its type, the upper half of its control codes.
    pub device_type: u32,
    /// How it is opened.
    pub file: FileCallbacks,
    /// The first callback for every request.
    pub in_caller_context: extern "C" fn(WDFDEVICE, WDFREQUEST),
    /// The callback of the queue.
    pub device_control: extern "C" fn(WDFQUEUE, WDFREQUEST, usize, usize, u32),
}

impl ControlDevice {
    /// Creates device, link and queue, then allows opens. In every case the framework deletes the
    /// device with the driver object.
    pub fn create<T: Context>(self, driver: &Driver, value: T) -> Result<(), NtStatus> {
        let device = Device(self.create_device::<T>(driver)?);
        // SAFETY: the device lives until unload, and no request reaches it yet.
        unsafe { context::set(device.0.cast(), value) }?;
        device.link(self.link)?;
        device.queue(self.device_control)?;
        // SAFETY: the device is complete.
        unsafe { call_unsafe_wdf_function_binding!(WdfControlFinishInitializing, device.0) };
        Ok(())
    }

    fn create_device<T: Context>(&self, driver: &Driver) -> Result<WDFDEVICE, NtStatus> {
        let security = WideString::new(self.security);
        let security = security.as_unicode();
        // SAFETY: the driver object lives, and the string through the call.
        let mut init = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfControlDeviceInitAllocate,
                driver.0,
                security.as_ptr(),
            )
        };
        if init.is_null() {
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        let created = self.configure(init).and_then(|()| {
            // The device's queue and file objects take these from it.
            let mut attributes = WDF_OBJECT_ATTRIBUTES {
                ExecutionLevel: WdfExecutionLevelPassive,
                SynchronizationScope: WdfSynchronizationScopeNone,
                ..context::attributes::<T>()
            };
            let mut device = ptr::null_mut();
            // SAFETY: `init` is configured and handed over; the rest lives through the call.
            let status = unsafe {
                call_unsafe_wdf_function_binding!(
                    WdfDeviceCreate,
                    &raw mut init,
                    &raw mut attributes,
                    &raw mut device,
                )
            };
            NtStatus::from_raw(status).into_result().map(|()| device)
        });
        if created.is_err() && !init.is_null() {
            // SAFETY: the framework takes `init`, and nulls it, only where it made a device of it.
            unsafe { call_unsafe_wdf_function_binding!(WdfDeviceInitFree, init) };
        }
        created
    }

    fn configure(&self, init: PWDFDEVICE_INIT) -> Result<(), NtStatus> {
        let name = WideString::new(self.name);
        let name = name.as_unicode();
        // SAFETY: `init` is not yet handed over, and the string lives through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(WdfDeviceInitAssignName, init, name.as_ptr())
        };
        NtStatus::from_raw(status).into_result()?;
        // SAFETY: as above.
        unsafe {
            call_unsafe_wdf_function_binding!(WdfDeviceInitSetDeviceType, init, self.device_type,);
        }
        // The security descriptor then also applies to names below the device.
        // SAFETY: as above.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetCharacteristics,
                init,
                FILE_DEVICE_SECURE_OPEN,
                u8::from(true),
            );
        }
        let mut config = WDF_FILEOBJECT_CONFIG {
            Size: size_field::<WDF_FILEOBJECT_CONFIG>(),
            EvtDeviceFileCreate: Some(self.file.create),
            FileObjectClass: WdfFileObjectWdfCanUseFsContext,
            ..Default::default()
        };
        let mut attributes = self.file.attributes;
        // SAFETY: as above; the framework copies both structures.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetFileObjectConfig,
                init,
                &raw mut config,
                &raw mut attributes,
            );
        }
        // SAFETY: as above.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDeviceInitSetIoInCallerContextCallback,
                init,
                Some(self.in_caller_context),
            );
        }
        Ok(())
    }
}
