//! I/O request packets, their stack locations, and the file and device objects in them.
//!
//! They belong to the I/O manager, which changes some members while a driver holds the packet. So
//! no reference to one is made, and members are read and written one by one.

use super::{device::DeviceObject, event::Event, member};
use core::{
    mem::offset_of,
    ptr::NonNull,
    sync::atomic::{AtomicPtr, AtomicU8, Ordering},
};
use nt_status::NtStatus;
use wdk_sys::{
    CCHAR, CHAR, DEVICE_OBJECT, FILE_OBJECT, IO_STACK_LOCATION, IRP, KIRQL, KPROCESSOR_MODE,
    NTSTATUS, PDEVICE_OBJECT, PDRIVER_CANCEL, PIO_COMPLETION_ROUTINE, PIRP, PMDL, PVOID,
    SL_PENDING_RETURNED, UCHAR, ULONG, ULONG_PTR, ntddk,
};

// The layouts that wdm.h documents for x64; a header that read them otherwise would go unnoticed.
const _: () = {
    assert!(PENDING as ULONG == SL_PENDING_RETURNED);
    assert!(offset_of!(IRP, MdlAddress) == 0x08);
    assert!(offset_of!(IRP, AssociatedIrp) == 0x18);
    assert!(offset_of!(IRP, IoStatus) == 0x30);
    assert!(offset_of!(IRP, RequestorMode) == 0x40);
    assert!(offset_of!(IRP, CancelRoutine) == 0x68);
    assert!(offset_of!(IRP, UserBuffer) == 0x70);
    assert!(DRIVER_CONTEXT == 0x78);
    assert!(CURRENT_LOCATION == 0x43);
    assert!(CURRENT_STACK_LOCATION == 0xB8);
    assert!(size_of::<IRP>() == 0xD0);
    assert!(offset_of!(IO_STACK_LOCATION, Parameters) == 0x08);
    assert!(offset_of!(IO_STACK_LOCATION, FileObject) == 0x30);
    assert!(size_of::<IO_STACK_LOCATION>() == 0x48);
    assert!(offset_of!(DEVICE_OBJECT, Flags) == 0x30);
    assert!(offset_of!(DEVICE_OBJECT, DeviceExtension) == 0x40);
    assert!(offset_of!(FILE_OBJECT, FsContext) == 0x18);
    assert!(offset_of!(FILE_OBJECT, Flags) == 0x50);
    assert!(offset_of!(FILE_OBJECT, FileName) == 0x58);
};

/// `SL_PENDING_RETURNED`, as wide as the member it is set in.
const PENDING: UCHAR = 1;

/// `SL_INVOKE_ON_CANCEL`, `SL_INVOKE_ON_SUCCESS` and `SL_INVOKE_ON_ERROR`.
const INVOKE_ALWAYS: UCHAR = 0xE0;

const CURRENT_LOCATION: usize = offset_of!(IRP, CurrentLocation);

const DRIVER_CONTEXT: usize = offset_of!(
    IRP,
    Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext
);
const CURRENT_STACK_LOCATION: usize = offset_of!(
    IRP,
    Tail.Overlay
        .__bindgen_anon_2
        .__bindgen_anon_1
        .CurrentStackLocation
);

/// Methods that read members, and write those that the framework may change: their names, type and
/// offset.
macro_rules! members {
    ($($get:ident $(, $set:ident)?: $type:ty = $offset:expr;)+) => {$(
        pub(crate) const fn $get(self) -> $type {
            self.read($offset)
        }

        $(pub(crate) const fn $set(self, value: $type) {
            self.write($offset, value);
        })?
    )+};
}

/// A packet that the framework holds: from its arrival at a dispatch routine to its completion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Irp(NonNull<IRP>);

impl Irp {
    /// # Safety
    ///
    /// `irp` is a packet that the I/O manager handed to the driver. The caller uses the result, and
    /// lets others use it, only until it has been completed.
    pub(crate) const unsafe fn new(irp: NonNull<IRP>) -> Self {
        Self(irp)
    }

    /// Returns the structure for drivers.
    pub(crate) const fn as_ptr(self) -> *mut IRP {
        self.0.as_ptr()
    }

    const fn read<T: Copy>(self, offset: usize) -> T {
        // SAFETY: a member of a packet that the framework holds (the promise made to `new`).
        unsafe { member::<_, T>(self.0.as_ptr(), offset).read() }
    }

    const fn write<T>(self, offset: usize, value: T) {
        // SAFETY: as in `read`, of the members that the holder may write.
        unsafe { member::<_, T>(self.0.as_ptr(), offset).write(value) };
    }

    /// Returns the stack location of this driver, which is the current one while the framework holds
    /// the packet.
    pub(crate) const fn stack(self) -> Stack {
        Stack(self.read(CURRENT_STACK_LOCATION))
    }

    members! {
        requestor_mode: KPROCESSOR_MODE = offset_of!(IRP, RequestorMode);
        system_buffer: PVOID = offset_of!(IRP, AssociatedIrp);
        user_buffer: PVOID = offset_of!(IRP, UserBuffer);
        mdl: PMDL = offset_of!(IRP, MdlAddress);
        status, set_status: NTSTATUS = offset_of!(IRP, IoStatus);
        information, set_information: ULONG_PTR = offset_of!(IRP, IoStatus.Information);
        driver_context, set_driver_context: PVOID = DRIVER_CONTEXT;
    }

    /// Completes the packet. It must not be used after this.
    pub(crate) fn complete(self, priority_boost: CCHAR) {
        // SAFETY: the framework holds the packet (the promise made to `new`), and no longer after.
        unsafe { ntddk::IofCompleteRequest(self.as_ptr(), priority_boost) };
    }

    /// Sets both members of the status block, completes the packet and returns the status, for a
    /// dispatch routine.
    pub(crate) fn complete_with(self, status: NTSTATUS) -> NTSTATUS {
        self.set_status(status);
        self.set_information(0);
        self.complete(0);
        status
    }

    /// `IoSetCancelRoutine`, which is an atomic exchange. Returns whether there was a routine.
    pub(crate) fn set_cancel_routine(self, routine: PDRIVER_CANCEL) -> bool {
        let member = member(self.0.as_ptr(), offset_of!(IRP, CancelRoutine));
        // SAFETY: a member of a packet that the framework holds; all code exchanges it atomically.
        let member = unsafe { AtomicPtr::from_ptr(member) };
        let routine = routine.map_or(core::ptr::null_mut(), |routine| routine as *mut ());
        !member.swap(routine, Ordering::AcqRel).is_null()
    }

    /// `IoCancelIrp`.
    pub(crate) fn cancel(self) {
        // SAFETY: a packet that the framework holds, at or below DISPATCH_LEVEL.
        unsafe { ntddk::IoCancelIrp(self.as_ptr()) };
    }

    /// Makes the next driver's stack location, as `IoCopyCurrentIrpStackLocationToNext` does, and
    /// sends the packet to a lower device of the stack. Waits until it comes back, and returns its
    /// status. Callable at `PASSIVE_LEVEL`.
    pub(crate) fn send_and_wait(self, lower: DeviceObject) -> NTSTATUS {
        Event::with(|event| {
            let context: *const Event = event;
            self.send(lower, Some(on_returned), context.cast_mut().cast());
            event.wait();
            self.status()
        })
    }

    /// What a completion routine returns that keeps the packet.
    pub(crate) const KEPT: NTSTATUS = NtStatus::MORE_PROCESSING_REQUIRED.as_raw();

    /// Makes the next driver's stack location, as `IoCopyCurrentIrpStackLocationToNext` does, and
    /// sends the packet to a lower device of the stack. It comes back to the completion routine, which
    /// keeps it.
    pub(crate) fn send(self, lower: DeviceObject, routine: PIO_COMPLETION_ROUTINE, context: PVOID) {
        self.stack().copy_to_next(routine, context);
        // SAFETY: the packet has a location for each device of the stack, and its next one is made.
        let _ = unsafe { ntddk::IofCallDriver(lower.as_ptr(), self.as_ptr()) };
    }

    /// Sends the packet to a lower device of the stack, with this driver's stack location, and
    /// returns what that returns: `IoSkipCurrentIrpStackLocation`. The packet must not be used after
    /// this.
    pub(crate) fn pass_to(self, lower: DeviceObject) -> NTSTATUS {
        let location: CHAR = self.read(CURRENT_LOCATION);
        self.write(CURRENT_LOCATION, location.wrapping_add(1));
        self.write(
            CURRENT_STACK_LOCATION,
            self.stack().0.as_ptr().wrapping_add(1),
        );
        // SAFETY: a device below this driver's, and a packet whose location is the next one again.
        unsafe { ntddk::IofCallDriver(lower.as_ptr(), self.as_ptr()) }
    }

    /// Whether the request has been cancelled.
    pub(crate) fn is_cancelled(self) -> bool {
        let member = member(self.0.as_ptr(), offset_of!(IRP, Cancel));
        // SAFETY: a member of a packet that the framework holds; IoCancelIrp may write it
        // meanwhile.
        let member = unsafe { AtomicU8::from_ptr(member) };
        member.load(Ordering::Acquire) != 0
    }

    /// Releases the cancel lock, which a cancel routine does first.
    pub(crate) fn release_cancel_lock(self) {
        let irql: KIRQL = self.read(offset_of!(IRP, CancelIrql));
        // SAFETY: called from the cancel routine, which is entered with the lock held at this
        // level.
        unsafe { ntddk::IoReleaseCancelSpinLock(irql) };
    }
}

/// The completion routine of [`Irp::send_and_wait`]: keeps the packet, and sets the event.
///
/// # Safety
///
/// Called by the I/O manager with the context that `send_and_wait` gave.
unsafe extern "C" fn on_returned(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    if let Some(event) = NonNull::new(context.cast::<Event>()) {
        // SAFETY: the event of `send_and_wait`, which waits for it.
        unsafe { event.as_ref() }.set();
    }
    Irp::KEPT
}

/// The stack location of one driver.
#[derive(Clone, Copy)]
pub(crate) struct Stack(NonNull<IO_STACK_LOCATION>);

impl Stack {
    const fn read<T: Copy>(self, offset: usize) -> T {
        // SAFETY: a member of a stack location of a packet that the framework holds.
        unsafe { member::<_, T>(self.0.as_ptr(), offset).read() }
    }

    members! {
        major_function: UCHAR = offset_of!(IO_STACK_LOCATION, MajorFunction);
        minor_function: UCHAR = offset_of!(IO_STACK_LOCATION, MinorFunction);
        // Meaningful for device control alone.
        io_control_code: ULONG =
            offset_of!(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode);
    }

    /// Reads a member of `Parameters`, by its offset in the stack location.
    pub(crate) const fn parameter<T: Copy>(self, offset: usize) -> T {
        self.read(offset)
    }

    /// The length of the caller's input: of a write or device control.
    pub(crate) const fn input_length(self) -> ULONG {
        self.read(match self.major_function() as u32 {
            wdk_sys::IRP_MJ_WRITE => offset_of!(IO_STACK_LOCATION, Parameters.Write.Length),
            _ => offset_of!(
                IO_STACK_LOCATION,
                Parameters.DeviceIoControl.InputBufferLength
            ),
        })
    }

    /// The length of the caller's output: of a read or device control.
    pub(crate) const fn output_length(self) -> ULONG {
        self.read(match self.major_function() as u32 {
            wdk_sys::IRP_MJ_READ => offset_of!(IO_STACK_LOCATION, Parameters.Read.Length),
            _ => offset_of!(
                IO_STACK_LOCATION,
                Parameters.DeviceIoControl.OutputBufferLength
            ),
        })
    }

    pub(crate) const fn file_object(self) -> Option<FileObject> {
        let file: *mut FILE_OBJECT = self.read(offset_of!(IO_STACK_LOCATION, FileObject));
        match NonNull::new(file) {
            Some(file) => Some(FileObject(file)),
            None => None,
        }
    }

    /// Copies the location to the next driver's, and has a completion routine called, whatever
    /// becomes of the packet: `IoCopyCurrentIrpStackLocationToNext` and `IoSetCompletionRoutine`.
    fn copy_to_next(self, routine: PIO_COMPLETION_ROUTINE, context: PVOID) {
        // SAFETY: a packet has a location for each device of the stack, and this is not the last one's.
        let next = Self(unsafe { self.0.sub(1) });
        let (to, from) = (next.0.cast::<u8>(), self.0.cast());
        let copied = offset_of!(IO_STACK_LOCATION, CompletionRoutine);
        // SAFETY: two locations of a packet that the framework holds.
        unsafe { to.copy_from_nonoverlapping(from, copied) };
        next.set(offset_of!(IO_STACK_LOCATION, CompletionRoutine), routine);
        next.set(offset_of!(IO_STACK_LOCATION, Context), context);
        next.set(offset_of!(IO_STACK_LOCATION, Control), INVOKE_ALWAYS);
    }

    const fn set<T>(self, offset: usize, value: T) {
        // SAFETY: a member of a stack location of a packet that the framework holds.
        unsafe { member::<_, T>(self.0.as_ptr(), offset).write(value) };
    }

    /// `IoMarkIrpPending`: the dispatch routine will return `STATUS_PENDING`.
    pub(crate) const fn mark_pending(self) {
        let offset = offset_of!(IO_STACK_LOCATION, Control);
        let control: UCHAR = self.read(offset);
        self.set(offset, control | PENDING);
    }
}

/// A file object of the I/O manager, which exists at least from its create to its close.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileObject(NonNull<FILE_OBJECT>);

impl FileObject {
    /// Returns the structure for drivers.
    pub(crate) const fn as_ptr(self) -> *mut FILE_OBJECT {
        self.0.as_ptr()
    }

    const fn read<T: Copy>(self, offset: usize) -> T {
        // SAFETY: a member of an open file (the promise of the type).
        unsafe { member::<_, T>(self.0.as_ptr(), offset).read() }
    }

    pub(crate) const fn flags(self) -> ULONG {
        self.read(offset_of!(FILE_OBJECT, Flags))
    }

    /// `FsContext` or `FsContext2`.
    pub(crate) const fn context(self, slot: ContextSlot) -> PVOID {
        self.read(slot.offset())
    }

    pub(crate) const fn set_context(self, slot: ContextSlot, value: PVOID) {
        // SAFETY: a member of an open file that belongs to the driver of its device.
        unsafe { member::<_, PVOID>(self.0.as_ptr(), slot.offset()).write(value) };
    }
}

/// Which of the two members of a file object that its driver may use.
#[derive(Clone, Copy)]
pub(crate) enum ContextSlot {
    FsContext,
    FsContext2,
}

impl ContextSlot {
    const fn offset(self) -> usize {
        match self {
            Self::FsContext => offset_of!(FILE_OBJECT, FsContext),
            Self::FsContext2 => offset_of!(FILE_OBJECT, FsContext2),
        }
    }
}
