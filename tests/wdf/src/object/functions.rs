//! `WdfObjectXxx`.

use super::{
    Class, Kind,
    attributes::{self, Allowed, Attributes},
    context::{self, Attached},
};
use crate::{
    call::Call,
    report::{refuse, violation},
};
use core::ptr::NonNull;
use wdk_sys::{
    LONG, NTSTATUS, PCCH, PCWDF_OBJECT_CONTEXT_TYPE_INFO, PVOID, PWDF_OBJECT_ATTRIBUTES,
    STATUS_DELETE_PENDING, STATUS_INSUFFICIENT_RESOURCES, STATUS_OBJECT_NAME_EXISTS,
    STATUS_OBJECT_NAME_INVALID, STATUS_SUCCESS, WDFOBJECT,
};

/// An object without state of its own: a parent, or the owner of a context.
struct General;

impl Class for General {
    const KIND: Kind = Kind::General;
}

/// `WdfObjectCreate`.
pub(crate) fn create_object(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    object: *mut WDFOBJECT,
) -> NTSTATUS {
    call.deliver(object, || {
        call.create(&call.attributes(attributes)?, General)
    })
}

/// `WdfObjectDelete`.
///
/// A bugcheck for an object that only the framework deletes, or that is being deleted.
pub(crate) fn delete(call: &Call, object: WDFOBJECT) {
    let object = call.any_object(object);
    let deleted = object.may_be_deleted() && object.delete();
    if !deleted {
        violation!(
            Delete,
            [object.handle().addr(), 0],
            "WdfObjectDelete: {} {:p} is the framework's to delete, or is being deleted",
            object.kind().name(),
            object.handle()
        );
    }
}

/// `WdfObjectReference` and `WdfObjectReferenceWithTag`.
pub(crate) fn reference(call: &Call, object: WDFOBJECT, _tag: PVOID, _line: LONG, _file: PCCH) {
    call.any_object(object).reference();
}

/// `WdfObjectDereference` and `WdfObjectDereferenceWithTag`.
pub(crate) fn dereference(call: &Call, object: WDFOBJECT, _tag: PVOID, _line: LONG, _file: PCCH) {
    call.any_object(object).release_for_driver(call);
}

/// `WdfObjectGetTypedContext`: null if the object has no context of the type.
pub(crate) fn get_typed_context(
    call: &Call,
    object: WDFOBJECT,
    type_info: PCWDF_OBJECT_CONTEXT_TYPE_INFO,
) -> PVOID {
    let object = call.any_object(object);
    let info = call.read(type_info);
    attributes::unique_type(call, &info)
        .and_then(|unique_type| context::find(object, unique_type))
        .unwrap_or(core::ptr::null_mut())
}

/// `WdfObjectAllocateContext`.
///
/// `STATUS_OBJECT_NAME_EXISTS` with the existing context if there is one of the type;
/// `STATUS_OBJECT_NAME_INVALID` without a type; `STATUS_DELETE_PENDING` for an object that is being
/// deleted; `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn allocate_context(
    call: &Call,
    object: WDFOBJECT,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    context: *mut PVOID,
) -> NTSTATUS {
    let object = call.any_object(object);
    call.require(attributes);
    let attributes = match Attributes::read(call, attributes, Allowed::NOTHING) {
        Ok(attributes) => attributes,
        Err(status) => return status,
    };
    if attributes.context.is_none() {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if object.is_being_deleted() {
        return STATUS_DELETE_PENDING;
    }
    let (data, status) = match context::attach(object, &attributes) {
        Some(Attached::Added(data)) => (data, STATUS_SUCCESS),
        Some(Attached::Existing(data)) => (data, STATUS_OBJECT_NAME_EXISTS),
        None => return STATUS_INSUFFICIENT_RESOURCES,
    };
    call.write_optional(context, data);
    status
}

/// `WdfObjectContextGetObject`.
pub(crate) fn context_get_object(call: &Call, data: PVOID) -> WDFOBJECT {
    call.require(data);
    // SAFETY: the driver passes a pointer to a context space, which follows a header.
    let owner = NonNull::new(data).and_then(|data| unsafe { context::owner(data) });
    let Some(object) = owner else {
        refuse!(
            call,
            Handle,
            [data.addr(), 0],
            "{data:p} is not a context space"
        )
    };
    object.handle()
}
