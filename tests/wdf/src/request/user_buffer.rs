//! `WdfRequestProbeAndLockUserBufferForXxx`: user memory made accessible for the life of a request.

use super::owned;
use crate::{
    call::Call,
    memory,
    nt::{USER_MODE, irql, mdl::OwnedMdl},
};
use wdk_sys::{
    _LOCK_OPERATION as LockOperation, LOCK_OPERATION, NTSTATUS, PVOID, STATUS_ACCESS_VIOLATION,
    STATUS_INVALID_PARAMETER, STATUS_INVALID_USER_BUFFER, WDFMEMORY, WDFREQUEST,
};

/// The driver reads the buffer.
pub(crate) const READ: LOCK_OPERATION = LockOperation::IoReadAccess;
/// The driver writes the buffer.
pub(crate) const WRITE: LOCK_OPERATION = LockOperation::IoWriteAccess;

/// `WdfRequestProbeAndLockUserBufferForRead` and `WdfRequestProbeAndLockUserBufferForWrite`. Locks
/// a buffer of the process that made the request.
///
/// `STATUS_INVALID_USER_BUFFER` for an empty buffer; `STATUS_INVALID_PARAMETER` for one of 4 GiB or
/// more; `STATUS_ACCESS_VIOLATION` in another process, or if the memory is not accessible;
/// `STATUS_INSUFFICIENT_RESOURCES`.
pub(crate) fn probe_and_lock<const OPERATION: LOCK_OPERATION>(
    call: &Call,
    request: WDFREQUEST,
    buffer: PVOID,
    length: usize,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    call.require_passive();
    call.deliver(memory, || {
        let (request, _) = owned(call, request);
        if length == 0 {
            return Err(STATUS_INVALID_USER_BUFFER);
        }
        let length = u32::try_from(length).map_err(|_| STATUS_INVALID_PARAMETER)?;
        if irql::process_id() != request.process_id {
            return Err(STATUS_ACCESS_VIOLATION);
        }
        let mdl = OwnedMdl::lock(buffer, length, USER_MODE, OPERATION)?;
        let address = mdl.system_address()?;
        memory::of_request(request, address, length as usize, Some(mdl))
    })
}
