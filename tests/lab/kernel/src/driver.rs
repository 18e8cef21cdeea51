//! The driver under test: loading, starting and stopping it, and finding what it leaks.

use alloc::{string::String, vec::Vec};

use crate::boot::Archive;
use crate::exports;
use crate::global::Global;
use crate::images::{self, Image};
use crate::io::{completion, invalid_device_request, mdl};
use crate::nt::layout::{DeviceObject, DriverExtension, DriverObject, Structure};
use crate::nt::strings;
use crate::object::{self, device, directory, handle, process, registry};
use crate::pe;
use crate::serial::say;
use crate::{call, dpc, exit, irql, options, pnp, pool, reserved, threads, timers, work_items};
use nt_status::NtStatus;
use ringcopy_lab_mailbox::Exit;

/// The library that drivers import the framework from.
const FRAMEWORK: &str = "WDFLDR.SYS";
/// `IO_TYPE_DRIVER`.
const TYPE: u16 = 4;

struct Driver {
    image: Image,
    object: DriverObject,
    /// Memory of the lab that is freed with the driver object.
    parts: Vec<u64>,
    /// The pool's mark from before the driver started.
    mark: u64,
}

static DRIVER: Global<Option<Driver>> = Global::new(None);

/// Loads the framework if the archive has it, and initialises it as an export driver:
/// `DllInitialize` ("Creating Export Drivers", Windows driver documentation).
pub(crate) fn load_framework(archive: Archive) {
    let Some(file) = archive.find(FRAMEWORK) else {
        return;
    };
    let image = load_or_end(&file);
    if let Some(initialize) = pe::export_of(&image, "DllInitialize") {
        let path = place_path();
        let status = call::driver_status("DllInitialize", initialize, [path, 0, 0, 0]);
        say!("{}: DllInitialize gave {status}", image.name);
    }
}

fn load_or_end(file: &crate::boot::File) -> Image {
    match pe::load(&file.name, file.bytes, options::get().missing) {
        Ok(image) => {
            say!(
                "loaded {} at {:#x}, {} bytes, {} functions with unwind data",
                file.name,
                image.base,
                image.size,
                image.function_count
            );
            image
        }
        Err(error) => {
            say!("{} was not loaded: {error}", file.name);
            exit::end(Exit::NotLoaded)
        }
    }
}

/// Returns a `UNICODE_STRING` with the path of the service key.
fn place_path() -> u64 {
    let path = registry::service_key();
    let string = pool::allocate_for_lab(strings::SIZE + strings::placed_length(&path), *b"RegP");
    strings::place(string, string + strings::SIZE, &path);
    string
}

/// Loads the driver, calls its entry point, finds a device for a driver with Plug and Play, and returns
/// the status: success once the device is started. An image that cannot be loaded ends the run.
pub(crate) fn load(archive: Archive) -> NtStatus {
    if DRIVER.with(|driver| driver.is_some()) {
        return NtStatus::INVALID_DEVICE_REQUEST;
    }
    let Some(file) = archive.first_but(FRAMEWORK) else {
        say!("the archive holds no driver");
        exit::end(Exit::NotLoaded)
    };
    let image = load_or_end(&file);
    let path = place_path();
    let extension = DriverExtension(pool::allocate_for_lab(DriverExtension::SIZE, *b"DrvX"));
    let name = alloc::format!(r"\Driver\{}", options::get().driver);
    let size = DriverObject::SIZE + strings::placed_length(&name);
    let object = DriverObject(pool::allocate_for_lab(size, *b"Driv"));
    object.set(DriverObject::TYPE, TYPE);
    object.set(DriverObject::LENGTH, DriverObject::SIZE as u16);
    object.set(DriverObject::DRIVER_START, image.base);
    object.set(DriverObject::DRIVER_SIZE, image.size as u32);
    object.set(DriverObject::DRIVER_EXTENSION, extension.0);
    object.set(DriverObject::DRIVER_INIT, image.entry);
    strings::place(
        object.place(DriverObject::DRIVER_NAME),
        object.0 + DriverObject::SIZE,
        &name,
    );
    let refuse = invalid_device_request as *const () as u64;
    object.set(DriverObject::MAJOR_FUNCTION, [refuse; 28]);
    extension.set(DriverExtension::DRIVER_OBJECT, object.0);
    object::create(object.0, object::Kind::Driver);
    let mark = pool::mark();
    DRIVER.with(|driver| {
        *driver = Some(Driver {
            image,
            object,
            parts: [object.0, extension.0, path].into(),
            mark,
        });
    });

    process::leave_user_half();
    irql::set(irql::PASSIVE_LEVEL);
    let status = call::driver_status("DriverEntry", image.entry, [object.0, path, 0, 0]);
    say!("DriverEntry gave {status}");
    if status.is_success() {
        device::finish_initializing(object);
        if let Err(status) = pnp::find_device(object) {
            // NT unloads a driver that has no device.
            say_left(&unload().unwrap_or_default());
            return status;
        }
        threads::settle();
    } else {
        // NT unloads the image without calling the unload routine.
        say_left(&forget());
    }
    status
}

/// Prints what a driver that did not start has left.
fn say_left(left: &[String]) {
    for line in left {
        say!("leaked by a failed start: {line}");
    }
}

/// Returns a device of the driver.
pub(crate) fn device() -> Option<DeviceObject> {
    DRIVER
        .with(|driver| driver.as_ref().map(|driver| driver.object))
        .map(|object| DeviceObject(object.get(DriverObject::DEVICE_OBJECT)))
        .filter(|device| device.0 != 0)
}

/// Removes the driver's device, stops the driver and unloads its image. Returns a line for each thing
/// that it leaked. `STATUS_NOT_SUPPORTED` if it has no unload routine; `STATUS_INVALID_DEVICE_REQUEST`
/// while handles are open.
pub(crate) fn unload() -> Result<Vec<String>, NtStatus> {
    let object = DRIVER
        .with(|driver| driver.as_ref().map(|driver| driver.object))
        .ok_or(NtStatus::INVALID_DEVICE_REQUEST)?;
    let routine = object.get(DriverObject::DRIVER_UNLOAD);
    if routine == 0 {
        return Err(NtStatus::NOT_SUPPORTED);
    }
    let users = handle::count() - handle::left().len() as u64;
    if users > 0 {
        return Err(NtStatus::INVALID_DEVICE_REQUEST);
    }
    pnp::remove_device()?;
    process::leave_user_half();
    irql::set(irql::PASSIVE_LEVEL);
    call::driver("DriverUnload", routine, [object.0, 0, 0, 0]);
    threads::settle();
    let (used, length) = call::stack_use();
    say!("{used} of {length} bytes of stack were used");
    Ok(forget())
}

/// Returns a line for each thing of a driver that should not exist after its unload.
fn left(mark: u64) -> Vec<String> {
    let mut left = pool::left_since(mark);
    left.extend(reserved::left());
    left.extend(mdl::left());
    left.extend(directory::left());
    left.extend(object::shutdown::left());
    left.extend(pnp::notifications::left());
    left.extend(handle::left());
    left.extend(object::held());
    left.extend(completion::left());
    left.extend(exports::etw::left());
    left.extend(timers::left());
    left.extend(dpc::left());
    left.extend(threads::left());
    left.extend(work_items::left());
    left
}

fn forget() -> Vec<String> {
    let Some(driver) = DRIVER.with(Option::take) else {
        return Vec::new();
    };
    let left = left(driver.mark);
    object::dereference(driver.object.0);
    for part in driver.parts {
        pool::free(part, None);
    }
    images::remove(driver.image.base);
    pe::unload(&driver.image);
    left
}
