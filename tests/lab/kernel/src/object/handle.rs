//! Handles: the kernel's own, and those of each process.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use super::kind_of;
use crate::global::Global;

/// A handle table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Handles made with `OBJ_KERNEL_HANDLE`, or in the system process.
    Kernel,
    /// The handles of the process with a number.
    Process(u64),
}

/// The object and access of a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    pub(crate) object: u64,
    /// The granted access.
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

/// The top bits of kernel handles, which no handle of a process has.
const KERNEL_BIT: u64 = 0xFFFF_FFFF_8000_0000;

/// Makes a handle to an object. The handle takes over a reference of the caller.
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

/// As [`find`], with a reference to the object, which the caller releases: another processor may
/// close the handle meanwhile.
pub(crate) fn find_referenced(table: Table, value: u64) -> Option<Handle> {
    STATE.with(|handles| {
        let handle = handles.open.get(&(table, value)).copied()?;
        super::reference(handle.object);
        Some(handle)
    })
}

/// Removes a handle from its table. The caller takes over its reference.
pub(crate) fn remove(table: Table, value: u64) -> Option<Handle> {
    STATE.with(|handles| handles.open.remove(&(table, value)))
}

/// Returns the handles of one table.
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

/// Returns the number of handles to an object, of all tables.
pub(crate) fn count_of(object: u64) -> usize {
    STATE.with(|handles| {
        handles
            .open
            .values()
            .filter(|handle| handle.object == object)
            .count()
    })
}

/// Returns the number of open handles, of all tables.
pub(crate) fn count() -> u64 {
    STATE.with(|handles| handles.open.len() as u64)
}

/// Returns a line for each kernel handle.
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
