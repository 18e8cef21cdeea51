//! WDFQUEUE: where requests wait for the driver.
//!
//! Source: "Managing I/O Queues", "Dispatching Methods for I/O Requests", `WDF_IO_QUEUE_CONFIG`.

pub(crate) mod functions;
pub(crate) mod power;
mod present;
mod state;

use crate::{
    device::Device,
    nt::{event, lock::SpinLock},
    object::{Class, Kind, Ref},
    report::violation,
    request::Request,
    status::STATUS_WDF_BUSY,
    sync::{CallbackLock, Constraints},
    work::WorkItem,
};
use core::cell::Cell;
use state::State;
use wdk_sys::{NTSTATUS, PFN_WDF_IO_QUEUE_STATE, WDF_IO_QUEUE_CONFIG, WDFCONTEXT};

/// How a driver gets requests from the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dispatching {
    /// The driver fetches them.
    Manual,
    /// The framework presents at most `at_most` at a time.
    Presented { at_most: u32 },
}

/// A queue.
pub(crate) struct Queue {
    pub(crate) device: Ref<Device>,
    config: WDF_IO_QUEUE_CONFIG,
    dispatching: Dispatching,
    /// Whether it is parallel, so that the driver cannot fetch requests.
    is_parallel: bool,
    /// Whether the framework stops it while the device is not in its working state.
    is_power_managed: bool,
    pub(crate) constraints: Constraints,
    pub(crate) callback_lock: CallbackLock,
    /// What presents requests at `PASSIVE_LEVEL`, if the callbacks need it.
    passive: Cell<Option<Ref<WorkItem>>>,
    state: SpinLock<State>,
}

/// A callback for a state of the queue.
#[derive(Clone, Copy)]
struct Awaited {
    /// Whether no request may be waiting, either.
    empty: bool,
    callback: PFN_WDF_IO_QUEUE_STATE,
    context: WDFCONTEXT,
}

impl Class for Queue {
    const KIND: Kind = Kind::Queue;

    fn may_be_deleted(this: Ref<Self>) -> bool {
        !this.device.depends_on(this)
    }

    fn dispose(this: Ref<Self>) {
        this.purge();
        let owned = this.state.lock().owned;
        if owned != 0 {
            violation!(
                Queue,
                [this.handle().addr(), owned as usize],
                "a queue is deleted while the driver owns {owned} of its requests"
            );
        }
    }
}

impl Ref<Queue> {
    /// Adds a request and presents requests to the driver.
    ///
    /// `STATUS_WDF_BUSY` if the queue is not accepting requests; the request is as it was.
    pub(crate) fn submit(self, request: Ref<Request>) -> Result<(), NTSTATUS> {
        let mut state = self.state.lock();
        if !state.accepts {
            return Err(STATUS_WDF_BUSY);
        }
        state.push(request);
        let cancelled = !request.enter_queue(self) && state.remove(request);
        drop(state);
        if cancelled {
            self.cancel_waiting(request);
        }
        self.present_waiting();
        Ok(())
    }

    /// Removes a request that is being cancelled, if it still waits.
    pub(crate) fn withdraw(self, request: Ref<Request>) {
        self.state.lock().remove(request);
    }

    /// Ends the driver's ownership of a request of this queue.
    pub(crate) fn disown(self, request: Ref<Request>) {
        let mut state = self.state.lock();
        state.disown(request);
        let fulfilled = state.take_fulfilled();
        drop(state);
        self.notify(fulfilled);
    }

    /// Undoes [`Self::disown`], for a request that no other queue accepted.
    pub(crate) fn own_again(self, request: Ref<Request>) {
        self.state.lock().own(request);
    }

    /// Gives a request of this queue back to it, as the next one.
    pub(crate) fn take_back(self, request: Ref<Request>) {
        let mut state = self.state.lock();
        state.disown(request);
        state.push_first(request);
        let cancelled = !request.enter_queue(self) && state.remove(request);
        drop(state);
        if cancelled {
            self.cancel_waiting(request);
        }
    }

    /// Cancels the waiting requests, and those of the driver that it lets be cancelled.
    fn purge(self) {
        loop {
            let mut state = self.state.lock();
            let request = state.pop();
            drop(state);
            match request {
                Some(request) if request.leave_queue() => {
                    self.cancel_waiting(request);
                }
                // Its cancel routine is about to run.
                Some(_) => {}
                None => break,
            }
        }
        self.for_each_owned(Ref::<Request>::cancel_by_framework);
    }

    /// Calls a function once with each request that the driver owns. The function may end it.
    fn for_each_owned(self, mut function: impl FnMut(Ref<Request>)) {
        self.state.lock().begin_visit();
        loop {
            let state = self.state.lock();
            let Some(request) = state.next_unvisited() else {
                return;
            };
            let any = request.any();
            any.reference();
            drop(state);
            function(request);
            any.release();
        }
    }

    /// Waits until `is_settled` holds. Callable at `PASSIVE_LEVEL`, by one thread at a time.
    fn wait_until(self, is_settled: impl Fn(&State) -> bool) {
        event::wait_until(&self.state, |state| &mut state.waiter, is_settled);
    }
}
