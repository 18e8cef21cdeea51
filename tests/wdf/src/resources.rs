//! WDFCMRESLIST: the hardware resources of a device. A root-enumerated device has none.
//!
//! Source: "Handling Hardware Resources".

use crate::{
    call::{Call, getters},
    object::{Class, Kind, Ref},
};
use wdk_sys::{PCM_PARTIAL_RESOURCE_DESCRIPTOR, ULONG, WDFCMRESLIST};

/// An empty list of resources.
pub(crate) struct ResourceList;

impl Class for ResourceList {
    const KIND: Kind = Kind::ResourceList;

    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }
}

getters! {
    /// `WdfCmResourceListGetCount`.
    get_count(Call::object::<ResourceList>: WDFCMRESLIST => _) -> ULONG = 0;
}

/// `WdfCmResourceListGetDescriptor`: null beyond the last one.
pub(crate) fn get_descriptor(
    call: &Call,
    list: WDFCMRESLIST,
    _index: ULONG,
) -> PCM_PARTIAL_RESOURCE_DESCRIPTOR {
    call.object::<ResourceList>(list);
    core::ptr::null_mut()
}
