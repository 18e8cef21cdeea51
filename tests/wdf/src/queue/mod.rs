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

/// How requests get from the queue to the driver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dispatching {
    /// The driver fetches them.
    Manual,
    /// The framework presents as many at a time.
    Presented { at_most: u32 },
}

/// A queue.
pub(crate) struct Queue {
    pub(crate) device: Ref<Device>,
    config: WDF_IO_QUEUE_CONFIG,
    dispatching: Dispatching,
    /// Whether requests can be fetched from it.
    is_parallel: bool,
    state: SpinLock<State>,
}

/// What changes about a queue.
struct State {
    first: Option<Ref<Request>>,
    last: Option<Ref<Request>>,
    /// Requests that the driver has got from the queue and not disposed of.
    owned: u32,
    accepts: bool,
    presents: bool,
    awaited: Option<Awaited>,
}

/// What the driver wants to be told.
#[derive(Clone, Copy)]
struct Awaited {
    /// Not only must the driver own nothing: nothing may be waiting either.
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

    /// Takes a request out, wherever it stands. Returns whether it was there.
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

    /// The next request for the driver, which owns it from now on. One that is being cancelled is
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

    /// What the driver is to be told now.
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
    /// Takes a request in, and presents what can be presented.
    ///
    /// # Errors
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

    /// Takes a request out that is being cancelled, if it is still waiting.
    pub(crate) fn withdraw(self, request: Ref<Request>) {
        self.state.lock().remove(request);
    }

    /// The driver has disposed of a request that it got from this queue.
    pub(crate) fn disown(self) {
        let mut state = self.state.lock();
        state.owned -= 1;
        let fulfilled = state.take_fulfilled();
        drop(state);
        self.notify(fulfilled);
    }

    /// Cancels what waits.
    fn purge(self) {
        loop {
            let mut state = self.state.lock();
            let request = state.pop();
            drop(state);
            match request {
                Some(request) if request.leave_queue() => {
                    self.cancel_waiting(request);
                }
                // Its cancel routine is on its way.
                Some(_) => {}
                None => return,
            }
        }
    }
}
