//! Device control requests.

use crate::{
    check, checks,
    codes::{
        ALLOCATED_PROPERTY, CANCELABLE_WITHOUT_QUEUE, CRITICAL_REGION, DPC, FORGOTTEN, KEEP, LEVEL,
        MANUAL, OPEN_TARGET, PROPERTY, RETRIEVE, REVERSE, SEND, SEND_AND_FORGET, SEND_AND_WAIT,
        TIMER, WITHOUT_FILE, WORK_ITEM,
    },
    entry::attributes,
    note, notes, properties, remote, send, served, sized, wdf,
};
use core::{
    ffi::c_void,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use nt_status::NtStatus;
use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE as DispatchType, _WDF_REQUEST_STOP_ACTION_FLAGS as StopAction,
    _WDF_TRI_STATE as TriState, NTSTATUS, STATUS_CANCELLED, STATUS_SUCCESS, ULONG, WDF_DPC_CONFIG,
    WDF_IO_QUEUE_CONFIG, WDF_REQUEST_PARAMETERS, WDF_TIMER_CONFIG, WDF_WORKITEM_CONFIG, WDFDEVICE,
    WDFDPC, WDFOBJECT, WDFQUEUE, WDFREQUEST, WDFTIMER, WDFWORKITEM, ntddk,
};

/// Handles that live as long as the device, and the request that is to be ended later.
static MANUAL_QUEUE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static TIMER_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static WORK_ITEM_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static DPC_OBJECT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static LATER: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

pub fn load(place: &AtomicPtr<c_void>) -> *mut c_void {
    place.load(Ordering::Relaxed)
}

/// Returns the handle of an object that a function makes.
pub fn make<H>(create: impl FnOnce(*mut *mut H) -> NTSTATUS) -> Result<*mut H, NTSTATUS> {
    let mut handle = null_mut();
    check(create(&raw mut handle))?;
    Ok(handle)
}

pub fn keep<H>(place: &AtomicPtr<c_void>, handle: *mut H) {
    place.store(handle.cast(), Ordering::Relaxed);
}

/// Makes the queues and what ends requests later.
pub fn initialize(device: WDFDEVICE) -> Result<(), NTSTATUS> {
    let mut config = sized!(WDF_IO_QUEUE_CONFIG {
        DispatchType: DispatchType::WdfIoQueueDispatchParallel,
        PowerManaged: TriState::WdfUseDefault,
        DefaultQueue: 1,
        EvtIoDeviceControl: Some(device_control),
        EvtIoRead: Some(served::read),
        EvtIoWrite: Some(served::write),
        EvtIoStop: Some(stop),
        EvtIoResume: Some(resume),
    });
    config.Settings.Parallel.NumberOfPresentedRequests = u32::MAX;
    let mut of_queue = attributes();
    of_queue.EvtCleanupCallback = Some(queue_cleanup);
    let (config, attributes) = (&raw mut config, &raw mut of_queue);
    let queue = make(|queue| wdf!(WdfIoQueueCreate, device, config, attributes, queue))?;
    let mut config = sized!(WDF_IO_QUEUE_CONFIG {
        DispatchType: DispatchType::WdfIoQueueDispatchManual,
        PowerManaged: TriState::WdfFalse,
        EvtIoCanceledOnQueue: Some(canceled_on_queue),
    });
    let config = &raw mut config;
    let manual = make(|queue| wdf!(WdfIoQueueCreate, device, config, null_mut(), queue))?;
    keep(&MANUAL_QUEUE, manual);
    make_later(queue)
}

/// Makes the timer, the work item and the deferred procedure call. They are the queue's children.
fn make_later(queue: WDFQUEUE) -> Result<(), NTSTATUS> {
    let mut attributes = attributes();
    attributes.ParentObject = queue.cast();
    let attributes = &raw mut attributes;
    let mut config = sized!(WDF_TIMER_CONFIG {
        EvtTimerFunc: Some(on_timer),
    });
    let config = &raw mut config;
    let made = make(|timer| wdf!(WdfTimerCreate, config, attributes, timer))?;
    keep(&TIMER_OBJECT, made);
    let mut config = sized!(WDF_WORKITEM_CONFIG {
        EvtWorkItemFunc: Some(on_work_item),
    });
    let config = &raw mut config;
    let made = make(|item| wdf!(WdfWorkItemCreate, config, attributes, item))?;
    keep(&WORK_ITEM_OBJECT, made);
    let mut config = sized!(WDF_DPC_CONFIG {
        EvtDpcFunc: Some(on_dpc),
    });
    let config = &raw mut config;
    let made = make(|dpc| wdf!(WdfDpcCreate, config, attributes, dpc))?;
    keep(&DPC_OBJECT, made);
    Ok(())
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
        SEND | SEND_AND_WAIT | SEND_AND_FORGET => {
            send::below(wdf!(WdfIoQueueGetDevice, queue), request, code);
        }
        CRITICAL_REGION => {
            // SAFETY: callable at any level.
            let held = unsafe { ntddk::KeAreApcsDisabled() };
            let status = if held == 0 {
                NtStatus::INVALID_LEVEL.as_raw()
            } else {
                STATUS_SUCCESS
            };
            wdf!(WdfRequestComplete, request, status);
        }
        REVERSE => served::reverse(request),
        OPEN_TARGET..=FORGOTTEN => {
            remote::control(wdf!(WdfIoQueueGetDevice, queue), request, code);
        }
        WITHOUT_FILE => send::without_file(wdf!(WdfIoQueueGetDevice, queue), request),
        _ => {
            let status = checks::status_of_case(wdf!(WdfIoQueueGetDevice, queue), request, code);
            wdf!(WdfRequestComplete, request, status);
        }
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
    // SAFETY: a number in any case; that of a read or write from its start is no code.
    let code = unsafe { parameters.Parameters.DeviceIoControl }.IoControlCode;
    if code == CANCELABLE_WITHOUT_QUEUE {
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

notes! {
    resume(WDFQUEUE, WDFREQUEST) = c"EvtIoResume";
    queue_cleanup(WDFOBJECT) = c"EvtCleanupCallback of the queue";
}
