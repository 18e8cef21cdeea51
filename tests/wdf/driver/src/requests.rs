//! Device control requests. All are `METHOD_BUFFERED` without access bits.

use crate::{
    checks,
    entry::{attributes, sized},
    note, properties, wdf,
};
use core::{
    ffi::c_void,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use nt_status::NtStatus;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE as DispatchType, _WDF_REQUEST_STOP_ACTION_FLAGS as StopAction,
    NTSTATUS, STATUS_CANCELLED, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, ULONG,
    WDF_DPC_CONFIG, WDF_IO_QUEUE_CONFIG, WDF_REQUEST_PARAMETERS, WDF_TIMER_CONFIG,
    WDF_WORKITEM_CONFIG, WDFDEVICE, WDFDPC, WDFOBJECT, WDFQUEUE, WDFREQUEST, WDFTIMER, WDFWORKITEM,
    ntddk,
};

/// Succeeds at once, at `PASSIVE_LEVEL`; fails with `STATUS_INVALID_LEVEL` at another.
const LEVEL: ULONG = 0x0022_2000;
/// A timer ends it after 100 ms.
const TIMER: ULONG = 0x0022_2004;
/// A work item ends it.
const WORK_ITEM: ULONG = 0x0022_2008;
/// A deferred procedure call ends it.
const DPC: ULONG = 0x0022_200C;
/// The driver keeps it until it is cancelled.
const KEEP: ULONG = 0x0022_2010;
/// It waits in a manual queue.
const MANUAL: ULONG = 0x0022_2014;
/// Ends the request that waits there.
const RETRIEVE: ULONG = 0x0022_2018;
/// Gets a property of the device: by a buffer, or by memory of the framework.
const PROPERTY: ULONG = 0x0022_201C;
const ALLOCATED_PROPERTY: ULONG = 0x0022_2020;

/// Handles that live as long as the device, and the request that is to be ended later.
static MANUAL_QUEUE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static TIMER_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static WORK_ITEM_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static DPC_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static LATER: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

fn load(place: &AtomicPtr<c_void>) -> *mut c_void {
    place.load(Ordering::Relaxed)
}

/// Makes the queues and what ends requests later.
pub fn initialize(device: WDFDEVICE) -> NTSTATUS {
    let mut config = sized!(WDF_IO_QUEUE_CONFIG {
        DispatchType: DispatchType::WdfIoQueueDispatchParallel,
        DefaultQueue: 1,
        EvtIoDeviceControl: Some(device_control),
        EvtIoStop: Some(stop),
        EvtIoResume: Some(resume),
    });
    config.PowerManaged = wdk_sys::_WDF_TRI_STATE::WdfUseDefault;
    config.Settings.Parallel.NumberOfPresentedRequests = u32::MAX;
    let mut queue: WDFQUEUE = null_mut();
    let mut of_queue = attributes();
    of_queue.EvtCleanupCallback = Some(queue_cleanup);
    let mut status = wdf!(
        WdfIoQueueCreate,
        device,
        &raw mut config,
        &raw mut of_queue,
        &raw mut queue
    );
    if status < 0 {
        return status;
    }
    let mut manual = sized!(WDF_IO_QUEUE_CONFIG {
        DispatchType: DispatchType::WdfIoQueueDispatchManual,
        EvtIoCanceledOnQueue: Some(canceled_on_queue),
    });
    manual.PowerManaged = wdk_sys::_WDF_TRI_STATE::WdfFalse;
    let mut handle: WDFQUEUE = null_mut();
    status = wdf!(
        WdfIoQueueCreate,
        device,
        &raw mut manual,
        null_mut(),
        &raw mut handle
    );
    if status < 0 {
        return status;
    }
    MANUAL_QUEUE.store(handle.cast(), Ordering::Relaxed);
    make_later(queue)
}

/// Makes the timer, the work item and the deferred procedure call. They are the queue's children.
fn make_later(queue: WDFQUEUE) -> NTSTATUS {
    let mut attributes = attributes();
    attributes.ParentObject = queue.cast();
    let attributes = &raw mut attributes;

    let mut config = sized!(WDF_TIMER_CONFIG {
        EvtTimerFunc: Some(on_timer),
    });
    let mut timer: WDFTIMER = null_mut();
    let status = wdf!(WdfTimerCreate, &raw mut config, attributes, &raw mut timer);
    if status < 0 {
        return status;
    }
    TIMER_OBJECT.store(timer.cast(), Ordering::Relaxed);

    let mut config = sized!(WDF_WORKITEM_CONFIG {
        EvtWorkItemFunc: Some(on_work_item),
    });
    let mut item: WDFWORKITEM = null_mut();
    let status = wdf!(
        WdfWorkItemCreate,
        &raw mut config,
        attributes,
        &raw mut item
    );
    if status < 0 {
        return status;
    }
    WORK_ITEM_OBJECT.store(item.cast(), Ordering::Relaxed);

    let mut config = sized!(WDF_DPC_CONFIG {
        EvtDpcFunc: Some(on_dpc),
    });
    let mut dpc: WDFDPC = null_mut();
    let status = wdf!(WdfDpcCreate, &raw mut config, attributes, &raw mut dpc);
    DPC_OBJECT.store(dpc.cast(), Ordering::Relaxed);
    status
}

unsafe extern "C" fn queue_cleanup(_queue: WDFOBJECT) {
    note(c"EvtCleanupCallback of the queue");
}

unsafe extern "C" fn device_control(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    _output: usize,
    _input: usize,
    code: ULONG,
) {
    match code {
        LEVEL => {
            // SAFETY: callable at any level.
            let level = unsafe { ntddk::KeGetCurrentIrql() };
            let status = if level == 0 {
                STATUS_SUCCESS
            } else {
                NtStatus::INVALID_LEVEL.as_raw()
            };
            wdf!(WdfRequestComplete, request, status);
        }
        TIMER => {
            LATER.store(request.cast(), Ordering::Relaxed);
            let _ = wdf!(WdfTimerStart, load(&TIMER_OBJECT).cast(), -1_000_000);
        }
        WORK_ITEM => {
            LATER.store(request.cast(), Ordering::Relaxed);
            wdf!(WdfWorkItemEnqueue, load(&WORK_ITEM_OBJECT).cast());
        }
        DPC => {
            LATER.store(request.cast(), Ordering::Relaxed);
            let _ = wdf!(WdfDpcEnqueue, load(&DPC_OBJECT).cast());
        }
        KEEP => {
            let marked = wdf!(WdfRequestMarkCancelableEx, request, Some(cancel));
            if marked < 0 {
                wdf!(WdfRequestComplete, request, marked);
            }
        }
        MANUAL => {
            let queue = load(&MANUAL_QUEUE).cast();
            let forwarded = wdf!(WdfRequestForwardToIoQueue, request, queue);
            if forwarded < 0 {
                wdf!(WdfRequestComplete, request, forwarded);
            }
        }
        RETRIEVE => {
            let queue = load(&MANUAL_QUEUE).cast();
            let mut waiting: WDFREQUEST = null_mut();
            let status = wdf!(WdfIoQueueRetrieveNextRequest, queue, &raw mut waiting);
            if status >= 0 {
                wdf!(WdfRequestComplete, waiting, STATUS_SUCCESS);
            }
            wdf!(WdfRequestComplete, request, status);
        }
        PROPERTY | ALLOCATED_PROPERTY => {
            let device = wdf!(WdfIoQueueGetDevice, queue);
            properties::control(device, request, code == ALLOCATED_PROPERTY);
        }
        checks::FIRST..=checks::LAST => {
            let status = checks::status_of(queue, request, code);
            wdf!(WdfRequestComplete, request, status);
        }
        _ => wdf!(WdfRequestComplete, request, STATUS_INVALID_DEVICE_REQUEST),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a small structure")]
const PARAMETERS_SIZE: u16 = size_of::<WDF_REQUEST_PARAMETERS>() as u16;

/// `EvtIoInCallerContext`: makes one kind of request cancelable, which no queue has seen.
pub unsafe extern "C" fn in_caller_context(device: WDFDEVICE, request: WDFREQUEST) {
    let mut parameters = WDF_REQUEST_PARAMETERS {
        Size: PARAMETERS_SIZE,
        ..WDF_REQUEST_PARAMETERS::default()
    };
    wdf!(WdfRequestGetParameters, request, &raw mut parameters);
    // SAFETY: the device has no other requests than device controls.
    let code = unsafe { parameters.Parameters.DeviceIoControl }.IoControlCode;
    if code == checks::CANCELABLE_WITHOUT_QUEUE {
        let status = wdf!(WdfRequestMarkCancelableEx, request, Some(cancel));
        wdf!(WdfRequestComplete, request, status);
        return;
    }
    let status = wdf!(WdfDeviceEnqueueRequest, device, request);
    if status < 0 {
        wdf!(WdfRequestComplete, request, status);
    }
}

/// Ends the request that was kept for later.
fn end_later() {
    let request = LATER.swap(null_mut(), Ordering::Relaxed);
    if !request.is_null() {
        wdf!(WdfRequestComplete, request.cast(), STATUS_SUCCESS);
    }
}

unsafe extern "C" fn on_timer(_timer: WDFTIMER) {
    note(c"EvtTimerFunc");
    end_later();
}

unsafe extern "C" fn on_work_item(_item: WDFWORKITEM) {
    note(c"EvtWorkItem");
    end_later();
}

unsafe extern "C" fn on_dpc(_dpc: WDFDPC) {
    note(c"EvtDpcFunc");
    end_later();
}

unsafe extern "C" fn cancel(request: WDFREQUEST) {
    note(c"EvtRequestCancel");
    wdf!(WdfRequestComplete, request, STATUS_CANCELLED);
}

unsafe extern "C" fn canceled_on_queue(_queue: WDFQUEUE, request: WDFREQUEST) {
    note(c"EvtIoCanceledOnQueue");
    wdf!(WdfRequestComplete, request, STATUS_CANCELLED);
}

unsafe extern "C" fn stop(_queue: WDFQUEUE, request: WDFREQUEST, flags: ULONG) {
    if flags & StopAction::WdfRequestStopActionSuspend.cast_unsigned() != 0 {
        note(c"EvtIoStop to suspend");
        wdf!(WdfRequestStopAcknowledge, request, 0);
    } else {
        note(c"EvtIoStop to purge");
    }
}

unsafe extern "C" fn resume(_queue: WDFQUEUE, _request: WDFREQUEST) {
    note(c"EvtIoResume");
}
