//! The commands of the host, with their arguments and results.

#[cfg(doc)]
use crate::{
    Call, Called, Count, Exchange, Exchanged, Interference, MachineFact, Mapping, PnpRequest,
    Protection, RamRange, RamState, Repeated, Sender, UNTOUCHED, Withheld, opener, rules, token,
};

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
