//! The mailbox through which the host drives the lab.
//!
//! QEMU backs the guest's memory with a file that the host maps too. At [`PHYSICAL_ADDRESS`] lies
//! a [`Mailbox`], behind it [`DATA_LENGTH`] bytes of data. The host writes a command with its
//! arguments, then stores a number that it has not used before into `asked`; the guest carries the
//! command out, writes status and results, then stores that number into `answered`. Both poll:
//! a round trip takes microseconds, and logs travel by the serial port instead.

#![no_std]
#![forbid(unsafe_code)]

pub mod archive;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Where the mailbox lies in the guest's physical memory: above the kernel image, below the
/// modules, reported by the guest's own memory map to nobody.
pub const PHYSICAL_ADDRESS: u64 = 16 << 20;

/// Offset of the data from the mailbox.
pub const DATA_OFFSET: u64 = 4096;

/// Bytes that one command can carry either way.
pub const DATA_LENGTH: u64 = 1 << 20;

/// What [`Mailbox::magic`] holds once the guest listens.
pub const MAGIC: u64 = u64::from_le_bytes(*b"RINGLAB1");

/// Arguments or results of one command.
pub const VALUES: usize = 24;

/// The shared page.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Mailbox {
    /// [`MAGIC`].
    pub magic: u64,
    /// The number of the command that the host wants done.
    pub asked: u64,
    /// The number of the command that the guest has done last.
    pub answered: u64,
    /// A [`Command`].
    pub command: u64,
    /// What the command takes.
    pub arguments: [u64; VALUES],
    /// The `NTSTATUS` of the command.
    pub status: u64,
    /// What the command gives.
    pub results: [u64; VALUES],
    /// Bytes of data, from the host with a command and from the guest with an answer.
    pub data_length: u64,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident = $value:literal,)+) => {
        /// What the host can ask of the lab. Arguments and results are listed in order; a status
        /// other than success leaves the results zero.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u64)]
        pub enum Command {
            $($(#[$doc])* $name = $value,)+
        }

        impl Command {
            /// The command of a number.
            #[must_use]
            pub const fn from_wire(value: u64) -> Option<Self> {
                match value {
                    $($value => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

commands! {
    /// Starts a process of its own address space. Arguments: [`token`] bits. Results: process.
    CreateProcess = 1,
    /// Ends a process: closes its handles, frees its memory. Arguments: process.
    EndProcess = 2,
    /// Opens the device named in the data (UTF-8, `\DosDevices\…` or `\Device\…`). Arguments:
    /// process, desired access (`FILE_READ_ACCESS` 1, `FILE_WRITE_ACCESS` 2), bits of [`opener`], the
    /// token of whom the opener impersonates. Results: handle.
    Open = 3,
    /// Closes a handle: cleanup, then close. Arguments: process, handle.
    Close = 4,
    /// Sends a device control request with the caller's own pointers, as `NtDeviceIoControlFile`
    /// does. Arguments: process, handle, code, input, input length, output, output length,
    /// requestor mode (1 user, 0 kernel: then the pointers are the kernel's), whether the request is
    /// cancelled before the driver sees it, the IRQL that it is sent at. Results: the status block's
    /// information, and how far the time-stamp counter went between the call of the driver and its
    /// return. The command's status is the request's.
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
    /// Where a virtual address lies. Arguments: process, address. Results: physical address.
    Translate = 10,
    /// What the lab's machine is. Results: see [`MachineFact`], by position.
    Machine = 11,
    /// The ranges of RAM, as the driver is told of them: data of `(base, length)` pairs.
    RamRanges = 12,
    /// Copies physical memory into the data, without the driver. Arguments: address, length.
    ReadPhysical = 13,
    /// Copies system virtual memory into the data, without the driver. Arguments: address, length.
    ReadSystem = 14,
    /// Copies the data into kernel memory that the lab set aside for requests in kernel mode.
    /// Arguments: offset. Results: address.
    WriteKernelScratch = 15,
    /// Copies from that memory. Arguments: offset, length.
    ReadKernelScratch = 16,
    /// The second processor starts to change one page behind the first one's back, until told to
    /// stop: a user page, or for process 0 a small page of RAM of the mosaic's. Arguments: process,
    /// address, [`Interference`].
    StartInterference = 17,
    /// The second processor stops, and the page is as it was. Results: changes made.
    StopInterference = 18,
    /// Stops the driver: refused with `STATUS_INVALID_DEVICE_REQUEST` while handles are open.
    /// Results: objects and allocations left behind; the data names them, a line each.
    Unload = 19,
    /// Loads the driver again. The command's status is that of its entry point.
    Load = 20,
    /// Ends the lab.
    Shutdown = 21,
    /// Pool, from now on, fails once after this many more allocations. Arguments: count
    /// (all ones: never).
    FailAllocation = 22,
    /// What the lab counts. Results: see [`Count`], by position.
    Counts = 23,
    /// Gives another process a handle to the same file object, as `DuplicateHandle` does; the
    /// device sees its cleanup when the last of them is closed. Arguments: process, handle, the
    /// process that gets it. Results: handle.
    Duplicate = 24,
    /// Sends device control requests of one code from both processors at once, so many from each,
    /// without a pause. Either processor may end the other's requests. Arguments: process, handle,
    /// code, input length, output length, the first processor's input and output, the second's
    /// input and output, repetitions, the second's process and handle (0: the same), whether the
    /// first processor closes its handle when it is done: then the second goes on until it is told
    /// that there is no such handle. Results, for each processor in turn: status and information of
    /// its first request, how many of its requests had another status, other information or other
    /// bytes of output, and how many requests it sent. Not while [`Command::StartInterference`] is
    /// in force.
    Parallel = 25,
    /// Where the mosaic lies, which the first of these commands lays out: system virtual memory of
    /// every kind that page tables can make. Results: the physical address of the memory behind its
    /// pages of RAM, and bytes there. Data: a [`Tile`] each.
    Mosaic = 26,
    /// Pages a page of the mosaic's out that was brought in. Arguments: its address.
    PageOut = 27,
    /// Calls the lab's own `MmCopyMemory`, without the driver, in the context of a process.
    /// Arguments: process. Data: a [`Call`] each, and in return for each a [`Called`] and the whole
    /// target, which held [`UNTOUCHED`].
    CopyMemory = 28,
    /// Sends a device control request in user mode, and carries both buffers' bytes along: writes
    /// the data to the input and what follows it to the output, sends the request, and gives the
    /// output as data, whatever became of the request. Arguments: process, handle, code, input,
    /// input length, output, output length. Status and results: as of
    /// [`Command::DeviceIoControl`]; no data where the buffers are not memory of the process's.
    Exchange = 29,
    /// The same for many requests of one code, one after the other, without a pause. Arguments:
    /// process, handle, code, input, output. Data: for each an [`Exchange`] and the input; the
    /// output is filled with [`UNTOUCHED`]. In return, for each an [`Exchanged`] and all of the
    /// output.
    Exchanges = 30,
    /// Withholds a frame from drivers that map it themselves, as a hypervisor does, or gives it back: an
    /// access raises what a general protection fault does. On the first processor. Arguments:
    /// address, [`Withheld`], whether it is withheld. Results: the frame's physical address.
    Withhold = 31,
    /// Adds RAM or removes it, whole pages. Arguments: physical address, length, [`RamState`].
    SetRam = 32,
}

/// A call of `MmCopyMemory`: its arguments.
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

/// What it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Called {
    /// What it returned.
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
    /// Bytes of room for output.
    pub output_length: u64,
}

/// What it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Exchanged {
    /// The request's status.
    pub status: u64,
    /// The status block's information.
    pub information: u64,
    /// How far the time-stamp counter went while the driver was at work on it.
    pub ticks: u64,
}

/// What memory holds that the lab prepares for a copy, where nothing arrives.
pub const UNTOUCHED: u8 = 0xEE;

/// A piece of the mosaic, mapped by entries of one kind. Pieces are listed in the order of their
/// addresses; between them, nothing is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tile {
    /// The first virtual address.
    pub address: u64,
    /// Bytes.
    pub length: u64,
    /// Bytes that one entry maps, or would map.
    pub page: u64,
    /// A [`TileKind`].
    pub kind: u64,
    /// The physical address that the entry names. Of memory that is paged out: where the same bytes
    /// are to be seen, in the memory behind the mosaic.
    pub physical: u64,
}

/// Bits that say in whose name a device is opened; none: in the process's.
pub mod opener {
    /// Kernel code.
    pub const KERNEL: u64 = 1;
    /// It asks to be checked as a user: `SL_FORCE_ACCESS_CHECK`.
    pub const FORCED: u64 = 2;
    /// The thread impersonates somebody.
    pub const IMPERSONATES: u64 = 4;
}

/// What [`Command::CreateProcess`] puts into the process's token.
pub mod token {
    /// The user is a member of Administrators.
    pub const ADMINISTRATORS: u64 = 1;
    /// The user is SYSTEM.
    pub const SYSTEM: u64 = 2;
    /// `SeDebugPrivilege` is held and enabled.
    pub const DEBUG_PRIVILEGE: u64 = 4;
}

macro_rules! argument {
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
            /// The value that an argument stands for.
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

argument! {
    /// What [`Command::Protect`] makes of a page.
    Protection:
    /// No access: a fault by a page that is there.
    NoAccess = 0,
    /// Reads only.
    ReadOnly = 1,
    /// Reads and writes.
    ReadWrite = 2,
    /// Reads and writes, once the first access has raised `STATUS_GUARD_PAGE_VIOLATION`.
    Guard = 3,
    /// Nothing there.
    Unmapped = 4,
    /// Reads and writes, once the first access has brought the page in: no fault is seen.
    PagedOut = 5,
    /// Every access raises `STATUS_IN_PAGE_ERROR`: the page cannot be brought in.
    InPageError = 6,
    /// Reads and writes, and each instruction that accesses it finds other bytes: those of the next
    /// page and of the page after that in turn. How often that was, is counted in the 8 bytes at the
    /// start of the page before. Neighbours are of the same process, and read and write. On the
    /// first processor, and not for buffers that the system reads or writes for a driver.
    Alternating = 7,
}

argument! {
    /// What [`Command::Withhold`] names.
    Withheld:
    /// The frame of a physical address.
    Frame = 0,
    /// The frame of the page table that maps a system address.
    Table = 1,
}

argument! {
    /// What [`Command::SetRam`] makes of a range.
    RamState:
    /// Not RAM of the system.
    Absent = 0,
    /// RAM.
    Listed = 1,
    /// RAM that the list leaves out which drivers are given: it was added after the list was made.
    Unlisted = 2,
}

argument! {
    /// What the entries of a [`Tile`] are.
    TileKind:
    /// Not present.
    Unmapped = 0,
    /// Data in RAM.
    Ram = 1,
    /// The same, not writable.
    ReadOnly = 2,
    /// The same, executable.
    Executable = 3,
    /// Memory that answers and is not on the list of RAM.
    Reserved = 4,
    /// The local APIC.
    Apic = 5,
    /// The memory of a PCI device.
    Device = 6,
    /// What firmware keeps: its ROM and its tables.
    Firmware = 7,
    /// The address behind the last byte of RAM.
    BeyondRam = 8,
    /// Present, with a bit set that the processor reserves: it raises a page fault.
    Malformed = 9,
    /// Behind a table that does not lie in RAM.
    TableElsewhere = 10,
    /// Not present, and brought in by who has the memory manager's help.
    PagedOut = 11,
    /// Not present, and cannot be brought in.
    Lost = 12,
    /// A large page onto RAM and what is none: the list of RAM tells them apart.
    Mixed = 13,
}

argument! {
    /// What [`Command::StartInterference`] does to a page.
    Interference:
    /// Takes the page away and puts it back, with a shootdown each time.
    Unmap = 0,
    /// Makes it read-only and writable in turn, with a shootdown each time.
    WriteProtect = 1,
    /// Writes other bytes into it: at any moment all of its bytes from one of the writes, or a
    /// prefix from the next.
    Rewrite = 2,
    /// Maps it to one frame and another in turn, with a shootdown each time: the other frame holds
    /// the complement of each byte.
    Flip = 3,
    /// No page at all: cancels the requests that are under way, as another thread's
    /// `CancelIoEx` does.
    Cancel = 4,
    /// Writes the bytes of the next page into it and those of the page after that, in turn, 8 at a
    /// time. There is no pause: it changes all the while.
    Alternate = 5,
    /// Removes a range of RAM and adds it, in turn. The address is physical; for the process stands
    /// the length.
    Ram = 6,
}

/// The positions of [`Command::Machine`]'s results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum MachineFact {
    /// A physical address of I/O space: the local APIC.
    IoAddress = 0,
    /// The first physical address beyond all RAM.
    RamEnd = 1,
    /// A system virtual address that is mapped, and holds the lab's own constant data.
    SystemAddress = 2,
    /// Bytes there.
    SystemLength = 3,
    /// A system virtual address that is not mapped.
    UnmappedSystemAddress = 4,
    /// A system virtual address that maps I/O space.
    IoSystemAddress = 5,
    /// The last physical address below a hole in RAM, plus one.
    HoleAddress = 6,
    /// 1 where SMAP and SMEP are on.
    SupervisorProtection = 7,
    /// A system virtual address that a 2 MiB page maps, onto RAM.
    LargePageAddress = 8,
    /// Processors that run.
    Processors = 9,
    /// Levels of page tables: 4 or 5.
    PagingLevels = 10,
    /// Bytes in the hole at [`MachineFact::HoleAddress`]. Memory answers there: only the list of
    /// RAM ranges says that it is none of the system's.
    HoleLength = 11,
    /// Where [`Command::WriteKernelScratch`] writes; an unmapped page follows it.
    KernelScratch = 12,
    /// Bytes there.
    KernelScratchLength = 13,
    /// Bits in a physical address of the processor's.
    PhysicalAddressBits = 14,
    /// The physical address of a PCI device's memory.
    DeviceAddress = 15,
    /// Bytes there.
    DeviceLength = 16,
    /// The physical address of a page that firmware keeps, and the map of memory says so.
    FirmwareAddress = 17,
}

/// The positions of [`Command::Counts`]'s results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Count {
    /// Pool allocations alive.
    PoolAllocations = 0,
    /// Bytes in them.
    PoolBytes = 1,
    /// Exceptions dispatched since start.
    Exceptions = 2,
    /// Handles open.
    Handles = 3,
    /// Device objects alive.
    Devices = 4,
    /// Pages locked.
    LockedPages = 5,
    /// I/O request packets alive.
    Requests = 6,
    /// Addresses reserved for mappings, and contiguous allocations.
    Reservations = 7,
    /// System pages that were brought in since start.
    BroughtIn = 8,
    /// Requests that the other processor ended than the one that had sent them, since start.
    EndedElsewhere = 9,
}
