//! `WdfIoQueueXxx`.

use super::{Awaited, Dispatching, Queue, state::State};
use crate::{
    call::Call,
    device::{Device, pnp::Pnp},
    file::File,
    nt::lock::{Guard, SpinLock},
    object::{
        Any, Ref,
        attributes::{Allowed, Attributes},
        create,
    },
    report::refuse,
    status::{STATUS_WDF_NO_CALLBACK, STATUS_WDF_PAUSED},
    sync::{CallbackLock, Constraints},
    work::WorkItem,
};
use core::cell::Cell;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE as DispatchType, _WDF_IO_QUEUE_STATE as QueueState,
    _WDF_TRI_STATE as TriState, NTSTATUS, PFN_WDF_IO_QUEUE_STATE, PULONG, PWDF_IO_QUEUE_CONFIG,
    PWDF_OBJECT_ATTRIBUTES, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER,
    STATUS_INVALID_PARAMETER_4, STATUS_NO_MORE_ENTRIES, STATUS_UNSUCCESSFUL, WDF_IO_QUEUE_CONFIG,
    WDF_IO_QUEUE_STATE, WDFCONTEXT, WDFDEVICE, WDFFILEOBJECT, WDFQUEUE, WDFREQUEST,
};

/// `WdfIoQueueCreate`.
///
/// `STATUS_INVALID_PARAMETER_4` for a queue that is not the default one, and whose handle the driver does
/// not take; `STATUS_INFO_LENGTH_MISMATCH` for a configuration of another size;
/// `STATUS_INVALID_PARAMETER` for values out of range, for a handler of a manual queue, and for a
/// parent that is not a descendant of the device; `STATUS_WDF_NO_CALLBACK` without a handler, unless
/// dispatching is manual; `STATUS_INVALID_DEVICE_STATE` for a default queue of a device that may have
/// had requests; `STATUS_UNSUCCESSFUL` for a second default queue.
pub(crate) fn create_queue(
    call: &Call,
    device: WDFDEVICE,
    config: PWDF_IO_QUEUE_CONFIG,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    queue: *mut WDFQUEUE,
) -> NTSTATUS {
    let device = call.object::<Device>(device);
    let made = call.read_versioned(config, &[]).and_then(|config| {
        if queue.is_null() && config.DefaultQueue == 0 {
            // Nothing could ever use the queue.
            return Err(STATUS_INVALID_PARAMETER_4);
        }
        make_queue(call, device, &config, attributes)
    });
    call.report(made.map(|made| call.write_optional(queue, made.handle().cast())))
}

fn make_queue(
    call: &Call,
    device: Ref<Device>,
    config: &WDF_IO_QUEUE_CONFIG,
    attributes: PWDF_OBJECT_ATTRIBUTES,
) -> Result<Ref<Queue>, NTSTATUS> {
    let attributes = Attributes::read(call, attributes, Allowed::PARENT_AND_LEVELS)?;
    let dispatching = validate(config)?;
    if let Some(parent) = attributes.parent
        && !descends_from(parent, device.any())
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if config.DefaultQueue != 0 {
        if !device.is_before_first_request() {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        if device.default_queue.get().is_some() {
            return Err(STATUS_UNSUCCESSFUL);
        }
    }
    let constraints = Constraints::read(&attributes, device.constraints);
    let pnp = device.pnp.as_ref();
    let is_in_d0 = pnp.is_some_and(Pnp::is_started);
    // "Using Power-Managed I/O Queues": the default is yes, except for filters.
    let is_power_managed = pnp.is_some_and(|pnp| match config.PowerManaged {
        TriState::WdfFalse => false,
        TriState::WdfTrue => true,
        _ => !pnp.is_filter,
    });
    let queue = create(
        call.client(),
        &attributes,
        Some(device.any()),
        Queue {
            device,
            config: *config,
            dispatching,
            is_parallel: config.DispatchType == DispatchType::WdfIoQueueDispatchParallel,
            is_power_managed,
            constraints,
            callback_lock: CallbackLock::new(constraints.is_passive),
            passive: Cell::new(None),
            state: SpinLock::new(State::new(!is_power_managed || is_in_d0)),
        },
    )?;
    queue.callback_lock.initialize();
    if constraints.is_passive {
        let item = Ref::<WorkItem>::of_framework(queue.any(), |parent| {
            if let Some(queue) = parent.downcast::<Queue>() {
                queue.present_waiting();
            }
        })?;
        queue.passive.set(Some(item));
    }
    if config.DefaultQueue != 0 {
        device.default_queue.set(Some(queue));
    }
    Ok(queue)
}

fn validate(config: &WDF_IO_QUEUE_CONFIG) -> Result<Dispatching, NTSTATUS> {
    // SAFETY: every bit pattern of the union is a number.
    let at_most = unsafe { config.Settings.Parallel }.NumberOfPresentedRequests;
    let dispatching = match config.DispatchType {
        DispatchType::WdfIoQueueDispatchSequential if at_most == 0 => {
            Dispatching::Presented { at_most: 1 }
        }
        // The driver that allows none gets none.
        DispatchType::WdfIoQueueDispatchParallel => Dispatching::Presented { at_most },
        DispatchType::WdfIoQueueDispatchManual if at_most == 0 => Dispatching::Manual,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    if !matches!(
        config.PowerManaged,
        TriState::WdfFalse | TriState::WdfTrue | TriState::WdfUseDefault
    ) || !config.Driver.is_null()
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let has_handler = config.EvtIoDefault.is_some()
        || config.EvtIoRead.is_some()
        || config.EvtIoWrite.is_some()
        || config.EvtIoDeviceControl.is_some()
        || config.EvtIoInternalDeviceControl.is_some();
    match (dispatching, has_handler) {
        (Dispatching::Manual, true) => Err(STATUS_INVALID_PARAMETER),
        (Dispatching::Presented { .. }, false) => Err(STATUS_WDF_NO_CALLBACK),
        _ => Ok(dispatching),
    }
}

/// Whether an object is a device or its descendant.
fn descends_from(object: Any, device: Any) -> bool {
    let mut current = Some(object);
    while let Some(object) = current {
        if object == device {
            return true;
        }
        current = object.parent();
    }
    false
}

/// `WdfIoQueueGetDevice`.
pub(crate) fn get_device(call: &Call, queue: WDFQUEUE) -> WDFDEVICE {
    let queue = call.object::<Queue>(queue);
    queue.device.handle().cast()
}

/// `WdfIoQueueRetrieveNextRequest`.
///
/// `STATUS_INVALID_DEVICE_STATE` for a parallel queue; `STATUS_WDF_PAUSED` for a stopped one;
/// `STATUS_NO_MORE_ENTRIES` for an empty one.
pub(crate) fn retrieve_next_request(
    call: &Call,
    queue: WDFQUEUE,
    request: *mut WDFREQUEST,
) -> NTSTATUS {
    let queue = call.object::<Queue>(queue);
    call.deliver(request, || {
        let mut state = queue.state_to_retrieve()?;
        state.take(|_| true).ok_or(STATUS_NO_MORE_ENTRIES)
    })
}

/// `WdfIoQueueStart`: the queue accepts requests, and the driver gets them.
pub(crate) fn start(call: &Call, queue: WDFQUEUE) {
    let queue = call.object::<Queue>(queue);
    let mut state = queue.state.lock();
    state.accepts = true;
    state.presents = true;
    drop(state);
    queue.present_waiting();
}

/// `WdfIoQueueGetState`.
pub(crate) fn get_state(
    call: &Call,
    queue: WDFQUEUE,
    waiting: PULONG,
    owned: PULONG,
) -> WDF_IO_QUEUE_STATE {
    let queue = call.object::<Queue>(queue);
    let state = queue.state.lock();
    let (waiting_count, owned_count) = (state.waiting, state.owned);
    let flags = [
        (state.accepts, QueueState::WdfIoQueueAcceptRequests),
        (state.presents, QueueState::WdfIoQueueDispatchRequests),
        (waiting_count == 0, QueueState::WdfIoQueueNoRequests),
        (owned_count == 0, QueueState::WdfIoQueueDriverNoRequests),
        (!state.is_powered, QueueState::WdfIoQueuePnpHeld),
    ];
    drop(state);
    call.write_optional(waiting, waiting_count);
    call.write_optional(owned, owned_count);
    flags
        .into_iter()
        .filter(|(is_set, _)| *is_set)
        .fold(0, |result, (_, flag)| result | flag)
}

/// `WdfIoQueueStopSynchronously`, `WdfIoQueueDrainSynchronously` and `WdfIoQueuePurgeSynchronously`:
/// as [`STOP`], [`DRAIN`] and [`PURGE`], and wait for what those call back for.
pub(crate) fn change_and_wait<const TO: u8>(call: &Call, queue: WDFQUEUE) {
    call.require_passive();
    let queue = call.object::<Queue>(queue);
    queue.stop_or_close(TO);
    queue.wait_until(|state| state.owned == 0 && (TO == STOP || state.waiting == 0));
}

/// `WdfIoQueueStop`: the queue accepts requests, and the driver gets none. The callback is called
/// when the driver owns none.
pub(crate) const STOP: u8 = 0;
/// `WdfIoQueueDrain`: the queue accepts no requests, and the driver gets those that wait. The
/// callback is called when the driver has disposed of all.
pub(crate) const DRAIN: u8 = 1;
/// `WdfIoQueuePurge`: the queue accepts no requests, and those that wait are cancelled. The
/// callback is called when the driver has disposed of its requests.
pub(crate) const PURGE: u8 = 2;

/// [`STOP`], [`DRAIN`] and [`PURGE`].
pub(crate) fn change<const TO: u8>(
    call: &Call,
    queue: WDFQUEUE,
    callback: PFN_WDF_IO_QUEUE_STATE,
    context: WDFCONTEXT,
) {
    let queue = call.object::<Queue>(queue);
    queue.stop_or_close(TO);
    let mut state = queue.state.lock();
    let replaced = callback.and_then(|_| {
        state.awaited.replace(Awaited {
            empty: TO != STOP,
            callback,
            context,
        })
    });
    let fulfilled = state.take_fulfilled();
    drop(state);
    if replaced.is_some() {
        refuse!(
            call,
            Queue,
            [queue.handle().addr(), 0],
            "the queue is still settling from an earlier call"
        );
    }
    queue.notify(fulfilled);
}

impl Queue {
    /// Returns the state of a queue whose requests the driver may fetch now.
    ///
    /// `STATUS_INVALID_DEVICE_STATE` for a parallel queue; `STATUS_WDF_PAUSED` for a stopped one.
    fn state_to_retrieve(&self) -> Result<Guard<'_, State>, NTSTATUS> {
        if self.is_parallel {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        let state = self.state.lock();
        if state.dispatches() {
            Ok(state)
        } else {
            Err(STATUS_WDF_PAUSED)
        }
    }
}

impl Ref<Queue> {
    /// Begins [`STOP`], [`DRAIN`] or [`PURGE`].
    fn stop_or_close(self, to: u8) {
        let mut state = self.state.lock();
        if to == STOP {
            state.presents = false;
        } else {
            state.accepts = false;
        }
        drop(state);
        if to == PURGE {
            self.purge();
        }
    }
}

/// `WdfIoQueueRetrieveRequestByFileObject`.
///
/// As [`retrieve_next_request`], of the requests of one file.
pub(crate) fn retrieve_by_file_object(
    call: &Call,
    queue: WDFQUEUE,
    file: WDFFILEOBJECT,
    request: *mut WDFREQUEST,
) -> NTSTATUS {
    let queue = call.object::<Queue>(queue);
    let file = call.object::<File>(file);
    call.deliver(request, || {
        let mut state = queue.state_to_retrieve()?;
        state
            .take(|request| request.file() == Some(file))
            .ok_or(STATUS_NO_MORE_ENTRIES)
    })
}
