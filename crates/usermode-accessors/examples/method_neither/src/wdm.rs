//! The entry points of a WDM driver with one device.

use core::{mem::offset_of, ptr};

use usermode_accessors::{CallerMode, Mode, NtStatus};
use wdk_sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, IO_STACK_LOCATION,
    IRP, IRP_MJ_DEVICE_CONTROL, KPROCESSOR_MODE, NTSTATUS, PDRIVER_DISPATCH, PDRIVER_UNLOAD,
    PUNICODE_STRING, PVOID, UCHAR, ULONG, ULONG_PTR, UNICODE_STRING, ntddk,
};

use crate::handler::{self, Buffer};

/// A name as NT takes it.
struct Name<const LENGTH: usize>([u16; LENGTH]);

impl<const LENGTH: usize> Name<LENGTH> {
    const fn new(name: &[u8; LENGTH]) -> Self {
        let mut units = [0; LENGTH];
        let mut index = 0;
        while index < LENGTH {
            units[index] = name[index] as u16;
            index += 1;
        }
        Self(units)
    }

    const fn string(&mut self) -> UNICODE_STRING {
        // The names are shorter than 100 characters.
        #[expect(clippy::cast_possible_truncation)]
        let bytes = (2 * LENGTH) as u16;
        UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: self.0.as_mut_ptr(),
        }
    }
}

const DEVICE: &[u8; 25] = br"\Device\UserModeAccessors";
const LINK: &[u8; 29] = br"\DosDevices\UserModeAccessors";

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
    if !NtStatus::from_raw(status).is_success() {
        return status;
    }
    // SAFETY: two strings that outlive the call.
    let status = unsafe { ntddk::IoCreateSymbolicLink(&raw mut link, &raw mut name) };
    if !NtStatus::from_raw(status).is_success() {
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
        device_control(irp, stack)
    } else {
        Ok(0)
    };
    let status = result.err().unwrap_or(NtStatus::SUCCESS).into();
    set_member::<_, NTSTATUS>(irp, offset_of!(IRP, IoStatus), status);
    let information = result.unwrap_or(0) as ULONG_PTR;
    set_member(irp, offset_of!(IRP, IoStatus.Information), information);
    // SAFETY: the packet is this driver's until here.
    unsafe { ntddk::IofCompleteRequest(irp, 0) };
    status
}

/// Turns a control request into the handler's arguments.
fn device_control(irp: *mut IRP, stack: *mut IO_STACK_LOCATION) -> Result<usize, NtStatus> {
    let number = |offset| -> ULONG { member(stack, offset) };
    let code = number(offset_of!(
        IO_STACK_LOCATION,
        Parameters.DeviceIoControl.IoControlCode
    ));
    let input_length = number(offset_of!(
        IO_STACK_LOCATION,
        Parameters.DeviceIoControl.InputBufferLength
    ));
    let output_length = number(offset_of!(
        IO_STACK_LOCATION,
        Parameters.DeviceIoControl.OutputBufferLength
    ));
    let input: PVOID = member(
        stack,
        offset_of!(
            IO_STACK_LOCATION,
            Parameters.DeviceIoControl.Type3InputBuffer
        ),
    );
    let output: PVOID = member(irp, offset_of!(IRP, UserBuffer));
    let mode: KPROCESSOR_MODE = member(irp, offset_of!(IRP, RequestorMode));
    // SAFETY: the I/O manager recorded the mode. If it is the kernel's, the sender is kernel code, which
    // guarantees the addresses in its request until the request is completed.
    let caller = unsafe { CallerMode::new(Mode::from_raw(mode)) };
    let buffer = |address: PVOID, length: ULONG| Buffer {
        address: address.addr(),
        length: length as usize,
    };
    let (input, output) = (buffer(input, input_length), buffer(output, output_length));
    handler::serve(caller, code, input, output)
}

/// Reads a member of a structure of NT by its offset.
const fn member<S, T: Copy>(structure: *mut S, offset: usize) -> T {
    let member = structure.wrapping_byte_add(offset).cast::<T>();
    // SAFETY: the callers name members of structures that the I/O manager handed to this driver.
    unsafe { member.read() }
}

const fn set_member<S, T>(structure: *mut S, offset: usize, value: T) {
    let member = structure.wrapping_byte_add(offset).cast::<T>();
    // SAFETY: as in `member`; a driver may write these members.
    unsafe { member.write(value) };
}

/// Stops the system: bug check `MANUALLY_INITIATED_CRASH`.
pub fn stop() -> ! {
    // SAFETY: stops the system.
    unsafe { ntddk::KeBugCheck(0xE2) }
}
