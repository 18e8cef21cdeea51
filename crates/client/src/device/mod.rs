//! The driver's requests, typed.

mod copies;
mod pieces;

use ringcopy_protocol::{
    BatchRequest, CallerCopyRequest, Code, CopyMemoryRequest, CopyResponse, CopyThroughRequest,
    DeviceCopyRequest, DeviceDirection, EngineKind, Header, InformationRequest,
    InformationResponse, MemoryRange, MemoryRangesRequest, MemoryRangesResponse, ModeChoice,
    RequestKind, ScatterRequest, validate::results_end,
};
use std::mem::size_of;
use zerocopy::IntoBytes;

use crate::{
    CopyReport, Error, Handle, Information, OpenAccess, Operation, ResponseError, Source,
    Transport,
    response::{self, Asked},
};
pub use copies::{CallerCopy, CopyThrough, DeviceCopy};
pub(crate) use pieces::groups_within;
pub use pieces::{Batch, Piece, ScatterPiece};
use pieces::{UNTOUCHED, clear, groups};

/// The number of ranges of RAM that one request asks for.
const RANGES_PER_REQUEST: usize = 256;

/// The most ranges of RAM that a driver may report: machines have tens.
const MAXIMUM_RANGES: u32 = 1 << 16;

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

    /// Returns the transport, which manages the caller's memory.
    pub const fn transport(&mut self) -> &mut T {
        self.transport
    }

    /// Returns the handle, for requests that have no function here.
    #[must_use]
    pub const fn handle(&self) -> Handle {
        self.handle
    }

    /// Asks what the driver is, and what this handle may reach.
    ///
    /// # Errors
    /// [`Error::Refused`] if the request failed.
    pub fn information(&mut self) -> Result<Information, Error> {
        let kind = RequestKind::Information;
        let request = InformationRequest {
            header: Header::of::<InformationRequest>(),
        };
        let mut output = vec![0; size_of::<InformationResponse>()];
        let returned = self.request(kind, request.as_bytes(), &mut output)?;
        response::information(&output, returned).map_err(Error::in_response(kind))
    }

    /// Copies from the caller's memory to the session buffer.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` where the session buffer ends before
    /// the copy does. An alignment that is not a power of two ends the copy with
    /// `STATUS_INVALID_PARAMETER`.
    pub fn copy_from(&mut self, copy: CallerCopy) -> Result<CopyReport, Error> {
        self.caller_copy(RequestKind::CopyFrom, copy)
    }

    /// Copies from the session buffer to the caller's memory.
    ///
    /// # Errors
    /// As [`copy_from`](Self::copy_from).
    pub fn copy_to(&mut self, copy: CallerCopy) -> Result<CopyReport, Error> {
        self.caller_copy(RequestKind::CopyTo, copy)
    }

    /// Copies from the caller's memory to the caller's memory.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` over
    /// [`MAXIMUM_LENGTH`](ringcopy_protocol::MAXIMUM_LENGTH). An alignment that is not a power of
    /// two ends the copy with `STATUS_INVALID_PARAMETER`.
    pub fn copy_through(&mut self, copy: CopyThrough) -> Result<CopyReport, Error> {
        let request = CopyThroughRequest {
            header: Header::of::<CopyThroughRequest>(),
            source: copy.source,
            destination: copy.destination,
            length: copy.length,
            alignment: copy.alignment,
            mode: ModeChoice::OfRequest as u32,
        };
        let kind = RequestKind::CopyThrough;
        self.copy(kind, own(kind, copy.length), request.as_bytes(), None)
    }

    /// Copies to, from or within the uncached page.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` where the page ends before the copy
    /// does, with `STATUS_INVALID_PARAMETER` for ranges that overlap.
    pub fn device_copy(&mut self, copy: DeviceCopy<'_>) -> Result<CopyReport, Error> {
        let request = |direction: DeviceDirection, length, source_offset, destination_offset| {
            DeviceCopyRequest {
                header: Header::of::<DeviceCopyRequest>(),
                direction: direction as u32,
                length,
                source_offset,
                destination_offset,
            }
        };
        // A length that its field cannot hold is over every limit, and the driver refuses it.
        let length_of = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (request, payload, target) = match copy {
            DeviceCopy::To { offset, bytes } => {
                let length = length_of(bytes);
                let request = request(DeviceDirection::ToDevice, length, 0, offset);
                (request, bytes, None)
            }
            DeviceCopy::From { offset, target } => {
                let length = length_of(target);
                let request = request(DeviceDirection::FromDevice, length, offset, 0);
                (request, &[][..], Some(target))
            }
            DeviceCopy::Within {
                source,
                destination,
                length,
            } => {
                let request = request(DeviceDirection::Within, length, source, destination);
                (request, &[][..], None)
            }
        };
        let kind = RequestKind::DeviceCopy;
        let input = [request.as_bytes(), payload].concat();
        self.copy(kind, own(kind, request.length.into()), &input, target)
    }

    /// Copies virtual or physical memory into `target`. Bytes that did not arrive stay as they
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
    ) -> Result<CopyReport, Error> {
        let kind = RequestKind::CopyMemory;
        let length = target.len() as u64;
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: source.address(),
            length,
            flags: source.flags().bits(),
            engine: engine as u32,
        };
        let asked = Asked {
            operation: kind.into(),
            length,
            engine,
            source: Some(source),
        };
        self.copy(kind, asked, request.as_bytes(), Some(target))
    }

    /// Copies many pieces of virtual or physical memory, in as few requests as possible: each
    /// takes [`MAXIMUM_ENTRIES`](ringcopy_protocol::MAXIMUM_ENTRIES) pieces and
    /// [`MAXIMUM_LENGTH`](ringcopy_protocol::MAXIMUM_LENGTH) bytes. A piece that fails changes
    /// nothing for the others.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_BUFFER_SIZE` where a single piece is longer than
    /// [`MAXIMUM_LENGTH`](ringcopy_protocol::MAXIMUM_LENGTH). What earlier requests copied is then
    /// lost.
    pub fn copy_batch(&mut self, pieces: &[Piece], engine: EngineKind) -> Result<Batch, Error> {
        let kind = RequestKind::CopyBatch;
        let mut batch = Batch::default();
        for pieces in groups(pieces, |piece| piece.length) {
            let request = BatchRequest {
                header: Header::of::<BatchRequest>(),
                count: count_of(pieces),
                engine: engine as u32,
            };
            let entries: Vec<_> = pieces.iter().map(Piece::entry).collect();
            let input = [request.as_bytes(), entries.as_bytes()].concat();
            let asked = pieces.iter().map(|piece| piece.asked(kind, engine));
            let slots = pieces.iter().map(|piece| u64::from(piece.length)).sum();
            let (reports, mut bytes) = self.copies(kind, &input, asked, slots)?;
            clear(&reports, &mut bytes).map_err(Error::in_response(kind))?;
            batch.reports.extend(reports);
            if batch.bytes.is_empty() {
                batch.bytes = bytes;
            } else {
                batch.bytes.extend_from_slice(&bytes);
            }
        }
        Ok(batch)
    }

    /// Copies many pieces of virtual or physical memory, each to its own target in the caller's
    /// memory. They are copied in order: where targets overlap, the later piece wins. Requests are
    /// split as by [`copy_batch`](Self::copy_batch).
    ///
    /// # Errors
    /// As [`copy_batch`](Self::copy_batch). What earlier requests copied stays.
    pub fn copy_scatter(
        &mut self,
        pieces: &[ScatterPiece],
        engine: EngineKind,
    ) -> Result<Vec<CopyReport>, Error> {
        let kind = RequestKind::CopyScatter;
        let mut reports = Vec::with_capacity(pieces.len());
        for pieces in groups(pieces, |piece| piece.length) {
            let request = ScatterRequest {
                header: Header::of::<ScatterRequest>(),
                count: count_of(pieces),
                engine: engine as u32,
            };
            let entries: Vec<_> = pieces.iter().map(ScatterPiece::entry).collect();
            let input = [request.as_bytes(), entries.as_bytes()].concat();
            let asked = pieces.iter().map(|piece| piece.asked(kind, engine));
            reports.extend(self.copies(kind, &input, asked, 0)?.0);
        }
        Ok(reports)
    }

    /// Returns the ranges of physical memory that are RAM, in the order of their addresses. They do
    /// not overlap. No reach is needed.
    ///
    /// # Errors
    /// [`Error::Refused`] with `STATUS_INVALID_DEVICE_REQUEST` from a driver that does not know the
    /// request.
    pub fn memory_ranges(&mut self) -> Result<Vec<MemoryRange>, Error> {
        let kind = RequestKind::MemoryRanges;
        let wrong = |name, value| Error::in_response(kind)(ResponseError::Field(name, value));
        let length =
            size_of::<MemoryRangesResponse>() + RANGES_PER_REQUEST * size_of::<MemoryRange>();
        let mut ranges: Vec<MemoryRange> = Vec::new();
        let mut expected = None;
        loop {
            // No list is longer than `MAXIMUM_RANGES`.
            let first = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
            let request = MemoryRangesRequest {
                header: Header::of::<MemoryRangesRequest>(),
                first,
                reserved: 0,
            };
            let mut output = vec![0; length];
            let returned = self.request(kind, request.as_bytes(), &mut output)?;
            let (total, page) = response::memory_ranges(first, &output, returned)
                .map_err(Error::in_response(kind))?;
            if total > MAXIMUM_RANGES || expected.is_some_and(|expected| expected != total) {
                return Err(wrong("total", total.into()));
            }
            expected = Some(total);
            ranges.extend(page);
            if ranges.len() >= total as usize {
                break;
            }
        }
        ranges.sort_unstable_by_key(|range| range.base);
        for pair in ranges.windows(2) {
            if let [one, next] = pair
                && next.base - one.base < one.length
            {
                return Err(wrong("base", next.base));
            }
        }
        Ok(ranges)
    }

    fn caller_copy(&mut self, kind: RequestKind, copy: CallerCopy) -> Result<CopyReport, Error> {
        let request = CallerCopyRequest {
            header: Header::of::<CallerCopyRequest>(),
            address: copy.address,
            length: copy.length,
            session_offset: copy.session_offset,
            alignment: copy.alignment,
            mode: ModeChoice::OfRequest as u32,
        };
        self.copy(kind, own(kind, copy.length), request.as_bytes(), None)
    }

    /// Sends a request for one copy. If there is a `target`, its bytes follow the response.
    fn copy(
        &mut self,
        kind: RequestKind,
        asked: Asked,
        input: &[u8],
        target: Option<&mut [u8]>,
    ) -> Result<CopyReport, Error> {
        let mut output = vec![0; size_of::<CopyResponse>()];
        if let Some(target) = &target {
            output.extend_from_slice(target);
        }
        let returned = self.request(kind, input, &mut output)?;
        let report = response::copy(asked, target.is_some(), &output, returned)
            .map_err(Error::in_response(kind))?;
        if let Some(target) = target {
            target.copy_from_slice(&output[size_of::<CopyResponse>()..]);
        }
        Ok(report)
    }

    /// Sends a request for many copies. Returns how each ended, and the `slots` bytes that follow.
    fn copies(
        &mut self,
        kind: RequestKind,
        input: &[u8],
        asked: impl Iterator<Item = Asked>,
        slots: u64,
    ) -> Result<(Vec<CopyReport>, Vec<u8>), Error> {
        let asked: Vec<_> = asked.collect();
        let fixed = results_end(asked.len());
        let length = fixed.saturating_add(usize::try_from(slots).unwrap_or(usize::MAX));
        let mut output = vec![0; fixed];
        output.resize(length, UNTOUCHED);
        let returned = self.request(kind, input, &mut output)?;
        let reports = response::copies(&asked, &output, returned, slots > 0)
            .map_err(Error::in_response(kind))?;
        Ok((reports, output.split_off(fixed)))
    }

    fn request(
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
        // A handle that cannot be closed goes with its process; no caller could handle the error.
        drop(self.transport.close(self.handle));
    }
}

/// What a request asks for that names only the caller's own memory and no engine.
fn own(kind: RequestKind, length: u64) -> Asked {
    Asked {
        operation: kind.into(),
        length,
        engine: EngineKind::Auto,
        source: None,
    }
}

fn count_of<P>(pieces: &[P]) -> u32 {
    // `groups` gives no more than `MAXIMUM_ENTRIES`.
    u32::try_from(pieces.len()).unwrap_or(u32::MAX)
}
