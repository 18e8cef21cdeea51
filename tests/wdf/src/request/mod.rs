//! WDFREQUEST: an I/O request in the framework and the driver.
//!
//! Source: "Framework Request Objects", "Request Ownership", "Completing I/O Requests".

pub(crate) mod buffer;
pub(crate) mod cancel;
pub(crate) mod complete;
pub(crate) mod functions;
pub(crate) mod user_buffer;

use crate::{
    call::Call,
    device::Device,
    file::File,
    io_target::send::Sending,
    memory::Memory,
    nt::{
        file::FileObject,
        irp::{Irp, OwnedIrp},
        irql,
        mdl::OwnedMdl,
    },
    object::{Class, Kind, Ref, create as create_object, handle_or_null},
    queue::Queue,
    report::{refuse, violation},
};
use core::{
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};
use wdk_sys::{
    CHAR, NTSTATUS, PFN_WDF_REQUEST_CANCEL, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_DEVICE_REQUEST, WDF_REQUEST_TYPE,
};

/// The holder of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The driver, from `EvtIoInCallerContext` on; no queue has seen the request.
    CallerContext,
    /// The driver, from `EvtDeviceFileCreate` on.
    Create,
    /// A queue.
    Queued,
    /// The driver, from a queue.
    Owned,
    /// The driver, which has made the request and cannot complete it.
    Made,
    /// None: it is completed.
    Completed,
}

impl State {
    const ALL: [Self; 6] = [
        Self::CallerContext,
        Self::Create,
        Self::Queued,
        Self::Owned,
        Self::Made,
        Self::Completed,
    ];

    /// Whether the driver has a request that it has to complete.
    const fn is_drivers(self) -> bool {
        matches!(self, Self::CallerContext | Self::Create | Self::Owned)
    }
}

/// How a request ends.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// By the framework, before the driver got it.
    Framework,
    /// By the driver, or by the framework for it, after it left a queue.
    Queue(Ref<Queue>),
    /// By the driver, without a queue.
    Driver,
}

/// A request.
pub(crate) struct Request {
    /// `None` for a request that the driver has made.
    device: Option<Ref<Device>>,
    /// `None` once the request has been completed, and before one that the driver has made has a packet.
    pub(crate) irp: Cell<Option<Irp>>,
    /// The packet of a request that the driver has made.
    packet: Cell<Option<OwnedIrp>>,
    file: Option<Ref<File>>,
    /// Of the process that made the request.
    process_id: u32,
    state: AtomicU8,
    /// Whether a handler of the driver's, called for this request, has not returned yet.
    pub(crate) in_handler: AtomicBool,
    /// Whether `EvtIoInCallerContext`, called for this request, has not returned yet.
    pub(crate) in_caller_context: AtomicBool,
    /// The queue that has the request or gave it to the driver.
    queue: Cell<Option<Ref<Queue>>>,
    /// The next one in that queue, or the next one of the driver's from that queue, whose lock guards it.
    pub(crate) next: Cell<Option<Ref<Self>>>,
    /// Whether the queue's owned requests have been visited up to this one; guarded by its lock.
    pub(crate) is_visited: Cell<bool>,
    /// Whether the driver keeps it while the device is not in its working state; guarded likewise.
    pub(crate) is_acknowledged: Cell<bool>,
    pub(crate) sending: Sending,
    /// The driver's callback for cancellation.
    evt_cancel: Cell<PFN_WDF_REQUEST_CANCEL>,
    /// The memory objects for its buffers, once the driver has asked for them.
    memory: [Cell<Option<Ref<Memory>>>; 2],
    /// The list for its system buffer, once the driver has asked for it.
    mdl: Cell<Option<OwnedMdl>>,
}

impl Class for Request {
    const KIND: Kind = Kind::Request;

    /// Completion deletes it, unless the driver has made it.
    fn may_be_deleted(this: Ref<Self>) -> bool {
        this.is_of_driver()
    }

    fn dispose(this: Ref<Self>) {
        this.sending.release(this.irp.get());
        drop(this.mdl.take());
    }
}

impl Request {
    /// Makes the object for a packet. It has no parent: completion is what ends it.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn create(
        device: Ref<Device>,
        irp: Irp,
        file: Option<Ref<File>>,
        state: State,
    ) -> Result<Ref<Self>, NTSTATUS> {
        create_object(
            device.client(),
            &device.request_attributes,
            None,
            Self {
                device: Some(device),
                irp: Cell::new(Some(irp)),
                file,
                state: AtomicU8::new(state as u8),
                ..Self::of_driver()
            },
        )
    }

    /// Makes the state of a request that the driver makes. It gets a packet when its target is known.
    pub(crate) fn of_driver() -> Self {
        Self {
            device: None,
            irp: Cell::new(None),
            packet: Cell::new(None),
            file: None,
            process_id: irql::process_id(),
            state: AtomicU8::new(State::Made as u8),
            in_handler: AtomicBool::new(false),
            in_caller_context: AtomicBool::new(false),
            queue: Cell::new(None),
            next: Cell::new(None),
            is_visited: Cell::new(false),
            is_acknowledged: Cell::new(false),
            sending: Sending::new(),
            evt_cancel: Cell::new(None),
            memory: [const { Cell::new(None) }; 2],
            mdl: Cell::new(None),
        }
    }

    /// Whether the driver has made the request.
    pub(crate) fn is_of_driver(&self) -> bool {
        self.state() == State::Made
    }

    /// Gives a request that the driver has made a packet, in place of the one that it had.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn allocate_packet(&self, locations: CHAR) -> Result<Irp, NTSTATUS> {
        let packet = OwnedIrp::allocate(locations).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let irp = packet.irp();
        self.irp.set(Some(irp));
        self.packet.set(Some(packet));
        Ok(irp)
    }

    pub(crate) fn state(&self) -> State {
        let number = self.state.load(Ordering::Acquire);
        State::ALL
            .into_iter()
            .find(|state| *state as u8 == number)
            .unwrap_or(State::Completed)
    }

    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// Takes the request from the driver, if the driver has it. Returns the previous state.
    fn take_from_driver(&self) -> Option<State> {
        let state = self.state();
        let taken = state.is_drivers()
            && self
                .state
                .compare_exchange(
                    state as u8,
                    State::Completed as u8,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                )
                .is_ok();
        taken.then_some(state)
    }
}

impl Ref<Request> {
    /// Returns the queue that has the request or gave it to the driver.
    pub(crate) fn queue(self) -> Option<Ref<Queue>> {
        self.queue.get()
    }

    /// Returns the request's file, if the driver uses file objects.
    pub(crate) fn file(self) -> Option<Ref<File>> {
        self.file
    }

    /// Whether the request was sent for a file.
    pub(crate) fn is_of(self, file: FileObject) -> bool {
        self.irp
            .get()
            .is_some_and(|irp| irp.stack().file_object() == Some(file))
    }

    /// Whether the driver has made the request cancelable.
    pub(crate) fn is_cancelable(self) -> bool {
        self.evt_cancel.get().is_some()
    }

    /// Cancels the request, as another thread of its sender may.
    pub(crate) fn cancel_by_framework(self) {
        if let Some(irp) = self.irp.get() {
            irp.cancel();
        }
    }

    /// Submits the request to the device's queue for its type.
    ///
    /// `STATUS_INVALID_DEVICE_REQUEST` if it has none; `STATUS_WDF_BUSY` if that accepts no
    /// requests.
    pub(crate) fn submit_to_device(self, device: Ref<Device>) -> Result<(), NTSTATUS> {
        let irp = self.irp.get().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        let request_type = WDF_REQUEST_TYPE::from(irp.stack().major_function());
        let queue = device
            .queue_for(request_type)
            .ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
        queue.submit(self)
    }

    /// Enters a queue, whose lock is held. Returns false if the request is cancelled already, and
    /// the caller has to end it.
    pub(crate) fn enter_queue(self, queue: Ref<Queue>) -> bool {
        let Some(irp) = self.irp.get() else {
            return true;
        };
        self.queue.set(Some(queue));
        self.set_state(State::Queued);
        irp.set_driver_context(self.handle());
        irp.set_cancel_routine(Some(cancel::on_cancel));
        !(irp.is_cancelled() && irp.set_cancel_routine(None))
    }

    /// Leaves the queue for the driver. Returns false if the request is being cancelled.
    pub(crate) fn leave_queue(self) -> bool {
        let Some(irp) = self.irp.get() else {
            return false;
        };
        if irp.set_cancel_routine(None) {
            self.set_state(State::Owned);
            true
        } else {
            false
        }
    }
}

/// Returns the request of a handle and its packet, for a function that needs the packet.
pub(crate) fn live(call: &Call, handle: wdk_sys::WDFREQUEST) -> (Ref<Request>, Irp) {
    let request = call.object::<Request>(handle);
    let Some(irp) = request.irp.get() else {
        refuse!(
            call,
            CompletedRequest,
            [request.handle().addr(), 0],
            "the request has been completed (DoubleCompletion, InvalidReqAccess), or has no packet yet"
        )
    };
    (request, irp)
}

/// As [`live`], for a function that only the request's holder may call.
pub(crate) fn owned(call: &Call, handle: wdk_sys::WDFREQUEST) -> (Ref<Request>, Irp) {
    let (request, irp) = live(call, handle);
    if !request.state().is_drivers() {
        refuse_foreign(call.name(), request);
    }
    (request, irp)
}

/// Returns the request of a handle, for a function that only the driver which has it may call: as its holder,
/// or as its maker.
pub(crate) fn held(call: &Call, handle: wdk_sys::WDFREQUEST) -> Ref<Request> {
    let request = call.object::<Request>(handle);
    if request.is_of_driver() {
        return request;
    }
    owned(call, handle).0
}

/// Refuses to end or send a request that the driver has made cancelable.
pub(crate) fn refuse_cancelable(call: &Call, request: Ref<Request>) -> ! {
    refuse!(
        call,
        Queue,
        [request.handle().addr(), 0],
        "the request is cancelable; WdfRequestUnmarkCancelable comes first"
    )
}

/// `WDF_QUEUE_FATAL_ERROR_DATA`: what parameter 2 of the bugcheck points to.
#[repr(C)]
struct QueueFatalErrorData {
    queue: *mut core::ffi::c_void,
    request: *mut core::ffi::c_void,
    status: NTSTATUS,
}

const _: () = assert!(size_of::<QueueFatalErrorData>() == 24);

fn refuse_foreign(name: &str, request: Ref<Request>) -> ! {
    let data = QueueFatalErrorData {
        queue: handle_or_null(request.queue.get()),
        request: request.handle(),
        status: STATUS_INVALID_DEVICE_REQUEST,
    };
    violation!(
        Queue,
        [(&raw const data).addr(), 0],
        "{name}: the driver does not own the request {:p}",
        request.handle()
    )
}
