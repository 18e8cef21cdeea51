//! What a device's power does to its queues.
//!
//! Source: "Using Power-Managed I/O Queues", `EVT_WDF_IO_QUEUE_IO_STOP`, `WdfRequestStopAcknowledge`.

use super::{Queue, state::State};
use crate::{
    call::Call,
    callback,
    device::Device,
    object::Ref,
    report::refuse,
    request::{Request, owned},
};
use wdk_sys::{_WDF_REQUEST_STOP_ACTION_FLAGS as StopAction, BOOLEAN, ULONG, WDFREQUEST};

/// What a device's power lets its queues do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    /// The driver gets requests.
    On,
    /// Power-managed queues hold their requests.
    Held,
    /// Power-managed queues accept no requests, and have none.
    Purged,
    /// No queue accepts requests, and none has any.
    PurgedWithAll,
}

impl Ref<Device> {
    /// Sets what the device's queues may do. Waits for what the driver has to do first. Callable at
    /// `PASSIVE_LEVEL`.
    pub(crate) fn set_queues_power(self, power: Power) {
        self.for_each_queue(|queue| {
            if power != Power::PurgedWithAll && !queue.is_power_managed {
                return;
            }
            match power {
                Power::On => queue.resume(),
                Power::Held => queue.hold(),
                Power::Purged | Power::PurgedWithAll => queue.end_for_power(),
            }
        });
    }
}

impl Ref<Queue> {
    fn resume(self) {
        let mut state = self.state.lock();
        state.is_powered = true;
        drop(state);
        self.for_each_owned(|request| {
            let kept = self.state.lock().resume(request);
            let evt_resume = self.config.EvtIoResume;
            let (queue, request) = (self.handle().cast(), request.handle().cast());
            if kept {
                callback::call!(evt_resume, "EvtIoResume", queue, request);
            }
        });
        self.present_waiting();
    }

    fn hold(self) {
        let mut state = self.state.lock();
        state.is_powered = false;
        drop(state);
        self.ask_to_stop(StopAction::WdfRequestStopActionSuspend);
        self.wait_until(State::is_held);
    }

    fn end_for_power(self) {
        let mut state = self.state.lock();
        state.is_powered = false;
        state.accepts = false;
        drop(state);
        self.purge();
        self.ask_to_stop(StopAction::WdfRequestStopActionPurge);
        self.wait_until(State::is_held);
    }

    /// Calls `EvtIoStop` for each request that the driver owns.
    fn ask_to_stop(self, action: i32) {
        let evt_stop = self.config.EvtIoStop;
        self.for_each_owned(|request| {
            let mut flags = action;
            if request.is_cancelable() {
                flags |= StopAction::WdfRequestStopRequestCancelable;
            }
            let (queue, request) = (self.handle().cast(), request.handle().cast());
            let flags: ULONG = flags.cast_unsigned();
            callback::call!(evt_stop, "EvtIoStop", queue, request, flags);
        });
    }
}

/// `WdfRequestStopAcknowledge`: the driver keeps the request, or gives it back to its queue. For a
/// request from no queue, a bugcheck.
pub(crate) fn stop_acknowledge(call: &Call, request: WDFREQUEST, requeue: BOOLEAN) {
    let (request, _): (Ref<Request>, _) = owned(call, request);
    let Some(queue) = request.queue() else {
        refuse!(
            call,
            Queue,
            [request.handle().addr(), 0],
            "the driver did not get the request from a queue"
        )
    };
    if requeue == 0 {
        queue.state.lock().acknowledge(request);
    } else {
        queue.take_back(request);
    }
}
