//! The image's exports: a driver's stub binds to the framework and unbinds from it.
//!
//! A stub passes the version that it was built for and gets the function table, its globals and the
//! number of functions. No page documents the exports. Their arguments are the structures that a
//! stub is built with.

use crate::{
    client::ClientRef,
    driver,
    nt::{irql, pool},
    object::handle,
    report::{report, violation},
    table, wine,
};
use wdk_sys::{
    BOOLEAN, NTSTATUS, PBOOLEAN, PCUNICODE_STRING, PDRIVER_OBJECT, PULONG, PUNICODE_STRING, PVOID,
    PWDF_DRIVER_GLOBALS, PWSTR, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER,
    STATUS_NOT_SUPPORTED, STATUS_OBJECT_TYPE_MISMATCH, STATUS_SUCCESS, ULONG, WDFFUNC,
};

/// The framework's version. It serves drivers for older versions of the same major version
/// ("Framework Library Versioning").
pub(crate) const MAJOR: ULONG = 1;
pub(crate) const MINOR: ULONG = 33;

/// The first minor version with the functions of [`MINOR`].
const MINOR_WITH_ALL_FUNCTIONS: ULONG = 31;

/// The component that a KMDF driver asks for.
const COMPONENT: &str = "KmdfLibrary";

/// `WDF_BIND_INFO`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct BindInfo {
    size: ULONG,
    component: PWSTR,
    major: ULONG,
    minor: ULONG,
    build: ULONG,
    function_count: ULONG,
    function_table: *mut *const WDFFUNC,
    module: PVOID,
}

/// `WDF_BIND_INFO2`, of stubs since 1.25.
#[repr(C)]
#[derive(Clone, Copy)]
struct BindInfo2 {
    first: BindInfo,
    minimum_version_required: PULONG,
    client_version_higher_than_framework: PBOOLEAN,
    function_count: PULONG,
    structure_count: PULONG,
    structure_table: PVOID,
}

const _: () = {
    assert!(size_of::<BindInfo>() == 48);
    assert!(size_of::<BindInfo2>() == 88);
};

/// Writes through an optional pointer of the stub.
fn write<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: a variable of the stub's (the contract of WdfVersionBind), not null.
        unsafe { pointer.write(value) };
    }
}

/// Whether a string of the stub's, ended by a null, is the component's name.
fn is_component(text: PWSTR) -> bool {
    !text.is_null()
        && COMPONENT
            .bytes()
            .chain([0])
            .enumerate()
            .all(|(index, byte)| {
                // SAFETY: a string ended by a null (the contract of WdfVersionBind); nothing is
                // read after the first character that differs.
                (unsafe { text.wrapping_add(index).read() }) == u16::from(byte)
            })
}

/// Returns the characters of a registry path of the stub.
fn characters<'a>(path: PCUNICODE_STRING) -> Result<&'a [u16], NTSTATUS> {
    if path.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    // SAFETY: a string of the stub's (the contract of WdfVersionBind), not null.
    let path = unsafe { path.read() };
    if path.Buffer.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let length = usize::from(path.Length) / size_of::<u16>();
    // SAFETY: the string describes this many characters, which stay during the call.
    Ok(unsafe { core::slice::from_raw_parts(path.Buffer, length) })
}

/// Binds a driver.
///
/// `STATUS_INFO_LENGTH_MISMATCH` for bind information of unknown size;
/// `STATUS_OBJECT_TYPE_MISMATCH` for another component or an unsupported version;
/// `STATUS_INVALID_PARAMETER`; `STATUS_INSUFFICIENT_RESOURCES`.
///
/// # Safety
///
/// Called by a driver's stub, at `PASSIVE_LEVEL`, with its driver object and registry path, bind
/// information of the size that it says, and a variable for the globals.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn WdfVersionBind(
    driver_object: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
    bind_info: *mut BindInfo,
    globals: *mut PWDF_DRIVER_GLOBALS,
) -> NTSTATUS {
    if driver_object.is_null() || bind_info.is_null() || globals.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    pool::find();
    irql::find();
    match bind(driver_object, registry_path, bind_info) {
        Ok(client) => {
            write(globals, client.globals());
            STATUS_SUCCESS
        }
        Err(status) => {
            report!("WdfVersionBind: {status:#010x}");
            status
        }
    }
}

fn bind(
    driver_object: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
    bind_info: *const BindInfo,
) -> Result<ClientRef, NTSTATUS> {
    // SAFETY: the stub's structure (the contract of WdfVersionBind), not null.
    let info = unsafe { bind_info.read() };
    let further = match info.size as usize {
        size if size == size_of::<BindInfo>() => None,
        size if size == size_of::<BindInfo2>() => {
            // SAFETY: the stub's structure is of the larger type, says its size.
            Some(unsafe { bind_info.cast::<BindInfo2>().read() })
        }
        _ => return Err(STATUS_INFO_LENGTH_MISMATCH),
    };
    if info.function_table.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if !is_component(info.component)
        || info.major != MAJOR
        || info.minor > MINOR
        || (info.minor >= MINOR_WITH_ALL_FUNCTIONS && info.function_count != table::COUNT)
        || info.function_count > table::COUNT
    {
        return Err(STATUS_OBJECT_TYPE_MISMATCH);
    }
    let client = ClientRef::bind(driver_object, characters(registry_path)?)?;
    if let Err(status) = wine::supply(driver_object) {
        client.unbind();
        return Err(status);
    }
    write(info.function_table, table::TABLE.as_ptr());
    if let Some(further) = further {
        write(
            further.client_version_higher_than_framework,
            BOOLEAN::from(false),
        );
        write(further.function_count, table::COUNT);
        // Only stubs that are newer than the framework ask for the sizes of structures.
        write(further.structure_count, 0);
    }
    Ok(client)
}

/// Unbinds a driver after its unload, or after its `DriverEntry` has failed. Objects that it leaked
/// end in a bugcheck.
///
/// # Safety
///
/// Called by a driver's stub, at `PASSIVE_LEVEL`, with what it bound with. The driver does not use
/// the framework any more.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn WdfVersionUnbind(
    _registry_path: PUNICODE_STRING,
    _bind_info: *mut BindInfo,
    globals: PWDF_DRIVER_GLOBALS,
) -> NTSTATUS {
    // SAFETY: what the driver was bound with, says the caller.
    let Some(client) = (unsafe { ClientRef::from_globals(globals) }) else {
        report!("WdfVersionUnbind: {globals:p} is not what WdfVersionBind returned");
        return STATUS_INVALID_PARAMETER;
    };
    driver::delete(client);
    table::end();
    check_leaks(client);
    client.unbind();
    if !ClientRef::any_bound() {
        handle::free_all();
        wine::end();
    }
    STATUS_SUCCESS
}

/// Reports every object that the driver leaked.
fn check_leaks(client: ClientRef) {
    let mut leaked = 0;
    let mut first = 0;
    handle::for_each(|object| {
        if object.client() == client {
            if leaked == 0 {
                first = object.handle().addr();
            }
            leaked += 1;
            report!(
                "leaked: {} {:p}, {} references",
                object.kind().name(),
                object.handle(),
                object.references()
            );
        }
    });
    if leaked != 0 {
        violation!(Leak, [leaked, first], "{leaked} objects leaked");
    }
}

/// Refuses class extensions, which are not implemented.
///
/// # Safety
///
/// None is needed: the arguments are not used.
#[unsafe(no_mangle)]
pub(crate) const unsafe extern "C" fn WdfVersionBindClass(
    _bind_info: PVOID,
    _globals: PVOID,
    _class_bind_info: PVOID,
) -> NTSTATUS {
    STATUS_NOT_SUPPORTED
}

/// Does nothing: no class extension can be bound.
///
/// # Safety
///
/// None is needed: the arguments are not used.
#[unsafe(no_mangle)]
pub(crate) const unsafe extern "C" fn WdfVersionUnbindClass(
    _bind_info: PVOID,
    _globals: PVOID,
    _class_bind_info: PVOID,
) {
}
