//! The object manager's functions.

use crate::bugcheck::{rule_broken, violation};
use crate::io::KERNEL_MODE;
use crate::irql::{DISPATCH_LEVEL, PASSIVE_LEVEL, require_at_most};
use crate::object::handle::{self, Table};
use crate::object::{self, Kind, process};
use crate::raw;
use nt_status::NtStatus;

/// An object type is opaque: an address identifies it. `IoFileObjectType` and the like are
/// variables that hold such addresses.
pub(super) static FILE_TYPE: u64 = 1;
pub(super) static DEVICE_TYPE: u64 = 2;
pub(super) static PROCESS_TYPE: u64 = 3;
pub(super) static THREAD_TYPE: u64 = 4;

const fn kind_of_type(kind: u64) -> Option<Kind> {
    match kind {
        1 => Some(Kind::File),
        2 => Some(Kind::Device),
        3 => Some(Kind::Process),
        4 => Some(Kind::Thread),
        _ => None,
    }
}

/// `OBJ_KERNEL_HANDLE`.
pub(super) const KERNEL_HANDLE: u32 = 0x200;

/// `ObReferenceObject` macro (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn ObfReferenceObject(object: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "ObReferenceObject");
    object::reference_by_driver(object)
}

/// `ObDereferenceObject` macro (wdm.h). IRQL <= `DISPATCH_LEVEL`.
pub(super) extern "win64" fn ObfDereferenceObject(object: u64) -> u64 {
    require_at_most(DISPATCH_LEVEL, "ObDereferenceObject");
    object::dereference_by_driver(object)
}

/// Returns the table of a handle with these attributes. Without `OBJ_KERNEL_HANDLE`, a driver that
/// runs in a process's context gives that process a handle to a kernel object. Driver Verifier
/// reports this, and so does the lab.
pub(super) fn table_for(attributes: u32, function: &str) -> Table {
    if attributes & KERNEL_HANDLE == 0 && process::current_id() != process::SYSTEM_ID {
        rule_broken!(
            KernelHandle,
            "{function} would give a user process a kernel object (no OBJ_KERNEL_HANDLE)"
        );
    }
    Table::Kernel
}

/// `ObOpenObjectByPointer` function (ntifs.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ObOpenObjectByPointer(
    object: u64,
    attributes: u32,
    _access_state: u64,
    access: u32,
    kind: u64,
    _mode: u8,
    result: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ObOpenObjectByPointer");
    let Some(actual) = object::kind_of(object) else {
        violation!("ObOpenObjectByPointer was given {object:#x}, where no object is");
    };
    if kind != 0 && kind_of_type(kind) != Some(actual) {
        return NtStatus::OBJECT_TYPE_MISMATCH;
    }
    object::reference(object);
    let table = table_for(attributes, "ObOpenObjectByPointer");
    raw::write(result, handle::open(table, object, access));
    NtStatus::SUCCESS
}

/// `ObReferenceObjectByHandle` function (wdm.h). IRQL = `PASSIVE_LEVEL`.
pub(super) extern "win64" fn ObReferenceObjectByHandle(
    value: u64,
    access: u32,
    kind: u64,
    mode: u8,
    result: u64,
    _information: u64,
) -> NtStatus {
    require_at_most(PASSIVE_LEVEL, "ObReferenceObjectByHandle");
    if value == 0 {
        rule_broken!(NullHandle, "ObReferenceObjectByHandle was given no handle");
    }
    let table = process::handle_table();
    let found = if mode == KERNEL_MODE {
        if table != Table::Kernel && handle::find(table, value).is_some() {
            rule_broken!(
                UserHandle,
                "the user's handle {value:#x} was referenced in kernel mode"
            );
        }
        handle::find(Table::Kernel, value)
    } else {
        handle::find(table, value)
    };
    let Some(found) = found else {
        return NtStatus::INVALID_HANDLE;
    };
    if kind != 0 && kind_of_type(kind) != object::kind_of(found.object) {
        return NtStatus::OBJECT_TYPE_MISMATCH;
    }
    if mode != KERNEL_MODE && found.access & access != access {
        return NtStatus::ACCESS_DENIED;
    }
    object::reference_by_driver(found.object);
    raw::write(result, found.object);
    NtStatus::SUCCESS
}
