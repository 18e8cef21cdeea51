//! WDFTIMER.
//!
//! Source: "Using Timers", `WDF_TIMER_CONFIG`, `WdfTimerStop`.

use crate::{
    call::{Call, getters},
    callback,
    nt::{
        deferred::{self, Dpc, Timer as KernelTimer},
        irql,
    },
    object::{
        Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        handle,
    },
    report::refuse,
    sync::{self, Serial},
    work::WorkItem,
};
use core::{
    cell::Cell,
    mem::offset_of,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};
use wdk_sys::{
    _WDF_EXECUTION_LEVEL as ExecutionLevel, BOOLEAN, KDPC, LONG, LONGLONG, NTSTATUS, PFN_WDF_TIMER,
    PVOID, PWDF_OBJECT_ATTRIBUTES, PWDF_TIMER_CONFIG, STATUS_INVALID_PARAMETER,
    STATUS_NOT_SUPPORTED, WDF_TIMER_CONFIG, WDFOBJECT, WDFTIMER,
};

/// A timer.
pub(crate) struct Timer {
    evt_func: PFN_WDF_TIMER,
    serial: Serial,
    /// In milliseconds; 0: the timer elapses once.
    period: LONG,
    kernel: KernelTimer,
    dpc: Dpc,
    /// What calls the driver at `PASSIVE_LEVEL`.
    passive: Cell<Option<Ref<WorkItem>>>,
    /// The thread that runs the callback; 0: none.
    runner: AtomicUsize,
    /// Whether a thread waits for the timer's stop, so that the callback does not start it again.
    is_stopping: AtomicBool,
}

impl Class for Timer {
    const KIND: Kind = Kind::Timer;

    fn dispose(this: Ref<Self>) {
        this.stop(true);
    }
}

impl Ref<Timer> {
    fn call_back(self) {
        self.runner.store(irql::thread(), Ordering::Relaxed);
        let (evt_func, handle) = (self.evt_func, self.handle().cast());
        self.serial
            .run(|| callback::call!(evt_func, "EvtTimerFunc", handle));
        self.runner.store(0, Ordering::Relaxed);
    }

    /// Stops the timer: whether it was set.
    fn stop(self, wait: bool) -> bool {
        if !wait {
            return self.kernel.cancel();
        }
        self.is_stopping.store(true, Ordering::Release);
        let was_set = self.kernel.cancel();
        deferred::flush_dpcs();
        if let Some(item) = self.passive.get() {
            item.flush();
        }
        self.is_stopping.store(false, Ordering::Release);
        was_set
    }
}

/// The routine of every timer.
///
/// # Safety
///
/// Called by the kernel with the context that the timer's call was initialised with.
unsafe extern "C" fn on_timer(_dpc: *mut KDPC, context: PVOID, _one: PVOID, _two: PVOID) {
    let Some(timer) = handle::find::<Timer>(context) else {
        return;
    };
    match timer.passive.get() {
        Some(item) => item.enqueue(),
        None => timer.call_back(),
    }
}

/// The sizes of the structure of drivers that are older than `TolerableDelay`, and than
/// `UseHighResolutionTimer`.
const OLDER_SIZES: [usize; 2] = [
    offset_of!(WDF_TIMER_CONFIG, TolerableDelay),
    offset_of!(WDF_TIMER_CONFIG, UseHighResolutionTimer),
];

/// `WdfTimerCreate`.
///
/// `STATUS_WDF_PARENT_NOT_SPECIFIED`; `STATUS_INFO_LENGTH_MISMATCH` for a configuration of unknown
/// size; `STATUS_INVALID_PARAMETER` for a period of 2^31 ms or more, and for a tolerable delay with a
/// high resolution; `STATUS_NOT_SUPPORTED` for a periodic timer at passive level; what
/// [`sync::serial_of`] and "Framework Object Creation Errors" have.
pub(crate) fn create(
    call: &Call,
    config: PWDF_TIMER_CONFIG,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    timer: *mut WDFTIMER,
) -> NTSTATUS {
    call.deliver(timer, || {
        let (attributes, parent) =
            Attributes::with_parent(call, attributes, Allowed::PARENT_AND_LEVEL)?;
        let config = call.read_versioned(config, &OLDER_SIZES)?;
        let period = LONG::try_from(config.Period).map_err(|_| STATUS_INVALID_PARAMETER)?;
        if config.TolerableDelay != 0 && config.UseHighResolutionTimer != 0 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let is_passive = attributes.execution_level == ExecutionLevel::WdfExecutionLevelPassive;
        if is_passive && period != 0 {
            return Err(STATUS_NOT_SUPPORTED);
        }
        let made = call.create(
            &attributes,
            Timer {
                evt_func: call.require_callback(config.EvtTimerFunc),
                serial: sync::serial_of(parent, config.AutomaticSerialization != 0, is_passive)?,
                period,
                kernel: KernelTimer::new(),
                dpc: Dpc::new(),
                passive: Cell::new(None),
                runner: AtomicUsize::new(0),
                is_stopping: AtomicBool::new(false),
            },
        )?;
        made.kernel.initialize();
        made.dpc.initialize(Some(on_timer), made.handle());
        if is_passive {
            let item = Ref::<WorkItem>::of_framework(made.any(), |parent| {
                if let Some(timer) = parent.downcast::<Timer>() {
                    timer.call_back();
                }
            })?;
            made.passive.set(Some(item));
        }
        Ok(made)
    })
}

/// `WdfTimerStart`: whether the timer was set before. `due` is in units of 100 ns: a moment, or if it is
/// negative a span. Refused while another thread waits for the timer's stop.
pub(crate) fn start(call: &Call, timer: WDFTIMER, due: LONGLONG) -> BOOLEAN {
    let timer = call.object::<Timer>(timer);
    if timer.is_stopping.load(Ordering::Acquire) {
        return 0;
    }
    timer.kernel.set(due, timer.period, &timer.dpc).into()
}

/// `WdfTimerStop`: whether the timer was set. In the timer's own callback it would wait for itself.
pub(crate) fn stop(call: &Call, timer: WDFTIMER, wait: BOOLEAN) -> BOOLEAN {
    let timer = call.object::<Timer>(timer);
    if wait != 0 {
        call.require_passive();
        if timer.runner.load(Ordering::Relaxed) == irql::thread() {
            refuse!(call, Parameter, "called in the timer's callback, and waits");
        }
    }
    timer.stop(wait != 0).into()
}

getters! {
    /// `WdfTimerGetParentObject`.
    get_parent_object(Call::object::<Timer>: WDFTIMER => timer) -> WDFOBJECT
        = timer.any().parent_handle();
}
