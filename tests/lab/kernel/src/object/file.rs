//! File objects: open, cleanup, close.

use alloc::string::String;

use super::device::{self, SECURE_OPEN, device_flags};
use super::handle::{self, Table};
use super::{Kind, create, dereference, directory, process, reference, security};
use crate::io::{self, irp};
use crate::nt::layout::{
    AccessState, DeviceObject, FileObject, SecurityContext, StackLocation, Structure, major,
};
use crate::nt::strings;
use crate::{pnp, pool, raw};
use nt_status::NtStatus;

/// `IO_TYPE_FILE`.
const TYPE: u16 = 5;
const FILE_READ_DATA: u32 = 1;
const FILE_WRITE_DATA: u32 = 2;
/// `FILE_SHARE_READ | FILE_SHARE_WRITE`.
const SHARE_ALL: u16 = 3;
/// `FILE_OPEN` as the disposition, and `FILE_NON_DIRECTORY_FILE`.
const CREATE_OPTIONS: u32 = 1 << 24 | 0x40;
/// `SL_FORCE_ACCESS_CHECK`.
const FORCE_ACCESS_CHECK: u8 = 1;
/// `SecurityImpersonation`.
const IMPERSONATION: u32 = 2;

/// Who opens a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opener {
    pub(crate) mode: u8,
    /// Whether kernel code asks for a user's access check.
    pub(crate) forced: bool,
    /// The token that the thread impersonates when the open is captured.
    pub(crate) impersonated: Option<u64>,
}

/// Opens a device as `NtCreateFile` does: finds it by name, or by the class of an enabled interface in
/// braces, checks access against the opener's
/// token, which is the current process's or the impersonated one, and sends a create to the driver.
pub(crate) fn open(path: &str, desired: u32, opener: Opener) -> Result<u64, NtStatus> {
    open_in(process::handle_table(), path, desired, opener)
}

/// As [`open`], with the handle in a table.
pub(crate) fn open_in(
    table: Table,
    path: &str,
    desired: u32,
    opener: Opener,
) -> Result<u64, NtStatus> {
    let path = if path.starts_with('{') {
        &pnp::interfaces::enabled_of(path).ok_or(NtStatus::OBJECT_NAME_NOT_FOUND)?
    } else {
        path
    };
    let (address, rest) = directory::resolve(path)?;
    let device = DeviceObject(address);
    let flags = device.get(DeviceObject::FLAGS);
    if flags & device_flags::INITIALIZING != 0 || !pnp::may_be_opened(device) {
        return Err(NtStatus::NO_SUCH_DEVICE);
    }
    // Without FILE_DEVICE_SECURE_OPEN, the driver guards the names below the device's own.
    let guarded = rest.is_empty() || device.get(DeviceObject::CHARACTERISTICS) & SECURE_OPEN != 0;
    let trusted = opener.mode == io::KERNEL_MODE && !opener.forced;
    let list = if guarded && !trusted {
        device::list(address)
    } else {
        None
    };
    let own = process::current_token();
    let granted = security::check(list.as_ref(), opener.impersonated.unwrap_or(own), desired)?;
    if flags & device_flags::EXCLUSIVE != 0 && device.get(DeviceObject::REFERENCE_COUNT) > 0 {
        return Err(NtStatus::ACCESS_DENIED);
    }

    let file = make(device, &rest, granted);
    let token = |token: u64| {
        let object = pool::allocate_for_lab(size_of::<u64>() as u64, *b"Toke");
        raw::write(object, token);
        object
    };
    let primary = token(own);
    let client = opener.impersonated.map(token);
    let state = AccessState(pool::allocate_for_lab(AccessState::SIZE, *b"AccS"));
    state.set(AccessState::PRIMARY_TOKEN, primary);
    if let Some(client) = client {
        state.set(AccessState::CLIENT_TOKEN, client);
        state.set(AccessState::IMPERSONATION_LEVEL, IMPERSONATION);
    }
    let context = SecurityContext(pool::allocate_for_lab(SecurityContext::SIZE, *b"SecC"));
    context.set(SecurityContext::ACCESS_STATE, state.0);
    context.set(SecurityContext::DESIRED_ACCESS, granted);
    let top = device::top(device);
    let request = irp::allocate(top, file, major::CREATE, opener.mode);
    let location = irp::next_location(request);
    if opener.forced {
        location.set(StackLocation::FLAGS, FORCE_ACCESS_CHECK);
    }
    location.set(StackLocation::SECURITY_CONTEXT, context.0);
    location.set(StackLocation::CREATE_OPTIONS, CREATE_OPTIONS);
    location.set(StackLocation::SHARE_ACCESS, SHARE_ALL);
    let completed = io::send(request, top);
    pool::free(context.0, None);
    for object in [state.0, primary].into_iter().chain(client) {
        pool::free(object, None);
    }

    if !completed.status.is_success() {
        // A file that was not opened gets neither cleanup nor close.
        forget(file);
        return Err(completed.status);
    }
    create(file.0, Kind::File);
    change_handle_count(device, 1);
    Ok(handle::open(table, file.0, granted))
}

fn make(device: DeviceObject, rest: &str, granted: u32) -> FileObject {
    let size = FileObject::SIZE + strings::placed_length(rest);
    let file = FileObject(pool::allocate_for_lab(size, *b"File"));
    file.set(FileObject::TYPE, TYPE);
    file.set(FileObject::LENGTH, FileObject::SIZE as u16);
    file.set(FileObject::DEVICE_OBJECT, device.0);
    file.set(
        FileObject::READ_ACCESS,
        u8::from(granted & FILE_READ_DATA != 0),
    );
    file.set(
        FileObject::WRITE_ACCESS,
        u8::from(granted & FILE_WRITE_DATA != 0),
    );
    strings::place(
        file.place(FileObject::FILE_NAME),
        file.0 + FileObject::SIZE,
        rest,
    );
    reference(device.0);
    file
}

fn forget(file: FileObject) {
    let device = file.get(FileObject::DEVICE_OBJECT);
    pool::free(file.0, None);
    dereference(device);
}

/// `DEVICE_OBJECT.ReferenceCount` counts open handles.
fn change_handle_count(device: DeviceObject, by: i32) {
    let count = device.get(DeviceObject::REFERENCE_COUNT);
    device.set(DeviceObject::REFERENCE_COUNT, count.wrapping_add_signed(by));
}

/// Closes a handle of a process, in its context. The driver gets a cleanup for the last one.
pub(crate) fn close_handle(id: u64, value: u64) -> Result<(), NtStatus> {
    let closed = handle::remove(Table::Process(id), value).ok_or(NtStatus::INVALID_HANDLE)?;
    process::attached(id, || {
        clean_up(closed.object);
        dereference(closed.object);
    })
}

/// Sends a cleanup to the driver if an object is a device's file whose last handle was closed.
pub(crate) fn clean_up(object: u64) {
    if super::kind_of(object) == Some(Kind::File) && handle::count_of(object) == 0 {
        let file = FileObject(object);
        let device = DeviceObject(file.get(FileObject::DEVICE_OBJECT));
        let top = device::top(device);
        // A cleanup cannot fail: the handle is closed already.
        let _ = io::send(
            irp::allocate(top, file, major::CLEANUP, io::KERNEL_MODE),
            top,
        );
        change_handle_count(device, -1);
    }
}

/// Closes a file object after its last reference.
pub(super) fn close(address: u64) {
    let file = FileObject(address);
    let top = device::top(DeviceObject(file.get(FileObject::DEVICE_OBJECT)));
    // A close cannot fail.
    let _ = io::send(irp::allocate(top, file, major::CLOSE, io::KERNEL_MODE), top);
    forget(file);
}

/// Gives another process a handle to the same object.
pub(crate) fn duplicate(id: u64, value: u64, target: u64) -> Result<u64, NtStatus> {
    process::require(target)?;
    let source = handle::find(Table::Process(id), value).ok_or(NtStatus::INVALID_HANDLE)?;
    reference(source.object);
    Ok(handle::open(
        Table::Process(target),
        source.object,
        source.access,
    ))
}

/// Converts the name in a command to a path.
pub(crate) fn path_of(name: &[u8]) -> Result<String, NtStatus> {
    core::str::from_utf8(name)
        .map(String::from)
        .map_err(|_| NtStatus::OBJECT_NAME_INVALID)
}
