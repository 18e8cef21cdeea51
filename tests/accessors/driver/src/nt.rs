//! All unsafe code of the driver: its entry points, structures of NT, and the accesses to the caller's
//! memory between the cases of the matrix.

use accessor_matrix::{DEVICE, KernelMemory, Request};
use core::{
    arch::asm,
    ffi::c_void,
    fmt::{self, Write as _},
    mem::offset_of,
    ptr::{self, NonNull},
    slice,
};
use wdk_sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, IO_STACK_LOCATION,
    IRP, IRP_MJ_DEVICE_CONTROL, NTSTATUS, PDRIVER_DISPATCH, PDRIVER_UNLOAD, POOL_FLAG_NON_PAGED,
    PUNICODE_STRING, STATUS_SUCCESS, UCHAR, ULONG, ULONG_PTR, UNICODE_STRING, ntddk,
};
use zerocopy::FromBytes;

/// The tag of allocations: `Mxda`.
const POOL_TAG: ULONG = u32::from_le_bytes(*b"Mxda");

const DEVICE_NAME: &str = r"\Device\AccessorMatrix";

/// Storage for a name as NT takes it.
struct Name([u16; 48], u16);

impl Name {
    fn new(name: &str) -> Self {
        let mut characters = [0; 48];
        let mut count = 0;
        for (character, byte) in characters.iter_mut().zip(name.bytes()) {
            *character = byte.into();
            count += 1;
        }
        Self(characters, count)
    }

    const fn string(&mut self) -> UNICODE_STRING {
        UNICODE_STRING {
            Length: self.1 * 2,
            MaximumLength: self.1 * 2,
            Buffer: self.0.as_mut_ptr(),
        }
    }
}

/// Creates the device.
///
/// # Safety
///
/// Only the I/O manager calls this, with a driver object.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "C" fn driver_entry(driver: *mut DRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    let (mut name, mut link) = (Name::new(DEVICE_NAME), Name::new(DEVICE));
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
    if status != STATUS_SUCCESS {
        return status;
    }
    // SAFETY: two strings that outlive the call.
    let status = unsafe { ntddk::IoCreateSymbolicLink(&raw mut link, &raw mut name) };
    if status != STATUS_SUCCESS {
        // SAFETY: the device that was just created.
        unsafe { ntddk::IoDeleteDevice(device) };
        return status;
    }
    let routines = driver
        .wrapping_byte_add(offset_of!(DRIVER_OBJECT, MajorFunction))
        .cast::<[PDRIVER_DISPATCH; 28]>();
    // SAFETY: a member of the driver's object, in its DriverEntry.
    unsafe { routines.write([Some(dispatch); 28]) };
    let routine = driver
        .wrapping_byte_add(offset_of!(DRIVER_OBJECT, DriverUnload))
        .cast::<PDRIVER_UNLOAD>();
    // SAFETY: as above.
    unsafe { routine.write(Some(unload)) };
    STATUS_SUCCESS
}

unsafe extern "C" fn unload(driver: *mut DRIVER_OBJECT) {
    let mut link = Name::new(DEVICE);
    let mut link = link.string();
    // SAFETY: a string that outlives the call.
    let _ = unsafe { ntddk::IoDeleteSymbolicLink(&raw mut link) };
    let device: *mut DEVICE_OBJECT = member(driver, offset_of!(DRIVER_OBJECT, DeviceObject));
    // SAFETY: the one device of this driver.
    unsafe { ntddk::IoDeleteDevice(device) };
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
        let control = |offset| -> ULONG { member(stack, offset) };
        let mut buffer = Buffer {
            memory: member(irp, offset_of!(IRP, AssociatedIrp)),
            input: control(offset_of!(
                IO_STACK_LOCATION,
                Parameters.DeviceIoControl.InputBufferLength
            )) as usize,
            output: control(offset_of!(
                IO_STACK_LOCATION,
                Parameters.DeviceIoControl.OutputBufferLength
            )) as usize,
        };
        let code = control(offset_of!(
            IO_STACK_LOCATION,
            Parameters.DeviceIoControl.IoControlCode
        ));
        crate::serve(code, &mut buffer)
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

/// The system buffer of a request.
pub(crate) struct Buffer {
    memory: *mut u8,
    input: usize,
    output: usize,
}

impl Buffer {
    pub(crate) fn request(&self) -> Option<Request> {
        if self.input < size_of::<Request>() {
            return None;
        }
        // SAFETY: the input of a buffered request is there, and is long enough.
        let bytes = unsafe { slice::from_raw_parts(self.memory, size_of::<Request>()) };
        Request::read_from_bytes(bytes).ok()
    }

    /// Writes the response if it fits, and returns its length.
    pub(crate) const fn respond(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.output < bytes.len() {
            return None;
        }
        // SAFETY: the output of a buffered request goes there, and fits.
        unsafe {
            self.memory
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        };
        Some(bytes.len())
    }
}

/// The kernel's side of the cases, allocated from pool.
pub(crate) struct PoolMemory(NonNull<KernelMemory>);

impl PoolMemory {
    pub(crate) fn allocate() -> Option<Self> {
        let size = size_of::<KernelMemory>() as u64;
        // SAFETY: allocates zeroed nonpaged pool. It is larger than a page, so it begins at one.
        let memory = unsafe { ntddk::ExAllocatePool2(POOL_FLAG_NON_PAGED, size, POOL_TAG) };
        NonNull::new(memory.cast()).map(Self)
    }

    pub(crate) const fn get(&mut self) -> &mut KernelMemory {
        // SAFETY: the allocation has this size, is zeroed, and belongs to this value.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for PoolMemory {
    fn drop(&mut self) {
        // SAFETY: the allocation belongs to this value.
        unsafe { ntddk::ExFreePoolWithTag(self.0.as_ptr().cast(), POOL_TAG) };
    }
}

pub(crate) fn raise_status() -> *const c_void {
    ntddk::ExRaiseStatus as *const c_void
}

pub(crate) fn probe_for_write() -> *const c_void {
    ntddk::ProbeForWrite as *const c_void
}

pub(crate) fn flags() -> u64 {
    let flags: u64;
    // SAFETY: pushes the flags and pops them.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags) };
    flags
}

pub(crate) fn set_ac() {
    // SAFETY: opens user memory until the matrix closes it after one call.
    unsafe { asm!("stac", options(nostack)) };
}

pub(crate) fn clear_ac() {
    // SAFETY: closes user memory.
    unsafe { asm!("clac", options(nostack)) };
}

pub(crate) fn read_user(address: usize, bytes: &mut [u8]) {
    copy(
        bytes.as_mut_ptr(),
        ptr::with_exposed_provenance(address),
        bytes.len(),
    );
}

pub(crate) fn write_user(address: usize, bytes: &[u8]) {
    copy(
        ptr::with_exposed_provenance_mut(address),
        bytes.as_ptr(),
        bytes.len(),
    );
}

/// Copies with user memory open.
fn copy(to: *mut u8, from: *const u8, length: usize) {
    // SAFETY: the matrix names open pages of the arena, and the other side is a slice. Nothing else
    // accesses them meanwhile.
    unsafe {
        asm!(
            "stac",
            "rep movsq",
            "mov ecx, {rest:e}",
            "rep movsb",
            "clac",
            rest = in(reg) length % 8,
            inout("rcx") length / 8 => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack),
        );
    }
}

pub(crate) fn fill_user(address: usize, length: usize, byte: u8) {
    // SAFETY: the matrix names open pages of the arena.
    unsafe {
        asm!(
            "stac",
            "rep stosq",
            "mov ecx, {rest:e}",
            "rep stosb",
            "clac",
            rest = in(reg) length % 8,
            inout("rcx") length / 8 => _,
            inout("rdi") address => _,
            in("rax") u64::from_ne_bytes([byte; 8]),
            options(nostack),
        );
    }
}

/// A line for the debugger, ended by a zero.
struct Line([u8; 200], usize);

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The last byte stays 0.
        let free = self.0.len() - 1 - self.1;
        let length = text.len().min(free);
        self.0[self.1..][..length].copy_from_slice(&text.as_bytes()[..length]);
        self.1 += length;
        Ok(())
    }
}

/// Prints the reason, and stops the system.
pub(crate) fn stop(reason: &impl fmt::Display) -> ! {
    const MANUALLY_INITIATED_CRASH: ULONG = 0xE2;
    let mut line = Line([0; 200], 0);
    let _ = write!(line, "{reason}");
    // SAFETY: a format, and a string that ends with a zero.
    unsafe { ntddk::DbgPrint(c"%s\n".as_ptr(), line.0.as_ptr()) };
    // SAFETY: stops the system.
    unsafe { ntddk::KeBugCheck(MANUALLY_INITIATED_CRASH) }
}
