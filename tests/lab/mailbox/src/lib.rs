//! The mailbox through which the host drives the lab.
//!
//! A file backs the guest's memory, and the host reads and writes that file. A [`Mailbox`] is at
//! [`PHYSICAL_ADDRESS`], followed by [`DATA_LENGTH`] bytes of data at [`DATA_OFFSET`]. The host
//! writes a command with its arguments, then stores a new number into `asked`. The guest carries
//! the command out, writes status and results, then stores that number into `finished`. Both sides
//! poll, so a round trip takes microseconds. Logs go through the serial port.

#![no_std]
#![forbid(unsafe_code)]

pub mod archive;
pub mod rules;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The mailbox's physical address in the guest: above the kernel's image, and in no range of RAM
/// that the guest reports to drivers.
pub const PHYSICAL_ADDRESS: u64 = 16 << 20;

/// The offset of the data from the mailbox.
pub const DATA_OFFSET: u64 = 4096;

/// The most bytes of data of a command or a reply.
pub const DATA_LENGTH: u64 = 1 << 20;

/// The value of [`Mailbox::magic`] once the guest listens.
pub const MAGIC: u64 = u64::from_le_bytes(*b"RINGLAB1");

/// The most processors.
pub const PROCESSORS: u64 = 8;

/// The number of arguments, and of results.
pub const VALUES: usize = 24;

/// The shared page.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mailbox {
    /// [`MAGIC`].
    pub magic: u64,
    /// The number of the command that the host asks for.
    pub asked: u64,
    /// The number of the last command that the guest has carried out.
    pub finished: u64,
    /// A [`Command`].
    pub command: u64,
    /// The command's arguments.
    pub arguments: [u64; VALUES],
    /// The command's `NTSTATUS`.
    pub status: u64,
    /// The command's results.
    pub results: [u64; VALUES],
    /// Bytes of data: of the command from the host, of the reply from the guest.
    pub data_length: u64,
}

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
    /// What the host asks the lab to do. Arguments and results are listed in order. If the status
    /// is not success, the results are zero.
    Command:
    /// Starts a process of its own address space. Arguments: [`token`] bits. Results: process.
    CreateProcess = 1,
    /// Ends a process: closes its handles, frees its memory. Arguments: process.
    EndProcess = 2,
    /// Opens the device named in the data (UTF-8, `\DosDevices\…` or `\Device\…`, or the class of an
    /// enabled interface, `{…}`). Arguments: process, desired access (`FILE_READ_ACCESS` 1, `FILE_WRITE_ACCESS` 2), bits of [`opener`],
    /// the token that the opener impersonates. Results: handle.
    Open = 3,
    /// Closes a handle: cleanup, then close. Arguments: process, handle.
    Close = 4,
    /// Sends a device control request with the caller's own pointers, as `NtDeviceIoControlFile`
    /// does. Arguments: process, handle, code, input, input length, output, output length,
    /// requestor mode (1 user, 0 kernel: then the pointers are the kernel's), whether the request
    /// is cancelled before the driver sees it, the IRQL of the request, whether its thread is ending
    /// meanwhile. Results: the status block's information, and the ticks of the time-stamp counter
    /// from the call of the driver to its return. The command's status is the request's.
    DeviceIoControl = 5,
    /// Allocates user memory, readable and writable, zeroed. Arguments: process, address (0: the
    /// lab chooses, with an unmapped page on either side), length. Results: address.
    Allocate = 6,
    /// Changes whole pages of user memory. Arguments: process, address, length, [`Protection`].
    Protect = 7,
    /// Copies the data into a process's user memory, whatever its protection (unmapped pages are
    /// refused). Arguments: process, address.
    WriteUser = 8,
    /// Copies from a process's user memory into the data, whatever its protection. Arguments:
    /// process, address, length.
    ReadUser = 9,
    /// Translates a virtual address. Arguments: process, address. Results: physical address.
    Translate = 10,
    /// Describes the lab's machine. Results: see [`MachineFact`], by position.
    Machine = 11,
    /// Returns the ranges of RAM that the driver sees. Data: a [`RamRange`] each.
    RamRanges = 12,
    /// Copies physical memory into the data, without the driver. Arguments: address, length.
    ReadPhysical = 13,
    /// Copies system virtual memory into the data, without the driver. Arguments: address, length.
    ReadSystem = 14,
    /// Copies the data into kernel memory that is reserved for requests in kernel mode. Arguments:
    /// offset. Results: address.
    WriteKernelScratch = 15,
    /// Copies from that memory. Arguments: offset, length.
    ReadKernelScratch = 16,
    /// Starts to change one page on the second processor, until [`Command::StopInterference`]: a
    /// user page, or for process 0 a small page of RAM of the mixed mappings. Arguments: process,
    /// address, [`Interference`].
    StartInterference = 17,
    /// Stops the second processor and restores the page. Results: the number of changes.
    StopInterference = 18,
    /// Stops the driver: refused with `STATUS_INVALID_DEVICE_REQUEST` while handles are open, and with
    /// `STATUS_NOT_SUPPORTED` if it has no unload routine.
    /// Results: the number of leaked objects and allocations. Data: a line for each.
    Unload = 19,
    /// Loads the driver again. The command's status is that of its entry point.
    Load = 20,
    /// Ends the lab.
    Shutdown = 21,
    /// Lets one pool allocation fail. Arguments: the number of allocations that succeed before it
    /// (all ones: none fails).
    FailAllocation = 22,
    /// Returns the lab's counters. Results: see [`Count`], by position.
    Counts = 23,
    /// Gives another process a handle to the same file object, as `DuplicateHandle` does. The
    /// device gets its cleanup when the last handle is closed. Arguments: process, handle, the
    /// other process. Results: handle.
    Duplicate = 24,
    /// Sends device control requests of one code from several processors at once, without a pause.
    /// Any processor may complete the requests of others. Arguments: code, repetitions on each,
    /// whether the first processor closes its handle at the end: then the others, whose handle it is,
    /// too, repeat until it is invalid. Data: a [`Sender`] for each processor, from the first on, two
    /// at least. The reply's data is a [`Repeated`] for each. Refused during
    /// [`Command::StartInterference`].
    Parallel = 25,
    /// Describes the mixed mappings, and makes them on the first call: system virtual memory of
    /// every kind that page tables can express. Results: the physical address of the block that the
    /// pages of RAM map, and its bytes. Data: a [`Mapping`] each.
    MixedMappings = 26,
    /// Pages out a page of the mixed mappings. Arguments: its address.
    PageOut = 27,
    /// Calls the lab's own `MmCopyMemory`, without the driver, in the context of a process.
    /// Arguments: process. Data: a [`Call`] each. The reply has a [`Called`] and the whole target
    /// for each; the target is filled with [`UNTOUCHED`] before the call.
    CopyMemory = 28,
    /// Sends a device control request in user mode together with the bytes of both buffers. The
    /// data holds the input, then the bytes that the output buffer gets before the request. The
    /// reply's data is the output, also of a failed request. Arguments: process, handle, code,
    /// input, input length, output, output length. Status and results: as of
    /// [`Command::DeviceIoControl`]; no data if the buffers are not the process's memory.
    Exchange = 29,
    /// Sends many such requests of one code, one after the other, without a pause. Arguments:
    /// process, handle, code, input, output. Data: an [`Exchange`] and the input for each; the
    /// output is filled with [`UNTOUCHED`]. The reply has an [`Exchanged`] and all of the output
    /// for each.
    Exchanges = 30,
    /// Withholds a frame from drivers that map it themselves, as a hypervisor does, or gives it back: an
    /// access raises what a general protection fault does. On the first processor. Arguments:
    /// address, [`Withheld`], whether it is withheld. Results: the frame's physical address.
    Withhold = 31,
    /// Adds RAM or removes it, whole pages. Arguments: physical address, length, [`RamState`].
    SetRam = 32,
    /// Advances the time that drivers see; their timers expire, and their waits end. Argument: the time,
    /// in units of 100 ns.
    AdvanceTime = 33,
    /// Breaks a [`Rule`](rules::Rule) on purpose, which ends the run. Arguments: its number.
    Break = 34,
    /// Reads from a file of a device in user mode, as `NtReadFile` does. Arguments: process, handle,
    /// buffer, length, byte offset. Status and results: as of [`Command::DeviceIoControl`].
    ReadFile = 35,
    /// Writes to one, as `NtWriteFile` does. Arguments, status and results: as of
    /// [`Command::ReadFile`].
    WriteFile = 36,
    /// Returns the names of devices and the symbolic links. Data: a line for each.
    Names = 37,
    /// Sends a request of the Plug and Play manager to the stack of the driver's device. Arguments: a
    /// [`PnpRequest`]. The command's status is that of the request, or
    /// `STATUS_INVALID_DEVICE_STATE` if the manager sends no such request now.
    PlugAndPlay = 40,
    /// Sends a device control request of user mode without buffers, and does not wait for its end.
    /// Arguments: process, handle, code. Results: a number for [`Command::Finish`].
    Start = 41,
    /// Ends what [`Command::Start`] began. Arguments: the number. The command's status is the request's,
    /// or `STATUS_PENDING` if the request has not ended: then the number stays valid.
    Finish = 42,
}

/// What one processor sends for [`Command::Parallel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sender {
    /// Its process.
    pub process: u64,
    /// A handle of that process.
    pub handle: u64,
    /// The address of the input.
    pub input: u64,
    /// Bytes of input.
    pub input_length: u64,
    /// The address of the output buffer.
    pub output: u64,
    /// Bytes of it.
    pub output_length: u64,
}

/// What a [`Sender`]'s requests came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Repeated {
    /// The status of the first request.
    pub status: u64,
    /// The first's information.
    pub information: u64,
    /// Requests with another status, other information or other bytes of output.
    pub different: u64,
    /// Requests sent.
    pub sent: u64,
}

/// The arguments of a call of `MmCopyMemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Call {
    /// `Flags`.
    pub flags: u64,
    /// `SourceAddress`.
    pub source: u64,
    /// `NumberOfBytes`.
    pub length: u64,
}

/// The result of a [`Call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Called {
    /// The returned status.
    pub status: u64,
    /// `NumberOfBytesTransferred`.
    pub transferred: u64,
}

/// One request of [`Command::Exchanges`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exchange {
    /// Bytes of input.
    pub input_length: u64,
    /// Bytes of the output buffer.
    pub output_length: u64,
}

/// The result of an [`Exchange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exchanged {
    /// The request's status.
    pub status: u64,
    /// The status block's information.
    pub information: u64,
    /// Ticks of the time-stamp counter from the call of the driver to its return.
    pub ticks: u64,
}

/// The byte that the lab fills a target with before a copy.
pub const UNTOUCHED: u8 = 0xEE;

/// A range of RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RamRange {
    /// The first byte's physical address.
    pub base: u64,
    /// Bytes.
    pub length: u64,
}

/// One of the mixed mappings: a range mapped by entries of one kind. They are listed in the order
/// of their addresses; nothing is mapped between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mapping {
    /// The first virtual address.
    pub address: u64,
    /// Bytes.
    pub length: u64,
    /// Bytes that one entry maps, or would map if it were present.
    pub page: u64,
    /// A [`MappingKind`].
    pub kind: u64,
    /// The physical address in the entry. For memory that is paged out: the address of the same
    /// bytes in the block.
    pub physical: u64,
}

/// Bits that say who opens a device; no bit: the process.
pub mod opener {
    /// Kernel code.
    pub const KERNEL: u64 = 1;
    /// Kernel code that asks for a user's access check: `SL_FORCE_ACCESS_CHECK`.
    pub const FORCED: u64 = 2;
    /// The thread impersonates another token.
    pub const IMPERSONATES: u64 = 4;
}

/// Bits of the token of a new process.
pub mod token {
    /// The user is a member of Administrators.
    pub const ADMINISTRATORS: u64 = 1;
    /// The user is SYSTEM.
    pub const SYSTEM: u64 = 2;
    /// `SeDebugPrivilege` is held and enabled.
    pub const DEBUG_PRIVILEGE: u64 = 4;
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
