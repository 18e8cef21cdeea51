//! Device objects, driver objects and symbolic links.

use super::member;
use crate::status::check;
use core::{
    ffi::c_void,
    mem::offset_of,
    ptr::{NonNull, null_mut},
};
use wdk_sys::{
    CCHAR, DEVICE_OBJECT, DEVICE_REGISTRY_PROPERTY, DRIVER_EXTENSION, DRIVER_OBJECT, NTSTATUS,
    PDRIVER_ADD_DEVICE, PDRIVER_DISPATCH, PDRIVER_OBJECT, PDRIVER_UNLOAD, STATUS_SUCCESS, ULONG,
    UNICODE_STRING, ntddk,
};

const _: () = {
    assert!(EXTENSION_SIZE as usize == size_of::<*mut c_void>());
    assert!(offset_of!(DRIVER_OBJECT, DriverUnload) == 0x68);
    assert!(offset_of!(DRIVER_OBJECT, MajorFunction) == 0x70);
};

/// The device extension holds one word.
const EXTENSION_SIZE: ULONG = 8;

/// The parameters of `IoCreateDevice` except the name.
#[derive(Clone, Copy)]
pub(crate) struct Properties {
    pub(crate) device_type: ULONG,
    pub(crate) characteristics: ULONG,
    pub(crate) exclusive: bool,
}

/// A device object: of a bound driver, which exists until [`DeviceObject::delete`], or one that requests are
/// sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceObject(NonNull<DEVICE_OBJECT>);

impl DeviceObject {
    /// # Safety
    ///
    /// The object exists for as long as the result is used.
    pub(crate) const unsafe fn new(object: NonNull<DEVICE_OBJECT>) -> Self {
        Self(object)
    }

    /// Calls `IoCreateDevice`, with one word of extension.
    ///
    /// What `IoCreateDevice` returns: `STATUS_OBJECT_NAME_COLLISION`,
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn create(
        driver: PDRIVER_OBJECT,
        name: Option<UNICODE_STRING>,
        properties: Properties,
    ) -> Result<Self, NTSTATUS> {
        let mut name = name;
        let name = name.as_mut().map_or(null_mut(), core::ptr::from_mut);
        let mut object = null_mut();
        // SAFETY: a bound driver's object, a name that outlives the call or none, and a local for
        // the result.
        let status = unsafe {
            ntddk::IoCreateDevice(
                driver,
                EXTENSION_SIZE,
                name,
                properties.device_type,
                properties.characteristics,
                properties.exclusive.into(),
                &raw mut object,
            )
        };
        match NonNull::new(object) {
            Some(object) if status == STATUS_SUCCESS => Ok(Self(object)),
            _ => Err(status),
        }
    }

    /// `IoDeleteDevice`. The object must not be used after this.
    pub(crate) fn delete(self) {
        // SAFETY: the object exists until now (the promise of the type).
        unsafe { ntddk::IoDeleteDevice(self.as_ptr()) };
    }

    /// `IoAttachDeviceToDeviceStack`. Returns the next device in the stack; `None` if it is being
    /// deleted.
    pub(crate) fn attach(self, physical: Self) -> Option<Self> {
        // SAFETY: both objects exist (the promise of the type).
        let lower = unsafe { ntddk::IoAttachDeviceToDeviceStack(self.as_ptr(), physical.as_ptr()) };
        NonNull::new(lower).map(Self)
    }

    /// `IoDetachDevice`: detaches what is attached to this device.
    pub(crate) fn detach_upper(self) {
        // SAFETY: the object exists until its stack is removed, and something is attached to it.
        unsafe { ntddk::IoDetachDevice(self.as_ptr()) };
    }

    /// Returns the object for drivers.
    /// Calls `IoGetDeviceProperty` on a physical device. Returns its status and the length of the property.
    ///
    /// # Safety
    ///
    /// The buffer has `length` bytes.
    pub(crate) unsafe fn property(
        self,
        property: DEVICE_REGISTRY_PROPERTY::Type,
        length: ULONG,
        buffer: *mut c_void,
    ) -> (NTSTATUS, ULONG) {
        let mut needed = 0;
        // SAFETY: a device object that exists, the caller's buffer, and a local for the length.
        let status = unsafe {
            ntddk::IoGetDeviceProperty(self.as_ptr(), property, length, buffer, &raw mut needed)
        };
        (status, needed)
    }

    pub(crate) const fn as_ptr(self) -> *mut DEVICE_OBJECT {
        self.0.as_ptr()
    }

    const fn flags_place(self) -> *mut ULONG {
        member(self.as_ptr(), offset_of!(DEVICE_OBJECT, Flags))
    }

    pub(crate) const fn flags(self) -> ULONG {
        // SAFETY: a member of an object that exists (the promise of the type).
        unsafe { self.flags_place().read() }
    }

    /// Sets some flags and clears others. A driver may change its device objects while it sets them
    /// up.
    pub(crate) const fn change_flags(self, set: ULONG, clear: ULONG) {
        let flags = (self.flags() | set) & !clear;
        // SAFETY: a member of an object that exists (the promise of the type).
        unsafe { self.flags_place().write(flags) };
    }

    /// Returns the number of stack locations that a packet for the device has to have.
    pub(crate) const fn stack_size(self) -> CCHAR {
        let stack_size: *mut CCHAR = member(self.as_ptr(), offset_of!(DEVICE_OBJECT, StackSize));
        // SAFETY: a member of an object that exists (the promise of the type).
        unsafe { stack_size.read() }
    }

    const fn extension(self) -> NonNull<*mut c_void> {
        let extension = offset_of!(DEVICE_OBJECT, DeviceExtension);
        // SAFETY: a member of an object that exists; `create` asked for an extension, so it is
        // not null.
        unsafe { member::<_, NonNull<*mut c_void>>(self.as_ptr(), extension).read() }
    }

    /// Reads the word in the extension.
    pub(crate) const fn word(self) -> *mut c_void {
        // SAFETY: the extension holds one word, which the I/O manager zeroed.
        unsafe { self.extension().read() }
    }

    /// Writes the word in the extension.
    pub(crate) const fn set_word(self, word: *mut c_void) {
        // SAFETY: the extension holds one word.
        unsafe { self.extension().write(word) };
    }
}

/// `IoCreateSymbolicLink`.
///
/// What the routine returns, such as `STATUS_OBJECT_NAME_COLLISION`.
pub(crate) fn create_link(link: UNICODE_STRING, device: UNICODE_STRING) -> Result<(), NTSTATUS> {
    let (mut link, mut device) = (link, device);
    // SAFETY: both strings describe memory that outlives the call.
    check(unsafe { ntddk::IoCreateSymbolicLink(&raw mut link, &raw mut device) })
}

/// `IoDeleteSymbolicLink`.
///
/// What the routine returns: `STATUS_OBJECT_NAME_NOT_FOUND` for one that does not exist.
pub(crate) fn delete_link(link: UNICODE_STRING) -> Result<(), NTSTATUS> {
    let mut link = link;
    // SAFETY: the string describes memory that outlives the call.
    check(unsafe { ntddk::IoDeleteSymbolicLink(&raw mut link) })
}

/// Sets the dispatch routine for every major function.
pub(crate) fn set_dispatch(driver: PDRIVER_OBJECT, routine: PDRIVER_DISPATCH) {
    let routines: *mut [PDRIVER_DISPATCH; 28] =
        member(driver, offset_of!(DRIVER_OBJECT, MajorFunction));
    // SAFETY: a member of the object of a driver that is in its DriverEntry, and its own to set.
    unsafe { routines.write([routine; 28]) };
}

/// Sets `AddDevice`.
pub(crate) fn set_add_device(driver: PDRIVER_OBJECT, routine: PDRIVER_ADD_DEVICE) {
    let extension: *mut *mut DRIVER_EXTENSION =
        member(driver, offset_of!(DRIVER_OBJECT, DriverExtension));
    // SAFETY: a member of the object of a driver that is in its DriverEntry.
    let extension = unsafe { extension.read() };
    let member: *mut PDRIVER_ADD_DEVICE =
        member(extension, offset_of!(DRIVER_EXTENSION, AddDevice));
    // SAFETY: a member of that object's extension, and the driver's own to set.
    unsafe { member.write(routine) };
}

/// Sets the unload routine.
pub(crate) fn set_unload(driver: PDRIVER_OBJECT, routine: PDRIVER_UNLOAD) {
    let member: *mut PDRIVER_UNLOAD = member(driver, offset_of!(DRIVER_OBJECT, DriverUnload));
    // SAFETY: a member of the object of a driver that is in its DriverEntry, and its own to set.
    unsafe { member.write(routine) };
}
