//! The driver object, and the service's parameters.

use core::ptr;

use ringcopy_protocol::NtStatus;
use wdk_sys::{
    _WDF_DRIVER_INIT_FLAGS::WdfDriverInitNonPnpDriver, KEY_READ, PCUNICODE_STRING, PDRIVER_OBJECT,
    REG_DWORD, WDF_DRIVER_CONFIG, WDF_NO_OBJECT_ATTRIBUTES, WDFDRIVER, WDFKEY,
    call_unsafe_wdf_function_binding,
};

use super::size_field;
use crate::nt::{pool::POOL_TAG, unicode::WideString};

/// The arguments of the driver's entry point.
pub struct EntryArguments {
    /// The driver object.
    pub driver_object: PDRIVER_OBJECT,
    /// The service's registry path.
    pub registry_path: PCUNICODE_STRING,
}

/// The framework's driver object.
pub struct Driver(pub(super) WDFDRIVER);

impl Driver {
    /// Creates a non-PnP driver that can always be unloaded.
    pub fn create(
        arguments: &EntryArguments,
        unload: extern "C" fn(WDFDRIVER),
    ) -> Result<Self, NtStatus> {
        let mut config = WDF_DRIVER_CONFIG {
            Size: size_field::<WDF_DRIVER_CONFIG>(),
            EvtDriverUnload: Some(unload),
            DriverInitFlags: WdfDriverInitNonPnpDriver as u32,
            DriverPoolTag: POOL_TAG,
            ..Default::default()
        };
        let mut driver = ptr::null_mut();
        // SAFETY: the arguments are the entry point's own, passed on once; config and driver live
        // through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDriverCreate,
                arguments.driver_object,
                arguments.registry_path,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut config,
                &raw mut driver,
            )
        };
        NtStatus::from_raw(status)
            .into_result()
            .map(|()| Self(driver))
    }

    /// Reads a `REG_DWORD` of the service's `Parameters` key. `STATUS_OBJECT_TYPE_MISMATCH` if the
    /// value has another type or length.
    ///
    /// `WdfRegistryQueryULong` does not promise to check the length, and free builds of the framework
    /// check neither: they return stack contents for the missing bytes.
    pub fn parameter(&self, name: &str) -> Result<u32, NtStatus> {
        let mut key: WDFKEY = ptr::null_mut();
        // SAFETY: the driver object lives until unload, and `key` through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDriverOpenParametersRegistryKey,
                self.0,
                KEY_READ,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut key,
            )
        };
        NtStatus::from_raw(status).into_result()?;
        let name = WideString::new(name);
        let name = name.as_unicode();
        let mut value = [0; size_of::<u32>()];
        let (mut length, mut kind) = (0, 0);
        // SAFETY: the key is open; name, value, length and type live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRegistryQueryValue,
                key,
                name.as_ptr(),
                size_field::<u32>(),
                value.as_mut_ptr().cast(),
                &raw mut length,
                &raw mut kind,
            )
        };
        // SAFETY: opened above, and closed once.
        unsafe { call_unsafe_wdf_function_binding!(WdfRegistryClose, key) };
        NtStatus::from_raw(status).into_result()?;
        if kind != REG_DWORD || length != size_field::<u32>() {
            return Err(NtStatus::OBJECT_TYPE_MISMATCH);
        }
        Ok(u32::from_le_bytes(value))
    }
}
