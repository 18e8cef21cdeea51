//! Handles: the kernel's own, and those of each process.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::kind_of;
use crate::global::Global;

/// Whose handle table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Handles made with `OBJ_KERNEL_HANDLE`, or in the system process.
    Kernel,
    /// Those of the process of this number.
    Process(u64),
}

/// What a handle stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    pub(crate) object: u64,
    /// The access that was granted when it was made.
    pub(crate) access: u32,
}

struct Handles {
    open: BTreeMap<(Table, u64), Handle>,
    next: u64,
}

static STATE: Global<Handles> = Global::new(Handles {
    open: BTreeMap::new(),
    next: 0,
});

/// Kernel handles have the upper half's top bits, so that no process can name one.
const KERNEL_BIT: u64 = 0xFFFF_FFFF_8000_0000;

/// A handle to an object, to which the caller has taken a reference for it.
pub(crate) fn open(table: Table, object: u64, access: u32) -> u64 {
    STATE.with(|handles| {
        handles.next += 4;
        let value = match table {
            Table::Kernel => handles.next | KERNEL_BIT,
            Table::Process(_) => handles.next,
        };
        handles
            .open
            .insert((table, value), Handle { object, access });
        value
    })
}

pub(crate) fn find(table: Table, value: u64) -> Option<Handle> {
    STATE.with(|handles| handles.open.get(&(table, value)).copied())
}

/// The same, with a reference to the object that is the caller's to give back: for as long as it
/// uses the object, another processor may close the handle.
pub(crate) fn find_referenced(table: Table, value: u64) -> Option<Handle> {
    STATE.with(|handles| {
        let handle = handles.open.get(&(table, value)).copied()?;
        super::reference(handle.object);
        Some(handle)
    })
}

/// Takes a handle out of its table; the reference is the caller's now.
pub(crate) fn remove(table: Table, value: u64) -> Option<Handle> {
    STATE.with(|handles| handles.open.remove(&(table, value)))
}

/// The handles of one table.
pub(crate) fn of_table(table: Table) -> Vec<u64> {
    STATE.with(|handles| {
        handles
            .open
            .keys()
            .filter(|(owner, _)| *owner == table)
            .map(|&(_, value)| value)
            .collect()
    })
}

/// Handles, of all tables, to an object.
pub(crate) fn count_of(object: u64) -> usize {
    STATE.with(|handles| {
        handles
            .open
            .values()
            .filter(|handle| handle.object == object)
            .count()
    })
}

/// Handles open, of all tables.
pub(crate) fn count() -> u64 {
    STATE.with(|handles| handles.open.len() as u64)
}

/// The kernel handles that exist: a line each.
pub(crate) fn left() -> Vec<String> {
    STATE.with(|handles| {
        handles
            .open
            .iter()
            .filter(|((table, _), _)| *table == Table::Kernel)
            .map(|((_, value), handle)| {
                let kind = kind_of(handle.object);
                format!("handle: {value:#x} to the {kind:?} at {:#x}", handle.object)
            })
            .collect()
    })
}
