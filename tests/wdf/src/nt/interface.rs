//! Device interfaces of the kernel.

use super::{device::DeviceObject, text::Text};
use crate::status::check;
use core::ptr::null_mut;
use wdk_sys::{GUID, NTSTATUS, UNICODE_STRING, ntddk};

/// A registered interface: the name that the kernel gave it.
pub(crate) struct Registered(UNICODE_STRING);

/// `IoRegisterDeviceInterface`. An empty reference string is none.
///
/// What the routine returns.
pub(crate) fn register(
    physical: DeviceObject,
    class: &GUID,
    reference: UNICODE_STRING,
) -> Result<Registered, NTSTATUS> {
    let mut reference = reference;
    let reference = if reference.Length == 0 {
        null_mut()
    } else {
        &raw mut reference
    };
    let mut link = UNICODE_STRING::default();
    // SAFETY: a device object that exists, a class, a string that outlives the call or none, and a
    // local for the result.
    check(unsafe {
        ntddk::IoRegisterDeviceInterface(physical.as_ptr(), class, reference, &raw mut link)
    })?;
    Ok(Registered(link))
}

impl Registered {
    /// `IoSetDeviceInterfaceState`.
    ///
    /// What the routine returns.
    pub(crate) fn set_enabled(&self, enable: bool) -> Result<(), NTSTATUS> {
        let mut link = self.0;
        // SAFETY: the name that IoRegisterDeviceInterface gave, which lives as long as `self`.
        check(unsafe { ntddk::IoSetDeviceInterfaceState(&raw mut link, enable.into()) })
    }

    /// Copies the symbolic link.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn link(&self) -> Result<Text, NTSTATUS> {
        let length = usize::from(self.0.Length) / size_of::<u16>();
        // SAFETY: the kernel's string of this many characters, which lives as long as `self`.
        Text::new(unsafe { core::slice::from_raw_parts(self.0.Buffer, length) })
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: the name that IoRegisterDeviceInterface gave, freed once.
        unsafe { ntddk::RtlFreeUnicodeString(&raw mut self.0) };
    }
}
