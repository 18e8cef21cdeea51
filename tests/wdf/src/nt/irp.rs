//! I/O request packets and their stack locations.
//!
//! They belong to the I/O manager, which changes some members while a driver holds the packet. So
//! no reference to one is made, and members are read and written one by one.

use super::{device::DeviceObject, event::Event, file::FileObject, member};
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
    /// the packet. A packet of the framework's own has none.
    pub(crate) const fn stack(self) -> Stack {
        Stack(self.read(CURRENT_STACK_LOCATION))
    }

    /// Returns the number of stack locations that are left for other drivers.
    pub(crate) const fn locations_left(self) -> CHAR {
        self.read::<CHAR>(CURRENT_LOCATION) - 1
    }

    /// Returns the next driver's stack location, which the packet has.
    pub(crate) const fn next(self) -> Stack {
        // SAFETY: the packet has a location for each device that it is sent to.
        Stack(unsafe { self.stack().0.sub(1) })
    }

    members! {
        requestor_mode: KPROCESSOR_MODE = offset_of!(IRP, RequestorMode);
        system_buffer, set_system_buffer: PVOID = offset_of!(IRP, AssociatedIrp);
        user_buffer, set_user_buffer: PVOID = offset_of!(IRP, UserBuffer);
        mdl, set_mdl: PMDL = offset_of!(IRP, MdlAddress);
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

    /// `IoCancelIrp`: whether there was a cancel routine.
    pub(crate) fn cancel(self) -> bool {
        // SAFETY: a packet that the framework holds, at or below DISPATCH_LEVEL.
        (unsafe { ntddk::IoCancelIrp(self.as_ptr()) }) != 0
    }

    /// Sends the packet to a lower device of the stack, with a copy of this driver's stack location. Waits
    /// until it comes back, and returns its status. Callable at `PASSIVE_LEVEL`.
    pub(crate) fn send_and_wait(self, lower: DeviceObject) -> NTSTATUS {
        Event::with(|event| {
            let context: *const Event = event;
            self.copy_to_next();
            self.send(lower, Some(on_returned), context.cast_mut().cast());
            event.wait();
            self.status()
        })
    }

    /// What a completion routine returns that keeps the packet.
    pub(crate) const KEPT: NTSTATUS = NtStatus::MORE_PROCESSING_REQUIRED.as_raw();

    /// Sends the packet, whose next stack location is made, to a device. It comes back to the completion
    /// routine, which keeps it.
    pub(crate) fn send(
        self,
        device: DeviceObject,
        routine: PIO_COMPLETION_ROUTINE,
        context: PVOID,
    ) {
        let next = self.next();
        next.set(offset_of!(IO_STACK_LOCATION, CompletionRoutine), routine);
        next.set(offset_of!(IO_STACK_LOCATION, Context), context);
        next.set(offset_of!(IO_STACK_LOCATION, Control), INVOKE_ALWAYS);
        // SAFETY: the packet has a location for each device of the stack, and its next one is made.
        let _ = unsafe { ntddk::IofCallDriver(device.as_ptr(), self.as_ptr()) };
    }

    /// Makes the next driver's stack location a copy of this driver's, without its completion routine:
    /// `IoCopyCurrentIrpStackLocationToNext`.
    pub(crate) const fn copy_to_next(self) {
        let (to, from) = (self.next().0.cast::<u8>(), self.stack().0.cast());
        let copied = offset_of!(IO_STACK_LOCATION, CompletionRoutine);
        // SAFETY: two locations of a packet that the framework holds.
        unsafe { to.copy_from_nonoverlapping(from, copied) };
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

    const fn cancel_member(&self) -> &AtomicU8 {
        let member = member(self.0.as_ptr(), offset_of!(IRP, Cancel));
        // SAFETY: a member of a packet that the framework holds; IoCancelIrp may write it
        // meanwhile.
        unsafe { AtomicU8::from_ptr(member) }
    }

    /// Whether the request has been cancelled.
    pub(crate) fn is_cancelled(self) -> bool {
        self.cancel_member().load(Ordering::Acquire) != 0
    }

    /// Undoes a cancellation, for a packet that will be sent again.
    pub(crate) fn renew(self, status: NTSTATUS) {
        self.cancel_member().store(0, Ordering::Release);
        self.set_status(status);
        self.set_information(0);
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

/// A packet of the framework's own, freed when dropped: then no driver has it.
pub(crate) struct OwnedIrp(Irp);

impl OwnedIrp {
    /// `IoAllocateIrp`, of kernel mode. `None` if there is no memory.
    pub(crate) fn allocate(locations: CHAR) -> Option<Self> {
        // SAFETY: any number of locations is valid.
        NonNull::new(unsafe { ntddk::IoAllocateIrp(locations, 0) }).map(|irp| Self(Irp(irp)))
    }

    pub(crate) const fn irp(&self) -> Irp {
        self.0
    }
}

impl Drop for OwnedIrp {
    fn drop(&mut self) {
        // SAFETY: allocated by `allocate`, and no driver has it (the promise of the type's users).
        unsafe { ntddk::IoFreeIrp(self.0.as_ptr()) };
    }
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
            // SAFETY: the file exists as long as the packet.
            Some(file) => Some(unsafe { FileObject::new(file) }),
            None => None,
        }
    }

    /// Makes the location one of a major function, for a file, and with zero in the members that the
    /// function does not set.
    pub(crate) fn begin(self, major: UCHAR, file: *mut FILE_OBJECT) {
        // SAFETY: a stack location of a packet that the framework holds.
        unsafe { self.0.write(IO_STACK_LOCATION::default()) };
        self.set(offset_of!(IO_STACK_LOCATION, MajorFunction), major);
        self.set(offset_of!(IO_STACK_LOCATION, FileObject), file);
    }

    /// Writes a member of `Parameters`, by its offset in the stack location.
    pub(crate) const fn set_parameter<T>(self, offset: usize, value: T) {
        self.set(offset, value);
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
