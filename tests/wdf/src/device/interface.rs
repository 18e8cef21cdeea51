//! Device interfaces: how programs find a device.
//!
//! Source: "Using Device Interfaces", `WdfDeviceCreateDeviceInterface`.

use super::Device;
use crate::{
    call::Call,
    nt::{
        interface::{self, Registered},
        text::Text,
    },
    object::{Class, Kind, Ref, attributes::Attributes, create, handle},
    report::report,
    string::StringObject,
};
use core::cell::Cell;
use wdk_sys::{
    BOOLEAN, GUID, LPGUID, NTSTATUS, PCUNICODE_STRING, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS, WDFDEVICE, WDFSTRING,
};

/// An interface. It is a child of its device.
pub(crate) struct Interface {
    device: Ref<Device>,
    class: GUID,
    reference: Text,
    registered: Registered,
    /// Whether the framework enables it when the device starts.
    automatic: Cell<bool>,
    enabled: Cell<bool>,
}

impl Class for Interface {
    const KIND: Kind = Kind::Interface;

    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }
}

impl Interface {
    fn set_enabled(&self, enable: bool) {
        if self.enabled.get() == enable {
            return;
        }
        match self.registered.set_enabled(enable) {
            Ok(()) => self.enabled.set(enable),
            Err(status) => report!("IoSetDeviceInterfaceState: {status:#010x}"),
        }
    }

    fn is(&self, device: Ref<Device>, class: &GUID, reference: &[u16]) -> bool {
        self.device == device
            && is_same_class(&self.class, class)
            && self.reference.as_slice() == reference
    }
}

const fn is_same_class(one: &GUID, other: &GUID) -> bool {
    one.Data1 == other.Data1
        && one.Data2 == other.Data2
        && one.Data3 == other.Data3
        && u64::from_le_bytes(one.Data4) == u64::from_le_bytes(other.Data4)
}

/// Calls a function with every interface of a device.
fn for_each(device: Ref<Device>, mut function: impl FnMut(Ref<Interface>)) {
    handle::for_each(|any| {
        if let Some(interface) = any
            .downcast::<Interface>()
            .filter(|interface| interface.device == device)
        {
            function(interface);
        }
    });
}

/// Enables the interfaces that the driver does not control itself, or disables all.
pub(super) fn set_all_enabled(device: Ref<Device>, enable: bool) {
    for_each(device, |interface| {
        if !enable || interface.automatic.get() {
            interface.set_enabled(enable);
        }
    });
}

fn find(device: Ref<Device>, class: &GUID, reference: &[u16]) -> Option<Ref<Interface>> {
    let mut found = None;
    for_each(device, |interface| {
        if interface.is(device, class, reference) {
            found = Some(interface);
        }
    });
    found
}

/// Returns the characters of an optional reference string.
fn reference_of(call: &Call, reference: PCUNICODE_STRING) -> Result<&[u16], NTSTATUS> {
    if reference.is_null() {
        Ok(&[])
    } else {
        call.text(reference)
    }
}

/// `WdfDeviceCreateDeviceInterface`. It is enabled while the device is started.
///
/// `STATUS_INVALID_DEVICE_REQUEST` for a control device; `STATUS_INSUFFICIENT_RESOURCES`; what
/// `IoRegisterDeviceInterface` returns.
pub(crate) fn create_interface(
    call: &Call,
    device: WDFDEVICE,
    class: *const GUID,
    reference: PCUNICODE_STRING,
) -> NTSTATUS {
    call.require_passive();
    let device = call.object::<Device>(device);
    let class = call.read(class);
    let made = reference_of(call, reference).and_then(|reference| make(device, class, reference));
    call.report(made)
}

fn make(device: Ref<Device>, class: GUID, reference: &[u16]) -> Result<(), NTSTATUS> {
    let pnp = device.pnp.as_ref().ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    let reference = Text::new(reference)?;
    let registered = interface::register(pnp.physical, &class, reference.descriptor())?;
    let interface = create(
        device.client(),
        &Attributes::NONE,
        Some(device.any()),
        Interface {
            device,
            class,
            reference,
            registered,
            automatic: Cell::new(true),
            enabled: Cell::new(false),
        },
    )?;
    if pnp.is_started() {
        interface.set_enabled(true);
    }
    Ok(())
}

/// `WdfDeviceSetDeviceInterfaceState`. Before the start, it says whether the start enables the
/// interface. An interface that the driver did not create is reported.
pub(crate) fn set_state(
    call: &Call,
    device: WDFDEVICE,
    class: *const GUID,
    reference: PCUNICODE_STRING,
    enable: BOOLEAN,
) {
    call.require_passive();
    let device = call.object::<Device>(device);
    let class = call.read(class);
    let found = reference_of(call, reference)
        .ok()
        .and_then(|reference| find(device, &class, reference));
    let Some(interface) = found else {
        report!("{}: the device has no such interface", call.name());
        return;
    };
    interface.automatic.set(enable != 0);
    if device.pnp.as_ref().is_some_and(super::Pnp::is_started) {
        interface.set_enabled(enable != 0);
    }
}

/// `WdfDeviceRetrieveDeviceInterfaceString`.
///
/// `STATUS_OBJECT_NAME_NOT_FOUND` for an interface that the driver did not create;
/// `STATUS_INVALID_PARAMETER` for a malformed reference string; `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn retrieve_string(
    call: &Call,
    device: WDFDEVICE,
    class: *const GUID,
    reference: PCUNICODE_STRING,
    string: WDFSTRING,
) -> NTSTATUS {
    call.require_passive();
    let device = call.object::<Device>(device);
    let string = call.object::<StringObject>(string);
    let class = call.read(class);
    let Ok(reference) = reference_of(call, reference) else {
        return STATUS_INVALID_PARAMETER;
    };
    let Some(interface) = find(device, &class, reference) else {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    };
    match interface.registered.link() {
        Ok(link) => {
            string.set(link);
            STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

// The second argument of the kernel's routine is a pointer to this.
const _: fn(LPGUID) -> *mut GUID = |guid| guid.cast();
