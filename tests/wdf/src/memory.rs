//! WDFMEMORY: a buffer.
//!
//! Source: "Using Memory Buffers", `WdfMemoryCreate`.

use crate::{
    call::Call,
    nt::{mdl::OwnedMdl, pool},
    object::{Class, Kind, Ref, attributes::Attributes, create},
    request::Request,
};
use core::{cell::Cell, ptr::NonNull};
use wdk_sys::{
    NTSTATUS, POOL_TYPE, PVOID, PWDF_OBJECT_ATTRIBUTES, STATUS_BUFFER_TOO_SMALL,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INTEGER_OVERFLOW, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS, ULONG, WDFMEMORY, WDFMEMORY_OFFSET,
};

/// The owner of the memory.
enum Owner {
    /// The object: pool with this tag.
    Object { tag: ULONG },
    /// The driver, or a request.
    Other,
}

/// A buffer.
pub(crate) struct Memory {
    buffer: PVOID,
    /// In bytes.
    size: usize,
    owner: Owner,
    /// Keeps user memory locked, until the request it was locked for ends.
    locked: Cell<Option<OwnedMdl>>,
}

impl Class for Memory {
    const KIND: Kind = Kind::Memory;

    fn dispose(this: Ref<Self>) {
        drop(this.locked.take());
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let (Owner::Object { tag }, Some(buffer)) = (&self.owner, NonNull::new(self.buffer)) {
            // SAFETY: WdfMemoryCreate allocated the buffer with this tag, and it lives as long as
            // the object.
            unsafe { pool::free(buffer, *tag) };
        }
    }
}

impl Memory {
    const fn new(buffer: PVOID, size: usize, owner: Owner, locked: Option<OwnedMdl>) -> Self {
        Self {
            buffer,
            size,
            owner,
            locked: Cell::new(locked),
        }
    }

    /// Returns the address and length of the part that a driver chooses for a request. A length of zero is
    /// that of the rest.
    ///
    /// `STATUS_INTEGER_OVERFLOW` if the part would reach beyond the end; `STATUS_INVALID_PARAMETER` for one of
    /// 4 GiB or more.
    pub(crate) fn chosen(&self, part: WDFMEMORY_OFFSET) -> Result<(PVOID, ULONG), NTSTATUS> {
        let rest = self.size.checked_sub(part.BufferOffset);
        let length = match (rest, part.BufferLength) {
            (Some(rest), 0) => rest,
            (Some(rest), length) if length <= rest => length,
            _ => return Err(STATUS_INTEGER_OVERFLOW),
        };
        let length = ULONG::try_from(length).map_err(|_| STATUS_INVALID_PARAMETER)?;
        Ok((self.buffer.wrapping_byte_add(part.BufferOffset), length))
    }

    /// Allocates a buffer, whose contents are unspecified.
    ///
    /// `STATUS_INVALID_PARAMETER` for an empty buffer or an unknown pool; `STATUS_INSUFFICIENT_RESOURCES`.
    pub(crate) fn allocate(pool: POOL_TYPE, size: usize, tag: ULONG) -> Result<Self, NTSTATUS> {
        if size == 0 || !pool::is_known(pool) {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let block = pool::allocate_raw(pool, size, tag).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        Ok(Self::new(block.as_ptr(), size, Owner::Object { tag }, None))
    }

    /// Returns the address of the buffer.
    pub(crate) const fn buffer(&self) -> PVOID {
        self.buffer
    }

    /// Returns the address of a part of the buffer.
    ///
    /// `STATUS_BUFFER_TOO_SMALL` if it would reach beyond the end.
    fn part(&self, offset: usize, length: usize) -> Result<*mut u8, NTSTATUS> {
        let end = offset.checked_add(length).ok_or(STATUS_BUFFER_TOO_SMALL)?;
        if end > self.size {
            return Err(STATUS_BUFFER_TOO_SMALL);
        }
        Ok(self.buffer.cast::<u8>().wrapping_add(offset))
    }
}

/// Makes the memory object for a buffer of a request, or for user memory locked for it.
///
/// `STATUS_INSUFFICIENT_RESOURCES`; `STATUS_DELETE_PENDING`.
pub(crate) fn of_request(
    request: Ref<Request>,
    buffer: PVOID,
    size: usize,
    locked: Option<OwnedMdl>,
) -> Result<Ref<Memory>, NTSTATUS> {
    let memory = Memory::new(buffer, size, Owner::Other, locked);
    let parent = Some(request.any());
    create(request.client(), &Attributes::NONE, parent, memory)
}

/// `WdfMemoryCreate`. The contents are unspecified.
///
/// As [`Memory::allocate`]; what "Framework Object Creation Errors" has.
pub(crate) fn create_memory(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    pool_type: POOL_TYPE,
    tag: ULONG,
    size: usize,
    memory: *mut WDFMEMORY,
    buffer: *mut PVOID,
) -> NTSTATUS {
    let mut address = core::ptr::null_mut();
    let status = call.deliver(memory, || {
        let attributes = call.attributes(attributes)?;
        let tag = if tag == 0 { call.client().tag() } else { tag };
        let memory = Memory::allocate(pool_type, size, tag)?;
        address = memory.buffer();
        call.create(&attributes, memory)
    });
    if status == STATUS_SUCCESS {
        call.write_optional(buffer, address);
    }
    status
}

/// `WdfMemoryCreatePreallocated`.
///
/// `STATUS_INVALID_PARAMETER` for an empty buffer; what "Framework Object Creation Errors" has.
pub(crate) fn create_preallocated(
    call: &Call,
    attributes: PWDF_OBJECT_ATTRIBUTES,
    buffer: PVOID,
    size: usize,
    memory: *mut WDFMEMORY,
) -> NTSTATUS {
    call.require(buffer);
    call.deliver(memory, || {
        let attributes = call.attributes(attributes)?;
        if size == 0 {
            return Err(STATUS_INVALID_PARAMETER);
        }
        call.create(&attributes, Memory::new(buffer, size, Owner::Other, None))
    })
}

/// `WdfMemoryGetBuffer`.
pub(crate) fn get_buffer(call: &Call, memory: WDFMEMORY, size: *mut usize) -> PVOID {
    let memory = call.object::<Memory>(memory);
    call.write_optional(size, memory.size);
    memory.buffer
}

/// `WdfMemoryCopyToBuffer`.
pub(crate) const TO_BUFFER: bool = true;
/// `WdfMemoryCopyFromBuffer`.
pub(crate) const FROM_BUFFER: bool = false;

/// [`TO_BUFFER`] and [`FROM_BUFFER`].
///
/// `STATUS_BUFFER_TOO_SMALL` for bytes beyond the end; `STATUS_INVALID_PARAMETER` for none.
pub(crate) fn copy<const DIRECTION: bool>(
    call: &Call,
    memory: WDFMEMORY,
    offset: usize,
    buffer: PVOID,
    length: usize,
) -> NTSTATUS {
    call.require(buffer);
    let memory = call.object::<Memory>(memory);
    if length == 0 {
        return STATUS_INVALID_PARAMETER;
    }
    let start = match memory.part(offset, length) {
        Ok(start) => start,
        Err(status) => return status,
    };
    let (source, destination) = if DIRECTION == TO_BUFFER {
        (start, buffer.cast())
    } else {
        (buffer.cast(), start)
    };
    // SAFETY: a part of the memory; the driver promises that its buffer holds `length` bytes.
    unsafe { source.copy_to(destination, length) };
    STATUS_SUCCESS
}
