//! WDFCOLLECTION: a list of objects, each with a reference of the collection.
//!
//! Source: "Framework Object Collections".

use crate::{
    call::{Call, getters},
    nt::{lock::SpinLock, pool::Allocation},
    object::{Any, Class, Kind, Ref},
    report::refuse,
};
use core::ptr::null_mut;
use wdk_sys::{
    NTSTATUS, PWDF_OBJECT_ATTRIBUTES, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS, ULONG,
    WDFCOLLECTION, WDFOBJECT,
};

/// An entry, and those after it.
struct Entry {
    object: Any,
    next: List,
}

type List = Option<Allocation<Entry>>;

/// A collection.
pub(crate) struct Collection(SpinLock<List>);

impl Class for Collection {
    const KIND: Kind = Kind::Collection;

    fn dispose(this: Ref<Self>) {
        while let Some(object) = this.take(|_, _| true) {
            object.release();
        }
    }
}

impl Collection {
    /// Takes the first entry out that a function chooses by its index and object.
    fn take(&self, chosen: impl Fn(ULONG, Any) -> bool) -> Option<Any> {
        let mut list = self.0.lock();
        let mut place: &mut List = &mut list;
        let mut index = 0;
        while place
            .as_ref()
            .is_some_and(|entry| !chosen(index, entry.object))
        {
            place = &mut place.as_mut()?.next;
            index += 1;
        }
        let mut entry = place.take()?;
        *place = entry.next.take();
        Some(entry.object)
    }

    /// Calls a function with each object.
    fn for_each(&self, mut function: impl FnMut(Any)) {
        let list = self.0.lock();
        let mut place = list.as_ref();
        while let Some(entry) = place {
            function(entry.object);
            place = entry.next.as_ref();
        }
    }

    fn count(&self) -> ULONG {
        let mut count = 0;
        self.for_each(|_| count += 1);
        count
    }

    /// Returns the handle of an entry; null if there is none.
    fn item(&self, index: ULONG) -> WDFOBJECT {
        let (mut current, mut found) = (0, null_mut());
        self.for_each(|object| {
            if current == index {
                found = object.handle();
            }
            current += 1;
        });
        found
    }
}

/// `WdfCollectionCreate`.
pub(crate) fn create(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    collection: *mut WDFCOLLECTION,
) -> NTSTATUS {
    call.deliver(collection, || {
        let attributes = call.attributes(attributes)?;
        call.create(&attributes, Collection(SpinLock::new(None)))
    })
}

/// `WdfCollectionAdd`: at the end.
///
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn add(call: &Call, collection: WDFCOLLECTION, object: WDFOBJECT) -> NTSTATUS {
    let collection = call.object::<Collection>(collection);
    let object = call.any_object(object);
    let Some(entry) = Allocation::new(Entry { object, next: None }) else {
        return STATUS_INSUFFICIENT_RESOURCES;
    };
    object.reference();
    let mut list = collection.0.lock();
    let mut place: &mut List = &mut list;
    while let Some(entry) = place {
        place = &mut entry.next;
    }
    *place = Some(entry);
    STATUS_SUCCESS
}

/// `WdfCollectionRemove`: the first entry of an object, which must be in the collection.
pub(crate) fn remove(call: &Call, collection: WDFCOLLECTION, object: WDFOBJECT) {
    let collection = call.object::<Collection>(collection);
    let object = call.any_object(object);
    match collection.take(|_, other| other == object) {
        Some(object) => object.release(),
        None => refuse!(call, Parameter, "the object is not in the collection"),
    }
}

/// `WdfCollectionRemoveItem`: an entry that the collection must have.
pub(crate) fn remove_item(call: &Call, collection: WDFCOLLECTION, index: ULONG) {
    let collection = call.object::<Collection>(collection);
    match collection.take(|other, _| other == index) {
        Some(object) => object.release(),
        None => refuse!(call, Parameter, "the collection has no entry {index}"),
    }
}

/// `WdfCollectionGetItem`: null beyond the last one.
pub(crate) fn get_item(call: &Call, collection: WDFCOLLECTION, index: ULONG) -> WDFOBJECT {
    call.object::<Collection>(collection).item(index)
}

getters! {
    /// `WdfCollectionGetCount`.
    get_count(Call::object::<Collection>: WDFCOLLECTION => collection) -> ULONG
        = collection.count();
    /// `WdfCollectionGetFirstItem`: null if there is none.
    get_first_item(Call::object::<Collection>: WDFCOLLECTION => collection) -> WDFOBJECT
        = collection.item(0);
    /// `WdfCollectionGetLastItem`: null if there is none.
    get_last_item(Call::object::<Collection>: WDFCOLLECTION => collection) -> WDFOBJECT
        = collection.item(collection.count().wrapping_sub(1));
}
