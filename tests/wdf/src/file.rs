//! WDFFILEOBJECT: an open handle to a device.
//!
//! Source: `WDF_FILEOBJECT_CONFIG`, `WDF_FILEOBJECT_CLASS`, "Framework File Objects".

use crate::{
    call::{Call, getters},
    callback,
    device::Device,
    nt::{
        file::{ContextSlot, FileObject},
        member,
    },
    object::{Class, Kind, Ref, attributes::Attributes, create, handle},
    report::refuse,
};
use core::{
    mem::offset_of,
    ptr::null_mut,
    sync::atomic::{AtomicBool, Ordering},
};
use wdk_sys::{
    _WDF_FILEOBJECT_CLASS as FileObjectClass, FILE_OBJECT, NTSTATUS, PFILE_OBJECT,
    PFN_WDF_DEVICE_FILE_CREATE, PFN_WDF_FILE_CLEANUP, PFN_WDF_FILE_CLOSE, PUNICODE_STRING, ULONG,
    WDF_FILEOBJECT_CONFIG, WDFDEVICE, WDFFILEOBJECT,
};

/// The place in which the framework keeps the handle of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// None: the driver uses no file objects.
    None,
    FsContext,
    FsContext2,
    /// The framework's own table: other code uses both members.
    Inside,
}

/// The configuration of a device's files.
#[derive(Clone, Copy)]
pub(crate) struct FileConfig {
    keeping: Keeping,
    /// Whether requests without a known file are accepted.
    pub(crate) optional: bool,
    pub(crate) evt_create: PFN_WDF_DEVICE_FILE_CREATE,
    evt_cleanup: PFN_WDF_FILE_CLEANUP,
    evt_close: PFN_WDF_FILE_CLOSE,
    attributes: Attributes,
}

impl FileConfig {
    /// The configuration of a driver that sets none.
    pub(crate) const NOT_REQUIRED: Self = Self {
        keeping: Keeping::None,
        optional: true,
        evt_create: None,
        evt_cleanup: None,
        evt_close: None,
        attributes: Attributes::NONE,
    };

    /// Validates the driver's configuration. The function returns no status, so an error stops the
    /// driver.
    pub(crate) fn validate(
        call: &Call,
        config: &WDF_FILEOBJECT_CONFIG,
        attributes: Attributes,
    ) -> Self {
        call.require_size::<WDF_FILEOBJECT_CONFIG>(config.Size);
        let flag = FileObjectClass::WdfFileObjectCanBeOptional;
        let keeping = match config.FileObjectClass & !flag {
            FileObjectClass::WdfFileObjectNotRequired => Keeping::None,
            FileObjectClass::WdfFileObjectWdfCanUseFsContext => Keeping::FsContext,
            FileObjectClass::WdfFileObjectWdfCanUseFsContext2 => Keeping::FsContext2,
            FileObjectClass::WdfFileObjectWdfCannotUseFsContexts => Keeping::Inside,
            class => refuse!(
                call,
                Parameter,
                [class.cast_unsigned() as usize, 0],
                "there is no file object class {class}"
            ),
        };
        Self {
            keeping,
            optional: keeping == Keeping::None || config.FileObjectClass & flag != 0,
            evt_create: config.EvtDeviceFileCreate,
            evt_cleanup: config.EvtFileCleanup,
            evt_close: config.EvtFileClose,
            attributes,
        }
    }
}

/// An open handle.
pub(crate) struct File {
    device: Ref<Device>,
    object: FileObject,
    /// Whether the last handle is closed.
    cleaned_up: AtomicBool,
}

impl Class for File {
    const KIND: Kind = Kind::File;

    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }

    fn dispose(this: Ref<Self>) {
        if let Some(slot) = slot_of(this.device.files.keeping) {
            this.object.set_context(slot, null_mut());
        }
    }
}

const fn slot_of(keeping: Keeping) -> Option<ContextSlot> {
    match keeping {
        Keeping::FsContext => Some(ContextSlot::FsContext),
        Keeping::FsContext2 => Some(ContextSlot::FsContext2),
        Keeping::None | Keeping::Inside => None,
    }
}

/// Makes the framework's object for a file that is being opened; `None` if the driver uses none.
///
/// `STATUS_INSUFFICIENT_RESOURCES`; `STATUS_DELETE_PENDING`.
pub(crate) fn open(device: Ref<Device>, object: FileObject) -> Result<Option<Ref<File>>, NTSTATUS> {
    if device.files.keeping == Keeping::None {
        return Ok(None);
    }
    let file = create(
        device.client(),
        &device.files.attributes,
        Some(device.any()),
        File {
            device,
            object,
            cleaned_up: AtomicBool::new(false),
        },
    )?;
    if let Some(slot) = slot_of(device.files.keeping) {
        object.set_context(slot, file.handle());
    }
    Ok(Some(file))
}

/// Returns the framework's object for an open file; `None` if the driver uses none, or the create
/// was refused.
pub(crate) fn find(device: Ref<Device>, object: FileObject) -> Option<Ref<File>> {
    let is_it = |file: &Ref<File>| file.device == device && file.object == object;
    match device.files.keeping {
        Keeping::None => None,
        Keeping::Inside => {
            let mut found = None;
            handle::for_each(|any| {
                if let Some(file) = any.downcast::<File>().filter(is_it) {
                    found = Some(file);
                }
            });
            found
        }
        keeping @ (Keeping::FsContext | Keeping::FsContext2) => {
            handle::find(object.context(slot_of(keeping)?)).filter(is_it)
        }
    }
}

/// Cleans a file up after its last handle is closed. It may have requests in progress.
pub(crate) fn clean_up(file: Ref<File>) {
    if file.cleaned_up.swap(true, Ordering::AcqRel) {
        return;
    }
    let evt_cleanup = file.device.files.evt_cleanup;
    callback::call!(evt_cleanup, "EvtFileCleanup", file.handle().cast());
}

/// Closes a file without requests. Some hosts send no clean-up before this.
pub(crate) fn close(file: Ref<File>) {
    clean_up(file);
    let evt_close = file.device.files.evt_close;
    callback::call!(evt_close, "EvtFileClose", file.handle().cast());
    file.any().delete();
}

getters! {
    /// `WdfFileObjectGetFileName`.
    get_file_name(Call::object::<File>: WDFFILEOBJECT => file) -> PUNICODE_STRING
        = member(file.object.as_ptr(), offset_of!(FILE_OBJECT, FileName));
    /// `WdfFileObjectGetFlags`.
    get_flags(Call::object::<File>: WDFFILEOBJECT => file) -> ULONG = file.object.flags();
    /// `WdfFileObjectGetDevice`.
    get_device(Call::object::<File>: WDFFILEOBJECT => file) -> WDFDEVICE
        = file.device.handle().cast();
    /// `WdfFileObjectWdmGetFileObject`.
    wdm_get_file_object(Call::object::<File>: WDFFILEOBJECT => file) -> PFILE_OBJECT
        = file.object.as_ptr();
}
