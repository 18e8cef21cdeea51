//! The entry point, the device and its callback.

use core::ptr;

use usermode_accessors::{NtStatus, UserSlice};
use wdk::println;
use wdk_sys::{
    _WDF_DRIVER_INIT_FLAGS::WdfDriverInitNonPnpDriver,
    _WDF_REQUEST_TYPE::WdfRequestTypeDeviceControl, NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT,
    PWDFDEVICE_INIT, UNICODE_STRING, WDF_DRIVER_CONFIG, WDF_NO_OBJECT_ATTRIBUTES,
    WDF_REQUEST_PARAMETERS, WDFDEVICE, WDFDRIVER, WDFREQUEST, call_unsafe_wdf_function_binding,
};

use crate::handler;

/// Returns the size of a structure, as the framework wants it in the structure's first field.
macro_rules! size_field {
    ($structure:ty, $field:ty) => {
        const {
            let size = size_of::<$structure>();
            assert!(size <= <$field>::MAX as usize);
            #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
            let size = size as $field;
            size
        }
    };
}

/// Returns a constant ASCII text as a `UNICODE_STRING`.
macro_rules! unicode {
    ($text:literal) => {{
        static UNITS: [u16; $text.len()] = wide($text);
        const BYTES: u16 = size_field!([u16; $text.len()], u16);
        UNICODE_STRING {
            Length: BYTES,
            MaximumLength: BYTES,
            // Nobody writes to it.
            Buffer: UNITS.as_ptr().cast_mut(),
        }
    }};
}

/// Asks the framework for a buffer of a `METHOD_NEITHER` request, with at least `least` bytes. The
/// framework has not touched it.
macro_rules! buffer {
    ($request:ident, $function:ident, $least:expr) => {{
        let (mut address, mut length) = (ptr::null_mut(), 0);
        // SAFETY: the callback owns the request, and the locals live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                $function,
                $request,
                $least,
                &raw mut address,
                &raw mut length,
            )
        };
        NtStatus::from_raw(status)
            .into_result()
            .map(|()| UserSlice::new(address.addr(), length))
    }};
}

const fn wide<const LENGTH: usize>(text: &str) -> [u16; LENGTH] {
    let mut units = [0; LENGTH];
    let mut index = 0;
    while index < LENGTH {
        assert!(text.as_bytes()[index].is_ascii());
        units[index] = text.as_bytes()[index] as u16;
        index += 1;
    }
    units
}

/// The entry point, which the framework's own calls.
///
/// # Safety
///
/// Only the framework calls this, once.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    // If it fails, the framework deletes the driver object and all that belongs to it.
    let started = create_driver(driver, registry_path).and_then(create_device);
    started.err().unwrap_or(NtStatus::SUCCESS).as_raw()
}

fn create_driver(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> Result<WDFDRIVER, NtStatus> {
    let mut config = WDF_DRIVER_CONFIG {
        Size: size_field!(WDF_DRIVER_CONFIG, u32),
        // A driver without an unload callback is never unloaded.
        EvtDriverUnload: Some(evt_driver_unload),
        DriverInitFlags: WdfDriverInitNonPnpDriver as u32,
        ..Default::default()
    };
    let mut created = ptr::null_mut();
    // SAFETY: the arguments of the entry point, and locals that live through the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDriverCreate,
            driver,
            registry_path,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut config,
            &raw mut created,
        )
    };
    NtStatus::from_raw(status).into_result().map(|()| created)
}

extern "C" fn evt_driver_unload(_: WDFDRIVER) {
    println!("my-driver: unloaded");
}

/// Creates the device `\\.\MyDriver`, which system and administrators may open.
fn create_device(driver: WDFDRIVER) -> Result<(), NtStatus> {
    let sddl = unicode!("D:P(A;;GA;;;SY)(A;;GA;;;BA)");
    // SAFETY: the driver object that was just created, and a string that lives through the call.
    let mut init = unsafe {
        call_unsafe_wdf_function_binding!(WdfControlDeviceInitAllocate, driver, &raw const sddl)
    };
    if init.is_null() {
        return Err(NtStatus::INSUFFICIENT_RESOURCES);
    }
    let created = device_of(&mut init);
    if created.is_err() && !init.is_null() {
        // SAFETY: the framework has not taken it over.
        unsafe { call_unsafe_wdf_function_binding!(WdfDeviceInitFree, init) };
    }
    let device = created?;
    let link = unicode!(r"\DosDevices\MyDriver");
    // SAFETY: the device that was just created, and a string that lives through the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(WdfDeviceCreateSymbolicLink, device, &raw const link)
    };
    NtStatus::from_raw(status).into_result()?;
    // SAFETY: a control device of this driver. From here on it is sent requests.
    unsafe { call_unsafe_wdf_function_binding!(WdfControlFinishInitializing, device) };
    Ok(())
}

/// Creates the device. The framework takes `init` over if it succeeds.
fn device_of(init: &mut PWDFDEVICE_INIT) -> Result<WDFDEVICE, NtStatus> {
    let name = unicode!(r"\Device\MyDriver");
    // SAFETY: not yet a device's, and a string that lives through the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(WdfDeviceInitAssignName, *init, &raw const name)
    };
    NtStatus::from_raw(status).into_result()?;
    // SAFETY: not yet a device's.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDeviceInitSetIoInCallerContextCallback,
            *init,
            Some(evt_io_in_caller_context),
        );
    }
    let mut device = ptr::null_mut();
    // SAFETY: not yet a device's, and a local that lives through the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDeviceCreate,
            &raw mut *init,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut device,
        )
    };
    NtStatus::from_raw(status).into_result().map(|()| device)
}

/// Serves and completes every request, in the process and the thread that sent it
/// (`EVT_WDF_IO_IN_CALLER_CONTEXT`). So there is no queue.
extern "C" fn evt_io_in_caller_context(_: WDFDEVICE, request: WDFREQUEST) {
    let outcome = serve(request);
    let status = outcome.err().unwrap_or(NtStatus::SUCCESS).as_raw();
    let written = outcome.unwrap_or_default() as u64;
    // SAFETY: the callback owns the request, and completes it once.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfRequestCompleteWithInformation,
            request,
            status,
            written
        );
    }
}

fn serve(request: WDFREQUEST) -> Result<usize, NtStatus> {
    let mut parameters = WDF_REQUEST_PARAMETERS {
        Size: size_field!(WDF_REQUEST_PARAMETERS, u16),
        ..Default::default()
    };
    // SAFETY: the callback owns the request, and the local lives through the call.
    unsafe {
        call_unsafe_wdf_function_binding!(WdfRequestGetParameters, request, &raw mut parameters);
    }
    if parameters.Type != WdfRequestTypeDeviceControl {
        return Err(NtStatus::INVALID_DEVICE_REQUEST);
    }
    // SAFETY: the type says which member of the union the framework has set.
    let control = unsafe { parameters.Parameters.DeviceIoControl };
    if control.IoControlCode != handler::CHECKSUM {
        return Err(NtStatus::INVALID_DEVICE_REQUEST);
    }
    // The addresses are a user's, whoever sent the request: kernel memory is refused.
    let input = buffer!(request, WdfRequestRetrieveUnsafeUserInputBuffer, 1);
    let output = buffer!(
        request,
        WdfRequestRetrieveUnsafeUserOutputBuffer,
        handler::OUTPUT_LENGTH
    );
    handler::checksum(input?, output?)
}
