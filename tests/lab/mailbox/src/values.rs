//! What arguments and results mean: numbers with names.

#[cfg(doc)]
use crate::{Command, Mapping};

macro_rules! values {
    (
        $(#[$doc:meta])* $name:ident:
        $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)+
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $value,)+
        }

        impl $name {
            /// Returns the variant with a value.
            #[must_use]
            pub const fn from_wire(value: u64) -> Option<Self> {
                match value {
                    $($value => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

values! {
    /// The state that [`Command::Protect`] puts a page into.
    Protection:
    /// Mapped, without access.
    NoAccess = 0,
    /// Read only.
    ReadOnly = 1,
    /// Read and write.
    ReadWrite = 2,
    /// Read and write, after the first access has raised `STATUS_GUARD_PAGE_VIOLATION`.
    Guard = 3,
    /// Not mapped.
    Unmapped = 4,
    /// Read and write, after the first access has brought the page in, without an exception.
    PagedOut = 5,
    /// Every access raises `STATUS_IN_PAGE_ERROR`: the page cannot be brought in.
    InPageError = 6,
    /// Read and write, with other bytes for each instruction that accesses the page: those of the
    /// next page and of the page after that, in turn. The 8 bytes at the start of the page before
    /// count the accesses. These three pages are of the same process, and
    /// [`Protection::ReadWrite`]. Works on the first processor, and not for buffers that the system
    /// reads or writes for a driver.
    Alternating = 7,
}

values! {
    /// A request of the Plug and Play manager: `IRP_MJ_PNP` with the minor function of the name.
    PnpRequest:
    /// `IRP_MN_START_DEVICE`.
    Start = 0,
    /// `IRP_MN_QUERY_STOP_DEVICE`.
    QueryStop = 1,
    /// `IRP_MN_CANCEL_STOP_DEVICE`.
    CancelStop = 2,
    /// `IRP_MN_STOP_DEVICE`.
    Stop = 3,
    /// `IRP_MN_QUERY_REMOVE_DEVICE`.
    QueryRemove = 4,
    /// `IRP_MN_CANCEL_REMOVE_DEVICE`.
    CancelRemove = 5,
    /// `IRP_MN_SURPRISE_REMOVAL`.
    SurpriseRemoval = 6,
    /// `IRP_MN_REMOVE_DEVICE`.
    Remove = 7,
}

values! {
    /// What [`Command::Withhold`] names.
    Withheld:
    /// The frame of a physical address.
    Frame = 0,
    /// The frame of the page table that maps a system address.
    Table = 1,
}

values! {
    /// What [`Command::SetRam`] makes of a range.
    RamState:
    /// Not RAM of the system.
    Absent = 0,
    /// RAM.
    Listed = 1,
    /// RAM that the list leaves out which drivers are given: it was added after the list was made.
    Unlisted = 2,
}

values! {
    /// What drivers are told of a hypervisor, which the command line says.
    HypervisorKind:
    /// What QEMU tells.
    None = 0,
    /// One with Microsoft's interface.
    HyperV = 1,
    /// The same, in a partition that may use virtual secure mode.
    Vsm = 2,
    /// The same, in an isolated partition.
    Isolated = 3,
}

values! {
    /// The kind of the entries of a [`Mapping`].
    MappingKind:
    /// Not present.
    Unmapped = 0,
    /// Data in RAM.
    Ram = 1,
    /// The same, not writable.
    ReadOnly = 2,
    /// The same, executable.
    Executable = 3,
    /// Memory that can be read and is not on the list of RAM.
    Reserved = 4,
    /// The local APIC.
    Apic = 5,
    /// The memory of a PCI device.
    Device = 6,
    /// The firmware's ROM and tables.
    Firmware = 7,
    /// The address after the last byte of RAM.
    BeyondRam = 8,
    /// Present, with a bit set that the processor reserves: it raises a page fault.
    Malformed = 9,
    /// Mapped by a table that does not lie in RAM.
    TableElsewhere = 10,
    /// Not present; the memory manager can bring it in.
    PagedOut = 11,
    /// Not present, and cannot be brought in.
    Lost = 12,
    /// A large page that maps RAM and other memory: only the list of RAM distinguishes them.
    Mixed = 13,
}

values! {
    /// The change that [`Command::StartInterference`] makes to a page.
    Interference:
    /// Unmaps the page and maps it again, with a TLB shootdown each time.
    Unmap = 0,
    /// Makes it read-only and writable in turn, with a TLB shootdown each time.
    WriteProtect = 1,
    /// Writes other bytes into it: at any moment all of its bytes from one of the writes, or a
    /// prefix from the next.
    Rewrite = 2,
    /// Maps two frames in turn, with a TLB shootdown each time. The other frame holds the
    /// complement of each byte.
    Flip = 3,
    /// Changes no page: cancels the requests in progress, as another thread's `CancelIoEx` does.
    Cancel = 4,
    /// Writes the bytes of the next page and of the page after that into it, in turn, 8 at a time,
    /// without a pause.
    Alternate = 5,
    /// Removes a range of RAM and adds it, in turn. The address is physical; for the process stands
    /// the length.
    Ram = 6,
}

values! {
    /// The positions of the results of [`Command::Machine`].
    MachineFact:
    /// A physical address of I/O space: the local APIC.
    IoAddress = 0,
    /// The first physical address beyond all RAM.
    RamEnd = 1,
    /// A system virtual address of constant data.
    SystemAddress = 2,
    /// Bytes there.
    SystemLength = 3,
    /// A system virtual address that is not mapped.
    UnmappedSystemAddress = 4,
    /// A system virtual address that maps I/O space.
    IoSystemAddress = 5,
    /// The physical address of a hole in RAM.
    HoleAddress = 6,
    /// 1 if SMAP and SMEP are on.
    SupervisorProtection = 7,
    /// A system virtual address of RAM that a 2 MiB page maps.
    LargePageAddress = 8,
    /// Running processors.
    Processors = 9,
    /// Levels of page tables: 4 or 5.
    PagingLevels = 10,
    /// Bytes in the hole at [`MachineFact::HoleAddress`]. Memory can be read there; only the list
    /// of RAM does not have it.
    HoleLength = 11,
    /// The address of the memory of [`Command::WriteKernelScratch`]; an unmapped page follows it.
    KernelScratch = 12,
    /// Bytes there.
    KernelScratchLength = 13,
    /// Bits in a physical address.
    PhysicalAddressBits = 14,
    /// The physical address of a PCI device's memory.
    DeviceAddress = 15,
    /// Bytes there.
    DeviceLength = 16,
    /// The physical address of a page that the memory map reserves for firmware.
    FirmwareAddress = 17,
    /// The first address that a driver has reserved with `MmAllocateMappingAddress`; 0 for none.
    MappingAddress = 18,
}

values! {
    /// The positions of the results of [`Command::Counts`].
    Count:
    /// Live pool allocations.
    PoolAllocations = 0,
    /// Bytes in them.
    PoolBytes = 1,
    /// Exceptions dispatched since boot.
    Exceptions = 2,
    /// Open handles.
    Handles = 3,
    /// Live device objects.
    Devices = 4,
    /// Locked pages.
    LockedPages = 5,
    /// Live I/O request packets.
    Requests = 6,
    /// Reserved mapping addresses and contiguous allocations.
    Reservations = 7,
    /// System pages brought in since boot.
    BroughtIn = 8,
    /// Requests completed by another processor than the one that sent them, since boot.
    EndedElsewhere = 9,
    /// Live process objects.
    Processes = 10,
}

values! {
    /// How a run of the lab ends: what the guest writes to QEMU's `isa-debug-exit` device. QEMU
    /// exits with `value << 1 | 1`.
    Exit:
    /// The guest has done everything that was asked for.
    Done = 0x10,
    /// An image could not be loaded.
    NotLoaded = 0x11,
    /// The driver broke a rule: the log has a line that starts with `BUGCHECK`.
    Bugcheck = 0x20,
    /// The lab itself has a defect.
    Panic = 0x30,
}
