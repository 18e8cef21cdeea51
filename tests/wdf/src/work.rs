//! Work that a thread of the system does for an object: WDFWORKITEM, and callbacks that need
//! `PASSIVE_LEVEL`.
//!
//! Source: "Using Framework Work Items", `WdfWorkItemEnqueue`.

use crate::{
    call::{Call, getters},
    callback,
    nt::{
        deferred::WorkItem as Item,
        event::{self, Waiter},
        irql,
        lock::SpinLock,
    },
    object::{
        self, Any, Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        handle,
    },
    report::refuse,
    sync::{self, Serial},
};
use wdk_sys::{
    NTSTATUS, PDEVICE_OBJECT, PFN_WDF_WORKITEM, PVOID, PWDF_OBJECT_ATTRIBUTES,
    PWDF_WORKITEM_CONFIG, STATUS_INSUFFICIENT_RESOURCES, WDFOBJECT, WDFWORKITEM,
};

/// What a work item does.
enum Task {
    /// Calls the driver.
    Driver {
        evt_work_item: PFN_WDF_WORKITEM,
        serial: Serial,
    },
    /// Calls a function of the framework with the item's parent.
    Framework(fn(Any)),
}

/// A work item.
pub(crate) struct WorkItem {
    task: Task,
    item: Item,
    state: SpinLock<State>,
}

struct State {
    is_queued: bool,
    /// The thread that runs the callback.
    runner: Option<usize>,
    /// What a thread waits for that waits until the item has run.
    waiter: Waiter,
}

impl Class for WorkItem {
    const KIND: Kind = Kind::WorkItem;

    /// The kernel's item may not be freed while it is queued.
    fn dispose(this: Ref<Self>) {
        this.flush();
    }
}

impl WorkItem {
    /// `STATUS_INSUFFICIENT_RESOURCES`; what [`sync::device_of`] has.
    fn new(parent: Any, task: Task) -> Result<Self, NTSTATUS> {
        let device = sync::device_of(parent)?;
        Ok(Self {
            task,
            item: Item::allocate(device.object).ok_or(STATUS_INSUFFICIENT_RESOURCES)?,
            state: SpinLock::new(State {
                is_queued: false,
                runner: None,
                waiter: Waiter::NONE,
            }),
        })
    }
}

impl Ref<WorkItem> {
    /// Makes the item with which the framework calls a function with `parent` at `PASSIVE_LEVEL`. A parent
    /// that cannot get it is deleted.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn of_framework(parent: Any, function: fn(Any)) -> Result<Self, NTSTATUS> {
        WorkItem::new(parent, Task::Framework(function))
            .and_then(|item| object::create(parent.client(), &Attributes::NONE, Some(parent), item))
            .inspect_err(|_| {
                parent.delete();
            })
    }

    /// Queues the item, unless it is queued. It may be queued again while it runs.
    pub(crate) fn enqueue(self) {
        let mut state = self.state.lock();
        let was_busy = state.is_queued || state.runner.is_some();
        state.is_queued = true;
        drop(state);
        if !was_busy {
            self.item.enqueue(on_work, self.handle());
        }
    }

    /// Waits until the item is neither queued nor running; returns at once in the item's own thread.
    /// Callable at `PASSIVE_LEVEL`.
    pub(crate) fn flush(self) {
        event::wait_until(
            &self.state,
            |state| &mut state.waiter,
            |state| {
                let is_idle = !state.is_queued && state.runner.is_none();
                is_idle || state.runner == Some(irql::thread())
            },
        );
    }

    fn run(self) {
        let mut state = self.state.lock();
        state.is_queued = false;
        state.runner = Some(irql::thread());
        drop(state);
        match &self.task {
            Task::Driver {
                evt_work_item,
                serial,
            } => {
                let (evt_work_item, handle) = (*evt_work_item, self.handle().cast());
                serial.run(|| callback::call!(evt_work_item, "EvtWorkItem", handle));
            }
            Task::Framework(task) => {
                if let Some(parent) = self.any().parent() {
                    task(parent);
                }
            }
        }
        let mut state = self.state.lock();
        state.runner = None;
        let again = state.is_queued;
        state.waiter.wake();
        drop(state);
        if again {
            self.item.enqueue(on_work, self.handle());
        }
    }
}

/// The routine of every work item.
///
/// # Safety
///
/// Called by the kernel with the context that `enqueue` gave.
unsafe extern "C" fn on_work(_device: PDEVICE_OBJECT, context: PVOID) {
    if let Some(item) = handle::find::<WorkItem>(context) {
        let any = item.any();
        any.reference();
        item.run();
        any.release();
    }
}

/// `WdfWorkItemCreate`.
///
/// `STATUS_WDF_PARENT_NOT_SPECIFIED`; `STATUS_INFO_LENGTH_MISMATCH` for a configuration of another
/// size; what [`sync::serial_of`] and "Framework Object Creation Errors" have.
pub(crate) fn create(
    call: &Call,
    config: PWDF_WORKITEM_CONFIG,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    work_item: *mut WDFWORKITEM,
) -> NTSTATUS {
    call.deliver(work_item, || {
        let (attributes, parent) = Attributes::with_parent(call, attributes, Allowed::PARENT)?;
        let config = call.read_versioned(config, &[])?;
        let task = Task::Driver {
            evt_work_item: call.require_callback(config.EvtWorkItemFunc),
            serial: sync::serial_of(parent, config.AutomaticSerialization != 0, true)?,
        };
        call.create(&attributes, WorkItem::new(parent, task)?)
    })
}

/// `WdfWorkItemEnqueue`.
pub(crate) fn enqueue(call: &Call, work_item: WDFWORKITEM) {
    call.object::<WorkItem>(work_item).enqueue();
}

/// `WdfWorkItemFlush`. In the item's own callback it would never return, and is refused.
pub(crate) fn flush(call: &Call, work_item: WDFWORKITEM) {
    call.require_passive();
    let item = call.object::<WorkItem>(work_item);
    let runner = item.state.lock().runner;
    if runner == Some(irql::thread()) {
        refuse!(call, Parameter, "called in the callback of the work item");
    }
    item.flush();
}

getters! {
    /// `WdfWorkItemGetParentObject`.
    get_parent_object(Call::object::<WorkItem>: WDFWORKITEM => item) -> WDFOBJECT
        = item.any().parent_handle();
}
