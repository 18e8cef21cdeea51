//! System threads and work items.

use super::ob::table_for;
use crate::bugcheck::violation;
use crate::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::nt::layout::{ObjectAttributes, Structure, WorkQueueItem};
use crate::object::{self, Kind, handle};
use crate::threads::{self, Work};
use crate::{images, raw, work_items};
use nt_status::NtStatus;

fn require_code(routine: u64, what: &str) {
    if !images::is_driver_code(routine) {
        violation!("the routine of {what} lies at {routine:#x}, outside of all images");
    }
}

/// `PsCreateSystemThread` function (wdm.h), in the system process. The thread begins when its creator
/// waits, or when the lab turns to its next command. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn PsCreateSystemThread(
    result: u64,
    access: u32,
    attributes: u64,
    process: u64,
    identifier: u64,
    routine: u64,
    context: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "PsCreateSystemThread");
    require_code(routine, "a system thread");
    if process != 0 {
        violation!("PsCreateSystemThread in another process is not supported by the lab");
    }
    let attributes = match attributes {
        0 => 0,
        at => ObjectAttributes(at).get(ObjectAttributes::ATTRIBUTES),
    };
    let table = table_for(attributes, "PsCreateSystemThread");
    let thread = threads::make_object();
    if !threads::add(Work::Routine { routine, context }, thread) {
        object::dereference(thread);
        object::dereference(thread);
        return NtStatus::INSUFFICIENT_RESOURCES;
    }
    if identifier != 0 {
        raw::write(identifier, [crate::object::process::SYSTEM_ID, thread]);
    }
    raw::write(result, handle::open(table, thread, access));
    NtStatus::SUCCESS
}

/// `PsTerminateSystemThread` function (ntddk.h): ends the current thread.
/// `STATUS_INVALID_PARAMETER` if that is no system thread. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn PsTerminateSystemThread(_status: NtStatus) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "PsTerminateSystemThread");
    if threads::current_object().is_none() {
        return NtStatus::INVALID_PARAMETER;
    }
    threads::end()
}

/// The priority of a thread that nobody has changed.
const PRIORITY: u32 = 8;

/// `KeSetPriorityThread` function (wdm.h): the lab's threads take turns, whatever their priority. Returns
/// the previous one. IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn KeSetPriorityThread(thread: u64, _priority: u32) -> u32 {
    require_at_most(PASSIVE_LEVEL, "KeSetPriorityThread");
    if !matches!(object::kind_of(thread), Some(Kind::Thread | Kind::Process))
        && thread != super::ps::PsGetCurrentThread()
    {
        violation!("KeSetPriorityThread was given {thread:#x}, which is no thread");
    }
    PRIORITY
}

/// `IoAllocateWorkItem` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoAllocateWorkItem(device: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "IoAllocateWorkItem");
    work_items::allocate(device)
}

/// `IoFreeWorkItem` function (wdm.h): the item is not queued. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoFreeWorkItem(item: u64) {
    require_at_most(DISPATCH_LEVEL, "IoFreeWorkItem");
    work_items::remove(item, "IoFreeWorkItem");
}

/// `IoSizeofWorkItem` function (wdm.h).
pub(super) const extern "win64" fn IoSizeofWorkItem() -> u32 {
    work_items::SIZE as u32
}

/// `IoInitializeWorkItem` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoInitializeWorkItem(object: u64, item: u64) {
    require_at_most(DISPATCH_LEVEL, "IoInitializeWorkItem");
    work_items::initialize(object, item);
}

/// `IoUninitializeWorkItem` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoUninitializeWorkItem(item: u64) {
    require_at_most(DISPATCH_LEVEL, "IoUninitializeWorkItem");
    work_items::remove(item, "IoUninitializeWorkItem");
}

/// `IoQueueWorkItem` function (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoQueueWorkItem(item: u64, routine: u64, _queue: u32, context: u64) {
    require_at_most(DISPATCH_LEVEL, "IoQueueWorkItem");
    require_code(routine, "a work item");
    work_items::queue(item, routine, context, false);
}

/// `IoQueueWorkItemEx` function (wdm.h): the routine gets the item, too. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn IoQueueWorkItemEx(item: u64, routine: u64, _queue: u32, context: u64) {
    require_at_most(DISPATCH_LEVEL, "IoQueueWorkItemEx");
    require_code(routine, "a work item");
    work_items::queue(item, routine, context, true);
}

/// `ExQueueWorkItem` function (wdm.h), of which Microsoft advises against. IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn ExQueueWorkItem(item: u64, _queue: u32) {
    require_at_most(DISPATCH_LEVEL, "ExQueueWorkItem");
    let item = WorkQueueItem(item);
    let routine = item.get(WorkQueueItem::ROUTINE);
    require_code(routine, "a work item");
    let context = item.get(WorkQueueItem::PARAMETER);
    if !threads::add(Work::Routine { routine, context }, 0) {
        violation!("too many work items are queued");
    }
}
