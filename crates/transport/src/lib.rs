//! How a program of user mode reaches a driver, and the memory that the driver is asked to touch.

#![forbid(unsafe_code)]

use std::io;

use nt_status::NtStatus;

/// Bytes in a page, the unit of [`Transport::protect`].
pub const PAGE_LENGTH: u64 = 4096;

/// The number of an open handle to the device, which the transport chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub u64);

/// The access for which a handle is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenAccess {
    /// `FILE_READ_ACCESS` alone.
    Read,
    /// `FILE_WRITE_ACCESS` alone.
    Write,
    /// Both.
    ReadWrite,
}

/// A range of the caller's address space. It need not be valid: the driver must validate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The first byte.
    pub address: u64,
    /// Bytes.
    pub length: u32,
}

/// The access that a page of the caller's memory allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// None, though the page is mapped.
    NoAccess,
    /// Reads.
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
    /// Reads and writes, once the first access has raised `STATUS_GUARD_PAGE_VIOLATION`.
    Guard,
    /// None: the page is not mapped. An unmapped page cannot be mapped again.
    Unmapped,
}

/// What a transport knows about the machine that the driver runs on. Unknown facts are `None`, and
/// cases that need them are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landmarks {
    /// Why the driver does not see this process's addresses, if it does not.
    pub foreign_addresses: Option<&'static str>,
    /// A physical address of I/O space.
    pub io_address: Option<u64>,
    /// The first physical address after all RAM.
    pub ram_end: Option<u64>,
    /// The end of a range of RAM, where a hole or other memory follows.
    pub hole_address: Option<u64>,
    /// A system address, and the constant bytes there.
    pub system_data: Option<(u64, Vec<u8>)>,
    /// A system address where nothing is mapped.
    pub unmapped_system_address: Option<u64>,
    /// A system address that maps I/O space.
    pub io_system_address: Option<u64>,
}

/// The transport failed, so the result of the request is not known.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No driver can be reached. The text says where there is one.
    #[error("{0}")]
    Unavailable(String),
    /// The driver can no longer be reached.
    #[error("the driver can no longer be reached: {0}")]
    Lost(String),
    /// The user asked to stop. The pending request was cancelled, and no other is sent.
    #[error("interrupted: the pending request was cancelled, and none was sent after it")]
    Interrupted,
    /// The caller's memory could not be allocated or changed.
    #[error("cannot {action} {length} bytes of the caller's memory{}: {status}", at(*address))]
    Memory {
        /// The action: a verb.
        action: &'static str,
        /// The first byte; 0 for an allocation.
        address: u64,
        /// Bytes.
        length: u64,
        /// The status of the failure.
        status: NtStatus,
    },
    /// Input or output on the host failed.
    #[error("{context}: {error}")]
    Io {
        /// The action.
        context: String,
        /// The reason.
        #[source]
        error: io::Error,
    },
}

/// Returns the text for the address of memory, if it has one.
fn at(address: u64) -> String {
    if address == 0 {
        String::new()
    } else {
        format!(" at {address:#x}")
    }
}

/// An open or a device control request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It did not reach the driver, or its result did not come back.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It was refused.
    #[error("the request failed with {0}")]
    Status(NtStatus),
}

/// A way to the driver from one calling process.
///
/// On Windows that is the client's own process; in the lab it is a process of the lab.
pub trait Transport {
    /// Opens the device.
    ///
    /// # Errors
    /// The status of the open, such as `STATUS_ACCESS_DENIED`.
    fn open(&mut self, access: OpenAccess) -> Result<Handle, RequestError>;

    /// Closes a handle.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, if it is not open.
    fn close(&mut self, handle: Handle) -> Result<(), RequestError>;

    /// Sends a request with buffers that the transport chooses. `output` goes to the driver as it
    /// is, so bytes that the driver does not write stay as they were. Returns the number of bytes
    /// that the driver says it returned, which is not checked.
    ///
    /// # Errors
    /// The status of the request, if that is an error or a warning.
    fn device_io_control(
        &mut self,
        handle: Handle,
        code: u32,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, RequestError>;

    /// Sends a request with buffers at given addresses, valid or not.
    ///
    /// # Errors
    /// The status of the request, if that is an error or a warning.
    fn device_io_control_at(
        &mut self,
        handle: Handle,
        code: u32,
        input: Buffer,
        output: Buffer,
    ) -> Result<usize, RequestError>;

    /// Allocates zeroed pages for at least `length` bytes, with an unmapped page on either side.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn allocate(&mut self, length: u64) -> Result<u64, TransportError>;

    /// Frees an allocation of [`allocate`](Self::allocate).
    ///
    /// # Errors
    /// If nothing was allocated there.
    fn free(&mut self, address: u64) -> Result<(), TransportError>;

    /// Changes the protection of whole pages.
    ///
    /// # Errors
    /// If a page of the range is not mapped.
    fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError>;

    /// Writes to the caller's memory, which must be [`Protection::ReadWrite`].
    ///
    /// # Errors
    /// If a page of the range is not mapped.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError>;

    /// Reads the caller's memory, which must be readable.
    ///
    /// # Errors
    /// If a page of the range is not mapped.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError>;

    /// Returns the physical address of a byte of the caller's memory, if the transport knows it.
    ///
    /// # Errors
    /// If the byte is not mapped.
    fn physical_address(&mut self, _address: u64) -> Result<Option<u64>, TransportError> {
        Ok(None)
    }

    /// Returns what the transport knows about the driver's machine.
    ///
    /// # Errors
    /// If the transport fails.
    fn landmarks(&mut self) -> Result<Landmarks, TransportError> {
        Ok(Landmarks::default())
    }
}
