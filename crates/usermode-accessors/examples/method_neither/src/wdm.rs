//! The entry points of a WDM driver with one device, whose control requests go to `crate::request`.

use core::{mem::offset_of, ptr};

use wdk_sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, IO_STACK_LOCATION,
    IRP, IRP_MJ_DEVICE_CONTROL, NT_SUCCESS, NTSTATUS, PDRIVER_DISPATCH, PDRIVER_UNLOAD,
    PUNICODE_STRING, STATUS_SUCCESS, UCHAR, ULONG_PTR, UNICODE_STRING, ntddk,
};

use crate::request::{self, DEVICE, LINK};

/// The greatest length of a name.
const LONGEST: usize = 48;
const _: () = assert!(DEVICE.len() <= LONGEST && LINK.len() <= LONGEST);

/// A name as NT takes it.
struct Name([u16; LONGEST], u16);

impl Name {
    fn new(name: &str) -> Self {
        let mut units = [0; LONGEST];
        let mut count = 0;
        for (unit, character) in units.iter_mut().zip(name.encode_utf16()) {
            *unit = character;
            count += 1;
        }
        Self(units, count)
    }

    const fn string(&mut self) -> UNICODE_STRING {
        UNICODE_STRING {
            Length: self.1 * 2,
            MaximumLength: self.1 * 2,
            Buffer: self.0.as_mut_ptr(),
        }
    }
}

/// Creates the device. A driver that is used sets a security descriptor as well, with
/// `IoCreateDeviceSecure`.
///
/// # Safety
///
/// Only the I/O manager calls this, with a driver object.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "C" fn driver_entry(driver: *mut DRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    let (mut name, mut link) = (Name::new(DEVICE), Name::new(LINK));
    let (mut name, mut link) = (name.string(), link.string());
    let mut device = ptr::null_mut();
    // SAFETY: the driver's object, a name that outlives the call, and a local for the result.
    let status = unsafe {
        ntddk::IoCreateDevice(
            driver,
            0,
            &raw mut name,
            FILE_DEVICE_UNKNOWN,
            FILE_DEVICE_SECURE_OPEN,
            0,
            &raw mut device,
        )
    };
    if !NT_SUCCESS(status) {
        return status;
    }
    // SAFETY: two strings that outlive the call.
    let status = unsafe { ntddk::IoCreateSymbolicLink(&raw mut link, &raw mut name) };
    if !NT_SUCCESS(status) {
        // SAFETY: the device that was just created.
        unsafe { ntddk::IoDeleteDevice(device) };
        return status;
    }
    let routines: [PDRIVER_DISPATCH; 28] = [Some(dispatch); 28];
    set_member(driver, offset_of!(DRIVER_OBJECT, MajorFunction), routines);
    let routine: PDRIVER_UNLOAD = Some(unload);
    set_member(driver, offset_of!(DRIVER_OBJECT, DriverUnload), routine);
    status
}

unsafe extern "C" fn unload(driver: *mut DRIVER_OBJECT) {
    let mut link = Name::new(LINK);
    let mut link = link.string();
    // SAFETY: a string that outlives the call. A link that is not there is no failure of the unload.
    let _ = unsafe { ntddk::IoDeleteSymbolicLink(&raw mut link) };
    let device: *mut DEVICE_OBJECT = member(driver, offset_of!(DRIVER_OBJECT, DeviceObject));
    // SAFETY: the one device of this driver.
    unsafe { ntddk::IoDeleteDevice(device) };
}

/// Completes an IRP. The device is the top of its stack, so this runs in the sender's thread.
unsafe extern "C" fn dispatch(_: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    const CURRENT_STACK_LOCATION: usize = offset_of!(
        IRP,
        Tail.Overlay
            .__bindgen_anon_2
            .__bindgen_anon_1
            .CurrentStackLocation
    );
    let stack: *mut IO_STACK_LOCATION = member(irp, CURRENT_STACK_LOCATION);
    let function: UCHAR = member(stack, offset_of!(IO_STACK_LOCATION, MajorFunction));
    let result = if u32::from(function) == IRP_MJ_DEVICE_CONTROL {
        request::serve(irp, stack)
    } else {
        Ok(0)
    };
    let status = result.err().unwrap_or(STATUS_SUCCESS);
    set_member(irp, offset_of!(IRP, IoStatus), status);
    let information = result.unwrap_or(0) as ULONG_PTR;
    set_member(irp, offset_of!(IRP, IoStatus.Information), information);
    // SAFETY: the packet is this driver's until here.
    unsafe { ntddk::IofCompleteRequest(irp, 0) };
    status
}

/// Reads a member of a structure of NT by its offset.
pub const fn member<S, T: Copy>(structure: *mut S, offset: usize) -> T {
    let member = structure.wrapping_byte_add(offset).cast::<T>();
    // SAFETY: the callers name members of structures that the I/O manager handed to this driver.
    unsafe { member.read() }
}

const fn set_member<S, T>(structure: *mut S, offset: usize, value: T) {
    let member = structure.wrapping_byte_add(offset).cast::<T>();
    // SAFETY: as in `member`; a driver may write these members.
    unsafe { member.write(value) };
}
