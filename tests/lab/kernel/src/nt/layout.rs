//! The structures of `wdm.h` that the lab and drivers share, as x64 lays them out.
//!
//! Source: the public declarations in the mingw-w64 project's `wdm.h` and `ntifs.h`, measured with
//! `offsetof`. The tables have the members that the lab uses.

use core::marker::PhantomData;

use crate::raw::{self, Plain};
use nt_status::NtStatus;

/// A structure in memory that drivers use too: its address.
pub(crate) trait Structure: Copy {
    /// Bytes in it.
    const SIZE: u64;
    fn address(self) -> u64;

    fn get<T: Plain>(self, field: Field<Self, T>) -> T {
        raw::read(self.address() + field.offset)
    }

    fn set<T: Plain>(self, field: Field<Self, T>, value: T) {
        raw::write(self.address() + field.offset, value);
    }

    /// Returns the address of a field.
    fn place<T>(self, field: Field<Self, T>) -> u64 {
        self.address() + field.offset
    }
}

/// A field of type `T` of a structure `S`.
pub(crate) struct Field<S, T> {
    offset: u64,
    kind: PhantomData<(S, T)>,
}

impl<S, T> Field<S, T> {
    const fn at(offset: u64) -> Self {
        Self {
            offset,
            kind: PhantomData,
        }
    }
}

macro_rules! structures {
    ($($(#[$doc:meta])* $name:ident ($size:literal) {
        $($field:ident: $type:ty = $offset:literal,)+
    })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
            pub(crate) struct $name(pub(crate) u64);

            impl Structure for $name {
                const SIZE: u64 = $size;
                fn address(self) -> u64 {
                    self.0
                }
            }

            impl $name {
                $(pub(crate) const $field: Field<Self, $type> = Field::at($offset);)+
            }

            const _: () = {
                $(assert!($offset + size_of::<$type>() < $size + 1);)+
            };
        )+
    };
}

structures! {
    /// `IRP`, without its stack locations.
    Irp (0xD0) {
        TYPE: u16 = 0x00,
        LENGTH: u16 = 0x02,
        MDL: u64 = 0x08,
        FLAGS: u32 = 0x10,
        SYSTEM_BUFFER: u64 = 0x18,
        STATUS: NtStatus = 0x30,
        INFORMATION: u64 = 0x38,
        REQUESTOR_MODE: u8 = 0x40,
        PENDING_RETURNED: u8 = 0x41,
        STACK_COUNT: u8 = 0x42,
        CURRENT_LOCATION: u8 = 0x43,
        CANCEL: u8 = 0x44,
        CANCEL_IRQL: u8 = 0x45,
        CANCEL_ROUTINE: u64 = 0x68,
        USER_BUFFER: u64 = 0x70,
        THREAD: u64 = 0x98,
        CURRENT_STACK_LOCATION: u64 = 0xB8,
        ORIGINAL_FILE_OBJECT: u64 = 0xC0,
    }

    /// `IO_STACK_LOCATION`.
    StackLocation (0x48) {
        MAJOR_FUNCTION: u8 = 0x00,
        MINOR_FUNCTION: u8 = 0x01,
        FLAGS: u8 = 0x02,
        CONTROL: u8 = 0x03,
        OUTPUT_LENGTH: u32 = 0x08,
        INPUT_LENGTH: u32 = 0x10,
        CONTROL_CODE: u32 = 0x18,
        LENGTH: u32 = 0x08,
        BYTE_OFFSET: u64 = 0x18,
        TYPE3_INPUT_BUFFER: u64 = 0x20,
        SECURITY_CONTEXT: u64 = 0x08,
        ID_TYPE: u32 = 0x08,
        CREATE_OPTIONS: u32 = 0x10,
        SHARE_ACCESS: u16 = 0x1A,
        DEVICE_OBJECT: u64 = 0x28,
        FILE_OBJECT: u64 = 0x30,
        COMPLETION_ROUTINE: u64 = 0x38,
        CONTEXT: u64 = 0x40,
    }

    /// `DEVICE_OBJECT`.
    DeviceObject (0x150) {
        TYPE: u16 = 0x00,
        LENGTH: u16 = 0x02,
        REFERENCE_COUNT: u32 = 0x04,
        DRIVER_OBJECT: u64 = 0x08,
        NEXT_DEVICE: u64 = 0x10,
        ATTACHED_DEVICE: u64 = 0x18,
        FLAGS: u32 = 0x30,
        CHARACTERISTICS: u32 = 0x34,
        DEVICE_EXTENSION: u64 = 0x40,
        DEVICE_TYPE: u32 = 0x48,
        STACK_SIZE: u8 = 0x4C,
        DEVICE_OBJECT_EXTENSION: u64 = 0x138,
    }

    /// `DRIVER_OBJECT`.
    DriverObject (0x150) {
        TYPE: u16 = 0x00,
        LENGTH: u16 = 0x02,
        DEVICE_OBJECT: u64 = 0x08,
        DRIVER_START: u64 = 0x18,
        DRIVER_SIZE: u32 = 0x20,
        DRIVER_EXTENSION: u64 = 0x30,
        DRIVER_NAME: [u8; 16] = 0x38,
        DRIVER_INIT: u64 = 0x58,
        DRIVER_UNLOAD: u64 = 0x68,
        MAJOR_FUNCTION: [u64; 28] = 0x70,
    }

    /// `DRIVER_EXTENSION`.
    DriverExtension (0x28) {
        DRIVER_OBJECT: u64 = 0x00,
        ADD_DEVICE: u64 = 0x08,
    }

    /// `FILE_OBJECT`.
    FileObject (0xD8) {
        TYPE: u16 = 0x00,
        LENGTH: u16 = 0x02,
        DEVICE_OBJECT: u64 = 0x08,
        READ_ACCESS: u8 = 0x4A,
        WRITE_ACCESS: u8 = 0x4B,
        FILE_NAME: [u8; 16] = 0x58,
    }

    /// `MDL`, without its page frame numbers.
    Mdl (0x30) {
        NEXT: u64 = 0x00,
        LENGTH: u16 = 0x08,
        FLAGS: u16 = 0x0A,
        PROCESS: u64 = 0x10,
        MAPPED_SYSTEM_VA: u64 = 0x18,
        START_VA: u64 = 0x20,
        BYTE_COUNT: u32 = 0x28,
        BYTE_OFFSET: u32 = 0x2C,
    }

    /// `DISPATCHER_HEADER`, of any object that threads wait for. A `KEVENT` is no more than that.
    Header (0x18) {
        KIND: u8 = 0x00,
        LENGTH: u8 = 0x02,
        SIGNAL_STATE: u32 = 0x04,
        WAIT_LIST: [u64; 2] = 0x08,
    }

    /// `KSEMAPHORE`.
    Semaphore (0x20) {
        LIMIT: u32 = 0x18,
    }

    /// `KMUTANT`.
    Mutex (0x38) {
        OWNER: u64 = 0x28,
    }

    /// `KTIMER`.
    Timer (0x40) {
        SIGNAL_STATE: u32 = 0x04,
        DUE_TIME: u64 = 0x18,
        DPC: u64 = 0x30,
        PERIOD: u32 = 0x3C,
    }

    /// `KDPC`.
    Dpc (0x40) {
        ROUTINE: u64 = 0x18,
        CONTEXT: u64 = 0x20,
        ARGUMENTS: [u64; 2] = 0x28,
    }

    /// `FAST_MUTEX`. Drivers initialise one inline.
    FastMutex (0x38) {
        COUNT: u32 = 0x00,
        OWNER: u64 = 0x08,
        OLD_IRQL: u32 = 0x30,
    }

    /// `KLOCK_QUEUE_HANDLE`.
    LockQueueHandle (0x18) {
        LOCK: u64 = 0x08,
        OLD_IRQL: u8 = 0x10,
    }

    /// `WORK_QUEUE_ITEM`.
    WorkQueueItem (0x20) {
        ROUTINE: u64 = 0x10,
        PARAMETER: u64 = 0x18,
    }

    /// `KTHREAD`, which is opaque to drivers but for the header at its start.
    Thread (0x40) {
        KIND: u8 = 0x00,
        SIGNAL_STATE: u32 = 0x04,
    }

    /// `OBJECT_ATTRIBUTES`.
    ObjectAttributes (0x30) {
        ROOT_DIRECTORY: u64 = 0x08,
        OBJECT_NAME: u64 = 0x10,
        ATTRIBUTES: u32 = 0x18,
    }

    /// `ACCESS_STATE`, with its `SECURITY_SUBJECT_CONTEXT`.
    AccessState (0xA0) {
        CLIENT_TOKEN: u64 = 0x20,
        IMPERSONATION_LEVEL: u32 = 0x28,
        PRIMARY_TOKEN: u64 = 0x30,
    }

    /// `SECURITY_SUBJECT_CONTEXT`.
    SubjectContext (0x20) {
        SUBJECT_CLIENT_TOKEN: u64 = 0x00,
        SUBJECT_PRIMARY_TOKEN: u64 = 0x10,
    }

    /// `PRIVILEGE_SET`, of one privilege.
    PrivilegeSet (0x14) {
        COUNT: u32 = 0x00,
        PRIVILEGE: u64 = 0x08,
    }

    /// `IO_SECURITY_CONTEXT`.
    SecurityContext (0x18) {
        ACCESS_STATE: u64 = 0x08,
        DESIRED_ACCESS: u32 = 0x10,
    }
}

/// `IRP_MJ_*`.
pub(crate) mod major {
    pub(crate) const CREATE: u8 = 0x00;
    pub(crate) const CLOSE: u8 = 0x02;
    pub(crate) const READ: u8 = 0x03;
    pub(crate) const WRITE: u8 = 0x04;
    pub(crate) const DEVICE_CONTROL: u8 = 0x0E;
    pub(crate) const CLEANUP: u8 = 0x12;
    pub(crate) const POWER: u8 = 0x16;
    pub(crate) const PNP: u8 = 0x1B;
}

/// `IRP_MN_*` of Plug and Play.
pub(crate) mod minor {
    pub(crate) const START_DEVICE: u8 = 0x00;
    pub(crate) const QUERY_REMOVE_DEVICE: u8 = 0x01;
    pub(crate) const REMOVE_DEVICE: u8 = 0x02;
    pub(crate) const CANCEL_REMOVE_DEVICE: u8 = 0x03;
    pub(crate) const STOP_DEVICE: u8 = 0x04;
    pub(crate) const QUERY_STOP_DEVICE: u8 = 0x05;
    pub(crate) const CANCEL_STOP_DEVICE: u8 = 0x06;
    pub(crate) const QUERY_ID: u8 = 0x13;
    pub(crate) const SURPRISE_REMOVAL: u8 = 0x17;
}

/// `SL_*` bits of a stack location's control byte.
pub(crate) mod location_control {
    pub(crate) const PENDING_RETURNED: u8 = 0x01;
    pub(crate) const INVOKE_ON_CANCEL: u8 = 0x20;
    pub(crate) const INVOKE_ON_SUCCESS: u8 = 0x40;
    pub(crate) const INVOKE_ON_ERROR: u8 = 0x80;
}

/// `MDL_*` flags.
pub(crate) mod mdl_flags {
    pub(crate) const MAPPED_TO_SYSTEM_VA: u16 = 0x0001;
    pub(crate) const PAGES_LOCKED: u16 = 0x0002;
    pub(crate) const SOURCE_IS_NONPAGED_POOL: u16 = 0x0004;
    pub(crate) const WRITE_OPERATION: u16 = 0x0080;
}
