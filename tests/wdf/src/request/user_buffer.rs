//! `WdfRequestProbeAndLockUserBufferForXxx`: user memory made accessible for the life of a request.

use super::{Request, owned};
use crate::{
    call::Call,
    memory::{self, Memory},
    nt::{
        irql,
        mdl::{Access, OwnedMdl},
    },
    object::Ref,
};
use wdk_sys::{
    NTSTATUS, PVOID, PWDF_DRIVER_GLOBALS, STATUS_ACCESS_VIOLATION, STATUS_INVALID_PARAMETER,
    STATUS_INVALID_USER_BUFFER, WDFMEMORY, WDFREQUEST,
};

/// Locks a buffer of the process that made the request.
///
/// # Errors
///
/// `STATUS_INVALID_USER_BUFFER` for an empty one; `STATUS_INVALID_PARAMETER` for one of 4 GiB or
/// more; `STATUS_ACCESS_VIOLATION` in another process, or if the memory is not accessible;
/// `STATUS_INSUFFICIENT_RESOURCES`.
fn probe_and_lock(
    call: &Call,
    request: WDFREQUEST,
    buffer: PVOID,
    length: usize,
    access: Access,
) -> Result<Ref<Memory>, NTSTATUS> {
    let (request, _): (Ref<Request>, _) = owned(call, request);
    if length == 0 {
        return Err(STATUS_INVALID_USER_BUFFER);
    }
    let length = u32::try_from(length).map_err(|_| STATUS_INVALID_PARAMETER)?;
    if irql::process_id() != request.process_id {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let mdl = OwnedMdl::lock_user(buffer, length, access)?;
    let address = mdl.system_address()?;
    memory::of_locked(request, address, length as usize, mdl)
}

/// `WdfRequestProbeAndLockUserBufferForRead`.
pub(crate) unsafe extern "C" fn for_read(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    buffer: PVOID,
    length: usize,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestProbeAndLockUserBufferForRead") };
    call.require_passive();
    call.deliver(memory, || {
        probe_and_lock(&call, request, buffer, length, Access::Read)
    })
}

/// `WdfRequestProbeAndLockUserBufferForWrite`.
pub(crate) unsafe extern "C" fn for_write(
    globals: PWDF_DRIVER_GLOBALS,
    request: WDFREQUEST,
    buffer: PVOID,
    length: usize,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    // SAFETY: the driver's call, with the arguments it passed.
    let call = unsafe { Call::enter(globals, "WdfRequestProbeAndLockUserBufferForWrite") };
    call.require_passive();
    call.deliver(memory, || {
        probe_and_lock(&call, request, buffer, length, Access::Write)
    })
}
