//! Security of device objects: from a string to the object's own descriptor.
//!
//! Source: "SDDL for Device Objects", "Securing Device Objects". The steps are those that the
//! documented routines allow a driver: a handle to the device by `ObOpenObjectByPointer`, and
//! `ZwSetSecurityObject`.

mod descriptor;

use crate::{
    nt::{device::DeviceObject, routine},
    report::report,
};
use core::{
    ffi::c_void,
    ptr::{NonNull, null_mut},
};
use descriptor::Descriptor;
use wdfldr_sddl::Dacl;
use wdk_sys::{
    ACCESS_MASK, DACL_SECURITY_INFORMATION, HANDLE, NTSTATUS, OBJ_KERNEL_HANDLE, POBJECT_TYPE,
    PSECURITY_DESCRIPTOR, SECURITY_INFORMATION, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, ULONG,
    WRITE_DAC, ntddk,
};

const KERNEL_MODE: i8 = 0;

type ObOpenObjectByPointer = unsafe extern "C" fn(
    *mut c_void,
    ULONG,
    *mut c_void,
    ACCESS_MASK,
    POBJECT_TYPE,
    i8,
    *mut HANDLE,
) -> NTSTATUS;
type ZwSetSecurityObject =
    unsafe extern "C" fn(HANDLE, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR) -> NTSTATUS;

/// Reads a security setting.
///
/// # Errors
///
/// `STATUS_INVALID_PARAMETER` if it is not in the language.
pub(crate) fn parse(text: &[u16]) -> Result<Dacl<'_>, NTSTATUS> {
    Dacl::parse(text).map_err(|malformed| {
        report!(
            "the security setting is not SDDL for device objects, from character {} on",
            malformed.position
        );
        STATUS_INVALID_PARAMETER
    })
}

/// Sets the access control list of a device. On a system that can't, says so and goes on: that is
/// no fault of the driver's.
///
/// # Errors
///
/// `STATUS_INSUFFICIENT_RESOURCES`; what the system returns.
pub(crate) fn apply(device: DeviceObject, dacl: &Dacl<'_>) -> Result<(), NTSTATUS> {
    let descriptor = Descriptor::new(dacl)?;
    let (Some(open), Some(set)) = (
        routine::address("ObOpenObjectByPointer"),
        routine::address("ZwSetSecurityObject"),
    ) else {
        report!("this system cannot set device security");
        return Ok(());
    };
    let handle = open_device(open, device)?;
    let result = set_dacl(set, handle, &descriptor);
    // SAFETY: opened above, and not given to anybody.
    let _ = unsafe { ntddk::ZwClose(handle) };
    result
}

fn open_device(routine: NonNull<c_void>, device: DeviceObject) -> Result<HANDLE, NTSTATUS> {
    // SAFETY: the address of the export of that name, whose type this is.
    let open =
        unsafe { core::mem::transmute::<*mut c_void, ObOpenObjectByPointer>(routine.as_ptr()) };
    let mut handle = null_mut();
    // SAFETY: a device object that exists, and a local for the handle.
    let status = unsafe {
        open(
            device.as_ptr().cast(),
            OBJ_KERNEL_HANDLE,
            null_mut(),
            WRITE_DAC,
            null_mut(),
            KERNEL_MODE,
            &raw mut handle,
        )
    };
    if status == STATUS_SUCCESS {
        Ok(handle)
    } else {
        Err(status)
    }
}

fn set_dacl(
    routine: NonNull<c_void>,
    handle: HANDLE,
    descriptor: &Descriptor,
) -> Result<(), NTSTATUS> {
    // SAFETY: the address of the export of that name, whose type this is.
    let set = unsafe { core::mem::transmute::<*mut c_void, ZwSetSecurityObject>(routine.as_ptr()) };
    // SAFETY: a handle with WRITE_DAC, and a descriptor that outlives the call.
    let status = unsafe { set(handle, DACL_SECURITY_INFORMATION, descriptor.as_ptr()) };
    if status == STATUS_SUCCESS {
        Ok(())
    } else {
        Err(status)
    }
}
