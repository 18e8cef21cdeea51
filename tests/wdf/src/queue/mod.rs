//! WDFQUEUE: where requests wait for the driver.
//!
//! Source: "Managing I/O Queues", "Dispatching Methods for I/O Requests", `WDF_IO_QUEUE_CONFIG`.

pub(crate) mod functions;
mod present;

use crate::{
    device::Device,
    nt::lock::SpinLock,
    object::{Class, Kind, Ref},
    report::violation,
    request::Request,
    status::STATUS_WDF_BUSY,
};
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
    state: SpinLock<State>,
}

/// The state of a queue that changes.
struct State {
    first: Option<Ref<Request>>,
    last: Option<Ref<Request>>,
    /// Requests of the queue that the driver owns.
    owned: u32,
    accepts: bool,
    presents: bool,
    awaited: Option<Awaited>,
}

/// A callback for a state of the queue.
#[derive(Clone, Copy)]
struct Awaited {
    /// Whether no request may be waiting, either.
    empty: bool,
    callback: PFN_WDF_IO_QUEUE_STATE,
    context: WDFCONTEXT,
}

impl State {
    fn push(&mut self, request: Ref<Request>) {
        request.next.set(None);
        match self.last.replace(request) {
            Some(last) => last.next.set(Some(request)),
            None => self.first = Some(request),
        }
    }

    fn pop(&mut self) -> Option<Ref<Request>> {
        let request = self.first?;
        self.first = request.next.take();
        if self.first.is_none() {
            self.last = None;
        }
        Some(request)
    }

    /// Removes a request. Returns whether it was in the queue.
    fn remove(&mut self, request: Ref<Request>) -> bool {
        if self.first == Some(request) {
            return self.pop().is_some();
        }
        let mut current = self.first;
        while let Some(before) = current {
            current = before.next.get();
            if current == Some(request) {
                before.next.set(request.next.take());
                if self.last == Some(request) {
                    self.last = Some(before);
                }
                return true;
            }
        }
        false
    }

    /// Takes the next request, which the driver then owns. A request that is being cancelled is
    /// left to its cancel routine.
    fn take_next(&mut self) -> Option<Ref<Request>> {
        loop {
            let request = self.pop()?;
            if request.leave_queue() {
                self.owned += 1;
                return Some(request);
            }
        }
    }

    /// Takes the callback, if its state is reached.
    fn take_fulfilled(&mut self) -> Option<Awaited> {
        let awaited = self.awaited?;
        let fulfilled = self.owned == 0 && (!awaited.empty || self.first.is_none());
        if fulfilled { self.awaited.take() } else { None }
    }
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
    pub(crate) fn disown(self) {
        let mut state = self.state.lock();
        state.owned -= 1;
        let fulfilled = state.take_fulfilled();
        drop(state);
        self.notify(fulfilled);
    }

    /// Cancels the waiting requests.
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
                None => return,
            }
        }
    }
}
