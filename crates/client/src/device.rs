//! The driver's requests, typed.

use ringcopy_protocol::{
    CallerCopyRequest, Code, CopyMemoryRequest, CopyThroughRequest, DeviceCopyRequest,
    DeviceDirection, EngineKind, Header, InformationRequest, InformationResponse, ModeChoice,
    Reach, RequestKind, TransferResponse,
};
use std::mem::size_of;
use zerocopy::IntoBytes;

use crate::{
    Error, Handle, Information, OpenAccess, Operation, Transfer, Transport,
    batch::on_the_wire,
    judge::{self, Question},
};

/// A copy between the caller's memory and the session buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerCopy {
    /// Where in the caller's address space.
    pub address: u64,
    /// Bytes.
    pub length: u64,
    /// Where in the session buffer, in bytes.
    pub session_offset: u64,
    /// The alignment that `address` must have: a power of two.
    pub alignment: u32,
}

/// A copy from the caller's memory to the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyThrough {
    /// The first byte read.
    pub source: u64,
    /// The first byte written.
    pub destination: u64,
    /// Bytes.
    pub length: u64,
    /// The alignment that `source` must have: a power of two.
    pub alignment: u32,
}

/// A copy to, from or within the driver's uncached page. Offsets are bytes into the page.
#[derive(Debug, PartialEq, Eq)]
pub enum DeviceCopy<'a> {
    /// Writes the bytes to the page.
    To {
        /// Where to.
        offset: u32,
        /// What.
        bytes: &'a [u8],
    },
    /// Reads as many bytes as there is room for; bytes that did not arrive stay as they were.
    From {
        /// Where from.
        offset: u32,
        /// Where they go.
        target: &'a mut [u8],
    },
    /// Moves bytes from one part of the page to another.
    Within {
        /// Where from.
        source: u32,
        /// Where to.
        destination: u32,
        /// Bytes.
        length: u32,
    },
}

/// What to read, as `MmCopyMemory` understands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A virtual address of this process or of the system.
    Virtual(u64),
    /// A physical address.
    Physical(u64),
}

impl Source {
    /// The address, of either kind.
    #[must_use]
    pub const fn address(self) -> u64 {
        match self {
            Self::Virtual(address) | Self::Physical(address) => address,
        }
    }

    /// The address of the same kind so many bytes further up; `None` beyond the last one.
    #[must_use]
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        Some(match self {
            Self::Virtual(address) => Self::Virtual(address.checked_add(bytes)?),
            Self::Physical(address) => Self::Physical(address.checked_add(bytes)?),
        })
    }

    /// The kind, as listings and JSON name it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Virtual(_) => "virtual",
            Self::Physical(_) => "physical",
        }
    }

    /// What a handle has to be allowed to read it, where it is neither the caller's own memory nor
    /// the session buffer.
    #[must_use]
    pub const fn needs(self) -> Reach {
        match self {
            Self::Virtual(_) => Reach::SYSTEM_VIRTUAL,
            Self::Physical(_) => Reach::PHYSICAL,
        }
    }
}

/// An open handle to the driver; closed when dropped.
#[derive(Debug)]
pub struct Device<'t, T: Transport + ?Sized> {
    transport: &'t mut T,
    handle: Handle,
}

impl<'t, T: Transport + ?Sized> Device<'t, T> {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_ACCESS_DENIED` for a caller that is neither SYSTEM nor an
    /// administrator, with `STATUS_OBJECT_NAME_NOT_FOUND` where the driver is not loaded.
    pub fn open(transport: &'t mut T, access: OpenAccess) -> Result<Self, Error> {
        let handle = transport.open(access).map_err(Error::of(Operation::Open))?;
        Ok(Self { transport, handle })
    }

    /// The transport, for the memory that it arranges.
    pub const fn transport(&mut self) -> &mut T {
        self.transport
    }

    /// The handle, for requests of another make.
    #[must_use]
    pub const fn handle(&self) -> Handle {
        self.handle
    }

    /// Asks what the driver is, and what this handle may reach.
    ///
    /// # Errors
    /// [`Error::Refused`] where the request itself failed.
    pub fn information(&mut self) -> Result<Information, Error> {
        let operation = Operation::Request(RequestKind::Information);
        let request = InformationRequest {
            header: Header::of::<InformationRequest>(),
        };
        let mut output = vec![0; size_of::<InformationResponse>()];
        let returned = self.request(RequestKind::Information, request.as_bytes(), &mut output)?;
        judge::information(&output, returned)
            .map_err(|reason| Error::Response { operation, reason })
    }

    /// Copies from the caller's memory to the session buffer.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` where the session buffer ends before
    /// the copy does. An alignment that is no power of two ends the copy with
    /// `STATUS_INVALID_PARAMETER`.
    pub fn copy_from(&mut self, copy: CallerCopy) -> Result<Transfer, Error> {
        self.caller_copy(RequestKind::CopyFrom, copy)
    }

    /// Copies from the session buffer to the caller's memory.
    ///
    /// # Errors
    /// As [`copy_from`](Self::copy_from).
    pub fn copy_to(&mut self, copy: CallerCopy) -> Result<Transfer, Error> {
        self.caller_copy(RequestKind::CopyTo, copy)
    }

    /// Copies from the caller's memory to the caller's memory.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` over
    /// [`MAXIMUM_LENGTH`](ringcopy_protocol::MAXIMUM_LENGTH). An alignment that is no power of two
    /// ends the copy with `STATUS_INVALID_PARAMETER`.
    pub fn copy_through(&mut self, copy: CopyThrough) -> Result<Transfer, Error> {
        let request = CopyThroughRequest {
            header: Header::of::<CopyThroughRequest>(),
            source: copy.source,
            destination: copy.destination,
            length: copy.length,
            alignment: copy.alignment,
            mode: ModeChoice::OfRequest as u32,
        };
        self.transfer(
            RequestKind::CopyThrough,
            copy.length,
            request.as_bytes(),
            None,
        )
    }

    /// Copies to, from or within the uncached page.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` where the page ends before the copy
    /// does, with `STATUS_INVALID_PARAMETER` for ranges that overlap.
    pub fn device_copy(&mut self, copy: DeviceCopy<'_>) -> Result<Transfer, Error> {
        let request = |direction: DeviceDirection, length, source_offset, destination_offset| {
            DeviceCopyRequest {
                header: Header::of::<DeviceCopyRequest>(),
                direction: direction as u32,
                length,
                source_offset,
                destination_offset,
            }
        };
        // A length that its field cannot hold is over every limit, and the driver says so.
        let length_of = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let kind = RequestKind::DeviceCopy;
        match copy {
            DeviceCopy::To { offset, bytes } => {
                let length = length_of(bytes);
                let mut input = request(DeviceDirection::ToDevice, length, 0, offset)
                    .as_bytes()
                    .to_vec();
                input.extend_from_slice(bytes);
                self.transfer(kind, length.into(), &input, None)
            }
            DeviceCopy::From { offset, target } => {
                let length = length_of(target);
                let request = request(DeviceDirection::FromDevice, length, offset, 0);
                self.transfer(kind, length.into(), request.as_bytes(), Some(target))
            }
            DeviceCopy::Within {
                source,
                destination,
                length,
            } => {
                let request = request(DeviceDirection::Within, length, source, destination);
                self.transfer(kind, length.into(), request.as_bytes(), None)
            }
        }
    }

    /// Copies virtual or physical memory into `target`; bytes that did not arrive stay as they
    /// were.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` over
    /// [`MAXIMUM_LENGTH`](ringcopy_protocol::MAXIMUM_LENGTH).
    pub fn copy_memory(
        &mut self,
        source: Source,
        engine: EngineKind,
        target: &mut [u8],
    ) -> Result<Transfer, Error> {
        let (flags, address) = on_the_wire(source);
        let length = target.len() as u64;
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address,
            length,
            flags: flags.bits(),
            engine: engine as u32,
        };
        let question = Question {
            operation: Operation::Request(RequestKind::CopyMemory),
            asked: length,
            engine,
            source: Some(source),
        };
        self.answered(
            RequestKind::CopyMemory,
            question,
            request.as_bytes(),
            Some(target),
        )
    }

    fn caller_copy(&mut self, kind: RequestKind, copy: CallerCopy) -> Result<Transfer, Error> {
        let request = CallerCopyRequest {
            header: Header::of::<CallerCopyRequest>(),
            address: copy.address,
            length: copy.length,
            session_offset: copy.session_offset,
            alignment: copy.alignment,
            mode: ModeChoice::OfRequest as u32,
        };
        self.transfer(kind, copy.length, request.as_bytes(), None)
    }

    /// Sends a request whose answer is a [`TransferResponse`], followed by the bytes of `target`
    /// if there is one.
    fn transfer(
        &mut self,
        kind: RequestKind,
        asked: u64,
        input: &[u8],
        target: Option<&mut [u8]>,
    ) -> Result<Transfer, Error> {
        let question = Question {
            operation: kind.into(),
            asked,
            engine: EngineKind::Auto,
            source: None,
        };
        self.answered(kind, question, input, target)
    }

    fn answered(
        &mut self,
        kind: RequestKind,
        question: Question,
        input: &[u8],
        target: Option<&mut [u8]>,
    ) -> Result<Transfer, Error> {
        let operation = question.operation;
        let mut output = vec![0; size_of::<TransferResponse>()];
        if let Some(target) = &target {
            output.extend_from_slice(target);
        }
        let returned = self.request(kind, input, &mut output)?;
        let transfer = judge::transfer(question, target.is_some(), &output, returned)
            .map_err(|reason| Error::Response { operation, reason })?;
        if let Some(target) = target {
            target.copy_from_slice(&output[size_of::<TransferResponse>()..]);
        }
        Ok(transfer)
    }

    pub(crate) fn request(
        &mut self,
        kind: RequestKind,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Error> {
        self.transport
            .device_io_control(self.handle, Code::of(kind).value, input, output)
            .map_err(Error::of(kind.into()))
    }
}

impl<T: Transport + ?Sized> Drop for Device<'_, T> {
    fn drop(&mut self) {
        // A handle that cannot be closed goes with its process; there is nobody left to tell.
        drop(self.transport.close(self.handle));
    }
}
