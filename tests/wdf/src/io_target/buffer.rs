//! The buffers that a driver gives for a request of its own.
//!
//! Source: "Using Memory Buffers", `WDF_MEMORY_DESCRIPTOR`, `WDFMEMORY_OFFSET`.

use crate::{
    call::Call,
    memory::Memory,
    nt::{
        KERNEL_MODE,
        mdl::{self, OwnedMdl},
    },
    object::{Ref, handle_or_null},
};
use core::ptr::{NonNull, null_mut};
use wdk_sys::{
    _WDF_MEMORY_DESCRIPTOR_TYPE as DescriptorType, LOCK_OPERATION, MDL, NTSTATUS, PMDL, PVOID,
    PWDF_MEMORY_DESCRIPTOR, PWDFMEMORY_OFFSET, STATUS_INVALID_PARAMETER, ULONG,
    WDF_MEMORY_DESCRIPTOR, WDFMEMORY,
};

/// Where a buffer is.
#[derive(Clone, Copy)]
enum Place {
    Address(PVOID),
    /// Described by a list of the driver's.
    List(NonNull<MDL>),
}

/// A buffer, or none.
#[derive(Clone, Copy)]
pub(super) struct Buffer {
    place: Place,
    /// In bytes.
    pub(super) length: ULONG,
    /// The object that the buffer is a part of.
    pub(super) memory: Option<Ref<Memory>>,
    /// In that object, in bytes.
    pub(super) offset: usize,
}

impl Buffer {
    pub(super) const NONE: Self = Self {
        place: Place::Address(null_mut()),
        length: 0,
        memory: None,
        offset: 0,
    };

    const fn at(place: Place, length: ULONG) -> Self {
        Self {
            place,
            length,
            ..Self::NONE
        }
    }

    /// Reads the driver's memory object and offsets; null is none.
    ///
    /// What [`Memory::chosen`] has.
    pub(super) fn of_memory(
        call: &Call,
        memory: WDFMEMORY,
        offsets: PWDFMEMORY_OFFSET,
    ) -> Result<Self, NTSTATUS> {
        if memory.is_null() {
            return Ok(Self::NONE);
        }
        let memory = call.object::<Memory>(memory);
        let chosen = call.read_optional(offsets).unwrap_or_default();
        let (address, length) = memory.chosen(chosen)?;
        Ok(Self {
            place: Place::Address(address),
            length,
            memory: Some(memory),
            offset: chosen.BufferOffset,
        })
    }

    /// Reads the driver's descriptor; null is none.
    ///
    /// `STATUS_INVALID_PARAMETER` for a descriptor of no known type, or of nothing; as
    /// [`Buffer::of_memory`].
    pub(super) fn described(
        call: &Call,
        descriptor: PWDF_MEMORY_DESCRIPTOR,
    ) -> Result<Self, NTSTATUS> {
        let Some(descriptor) = call.read_optional::<WDF_MEMORY_DESCRIPTOR>(descriptor) else {
            return Ok(Self::NONE);
        };
        match descriptor.Type {
            DescriptorType::WdfMemoryDescriptorTypeBuffer => {
                // SAFETY: the type says which member of the union the driver has set.
                let buffer = unsafe { descriptor.u.BufferType };
                if buffer.Buffer.is_null() {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                Ok(Self::at(Place::Address(buffer.Buffer), buffer.Length))
            }
            DescriptorType::WdfMemoryDescriptorTypeMdl => {
                // SAFETY: as above.
                let list = unsafe { descriptor.u.MdlType };
                let place = NonNull::new(list.Mdl).ok_or(STATUS_INVALID_PARAMETER)?;
                Ok(Self::at(Place::List(place), list.BufferLength))
            }
            DescriptorType::WdfMemoryDescriptorTypeHandle => {
                // SAFETY: as above.
                let handle = unsafe { descriptor.u.HandleType };
                if handle.Memory.is_null() {
                    return Err(STATUS_INVALID_PARAMETER);
                }
                Self::of_memory(call, handle.Memory, handle.Offsets)
            }
            _ => Err(STATUS_INVALID_PARAMETER),
        }
    }

    /// Returns the address.
    ///
    /// `STATUS_INSUFFICIENT_RESOURCES` if a list can't be mapped.
    pub(super) fn address(&self) -> Result<PVOID, NTSTATUS> {
        match self.place {
            Place::Address(address) => Ok(address),
            Place::List(list) => mdl::system_address(list),
        }
    }

    /// Returns a list for the buffer: the driver's, or one of the framework's own; null for no buffer.
    ///
    /// What [`OwnedMdl::lock`] has.
    pub(super) fn list(
        &self,
        operation: LOCK_OPERATION,
    ) -> Result<(PMDL, Option<OwnedMdl>), NTSTATUS> {
        match self.place {
            Place::List(list) => Ok((list.as_ptr(), None)),
            Place::Address(_) if self.length == 0 => Ok((null_mut(), None)),
            Place::Address(address) => {
                let list = OwnedMdl::lock(address, self.length, KERNEL_MODE, operation)?;
                Ok((list.as_ptr(), Some(list)))
            }
        }
    }

    /// Returns the driver's handle of the memory object; null if there is none.
    pub(super) fn handle(&self) -> WDFMEMORY {
        handle_or_null(self.memory)
    }
}
