//! File objects, and devices that are opened by name.

use super::{KERNEL_MODE, device::DeviceObject, member, text::Text};
use crate::status::check;
use core::{
    mem::offset_of,
    ptr::{NonNull, null_mut},
};
use wdk_sys::{
    ACCESS_MASK, FILE_OBJECT, HANDLE, IO_STATUS_BLOCK, LARGE_INTEGER, LONGLONG, NTSTATUS,
    OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES, PVOID, STATUS_NO_SUCH_DEVICE, ULONG, ntddk,
};

const _: () = {
    assert!(offset_of!(FILE_OBJECT, FsContext) == 0x18);
    assert!(offset_of!(FILE_OBJECT, Flags) == 0x50);
    assert!(offset_of!(FILE_OBJECT, FileName) == 0x58);
};

/// A file object of the I/O manager, which exists at least from its create to its close.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileObject(NonNull<FILE_OBJECT>);

impl FileObject {
    /// # Safety
    ///
    /// The file exists for as long as the result is used.
    pub(super) const unsafe fn new(file: NonNull<FILE_OBJECT>) -> Self {
        Self(file)
    }

    /// Returns the structure for drivers.
    pub(crate) const fn as_ptr(self) -> *mut FILE_OBJECT {
        self.0.as_ptr()
    }

    const fn read<T: Copy>(self, offset: usize) -> T {
        // SAFETY: a member of an open file (the promise of the type).
        unsafe { member::<_, T>(self.0.as_ptr(), offset).read() }
    }

    pub(crate) const fn flags(self) -> ULONG {
        self.read(offset_of!(FILE_OBJECT, Flags))
    }

    /// `FsContext` or `FsContext2`.
    pub(crate) const fn context(self, slot: ContextSlot) -> PVOID {
        self.read(slot.offset())
    }

    pub(crate) const fn set_context(self, slot: ContextSlot, value: PVOID) {
        // SAFETY: a member of an open file that belongs to the driver of its device.
        unsafe { member::<_, PVOID>(self.0.as_ptr(), slot.offset()).write(value) };
    }
}

/// Which of the two members of a file object that its driver may use.
#[derive(Clone, Copy)]
pub(crate) enum ContextSlot {
    FsContext,
    FsContext2,
}

impl ContextSlot {
    const fn offset(self) -> usize {
        match self {
            Self::FsContext => offset_of!(FILE_OBJECT, FsContext),
            Self::FsContext2 => offset_of!(FILE_OBJECT, FsContext2),
        }
    }
}

/// The arguments of `ZwCreateFile`.
pub(crate) struct Opening {
    pub(crate) name: Text,
    pub(crate) access: ACCESS_MASK,
    pub(crate) allocation_size: Option<LONGLONG>,
    pub(crate) attributes: ULONG,
    pub(crate) share: ULONG,
    pub(crate) disposition: ULONG,
    pub(crate) options: ULONG,
}

/// A reference to a file object, and the handle that it was opened with, if the framework opened it. Both are
/// given up when dropped, at `PASSIVE_LEVEL`.
pub(crate) struct OpenFile {
    object: FileObject,
    handle: Option<HANDLE>,
}

impl OpenFile {
    /// Opens a file, and returns what became of it, too: `IO_STATUS_BLOCK.Information`. Callable at
    /// `PASSIVE_LEVEL`.
    ///
    /// What `ZwCreateFile` and `ObReferenceObjectByHandle` return.
    pub(crate) fn open(opening: &Opening) -> Result<(Self, ULONG), NTSTATUS> {
        let mut name = opening.name.descriptor();
        #[expect(clippy::cast_possible_truncation, reason = "a small structure")]
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as ULONG,
            ObjectName: &raw mut name,
            Attributes: OBJ_KERNEL_HANDLE,
            ..OBJECT_ATTRIBUTES::default()
        };
        let mut size = LARGE_INTEGER {
            QuadPart: opening.allocation_size.unwrap_or(0),
        };
        let size = match opening.allocation_size {
            Some(_) => &raw mut size,
            None => null_mut(),
        };
        let (mut handle, mut block) = (null_mut(), IO_STATUS_BLOCK::default());
        // SAFETY: locals that outlive the call, and no extended attributes.
        check(unsafe {
            ntddk::ZwCreateFile(
                &raw mut handle,
                opening.access,
                &raw mut attributes,
                &raw mut block,
                size,
                opening.attributes,
                opening.share,
                opening.disposition,
                opening.options,
                null_mut(),
                0,
            )
        })?;
        let mut object: PVOID = null_mut();
        // SAFETY: a handle of the kernel's, to a file, and a local for the result.
        let referenced = check(unsafe {
            ntddk::ObReferenceObjectByHandle(
                handle,
                opening.access,
                null_mut(),
                KERNEL_MODE,
                &raw mut object,
                null_mut(),
            )
        });
        match (referenced, NonNull::new(object.cast())) {
            (Ok(()), Some(object)) => {
                let file = Self {
                    object: FileObject(object),
                    handle: Some(handle),
                };
                #[expect(clippy::cast_possible_truncation, reason = "a small number")]
                Ok((file, block.Information as ULONG))
            }
            (referenced, _) => {
                // SAFETY: the handle that was just opened.
                let _ = unsafe { ntddk::ZwClose(handle) };
                Err(referenced.err().unwrap_or(STATUS_NO_SUCH_DEVICE))
            }
        }
    }

    /// Takes a reference to a file that somebody else has opened. `None` for null.
    ///
    /// # Safety
    ///
    /// `file` is a file object, or null.
    pub(crate) unsafe fn of_others(file: *mut FILE_OBJECT) -> Option<Self> {
        let file = NonNull::new(file)?;
        // SAFETY: a file object (the caller's promise).
        unsafe { ntddk::ObfReferenceObject(file.as_ptr().cast()) };
        Some(Self {
            object: FileObject(file),
            handle: None,
        })
    }

    pub(crate) const fn object(&self) -> FileObject {
        self.object
    }

    /// Returns the handle; null for a file that somebody else has opened.
    pub(crate) const fn handle(&self) -> HANDLE {
        match self.handle {
            Some(handle) => handle,
            None => null_mut(),
        }
    }

    /// `IoGetRelatedDeviceObject`. `None` if there is none.
    pub(crate) fn device(&self) -> Option<DeviceObject> {
        // SAFETY: a file object that is referenced.
        let device = unsafe { ntddk::IoGetRelatedDeviceObject(self.object.as_ptr()) };
        // SAFETY: the device exists as long as the file.
        NonNull::new(device).map(|device| unsafe { DeviceObject::new(device) })
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // SAFETY: the reference that `open` or `of_others` took.
        unsafe { ntddk::ObfDereferenceObject(self.object.as_ptr().cast()) };
        if let Some(handle) = self.handle {
            // SAFETY: the handle that `open` opened.
            let _ = unsafe { ntddk::ZwClose(handle) };
        }
    }
}
