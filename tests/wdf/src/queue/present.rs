//! Presenting requests of a queue to the driver.

use super::{Awaited, Dispatching, Queue};
use crate::{
    callback,
    device::Device,
    nt::{irp::FileObject, irql},
    object::{Ref, handle},
    request::{Origin, Request, State, complete},
    sync::Serial,
    wine::queue_hold,
};
use core::sync::atomic::Ordering;
use wdk_sys::{
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_READ, IRP_MJ_WRITE,
    STATUS_CANCELLED, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS,
};

impl Ref<Queue> {
    /// Presents requests as long as the queue may.
    pub(crate) fn present_waiting(self) {
        let Dispatching::Presented { at_most } = self.dispatching else {
            return;
        };
        let serial = Serial::of_queue(self);
        if let Some(lock) = serial.lock().filter(|lock| lock.is_held()) {
            lock.postpone();
            return;
        }
        if let Some(item) = self.passive.get().filter(|_| !irql::is_passive()) {
            item.enqueue();
            return;
        }
        loop {
            let held = queue_hold::is_active();
            let mut state = self.state.lock();
            let request = if !held && state.dispatches() && state.owned < at_most {
                state.take(|_| true)
            } else {
                None
            };
            let fulfilled = state.take_fulfilled();
            drop(state);
            self.notify(fulfilled);
            let Some(request) = request else { return };
            self.present(serial, request);
        }
    }

    /// Calls the driver's callback for a queue that has settled.
    pub(super) fn notify(self, fulfilled: Option<Awaited>) {
        if let Some(awaited) = fulfilled {
            let (queue, context) = (self.handle().cast(), awaited.context);
            callback::call!(awaited.callback, "EvtIoQueueState", queue, context);
        }
    }

    /// Calls the handler for a request that the driver now owns.
    ///
    /// While the handler runs, completing the request presents no other one: this thread does that
    /// when the handler has returned. So a sequential queue does not recurse.
    fn present(self, serial: Serial, request: Ref<Request>) {
        let any = request.any();
        any.reference();
        request.in_handler.store(true, Ordering::SeqCst);
        serial.run(|| self.call_handler(request));
        request.in_handler.store(false, Ordering::SeqCst);
        any.release();
    }

    fn call_handler(self, request: Ref<Request>) {
        let Some(irp) = request.irp.get() else { return };
        let stack = irp.stack();
        let queue = self.handle().cast();
        let handle = request.handle().cast();
        let (input, output) = (
            stack.input_length() as usize,
            stack.output_length() as usize,
        );
        let code = stack.io_control_code();
        let config = &self.config;
        let (read, write) = (config.EvtIoRead, config.EvtIoWrite);
        let (control, internal) = (config.EvtIoDeviceControl, config.EvtIoInternalDeviceControl);
        let finish = |status| complete::finish(request, status, 0, Origin::Queue(self));

        match u32::from(stack.major_function()) {
            IRP_MJ_READ if output == 0 && config.AllowZeroLengthRequests == 0 => {
                finish(STATUS_SUCCESS);
            }
            IRP_MJ_WRITE if input == 0 && config.AllowZeroLengthRequests == 0 => {
                finish(STATUS_SUCCESS);
            }
            IRP_MJ_READ if read.is_some() => {
                callback::call!(read, "EvtIoRead", queue, handle, output);
            }
            IRP_MJ_WRITE if write.is_some() => {
                callback::call!(write, "EvtIoWrite", queue, handle, input);
            }
            IRP_MJ_DEVICE_CONTROL if control.is_some() => {
                callback::call!(
                    control,
                    "EvtIoDeviceControl",
                    queue,
                    handle,
                    output,
                    input,
                    code
                );
            }
            IRP_MJ_INTERNAL_DEVICE_CONTROL if internal.is_some() => {
                let name = "EvtIoInternalDeviceControl";
                callback::call!(internal, name, queue, handle, output, input, code);
            }
            _ if config.EvtIoDefault.is_some() => {
                callback::call!(config.EvtIoDefault, "EvtIoDefault", queue, handle);
            }
            _ => finish(STATUS_INVALID_DEVICE_REQUEST),
        }
    }

    /// Ends a request that was cancelled while it waited. If the driver has a callback for this,
    /// the driver completes the request (`EVT_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE`).
    pub(crate) fn cancel_waiting(self, request: Ref<Request>) {
        let evt_canceled = self.config.EvtIoCanceledOnQueue;
        if evt_canceled.is_none() {
            complete::finish(request, STATUS_CANCELLED, 0, Origin::Framework);
            return;
        }
        self.state.lock().own(request);
        request.set_state(State::Owned);
        let (queue, request) = (self.handle().cast(), request.handle().cast());
        Serial::of_queue(self)
            .run(|| callback::call!(evt_canceled, "EvtIoCanceledOnQueue", queue, request));
    }
}

impl Ref<Device> {
    /// Calls a function with each queue of the device.
    pub(super) fn for_each_queue(self, mut function: impl FnMut(Ref<Queue>)) {
        handle::for_each(|any| {
            if let Some(queue) = any.downcast::<Queue>().filter(|queue| queue.device == self) {
                function(queue);
            }
        });
    }

    /// Presents what waits in the device's queues.
    pub(crate) fn present_all(self) {
        self.for_each_queue(Ref::<Queue>::present_waiting);
    }

    /// Cancels the requests of a file that wait in the device's queues. Those that the driver owns go on.
    pub(crate) fn cancel_waiting_of(self, file: FileObject) {
        self.for_each_queue(|queue| {
            loop {
                let mut state = queue.state.lock();
                let Some(request) = state.find(|request| request.is_of(file)) else {
                    return;
                };
                state.remove(request);
                let left = request.leave_queue();
                drop(state);
                // Otherwise its cancel routine is about to run.
                if left {
                    queue.cancel_waiting(request);
                }
            }
        });
    }
}
