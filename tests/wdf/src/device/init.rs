//! `WDFDEVICE_INIT`: the settings of a device before `WdfDeviceCreate`.

use crate::{
    call::Call,
    client::ClientRef,
    device::Device,
    driver::Driver,
    file::FileConfig,
    nt::{
        device::{DeviceObject, Properties},
        text::Text,
    },
    object::{
        Class, Kind, Ref,
        attributes::{Allowed, Attributes},
        create,
    },
    report::{refuse, report},
};
use core::cell::{Cell, RefCell};
use wdk_sys::{
    _WDF_DEVICE_IO_TYPE as IoType, BOOLEAN, FILE_DEVICE_SECURE_OPEN, FILE_DEVICE_UNKNOWN, NTSTATUS,
    PCUNICODE_STRING, PDEVICE_OBJECT, PFN_WDF_IO_IN_CALLER_CONTEXT, PWDF_FILEOBJECT_CONFIG,
    PWDF_IO_TYPE_CONFIG, PWDF_OBJECT_ATTRIBUTES, PWDFDEVICE_INIT, STATUS_SUCCESS, ULONG,
    UNICODE_STRING, WDF_DEVICE_IO_TYPE, WDF_IO_TYPE_CONFIG, WDF_PNPPOWER_EVENT_CALLBACKS,
    WDFDRIVER,
};

/// How drivers reach the buffers of requests.
#[derive(Clone, Copy)]
pub(crate) struct IoTypes {
    pub(crate) read_write: WDF_DEVICE_IO_TYPE,
}

/// The settings so far.
pub(crate) struct Settings {
    pub(crate) name: Option<Text>,
    /// In SDDL; `WdfDeviceCreate` validates it.
    pub(crate) security: Option<Text>,
    pub(crate) properties: Properties,
    pub(crate) io_types: IoTypes,
    pub(crate) files: FileConfig,
    pub(crate) request_attributes: Attributes,
    pub(crate) in_caller_context: PFN_WDF_IO_IN_CALLER_CONTEXT,
    /// The device that a function device is for; `None` for a control device.
    pub(crate) physical: Option<DeviceObject>,
    pub(crate) is_filter: bool,
    pub(crate) pnp_callbacks: WDF_PNPPOWER_EVENT_CALLBACKS,
}

impl Settings {
    /// The settings of a driver that changes none.
    const fn new(physical: Option<DeviceObject>, security: Option<Text>) -> Self {
        Self {
            name: None,
            security,
            properties: Properties {
                device_type: FILE_DEVICE_UNKNOWN,
                characteristics: FILE_DEVICE_SECURE_OPEN,
                exclusive: false,
            },
            io_types: IoTypes {
                read_write: IoType::WdfDeviceIoBuffered,
            },
            files: FileConfig::NOT_REQUIRED,
            request_attributes: Attributes::NONE,
            in_caller_context: None,
            physical,
            is_filter: false,
            pnp_callbacks: NO_CALLBACKS,
        }
    }
}

const NO_CALLBACKS: WDF_PNPPOWER_EVENT_CALLBACKS = WDF_PNPPOWER_EVENT_CALLBACKS {
    Size: 0,
    EvtDeviceD0Entry: None,
    EvtDeviceD0EntryPostInterruptsEnabled: None,
    EvtDeviceD0Exit: None,
    EvtDeviceD0ExitPreInterruptsDisabled: None,
    EvtDevicePrepareHardware: None,
    EvtDeviceReleaseHardware: None,
    EvtDeviceSelfManagedIoCleanup: None,
    EvtDeviceSelfManagedIoFlush: None,
    EvtDeviceSelfManagedIoInit: None,
    EvtDeviceSelfManagedIoSuspend: None,
    EvtDeviceSelfManagedIoRestart: None,
    EvtDeviceSurpriseRemoval: None,
    EvtDeviceQueryRemove: None,
    EvtDeviceQueryStop: None,
    EvtDeviceUsageNotification: None,
    EvtDeviceRelationsQuery: None,
    EvtDeviceUsageNotificationEx: None,
};

/// The object of a `PWDFDEVICE_INIT`. It has no parent: a driver that neither uses nor frees its own
/// leaks it.
pub(crate) struct DeviceInit {
    settings: RefCell<Settings>,
    /// The device that was made with it.
    pub(crate) created: Cell<Option<Ref<Device>>>,
}

impl Class for DeviceInit {
    const KIND: Kind = Kind::DeviceInit;

    /// `WdfDeviceInitFree` deletes it.
    fn may_be_deleted(_this: Ref<Self>) -> bool {
        false
    }
}

impl DeviceInit {
    /// Reads or changes the settings. A driver sets up a device in one thread.
    pub(crate) fn with<R>(&self, function: impl FnOnce(&mut Settings) -> R) -> R {
        function(&mut self.settings.borrow_mut())
    }
}

pub(crate) fn change(call: &Call, init: PWDFDEVICE_INIT, change: impl FnOnce(&mut Settings)) {
    call.require_passive();
    call.object::<DeviceInit>(init).with(change);
}

/// `WdfControlDeviceInitAllocate`: null if there is no memory.
pub(crate) fn control_device_init_allocate(
    call: &Call,
    driver: WDFDRIVER,
    sddl: *const UNICODE_STRING,
) -> PWDFDEVICE_INIT {
    call.require_passive();
    call.object::<Driver>(driver);
    let made = call
        .text(sddl)
        .and_then(Text::new)
        .and_then(|security| make(call.client(), Settings::new(None, Some(security))));
    made.map_or_else(
        |status| {
            report!("WdfControlDeviceInitAllocate: {status:#010x}");
            core::ptr::null_mut()
        },
        |init| init.handle().cast(),
    )
}

fn make(client: ClientRef, settings: Settings) -> Result<Ref<DeviceInit>, NTSTATUS> {
    let init = DeviceInit {
        settings: RefCell::new(settings),
        created: Cell::new(None),
    };
    create(client, &Attributes::NONE, None, init)
}

/// Makes the settings of a function device for a physical one.
///
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn for_function(
    client: ClientRef,
    physical: DeviceObject,
) -> Result<Ref<DeviceInit>, NTSTATUS> {
    make(client, Settings::new(Some(physical), None))
}

/// `WdfDeviceInitFree`, for what `WdfControlDeviceInitAllocate` returned.
pub(crate) fn free(call: &Call, init: PWDFDEVICE_INIT) {
    call.require_passive();
    let init = call.object::<DeviceInit>(init);
    if init.with(|settings| settings.physical.is_some()) {
        refuse!(call, Parameter, "the framework frees what it has passed");
    }
    init.any().delete();
}

/// `WdfDeviceInitAssignName`. Null removes the name.
///
/// `STATUS_INVALID_PARAMETER` for a malformed string; `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn assign_name(call: &Call, init: PWDFDEVICE_INIT, name: PCUNICODE_STRING) -> NTSTATUS {
    assign(call, init, name, |settings| &mut settings.name)
}

/// `WdfDeviceInitAssignSDDLString`. Null removes the setting.
///
/// `STATUS_INVALID_PARAMETER` for a malformed string; `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn assign_sddl_string(
    call: &Call,
    init: PWDFDEVICE_INIT,
    sddl: PCUNICODE_STRING,
) -> NTSTATUS {
    assign(call, init, sddl, |settings| &mut settings.security)
}

fn assign(
    call: &Call,
    init: PWDFDEVICE_INIT,
    text: PCUNICODE_STRING,
    place: impl FnOnce(&mut Settings) -> &mut Option<Text>,
) -> NTSTATUS {
    let text = if text.is_null() {
        None
    } else {
        match call.text(text).and_then(Text::new) {
            Ok(text) => Some(text),
            Err(status) => return status,
        }
    };
    change(call, init, |settings| *place(settings) = text);
    STATUS_SUCCESS
}

/// `WdfDeviceInitSetIoType`.
pub(crate) fn set_io_type(call: &Call, init: PWDFDEVICE_INIT, io_type: WDF_DEVICE_IO_TYPE) {
    set_read_write_type(call, init, io_type);
}

/// `WdfDeviceInitSetIoTypeEx`. A control device's device controls carry their own transfer type.
pub(crate) fn set_io_type_ex(call: &Call, init: PWDFDEVICE_INIT, config: PWDF_IO_TYPE_CONFIG) {
    let config = call.read(config);
    call.require_size::<WDF_IO_TYPE_CONFIG>(config.Size);
    set_read_write_type(call, init, config.ReadWriteIoType);
}

fn set_read_write_type(call: &Call, init: PWDFDEVICE_INIT, io_type: WDF_DEVICE_IO_TYPE) {
    if !matches!(
        io_type,
        IoType::WdfDeviceIoNeither | IoType::WdfDeviceIoBuffered | IoType::WdfDeviceIoDirect
    ) {
        refuse!(call, Parameter, "not an I/O type for reads and writes");
    }
    change(call, init, |settings| {
        settings.io_types.read_write = io_type;
    });
}

/// `WdfDeviceInitSetExclusive`.
pub(crate) fn set_exclusive(call: &Call, init: PWDFDEVICE_INIT, exclusive: BOOLEAN) {
    change(call, init, |settings| {
        settings.properties.exclusive = exclusive != 0;
    });
}

/// `WdfDeviceInitSetDeviceType`.
pub(crate) fn set_device_type(call: &Call, init: PWDFDEVICE_INIT, device_type: ULONG) {
    change(call, init, |settings| {
        settings.properties.device_type = device_type;
    });
}

/// `WdfDeviceInitSetCharacteristics`.
pub(crate) fn set_characteristics(
    call: &Call,
    init: PWDFDEVICE_INIT,
    characteristics: ULONG,
    or_in: BOOLEAN,
) {
    change(call, init, |settings| {
        let kept = if or_in == 0 {
            0
        } else {
            settings.properties.characteristics
        };
        settings.properties.characteristics = kept | characteristics;
    });
}

/// `WdfDeviceInitSetFileObjectConfig`.
pub(crate) fn set_file_object_config(
    call: &Call,
    init: PWDFDEVICE_INIT,
    config: PWDF_FILEOBJECT_CONFIG,
    attributes: PWDF_OBJECT_ATTRIBUTES,
) {
    let config = call.read(config);
    let attributes = read_attributes(call, attributes, Allowed::EXECUTION_LEVEL);
    let files = FileConfig::validate(call, &config, attributes);
    change(call, init, |settings| settings.files = files);
}

/// `WdfDeviceInitSetRequestAttributes`.
pub(crate) fn set_request_attributes(
    call: &Call,
    init: PWDFDEVICE_INIT,
    attributes: PWDF_OBJECT_ATTRIBUTES,
) {
    call.require(attributes);
    let attributes = read_attributes(call, attributes, Allowed::NOTHING);
    change(call, init, |settings| {
        settings.request_attributes = attributes;
    });
}

/// Reads attributes for a function without a status, so an error stops the driver.
fn read_attributes(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    allowed: Allowed,
) -> Attributes {
    Attributes::read(call, attributes, allowed)
        .unwrap_or_else(|_| refuse!(call, Parameter, "the object attributes are invalid"))
}

/// `WdfDeviceInitSetIoInCallerContextCallback`.
pub(crate) fn set_io_in_caller_context_callback(
    call: &Call,
    init: PWDFDEVICE_INIT,
    callback: PFN_WDF_IO_IN_CALLER_CONTEXT,
) {
    change(call, init, |settings| settings.in_caller_context = callback);
}

/// `WdfFdoInitSetFilter`.
pub(crate) fn set_filter(call: &Call, init: PWDFDEVICE_INIT) {
    change(call, init, |settings| settings.is_filter = true);
}

/// `WdfFdoInitWdmGetPhysicalDevice`: null for a control device.
pub(crate) fn wdm_get_physical_device(call: &Call, init: PWDFDEVICE_INIT) -> PDEVICE_OBJECT {
    call.object::<DeviceInit>(init)
        .with(|settings| settings.physical)
        .map_or(core::ptr::null_mut(), DeviceObject::as_ptr)
}
