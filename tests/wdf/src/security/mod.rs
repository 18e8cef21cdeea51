//! Security of device objects: from a string to the object's own descriptor.
//!
//! Source: "SDDL for Device Objects", "Securing Device Objects". A driver
//! sets it through documented routines: `ObOpenObjectByPointer` for a handle to the device, then
//! `ZwSetSecurityObject`.

mod descriptor;

use crate::{
    nt::{KERNEL_MODE, device::DeviceObject, routine},
    report::report,
    status::check,
};
use core::{ffi::c_void, ptr::null_mut};
use descriptor::Descriptor;
use wdfldr_sddl::Dacl;
use wdk_sys::{
    ACCESS_MASK, DACL_SECURITY_INFORMATION, HANDLE, NTSTATUS, OBJ_KERNEL_HANDLE, POBJECT_TYPE,
    PSECURITY_DESCRIPTOR, SECURITY_INFORMATION, STATUS_INVALID_PARAMETER, ULONG, WRITE_DAC, ntddk,
};

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

/// Parses a security setting.
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

/// Sets the access control list of a device. A system without the routines for it is reported and
/// is no error.
///
/// `STATUS_INSUFFICIENT_RESOURCES`; what the system returns.
pub(crate) fn apply(device: DeviceObject, dacl: &Dacl<'_>) -> Result<(), NTSTATUS> {
    let descriptor = Descriptor::new(dacl)?;
    // SAFETY: the type of the routine of that name (ntifs.h).
    let open = unsafe { routine::find::<ObOpenObjectByPointer>("ObOpenObjectByPointer") };
    // SAFETY: the type of the routine of that name (ntifs.h).
    let set = unsafe { routine::find::<ZwSetSecurityObject>("ZwSetSecurityObject") };
    let (Some(open), Some(set)) = (open, set) else {
        report!("this system cannot set device security");
        return Ok(());
    };
    let mut handle = null_mut();
    // SAFETY: a device object that exists, and a local for the handle.
    check(unsafe {
        open(
            device.as_ptr().cast(),
            OBJ_KERNEL_HANDLE,
            null_mut(),
            WRITE_DAC,
            null_mut(),
            KERNEL_MODE,
            &raw mut handle,
        )
    })?;
    // SAFETY: a handle with WRITE_DAC, and a descriptor that outlives the call.
    let status = unsafe { set(handle, DACL_SECURITY_INFORMATION, descriptor.as_ptr()) };
    // SAFETY: opened above, and known to nothing else.
    let _ = unsafe { ntddk::ZwClose(handle) };
    check(status)
}
