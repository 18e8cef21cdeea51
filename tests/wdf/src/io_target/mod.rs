//! WDFIOTARGET: a device that requests are sent to. It is the next one in a device's stack, or one that the
//! driver opens.
//!
//! [`remote`] opens and closes. [`format`] makes a request one for a target, with its [`buffer`]s. [`send`]
//! sends it, and gives it back. [`functions`] are the driver's for that; those of [`synchronous`] do all of it
//! at once.
//!
//! Source: "Using I/O Targets", "Initializing a General I/O Target", "Controlling a General I/O Target's
//! State".

mod buffer;
pub(crate) mod format;
pub(crate) mod functions;
pub(crate) mod remote;
pub(crate) mod send;
pub(crate) mod synchronous;

use crate::{
    call::{Call, getters},
    device::Device,
    nt::{
        device::DeviceObject,
        event::{self, Waiter},
        lock::SpinLock,
    },
    object::{Class, Kind, Ref, handle_or_null},
    request::Request,
};
use core::ptr::null_mut;
use remote::Remote;
use wdk_sys::{
    _WDF_IO_TARGET_STATE as TargetState, HANDLE, NTSTATUS, PDEVICE_OBJECT, PFILE_OBJECT,
    STATUS_INVALID_DEVICE_STATE, WDF_IO_TARGET_STATE, WDFDEVICE, WDFIOTARGET,
};

/// A device that requests are sent to.
pub(crate) struct Target {
    owner: Ref<Device>,
    state: SpinLock<State>,
    /// `None` for the next device in the owner's stack.
    remote: Option<Remote>,
}

struct State {
    public: WDF_IO_TARGET_STATE,
    /// `None` while the target is closed.
    device: Option<DeviceObject>,
    /// The first of the requests that have been sent and are not back.
    first_sent: Option<Ref<Request>>,
    /// What a thread waits for that waits until all requests are back.
    waiter: Waiter,
}

impl Class for Target {
    const KIND: Kind = Kind::Target;

    /// The next device in a stack is deleted with the owner.
    fn may_be_deleted(this: Ref<Self>) -> bool {
        this.remote.is_some()
    }

    /// Requests that are not back are cancelled.
    fn dispose(this: Ref<Self>) {
        this.leave(TargetState::WdfIoTargetDeleted);
        if let Some(remote) = &this.remote {
            remote.give_up();
        }
    }
}

impl Target {
    /// Makes the target for the next device in the owner's stack.
    pub(crate) const fn new(owner: Ref<Device>, below: DeviceObject) -> Self {
        Self::with(owner, TargetState::WdfIoTargetStarted, Some(below), None)
    }

    /// Makes a target that is to be opened.
    const fn closed(owner: Ref<Device>) -> Self {
        let remote = Some(Remote::new());
        Self::with(owner, TargetState::WdfIoTargetClosed, None, remote)
    }

    const fn with(
        owner: Ref<Device>,
        public: WDF_IO_TARGET_STATE,
        device: Option<DeviceObject>,
        remote: Option<Remote>,
    ) -> Self {
        let state = SpinLock::new(State {
            public,
            device,
            first_sent: None,
            waiter: Waiter::NONE,
        });
        Self {
            owner,
            state,
            remote,
        }
    }

    /// Returns the device.
    ///
    /// `STATUS_INVALID_DEVICE_STATE` while the target is closed.
    fn device(&self) -> Result<DeviceObject, NTSTATUS> {
        self.state.lock().device.ok_or(STATUS_INVALID_DEVICE_STATE)
    }

    /// Admits a request that is about to be sent, and returns the device.
    ///
    /// As [`Target::device`].
    fn admit(&self, request: Ref<Request>) -> Result<DeviceObject, NTSTATUS> {
        let mut state = self.state.lock();
        let device = state.device.ok_or(STATUS_INVALID_DEVICE_STATE)?;
        let rest = state.first_sent.replace(request);
        request.sending.next.set(rest);
        request.sending.is_visited.set(false);
        drop(state);
        Ok(device)
    }

    /// Forgets a request that is back.
    fn forget(&self, request: Ref<Request>) {
        let mut state = self.state.lock();
        let next = request.sending.next.take();
        if state.first_sent == Some(request) {
            state.first_sent = next;
        } else {
            let mut current = state.first_sent;
            while let Some(before) = current {
                current = before.sending.next.get();
                if current == Some(request) {
                    before.sending.next.set(next);
                }
            }
        }
        state.waiter.wake();
    }

    /// Returns a request that is not back and has not been returned before, with a reference.
    fn next_sent(&self) -> Option<Ref<Request>> {
        let state = self.state.lock();
        let mut current = state.first_sent;
        while let Some(request) = current {
            if !request.sending.is_visited.replace(true) {
                request.any().reference();
                return Some(request);
            }
            current = request.sending.next.get();
        }
        None
    }

    /// Accepts no requests from now on, cancels those that are not back, and waits for them. Callable at
    /// `PASSIVE_LEVEL`.
    fn leave(&self, public: WDF_IO_TARGET_STATE) {
        let mut state = self.state.lock();
        state.public = public;
        state.device = None;
        drop(state);
        while let Some(request) = self.next_sent() {
            request.cancel_sent();
            request.any().release();
        }
        event::wait_until(
            &self.state,
            |state| &mut state.waiter,
            |state| state.first_sent.is_none(),
        );
    }
}

getters! {
    /// `WdfDeviceGetIoTarget`: null for a control device.
    of_device(Call::object::<Device>: WDFDEVICE => device) -> WDFIOTARGET
        = handle_or_null(device.target.get());
    /// `WdfIoTargetGetDevice`.
    get_device(Call::object::<Target>: WDFIOTARGET => target) -> WDFDEVICE
        = target.owner.handle().cast();
    /// `WdfIoTargetGetState`.
    get_state(Call::object::<Target>: WDFIOTARGET => target) -> WDF_IO_TARGET_STATE
        = target.state.lock().public;
    /// `WdfIoTargetWdmGetTargetDeviceObject`: null while the target is closed.
    wdm_get_target_device_object(Call::object::<Target>: WDFIOTARGET => target) -> PDEVICE_OBJECT
        = target.device().map_or(null_mut(), DeviceObject::as_ptr);
    /// `WdfIoTargetWdmGetTargetFileObject`: null if there is none.
    wdm_get_target_file_object(Call::object::<Target>: WDFIOTARGET => target) -> PFILE_OBJECT
        = target.file_object();
    /// `WdfIoTargetWdmGetTargetFileHandle`: null for a target that was not opened by name.
    wdm_get_target_file_handle(Call::object::<Target>: WDFIOTARGET => target) -> HANDLE
        = target.remote.as_ref().map_or(null_mut(), Remote::file_handle);
}
