//! The fixed parts of requests, and the entries that may follow them.

use bitflags::bitflags;

use crate::{
    Header,
    wire::{enumeration, structures},
};

structures! {
    /// Asks for the version and the limits of the driver, and the reach of the handle.
    InformationRequest: 8 {
        /// The header.
        header: Header,
    }

    /// Copies between the caller's memory and the session buffer of the handle.
    CallerCopyRequest: 40 {
        /// The header.
        header: Header,
        /// The address in the caller's address space.
        address: u64,
        /// The length in bytes; 0 touches nothing. A copy that exceeds the session buffer
        /// ([`SESSION_LENGTH`](crate::SESSION_LENGTH)) is refused with
        /// `STATUS_INVALID_BUFFER_SIZE`.
        length: u64,
        /// The offset in the session buffer in bytes.
        session_offset: u64,
        /// The alignment in bytes that `address` must have. If it is not a power of two, the copy
        /// ends with `STATUS_INVALID_PARAMETER`. Ignored for an empty copy and in kernel mode.
        alignment: u32,
        /// A [`ModeChoice`].
        mode: u32,
    }

    /// Copies the caller's memory to the caller's memory.
    CopyThroughRequest: 40 {
        /// The header.
        header: Header,
        /// The first address to read. Overlapping ranges give an unspecified mix of old and new
        /// bytes.
        source: u64,
        /// The first address to write.
        destination: u64,
        /// The length in bytes, at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH).
        length: u64,
        /// The alignment that `source` must have, as in [`CallerCopyRequest::alignment`].
        alignment: u32,
        /// A [`ModeChoice`].
        mode: u32,
    }

    /// Copies to, from or within the uncached device page. The bytes to write follow the request;
    /// the bytes read follow the response.
    DeviceCopyRequest: 24 {
        /// The header.
        header: Header,
        /// A [`DeviceDirection`].
        direction: u32,
        /// The length in bytes.
        length: u32,
        /// The offset in the page to read from; 0 for [`DeviceDirection::ToDevice`].
        source_offset: u32,
        /// The offset in the page to write to; 0 for [`DeviceDirection::FromDevice`].
        destination_offset: u32,
    }

    /// Copies virtual or physical memory to the output, after the response.
    CopyMemoryRequest: 32 {
        /// The header.
        header: Header,
        /// A virtual address of the calling process or of the system, or a physical address.
        address: u64,
        /// The length in bytes, at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH).
        length: u64,
        /// [`CopyFlags`]: exactly one. Otherwise the copy ends with `STATUS_INVALID_PARAMETER_4`.
        flags: u32,
        /// An [`EngineKind`].
        engine: u32,
    }

    /// Copies many pieces of virtual or physical memory to the output.
    ///
    /// `count` [`BatchEntry`] follow the request. The output holds a
    /// [`BatchResponse`](crate::BatchResponse), one [`CopyResult`](crate::CopyResult) for each
    /// entry, and then one slot of `length` bytes for each entry, in the order of the entries. The
    /// part of a slot that its entry did not copy is left unchanged. The result of one entry does
    /// not affect the others.
    BatchRequest: 16 {
        /// The header.
        header: Header,
        /// The number of entries that follow, at most [`MAXIMUM_ENTRIES`](crate::MAXIMUM_ENTRIES),
        /// with at most [`MAXIMUM_LENGTH`](crate::MAXIMUM_LENGTH) bytes in total. Otherwise the
        /// request fails with `STATUS_INVALID_BUFFER_SIZE`.
        count: u32,
        /// An [`EngineKind`], for all entries.
        engine: u32,
    }

    /// One piece of memory of a [`BatchRequest`].
    BatchEntry: 16 {
        /// A virtual address of the calling process or of the system, or a physical address.
        address: u64,
        /// The length in bytes; 0 copies nothing.
        length: u32,
        /// [`CopyFlags`]: exactly one.
        flags: u32,
    }

    /// Copies many pieces of virtual or physical memory, each to its own address in the caller's
    /// memory.
    ///
    /// `count` [`ScatterEntry`] follow the request. The output holds a
    /// [`BatchResponse`](crate::BatchResponse) and one [`CopyResult`](crate::CopyResult) for each
    /// entry. All entries are captured first, then served in their order; if targets overlap, the
    /// later entry's bytes remain. If a target overlaps the response, the request fails with
    /// `STATUS_CONFLICTING_ADDRESSES`.
    ScatterRequest: 16 {
        /// The header.
        header: Header,
        /// The number of entries that follow, with the limits of [`BatchRequest::count`].
        count: u32,
        /// An [`EngineKind`], for all entries.
        engine: u32,
    }

    /// One piece of memory of a [`ScatterRequest`].
    ScatterEntry: 24 {
        /// A virtual address of the calling process or of the system, or a physical address.
        source: u64,
        /// The first address to write in the caller's memory.
        target: u64,
        /// The length in bytes; 0 copies and checks nothing.
        length: u32,
        /// [`CopyFlags`]: exactly one.
        flags: u32,
    }

    /// Asks for the ranges of physical memory that are RAM.
    ///
    /// The output holds a [`MemoryRangesResponse`](crate::MemoryRangesResponse), and each
    /// [`MemoryRange`](crate::MemoryRange) from `first` on that fits.
    MemoryRangesRequest: 16 {
        /// The header.
        header: Header,
        /// The index of the first range to return.
        first: u32,
        /// Zero.
        reserved: u32,
    }
}

enumeration! {
    /// Which rules a copy follows.
    ModeChoice {
        /// Those of the mode that the I/O manager recorded for the request.
        OfRequest = 0,
        /// Those of `UserMode`, which are the stricter ones, whatever the recorded mode is.
        User = 1,
    }
}

enumeration! {
    /// What a [`DeviceCopyRequest`] does.
    DeviceDirection {
        /// Copies the bytes after the request to `destination_offset`.
        ToDevice = 1,
        /// Copies the bytes at `source_offset` to the output, after the response.
        FromDevice = 2,
        /// Copies from `source_offset` to `destination_offset`. Overlapping ranges are refused
        /// with `STATUS_INVALID_PARAMETER`.
        Within = 3,
    }
}

enumeration! {
    /// Which engine copies, or copied.
    EngineKind {
        /// In a request: the native engine if it passed its self-check, and the system's engine
        /// otherwise and for pages that are not resident. In a result: no engine was needed.
        Auto = 0,
        /// The driver's own page-table walk and window.
        Native = 1,
        /// `MmCopyMemory`.
        System = 2,
    }
}

bitflags! {
    /// What a source address is: the `Flags` of `MmCopyMemory`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CopyFlags: u32 {
        /// `MM_COPY_MEMORY_PHYSICAL`.
        const PHYSICAL = 1;
        /// `MM_COPY_MEMORY_VIRTUAL`.
        const VIRTUAL = 2;
    }
}
