//! Work items.
//!
//! Source: "System Worker Threads" and `IoQueueWorkItem` (wdm.h), Windows driver documentation. The lab
//! gives each queued item a thread of its own.

use alloc::collections::BTreeMap;
use alloc::{format, string::String, vec::Vec};

use crate::bugcheck::violation;
use crate::global::Global;
use crate::threads::Work;
use crate::{call, images, object, pool, threads};

/// Bytes of `IO_WORKITEM`, which is opaque to drivers.
pub(crate) const SIZE: u64 = 0x58;

#[derive(Clone, Copy)]
struct Item {
    /// The device or driver object that it keeps while it is queued.
    object: u64,
    routine: u64,
    context: u64,
    /// Whether the routine is an `IO_WORKITEM_ROUTINE_EX`, which gets the item, too.
    is_extended: bool,
    is_queued: bool,
    /// Whether `IoAllocateWorkItem` allocated its memory.
    is_allocated: bool,
}

static ITEMS: Global<BTreeMap<u64, Item>> = Global::new(BTreeMap::new());

/// Makes an item in memory of the caller.
pub(crate) fn initialize(object: u64, item: u64) {
    add(object, item, false);
}

/// Allocates an item.
pub(crate) fn allocate(object: u64) -> u64 {
    let item = pool::allocate_for_lab(SIZE, *b"IoWi");
    add(object, item, true);
    item
}

fn add(object: u64, item: u64, is_allocated: bool) {
    if object::kind_of(object).is_none() {
        violation!("a work item was made for {object:#x}, where no device and no driver is");
    }
    let made = Item {
        object,
        routine: 0,
        context: 0,
        is_extended: false,
        is_queued: false,
        is_allocated,
    };
    if ITEMS.with(|items| items.insert(item, made)).is_some() {
        violation!("the work item at {item:#x} was initialised twice");
    }
}

/// Removes an item, and frees the memory of one that was allocated.
pub(crate) fn remove(item: u64, function: &str) {
    match ITEMS.with(|items| items.remove(&item)) {
        None => violation!("{function} was given {item:#x}, which is no work item"),
        Some(Item {
            is_queued: true, ..
        }) => violation!("{function} was given the work item at {item:#x}, which is queued"),
        Some(found) if found.is_allocated => pool::free(item, None),
        Some(_) => {}
    }
}

/// Queues an item. A mistake ends the run.
pub(crate) fn queue(item: u64, routine: u64, context: u64, is_extended: bool) {
    let queued = ITEMS.with(|items| {
        let found = items.get_mut(&item)?;
        let before = *found;
        *found = Item {
            routine,
            context,
            is_extended,
            is_queued: true,
            ..before
        };
        Some(before)
    });
    match queued {
        None => violation!("IoQueueWorkItem was given {item:#x}, which is no work item"),
        Some(before) if before.is_queued => {
            violation!("the work item at {item:#x} was queued twice");
        }
        Some(before) => object::reference(before.object),
    }
    if !threads::add(Work::Item(item), 0) {
        violation!("too many work items are queued");
    }
}

/// Returns the routine of a queued item.
pub(crate) fn routine_of(item: u64) -> u64 {
    ITEMS.with(|items| items.get(&item).map_or(0, |item| item.routine))
}

/// Carries out a queued item. From here on it may be queued again, or freed.
pub(crate) fn carry_out(item: u64) {
    let found = ITEMS.with(|items| {
        let found = items.get_mut(&item)?;
        found.is_queued = false;
        Some(*found)
    });
    let Some(found) = found else {
        violation!("the work item at {item:#x} was overwritten");
    };
    let arguments = if found.is_extended {
        [found.object, found.context, item, 0]
    } else {
        [found.object, found.context, 0, 0]
    };
    call::driver("a work item", found.routine, arguments);
    object::dereference(found.object);
}

/// Forgets all items, and returns a line for each.
pub(crate) fn left() -> Vec<String> {
    let line = |(address, item): (u64, Item)| {
        let state = if item.is_queued {
            format!("is queued, for {}", images::Location(item.routine))
        } else {
            String::from("was not freed")
        };
        format!("work item: the one at {address:#x} {state}")
    };
    ITEMS.with(core::mem::take).into_iter().map(line).collect()
}
