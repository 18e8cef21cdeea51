//! The driver's calls into NT, its requests' buffers, and the accesses to the caller's memory between the
//! cases of the matrix. All unsafe code but the entry points is here.

use crate::wdm::member;
use accessor_matrix::{KernelMemory, Request};
use core::{
    arch::asm,
    ffi::c_void,
    fmt::{self, Write as _},
    mem::offset_of,
    ptr::{self, NonNull},
    slice,
};
use wdk_sys::{IO_STACK_LOCATION, IRP, POOL_FLAG_NON_PAGED, ULONG, ntddk};
use zerocopy::FromBytes;

/// The tag of allocations: `Mxda`.
const POOL_TAG: ULONG = u32::from_le_bytes(*b"Mxda");

/// The system buffer of a request.
pub(crate) struct Buffer {
    memory: *mut u8,
    input: usize,
    output: usize,
}

impl Buffer {
    /// Returns the buffer of a buffered control request.
    pub(crate) fn of(irp: *mut IRP, stack: *mut IO_STACK_LOCATION) -> Self {
        let length = |offset| member::<_, ULONG>(stack, offset) as usize;
        Self {
            memory: member(irp, offset_of!(IRP, AssociatedIrp)),
            input: length(offset_of!(
                IO_STACK_LOCATION,
                Parameters.DeviceIoControl.InputBufferLength
            )),
            output: length(offset_of!(
                IO_STACK_LOCATION,
                Parameters.DeviceIoControl.OutputBufferLength
            )),
        }
    }

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
