//! Devices that a driver opens.
//!
//! Source: `WdfIoTargetCreate`, `WDF_IO_TARGET_OPEN_PARAMS`, `EVT_WDF_IO_TARGET_QUERY_REMOVE` and the pages of
//! the other two callbacks, which say what happens without one.

use super::Target;
use crate::{
    call::Call,
    callback::{self, ask},
    device::Device,
    nt::{
        device::DeviceObject,
        file::{OpenFile, Opening},
        member,
        notification::{Change, Notification},
        text::Text,
    },
    object::{Ref, create, handle},
    report::refuse,
    sync,
};
use core::{
    cell::Cell,
    mem::offset_of,
    ptr::{NonNull, null_mut},
};
use wdk_sys::{
    _WDF_IO_TARGET_OPEN_TYPE as OpenType, _WDF_IO_TARGET_STATE as TargetState, HANDLE, NTSTATUS,
    PFILE_OBJECT, PVOID, PWDF_IO_TARGET_OPEN_PARAMS, PWDF_OBJECT_ATTRIBUTES,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER,
    STATUS_NO_SUCH_DEVICE, STATUS_NOT_SUPPORTED, STATUS_SUCCESS, ULONG, WDF_IO_TARGET_OPEN_PARAMS,
    WDF_IO_TARGET_STATE, WDFDEVICE, WDFIOTARGET,
};

/// What a target has that the driver opens. One thread at a time opens and closes it.
pub(super) struct Remote {
    file: Cell<Option<OpenFile>>,
    notification: Cell<Option<Notification>>,
    /// How it was opened by name, to open it again.
    opening: Cell<Option<Opening>>,
    /// The driver's parameters, for their callbacks.
    parameters: Cell<WDF_IO_TARGET_OPEN_PARAMS>,
}

impl Remote {
    pub(super) const fn new() -> Self {
        Self {
            file: Cell::new(None),
            notification: Cell::new(None),
            opening: Cell::new(None),
            parameters: Cell::new(NO_PARAMETERS),
        }
    }

    /// Gives up what keeps the device open, and its notifications.
    pub(super) fn give_up(&self) {
        drop(self.notification.take());
        drop(self.file.take());
    }

    /// Calls a function with the open file.
    fn with_file<R>(&self, function: impl FnOnce(&OpenFile) -> R) -> Option<R> {
        let file = self.file.take();
        let result = file.as_ref().map(function);
        self.file.set(file);
        result
    }

    pub(super) fn file_handle(&self) -> HANDLE {
        self.with_file(OpenFile::handle).unwrap_or(null_mut())
    }
}

// SAFETY: zeroes are valid in every member: numbers, pointers and optional callbacks.
const NO_PARAMETERS: WDF_IO_TARGET_OPEN_PARAMS = unsafe { core::mem::zeroed() };

impl Target {
    /// Returns the file object for requests; null if there is none.
    pub(super) fn file_object(&self) -> PFILE_OBJECT {
        let remote = self.remote.as_ref();
        let file = remote.and_then(|remote| remote.with_file(|file| file.object().as_ptr()));
        file.unwrap_or(null_mut())
    }

    fn is_open(&self) -> bool {
        self.device().is_ok()
    }

    /// Closes a target that the driver opened.
    fn close(&self, remote: &Remote, state: WDF_IO_TARGET_STATE) {
        if self.is_open() {
            self.leave(state);
        } else {
            self.state.lock().public = TargetState::WdfIoTargetClosed;
        }
        // After a query, the driver learns what became of it.
        if state != TargetState::WdfIoTargetClosedForQueryRemove {
            drop(remote.notification.take());
        }
        drop(remote.file.take());
    }
}

impl Ref<Target> {
    /// Opens the device that was opened before by name.
    ///
    /// `STATUS_INVALID_DEVICE_REQUEST` if none was; as [`open`].
    fn reopen(self, remote: &Remote) -> Result<ULONG, NTSTATUS> {
        let opening = remote.opening.take().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        let opened = self.open_named(remote, &opening);
        remote.opening.set(Some(opening));
        opened
    }

    fn open_named(self, remote: &Remote, opening: &Opening) -> Result<ULONG, NTSTATUS> {
        self.require_closed()?;
        let (file, information) = OpenFile::open(opening)?;
        let device = file.device().ok_or(STATUS_NO_SUCH_DEVICE)?;
        self.start(remote, device, Some(file));
        Ok(information)
    }

    /// `STATUS_INVALID_DEVICE_STATE` for a target that is open, or deleted.
    fn require_closed(self) -> Result<(), NTSTATUS> {
        if self.is_open() || self.any().is_being_deleted() {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        Ok(())
    }

    /// Begins to accept requests. A device that tells nothing of its removal is as good as one that does.
    fn start(self, remote: &Remote, device: DeviceObject, file: Option<OpenFile>) {
        let driver = self.client().driver_object();
        remote.notification.set(file.as_ref().and_then(|file| {
            Notification::register(file.object(), driver, Some(on_change), self.handle())
        }));
        remote.file.set(file);
        let mut state = self.state.lock();
        state.device = Some(device);
        state.public = TargetState::WdfIoTargetStarted;
    }

    /// Tells the driver what becomes of the device, or does what is done for drivers without a callback.
    ///
    /// What the driver refuses a removal with.
    fn change(self, remote: &Remote, change: Change) -> Result<(), NTSTATUS> {
        let parameters = remote.parameters.get();
        let handle = self.handle().cast();
        match change {
            Change::QueryRemove => {
                let evt_query = parameters.EvtIoTargetQueryRemove;
                if evt_query.is_none() {
                    self.close(remote, TargetState::WdfIoTargetClosedForQueryRemove);
                }
                ask!(evt_query, "EvtIoTargetQueryRemove", handle)
            }
            Change::RemoveCanceled => {
                let evt_canceled = parameters.EvtIoTargetRemoveCanceled;
                callback::call!(evt_canceled, "EvtIoTargetRemoveCanceled", handle);
                if evt_canceled.is_none() {
                    self.reopen(remote)?;
                }
                Ok(())
            }
            Change::RemoveComplete => {
                let evt_complete = parameters.EvtIoTargetRemoveComplete;
                callback::call!(evt_complete, "EvtIoTargetRemoveComplete", handle);
                if evt_complete.is_none() {
                    self.close(remote, TargetState::WdfIoTargetClosed);
                }
                Ok(())
            }
        }
    }
}

/// The routine of every notification.
///
/// # Safety
///
/// Called by the kernel with the context that [`Ref::<Target>::start`] gave.
unsafe extern "C" fn on_change(notification: PVOID, context: PVOID) -> NTSTATUS {
    // SAFETY: the kernel's notification.
    let change = unsafe { Change::read(notification) };
    let target = handle::find::<Target>(context);
    let (Some(change), Some(target)) = (change, target) else {
        return STATUS_SUCCESS;
    };
    let Some(remote) = &target.remote else {
        return STATUS_SUCCESS;
    };
    // The driver may delete the target.
    let any = target.any();
    any.reference();
    let changed = target.change(remote, change);
    any.release();
    changed.err().unwrap_or(STATUS_SUCCESS)
}

/// Returns a target that the driver opens.
fn opened_by_driver(call: &Call, target: WDFIOTARGET) -> Ref<Target> {
    call.require_passive();
    let target = call.object::<Target>(target);
    if target.remote.is_none() {
        refuse!(
            call,
            Handle,
            [target.handle().addr(), 0],
            "the target of a device's own stack is not the driver's to open or close"
        );
    }
    target
}

/// `WdfIoTargetCreate`.
///
/// `STATUS_INVALID_DEVICE_REQUEST` for a parent that is not the device and no descendant of it; what
/// "Framework Object Creation Errors" has.
pub(crate) fn create_target(
    call: &Call,
    device: WDFDEVICE,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    target: *mut WDFIOTARGET,
) -> NTSTATUS {
    call.require_passive();
    let device = call.object::<Device>(device);
    call.deliver(target, || {
        let attributes = call.attributes(attributes)?;
        let parent = attributes.parent.unwrap_or_else(|| device.any());
        if sync::device_of(parent)? != device {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        let target = Target::closed(device);
        create(call.client(), &attributes, Some(parent), target)
    })
}

/// The size of the structure of drivers that are older than `FileName`.
const OLDER_SIZES: [usize; 1] = [offset_of!(WDF_IO_TARGET_OPEN_PARAMS, FileName)];

/// `WdfIoTargetOpen`. Extended attributes are not implemented.
///
/// `STATUS_INFO_LENGTH_MISMATCH` for parameters of another size; `STATUS_INVALID_PARAMETER` for a type that
/// does not exist, a device object that is missing, a name that is empty, or callbacks without a file object;
/// `STATUS_INVALID_DEVICE_STATE` for a target that is open; `STATUS_INVALID_DEVICE_REQUEST` to open a target
/// again that was not opened by name; `STATUS_INSUFFICIENT_RESOURCES`; what `ZwCreateFile` returns.
pub(crate) fn open(
    call: &Call,
    target: WDFIOTARGET,
    parameters: PWDF_IO_TARGET_OPEN_PARAMS,
) -> NTSTATUS {
    let target = opened_by_driver(call, target);
    let opened = try_open(call, target, parameters);
    if let Ok(information) = opened {
        let offset = offset_of!(WDF_IO_TARGET_OPEN_PARAMS, FileInformation);
        call.write(member(parameters, offset), information);
    }
    call.report(opened.map(|_| ()))
}

fn try_open(
    call: &Call,
    target: Ref<Target>,
    parameters: PWDF_IO_TARGET_OPEN_PARAMS,
) -> Result<ULONG, NTSTATUS> {
    let remote = target.remote.as_ref().ok_or(STATUS_INVALID_DEVICE_STATE)?;
    let parameters = call.read_versioned(parameters, &OLDER_SIZES)?;
    match parameters.Type {
        OpenType::WdfIoTargetOpenUseExistingDevice => {
            let device = NonNull::new(parameters.TargetDeviceObject);
            let device = device.ok_or(STATUS_INVALID_PARAMETER)?;
            let has_callback = parameters.EvtIoTargetQueryRemove.is_some()
                || parameters.EvtIoTargetRemoveCanceled.is_some()
                || parameters.EvtIoTargetRemoveComplete.is_some();
            if has_callback && parameters.TargetFileObject.is_null() {
                return Err(STATUS_INVALID_PARAMETER);
            }
            target.require_closed()?;
            // SAFETY: the driver's device, which exists until the target is closed.
            let device = unsafe { DeviceObject::new(device) };
            // SAFETY: the driver's file object, or null.
            let file = unsafe { OpenFile::of_others(parameters.TargetFileObject) };
            remote.parameters.set(parameters);
            remote.opening.set(None);
            target.start(remote, device, file);
            Ok(0)
        }
        OpenType::WdfIoTargetOpenByName => {
            let opening = opening(call, &parameters)?;
            target.require_closed()?;
            remote.parameters.set(parameters);
            let information = target.open_named(remote, &opening)?;
            remote.opening.set(Some(opening));
            Ok(information)
        }
        OpenType::WdfIoTargetOpenReopen => target.reopen(remote),
        _ => Err(STATUS_INVALID_PARAMETER),
    }
}

fn opening(call: &Call, parameters: &WDF_IO_TARGET_OPEN_PARAMS) -> Result<Opening, NTSTATUS> {
    let name = call.text(&raw const parameters.TargetDeviceName)?;
    if name.is_empty() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if !parameters.EaBuffer.is_null() {
        return Err(STATUS_NOT_SUPPORTED);
    }
    Ok(Opening {
        name: Text::new(name)?,
        access: parameters.DesiredAccess,
        allocation_size: call.read_optional(parameters.AllocationSize),
        attributes: parameters.FileAttributes,
        share: parameters.ShareAccess,
        disposition: parameters.CreateDisposition,
        options: parameters.CreateOptions,
    })
}

/// `WdfIoTargetClose`.
pub(crate) const FOR_GOOD: WDF_IO_TARGET_STATE = TargetState::WdfIoTargetClosed;
/// `WdfIoTargetCloseForQueryRemove`.
pub(crate) const FOR_QUERY_REMOVE: WDF_IO_TARGET_STATE =
    TargetState::WdfIoTargetClosedForQueryRemove;

/// [`FOR_GOOD`] and [`FOR_QUERY_REMOVE`]. Requests that are not back are cancelled.
pub(crate) fn close<const STATE: WDF_IO_TARGET_STATE>(call: &Call, target: WDFIOTARGET) {
    let target = opened_by_driver(call, target);
    if let Some(remote) = &target.remote {
        target.close(remote, STATE);
    }
}
