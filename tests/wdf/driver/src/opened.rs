//! A target that the driver opens: its own device, or the one below.

use crate::{
    behaviour, check,
    codes::{LEVEL, TARGET_CALLBACKS},
    entry::{INTERFACE, attributes},
    note,
    requests::{keep, load, make},
    sized,
    text::with_text,
    wdf,
};
use core::{ffi::c_void, ptr::null_mut, sync::atomic::AtomicPtr};
use wdk_sys::{
    _WDF_IO_TARGET_OPEN_TYPE as OpenType, FILE_OPEN, GENERIC_READ, GENERIC_WRITE, NTSTATUS,
    PCUNICODE_STRING, STATUS_SUCCESS, UNICODE_STRING, WDF_IO_TARGET_OPEN_PARAMS, WDFDEVICE,
    WDFIOTARGET, WDFSTRING,
};

static TARGET: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Returns the target, once it has been opened.
pub fn target() -> WDFIOTARGET {
    load(&TARGET).cast()
}

fn new_target(device: WDFDEVICE) -> Result<WDFIOTARGET, NTSTATUS> {
    make(|target| wdf!(WdfIoTargetCreate, device, null_mut(), target))
}

/// Opens the target by the name of the device's interface.
pub fn open(device: WDFDEVICE) -> Result<(), NTSTATUS> {
    let mut attributes = attributes();
    attributes.ParentObject = device.cast();
    let attributes = &raw mut attributes;
    let name: WDFSTRING = make(|name| wdf!(WdfStringCreate, null_mut(), attributes, name))?;
    check(wdf!(
        WdfDeviceRetrieveDeviceInterfaceString,
        device,
        &raw const INTERFACE,
        null_mut(),
        name
    ))?;
    let target = match target() {
        target if target.is_null() => new_target(device)?,
        target => target,
    };
    keep(&TARGET, target);
    let mut text = UNICODE_STRING::default();
    wdf!(WdfStringGetUnicodeString, name, &raw mut text);
    let opened = open_named(target, &raw const text);
    wdf!(WdfObjectDelete, name.cast());
    opened
}

fn open_named(target: WDFIOTARGET, name: PCUNICODE_STRING) -> Result<(), NTSTATUS> {
    let has_callbacks = behaviour::has(TARGET_CALLBACKS);
    let mut parameters = sized!(WDF_IO_TARGET_OPEN_PARAMS {
        Type: OpenType::WdfIoTargetOpenByName,
        // SAFETY: the caller's string.
        TargetDeviceName: unsafe { name.read() },
        DesiredAccess: GENERIC_READ | GENERIC_WRITE,
        CreateDisposition: FILE_OPEN,
        EvtIoTargetQueryRemove: has_callbacks.then_some(query_remove),
        EvtIoTargetRemoveCanceled: has_callbacks.then_some(remove_canceled),
        EvtIoTargetRemoveComplete: has_callbacks.then_some(remove_complete),
    });
    check(wdf!(WdfIoTargetOpen, target, &raw mut parameters))
}

pub fn reopen(target: WDFIOTARGET) -> Result<(), NTSTATUS> {
    let mut parameters = sized!(WDF_IO_TARGET_OPEN_PARAMS {
        Type: OpenType::WdfIoTargetOpenReopen,
    });
    check(wdf!(WdfIoTargetOpen, target, &raw mut parameters))
}

unsafe extern "C" fn query_remove(target: WDFIOTARGET) -> NTSTATUS {
    note(c"EvtIoTargetQueryRemove");
    wdf!(WdfIoTargetCloseForQueryRemove, target);
    STATUS_SUCCESS
}

unsafe extern "C" fn remove_canceled(target: WDFIOTARGET) {
    note(c"EvtIoTargetRemoveCanceled");
    let _ = reopen(target);
}

unsafe extern "C" fn remove_complete(target: WDFIOTARGET) {
    note(c"EvtIoTargetRemoveComplete");
    wdf!(WdfIoTargetClose, target);
}

/// Opens a target by an empty name.
pub fn empty_name(device: WDFDEVICE) -> Result<(), NTSTATUS> {
    let target = new_target(device)?;
    let opened = with_text(b"", |name| open_named(target, name));
    wdf!(WdfObjectDelete, target.cast());
    opened
}

/// Opens the device below as a device that exists, and sends a request there.
pub fn existing_device(device: WDFDEVICE) -> Result<(), NTSTATUS> {
    let below = new_target(device)?;
    let mut parameters = sized!(WDF_IO_TARGET_OPEN_PARAMS {
        Type: OpenType::WdfIoTargetOpenUseExistingDevice,
        TargetDeviceObject: wdf!(WdfDeviceWdmGetAttachedDevice, device),
    });
    let opened = check(wdf!(WdfIoTargetOpen, below, &raw mut parameters));
    let sent = opened.and_then(|()| {
        check(wdf!(
            WdfIoTargetSendIoctlSynchronously,
            below,
            null_mut(),
            LEVEL,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut()
        ))
    });
    wdf!(WdfObjectDelete, below.cast());
    sent
}
