//! Objects that drivers hold references to.
//!
//! Source: "Life Cycle of an Object", Windows driver documentation. An object lives while it has
//! references. The module of its kind frees it after the last one.

pub(crate) mod device;
pub(crate) mod directory;
pub(crate) mod disk;
pub(crate) mod file;
pub(crate) mod handle;
pub(crate) mod locked;
pub(crate) mod process;
pub(crate) mod registry;
pub(crate) mod security;
pub(crate) mod shutdown;

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::bugcheck::{rule_broken, violation};
use crate::global::Global;
use crate::threads;

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Device,
    DiskFile,
    Driver,
    File,
    Key,
    Process,
    Thread,
}

struct Object {
    kind: Kind,
    references: u64,
    /// References that drivers have taken with `ObReferenceObject` and not released.
    held_by_drivers: u64,
}

/// The objects, by the address that drivers have.
static OBJECTS: Global<BTreeMap<u64, Object>> = Global::new(BTreeMap::new());

/// Adds an object with one reference, its creator's.
pub(crate) fn create(address: u64, kind: Kind) {
    OBJECTS.with(|objects| {
        let object = Object {
            kind,
            references: 1,
            held_by_drivers: 0,
        };
        assert!(objects.insert(address, object).is_none());
    });
}

pub(crate) fn kind_of(address: u64) -> Option<Kind> {
    OBJECTS.with(|objects| objects.get(&address).map(|object| object.kind))
}

/// Returns the number of live objects of a kind.
pub(crate) fn count_of(kind: Kind) -> u64 {
    OBJECTS.with(|objects| {
        let of_kind = objects.values().filter(|object| object.kind == kind);
        of_kind.count() as u64
    })
}

fn change(address: u64, by: i64, drivers: i64) -> Option<u64> {
    OBJECTS.with(|objects| {
        let object = objects.get_mut(&address)?;
        object.references = object.references.checked_add_signed(by)?;
        object.held_by_drivers = object.held_by_drivers.checked_add_signed(drivers)?;
        Some(object.references)
    })
}

/// Adds a reference of the lab.
pub(crate) fn reference(address: u64) {
    assert!(change(address, 1, 0).is_some(), "no object at {address:#x}");
}

/// Releases a reference of the lab.
pub(crate) fn dereference(address: u64) {
    match change(address, -1, 0) {
        Some(0) => delete(address),
        Some(_) => {}
        None => panic!("no object at {address:#x}"),
    }
}

/// Adds a reference of a driver and returns the number of references.
pub(crate) fn reference_by_driver(address: u64) -> u64 {
    change(address, 1, 1).unwrap_or_else(|| {
        rule_broken!(
            ObjectReference,
            "a driver referenced {address:#x}, where no object is"
        )
    })
}

/// Releases a reference of a driver and returns the number of references.
pub(crate) fn dereference_by_driver(address: u64) -> u64 {
    let left = change(address, -1, -1).unwrap_or_else(|| {
        violation!("a driver released a reference to {address:#x} that it does not have")
    });
    if left == 0 {
        delete(address);
    }
    left
}

fn delete(address: u64) {
    let kind = OBJECTS.with(|objects| objects.remove(&address).map(|object| object.kind));
    match kind {
        Some(Kind::Device) => device::free(address),
        Some(Kind::DiskFile) => disk::close(address),
        Some(Kind::File) => file::close(address),
        Some(Kind::Key) => registry::free(address),
        Some(Kind::Process) => process::free(address),
        Some(Kind::Thread) => threads::free_object(address),
        Some(Kind::Driver) | None => {}
    }
}

/// Returns a line for each object with references of drivers.
pub(crate) fn held() -> Vec<String> {
    OBJECTS.with(|objects| {
        objects
            .iter()
            .filter(|(_, object)| object.held_by_drivers > 0)
            .map(|(address, object)| {
                let (count, kind) = (object.held_by_drivers, object.kind);
                format!("object: {count} reference(s) to the {kind:?} at {address:#x}")
            })
            .collect()
    })
}
