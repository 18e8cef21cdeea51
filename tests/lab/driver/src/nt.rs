//! What the driver imports, and the structures that it shares with NT: addresses and offsets.
//!
//! Addresses are integers here, as in the lab's own kernel. The driver exists to make mistakes, and the
//! lab to notice them.

use core::{arch::asm, cell::Cell};

/// Declares imports whose arguments are integers.
macro_rules! imports {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)+) => {
        // SAFETY: the signatures are those of NT's pages, with addresses as integers. What a wrong
        // address does is what the tests are about.
        #[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
        unsafe extern "C" {
            $(pub safe fn $name($($argument: $type),*) $(-> $result)?;)+
        }
    };
}

imports! {
    ExAllocatePool2(flags: u64, bytes: u64, tag: u32) -> u64;
    ExFreePool(address: u64);
    IoAllocateWorkItem(device: u64) -> u64;
    IoCreateDevice(driver: u64, extension: u32, name: u64, kind: u32, characteristics: u32, exclusive: u8, result: u64) -> u32;
    IoCreateSymbolicLink(link: u64, target: u64) -> u32;
    IoDeleteDevice(device: u64);
    IoDeleteSymbolicLink(link: u64) -> u32;
    IoFreeWorkItem(item: u64);
    IoQueueWorkItem(item: u64, routine: u64, queue: u32, context: u64);
    IofCompleteRequest(irp: u64, boost: u8);
    KeBugCheckEx(code: u32, one: u64, two: u64, three: u64, four: u64) -> !;
    KeCancelTimer(timer: u64) -> u8;
    KeDelayExecutionThread(mode: u8, alertable: u8, interval: u64) -> u32;
    KeInitializeDpc(dpc: u64, routine: u64, context: u64);
    KeInitializeEvent(event: u64, kind: u32, state: u8);
    KeInitializeTimer(timer: u64);
    KeSetEvent(event: u64, increment: u32, wait: u8) -> u32;
    KeSetTimerEx(timer: u64, due: i64, period: u32, dpc: u64) -> u8;
    KeWaitForMultipleObjects(count: u32, objects: u64, kind: u32, reason: u32, mode: u8, alertable: u8, timeout: u64, blocks: u64) -> u32;
    KeWaitForSingleObject(object: u64, reason: u32, mode: u8, alertable: u8, timeout: u64) -> u32;
    KfRaiseIrql(level: u8) -> u8;
    MmMapLockedPagesSpecifyCache(list: u64, mode: u8, cache: u32, address: u64, bug_check: u32, priority: u32) -> u64;
    ObReferenceObjectByHandle(handle: u64, access: u32, kind: u64, mode: u8, object: u64, information: u64) -> u32;
    ObfDereferenceObject(object: u64) -> u64;
    PsCreateSystemThread(handle: u64, access: u32, attributes: u64, process: u64, client: u64, routine: u64, context: u64) -> u32;
    PsTerminateSystemThread(status: u32) -> u32;
    RtlAnsiStringToUnicodeString(result: u64, source: u64, allocates: u8) -> u32;
    RtlAppendUnicodeStringToString(text: u64, source: u64) -> u32;
    RtlAppendUnicodeToString(text: u64, source: u64) -> u32;
    RtlCompareUnicodeString(one: u64, other: u64, ignores_case: u8) -> i32;
    RtlCopyUnicodeString(text: u64, source: u64);
    RtlFreeUnicodeString(text: u64);
    RtlInitAnsiString(text: u64, source: u64);
    RtlInitUnicodeString(text: u64, source: u64);
    RtlIntegerToUnicodeString(value: u32, base: u32, text: u64) -> u32;
    RtlPrefixUnicodeString(prefix: u64, text: u64, ignores_case: u8) -> u8;
    RtlStringFromGUID(identifier: u64, text: u64) -> u32;
    RtlUnicodeStringToAnsiString(result: u64, source: u64, allocates: u8) -> u32;
    ZwClose(handle: u64) -> u32;
    ZwCreateFile(handle: u64, access: u32, attributes: u64, block: u64, allocation: u64, kind: u32, share: u32, disposition: u32, options: u32, extended: u64, extended_length: u32) -> u32;
    ZwOpenKey(handle: u64, access: u32, attributes: u64) -> u32;
    ZwQueryInformationFile(handle: u64, block: u64, information: u64, length: u32, class: u32) -> u32;
    ZwQueryValueKey(key: u64, name: u64, class: u32, buffer: u64, length: u32, needed: u64) -> u32;
    ZwReadFile(handle: u64, event: u64, routine: u64, context: u64, block: u64, buffer: u64, length: u32, offset: u64, key: u64) -> u32;
    ZwSetInformationFile(handle: u64, block: u64, information: u64, length: u32, class: u32) -> u32;
    ZwWriteFile(handle: u64, event: u64, routine: u64, context: u64, block: u64, buffer: u64, length: u32, offset: u64, key: u64) -> u32;
    strcmp(one: u64, other: u64) -> i32;
    strlen(text: u64) -> u64;
    strncmp(one: u64, other: u64, limit: u64) -> i32;
    strnlen(text: u64, limit: u64) -> u64;
    wcscmp(one: u64, other: u64) -> i32;
    wcslen(text: u64) -> u64;
    wcsnlen(text: u64, limit: u64) -> u64;
}

// SAFETY: no code here calls them. The compiler does: `__chkstk` in functions whose frame has more than a
// page, as the page "x64 prolog and epilog" says, and the others for large values.
#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
#[expect(dead_code, reason = "the compiler's calls are not seen")]
unsafe extern "C" {
    fn __chkstk();
    fn memcpy();
    fn memset();
}

/// Reads an integer.
pub fn read<T: Copy>(address: u64) -> T {
    // SAFETY: the integers that callers read may have any bytes; the address is NT's, or a mistake.
    unsafe { (address as *const T).read_volatile() }
}

/// Writes an integer.
pub fn write<T: Copy>(address: u64, value: T) {
    // SAFETY: as for `read`.
    unsafe { (address as *mut T).write_volatile(value) }
}

/// Reads an integer in user memory, which SMAP lets through.
pub fn read_user<T: Copy>(address: u64) -> T {
    // SAFETY: the flag concerns accesses to user memory alone.
    unsafe { asm!("stac", options(nomem, nostack)) };
    let value = read(address);
    // SAFETY: as above.
    unsafe { asm!("clac", options(nomem, nostack)) };
    value
}

/// Copies bytes, one by one.
pub fn copy(from: u64, to: u64, bytes: u64) {
    for offset in 0..bytes {
        write::<u8>(to + offset, read(from + offset));
    }
}

/// The address of a value on the stack, or of a static.
pub fn address_of<T: ?Sized>(value: &T) -> u64 {
    (&raw const *value).cast::<()>() as u64
}

/// A place on the stack for what NT writes.
pub struct Place<T>(Cell<T>);

impl<T: Copy> Place<T> {
    pub const fn of(value: T) -> Self {
        Self(Cell::new(value))
    }

    pub fn address(&self) -> u64 {
        self.0.as_ptr() as u64
    }

    pub fn get(&self) -> T {
        read(self.address())
    }
}

/// A `UNICODE_STRING` of a constant text, or for one; also an `ANSI_STRING`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text {
    length: u16,
    capacity: u16,
    buffer: u64,
}

impl Text {
    /// Of the units of a text, without a terminating zero.
    pub fn of(units: &[u16]) -> Self {
        let length = (units.len() * 2) as u16;
        Self {
            length,
            capacity: length,
            buffer: address_of(units),
        }
    }

    /// Without text, for at most this many bytes at an address.
    pub const fn in_buffer(buffer: u64, capacity: u16) -> Self {
        Self {
            length: 0,
            capacity,
            buffer,
        }
    }

    /// Returns the number of its bytes.
    pub fn length(self) -> u64 {
        self.length.into()
    }
}

/// `OBJECT_ATTRIBUTES`, for a kernel handle.
#[repr(C)]
pub struct Attributes {
    length: u32,
    root: u64,
    name: u64,
    flags: u32,
    security: [u64; 2],
}

/// `OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE`.
const KERNEL_HANDLE: u32 = 0x240;

impl Attributes {
    /// Of a name below a root directory, or with a root of 0.
    pub const fn of(root: u64, name: u64) -> Self {
        Self {
            length: 48,
            root,
            name,
            flags: KERNEL_HANDLE,
            security: [0; 2],
        }
    }
}

/// The UTF-16 units of a text in ASCII, given as bytes, at compile time.
macro_rules! units {
    ($text:literal) => {{
        const TEXT: &[u8] = $text;
        const UNITS: [u16; TEXT.len()] = {
            let mut units = [0; TEXT.len()];
            let mut at = 0;
            while at < TEXT.len() {
                units[at] = TEXT[at] as u16;
                at += 1;
            }
            units
        };
        &UNITS
    }};
}
pub(crate) use units;

/// Offsets of `DRIVER_OBJECT`.
pub mod driver_object {
    pub const DEVICE: u64 = 0x08;
    pub const UNLOAD: u64 = 0x68;
    pub const MAJOR_FUNCTIONS: u64 = 0x70;
}

/// `DEVICE_OBJECT.Flags`, and `DO_BUFFERED_IO`.
pub const DEVICE_FLAGS: u64 = 0x30;
pub const BUFFERED_IO: u32 = 4;

/// An I/O request packet.
#[derive(Clone, Copy)]
pub struct Irp(pub u64);

impl Irp {
    /// Returns the address of the current stack location.
    fn location(self) -> u64 {
        read(self.0 + 0xB8)
    }

    /// Returns the major function.
    pub fn function(self) -> u8 {
        read(self.location())
    }

    /// Returns the length of a read or write, and of the output of a device control request.
    pub fn length(self) -> u64 {
        read::<u32>(self.location() + 0x08).into()
    }

    /// Returns the length of the input of a device control request.
    pub fn input_length(self) -> u64 {
        read::<u32>(self.location() + 0x10).into()
    }

    /// Returns the control code.
    pub fn code(self) -> u32 {
        read(self.location() + 0x18)
    }

    /// Returns the address of the system buffer.
    pub fn system_buffer(self) -> u64 {
        read(self.0 + 0x18)
    }

    /// Returns the address of the caller's output buffer, of a request by `METHOD_NEITHER`.
    pub fn user_buffer(self) -> u64 {
        read(self.0 + 0x70)
    }

    /// Returns the address of a direct buffer; 0 if it is empty.
    pub fn direct_buffer(self) -> u64 {
        let list: u64 = read(self.0 + 0x08);
        if list == 0 {
            return 0;
        }
        // MmCached, without a bug check, NormalPagePriority.
        MmMapLockedPagesSpecifyCache(list, 0, 1, 0, 0, 16)
    }

    /// Marks the request pending: `IoMarkIrpPending`.
    pub fn mark_pending(self) {
        let control = self.location() + 0x03;
        write(control, read::<u8>(control) | 1);
    }

    /// Completes the request, and returns the status.
    pub fn complete(self, status: u32, information: u64) -> u32 {
        write(self.0 + 0x30, status);
        write(self.0 + 0x38, information);
        IofCompleteRequest(self.0, 0);
        status
    }
}

pub const SUCCESS: u32 = 0;
pub const PENDING: u32 = 0x103;
pub const UNSUCCESSFUL: u32 = 0xC000_0001;
pub const INVALID_DEVICE_REQUEST: u32 = 0xC000_0010;
pub const BUFFER_TOO_SMALL: u32 = 0xC000_0023;
pub const INSUFFICIENT_RESOURCES: u32 = 0xC000_009A;

/// `POOL_FLAG_NON_PAGED` and `POOL_FLAG_PAGED`.
pub const NONPAGED: u64 = 0x40;
pub const PAGED: u64 = 0x100;

/// The driver's tag.
pub const TAG: u32 = u32::from_le_bytes(*b"LbTs");

/// Allocates zeroed nonpaged pool that stays until the driver frees it.
pub fn allocate(bytes: u64) -> u64 {
    ExAllocatePool2(NONPAGED, bytes, TAG)
}

/// The due time of a timer or a wait, relative to now.
pub const fn milliseconds(count: i64) -> i64 {
    -10_000 * count
}
