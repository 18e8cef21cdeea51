//! How a client reaches a driver, and the memory that the driver is asked to touch.

use std::io;

use ringcopy_protocol::NtStatus;

/// Bytes in a page, the unit of [`Transport::protect`].
pub const PAGE_LENGTH: u64 = 4096;

/// An open handle to the device, as its transport numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub u64);

/// What a handle is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenAccess {
    /// `FILE_READ_ACCESS` alone.
    Read,
    /// `FILE_WRITE_ACCESS` alone.
    Write,
    /// Both.
    ReadWrite,
}

/// A range of the caller's address space, which need not be valid: the driver has to judge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The first byte.
    pub address: u64,
    /// Bytes.
    pub length: u32,
}

/// What may be done with a page of the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing, though the page is there.
    NoAccess,
    /// Reads.
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
    /// Reads and writes, once the first access has raised `STATUS_GUARD_PAGE_VIOLATION`.
    Guard,
    /// Nothing: there is no page. A page that was taken away does not come back.
    Unmapped,
}

/// What a transport knows about the machine that the driver runs on. Facts that it does not know
/// are `None`, and the cases that need them are skipped by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landmarks {
    /// Why the addresses that the driver sees are not this process's, where they are not.
    pub foreign_addresses: Option<&'static str>,
    /// A physical address of I/O space.
    pub io_address: Option<u64>,
    /// The first physical address behind all RAM.
    pub ram_end: Option<u64>,
    /// The end of a run of RAM that something else, or nothing, follows.
    pub hole_address: Option<u64>,
    /// A system address and the constant bytes that lie there.
    pub system_data: Option<(u64, Vec<u8>)>,
    /// A system address where nothing is mapped.
    pub unmapped_system_address: Option<u64>,
    /// A system address that maps I/O space.
    pub io_system_address: Option<u64>,
}

/// The way to the driver failed; what the driver would have said is unknown.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// There is no driver to be reached from here. The text says where there is one.
    #[error("{0}")]
    Unavailable(String),
    /// There was one, and it is gone.
    #[error("the driver can no longer be reached: {0}")]
    Lost(String),
    /// The user does not want to wait. The request under way was cancelled, and no other is sent.
    #[error("interrupted: the request under way was cancelled, and none was sent after it")]
    Interrupted,
    /// Memory of the caller's own could not be arranged.
    #[error("cannot {action} {length} bytes of the caller's memory{}: {status}", at(*address))]
    Memory {
        /// What was tried: a verb.
        action: &'static str,
        /// Where; 0 for an allocation.
        address: u64,
        /// Bytes.
        length: u64,
        /// What it failed with.
        status: NtStatus,
    },
    /// Input or output on the host failed.
    #[error("{context}: {error}")]
    Io {
        /// What was tried.
        context: String,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
}

/// Where memory is, if it is anywhere yet.
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
    /// It did not reach the driver, or its outcome did not come back.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It was refused.
    #[error("the request failed with {0}")]
    Status(NtStatus),
}

/// A way to the driver, from within one calling process.
///
/// On Windows that is the client's own process; in the lab it is a process of the lab's.
pub trait Transport {
    /// Opens the device.
    ///
    /// # Errors
    /// The status of the open, e.g. `STATUS_ACCESS_DENIED`.
    fn open(&mut self, access: OpenAccess) -> Result<Handle, RequestError>;

    /// Closes a handle.
    ///
    /// # Errors
    /// `STATUS_INVALID_HANDLE`, if it is not open.
    fn close(&mut self, handle: Handle) -> Result<(), RequestError>;

    /// Sends a request with buffers of the transport's own choosing. `output` goes to the driver
    /// as it is, so that what the driver leaves alone stays as it was. Gives the number of bytes
    /// that the driver says it returned, which is not to be trusted.
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

    /// Sends a request with buffers where the caller says, valid or not.
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

    /// Whole zeroed pages for at least `length` bytes, with an unmapped page on either side.
    ///
    /// # Errors
    /// If there is no room.
    fn allocate(&mut self, length: u64) -> Result<u64, TransportError>;

    /// Gives back what [`allocate`](Self::allocate) gave.
    ///
    /// # Errors
    /// If nothing was allocated there.
    fn free(&mut self, address: u64) -> Result<(), TransportError>;

    /// Changes whole pages.
    ///
    /// # Errors
    /// If a page of the range is not there.
    fn protect(
        &mut self,
        address: u64,
        length: u64,
        protection: Protection,
    ) -> Result<(), TransportError>;

    /// Writes to the caller's memory, which has to be [`Protection::ReadWrite`].
    ///
    /// # Errors
    /// If a page of the range is not there.
    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), TransportError>;

    /// Reads the caller's memory, which has to be readable.
    ///
    /// # Errors
    /// If a page of the range is not there.
    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), TransportError>;

    /// Where a byte of the caller's memory lies in physical memory, if the transport can tell.
    ///
    /// # Errors
    /// If the byte is not mapped.
    fn physical_address(&mut self, _address: u64) -> Result<Option<u64>, TransportError> {
        Ok(None)
    }

    /// What the transport knows about the driver's machine.
    ///
    /// # Errors
    /// If the machine cannot be asked.
    fn landmarks(&mut self) -> Result<Landmarks, TransportError> {
        Ok(Landmarks::default())
    }
}
