//! The handlers, one file per family of requests. Each captures and validates its request, copies,
//! and writes the response.

pub mod caller_copy;
pub mod copy_batch;
pub mod copy_memory;
mod copy_result;
pub mod copy_scatter;
pub mod copy_through;
pub mod device_copy;
mod entries;
pub mod information;
mod interruption;
pub mod memory_ranges;
mod run;

use core::{marker::PhantomData, mem::size_of};

use ringcopy_protocol::{
    Code, Header, Kind, Method, ModeChoice, NtStatus,
    validate::{self, Lengths, Valid},
};
use usermode_accessors::{UserWriter, VolatileSlice};
use zerocopy::{FromZeros, Immutable, IntoBytes};

use crate::{
    nt::{
        caller::CallerMode,
        wdf::{ControlParameters, Request},
    },
    state::{DeviceContext, FileContext},
};

/// The alignment of requests and responses in caller memory.
const MESSAGE_ALIGNMENT: usize = 8;

/// A request that is being served.
pub struct Call<'a> {
    pub code: &'static Code,
    pub device: &'a DeviceContext,
    pub file: &'a FileContext,
    pub request: &'a Request,
    pub parameters: ControlParameters,
}

impl<'a> Call<'a> {
    /// Reads the fixed part of the request once, and validates it. The caller's copy is not read
    /// again.
    #[inline]
    fn capture<K: Kind>(&self) -> Result<Valid<K>, NtStatus> {
        let mut request = K::Request::new_zeroed();
        let length = self.parameters.input_length.min(size_of::<K::Request>());
        let bytes = request.as_mut_bytes().get_mut(..length).unwrap_or_default();
        if length < size_of::<Header>() {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        self.capture_part(Code::of(K::KIND).method, 0, bytes.into())?;
        validate::request::<K>(request.as_bytes(), self.lengths())
    }

    /// Reads the part of the input at `offset`.
    fn capture_bytes(&self, offset: usize, bytes: VolatileSlice<'_>) -> Result<(), NtStatus> {
        self.capture_part(self.code.method, offset, bytes)
    }

    #[inline]
    fn capture_part(
        &self,
        method: Method,
        offset: usize,
        mut bytes: VolatileSlice<'_>,
    ) -> Result<(), NtStatus> {
        let length = bytes.len();
        let end = offset
            .checked_add(length)
            .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
        if method == Method::Neither {
            let input = self.request.unsafe_user_input(end)?;
            // An address that wraps is checked like any other.
            let part = input.wrapping_add(offset);
            self.requestor()
                .slice(part, length)
                .reader_aligned(MESSAGE_ALIGNMENT)
                .and_then(|mut reader| reader.read_volatile(bytes))
                .map_err(NtStatus::from)
        } else {
            self.request
                .input(end)?
                .subslice(offset, length)
                .and_then(|input| bytes.copy_from_volatile(&input).ok())
                .ok_or(NtStatus::INFO_LENGTH_MISMATCH)
        }
    }

    const fn lengths(&self) -> Lengths {
        Lengths {
            input: self.parameters.input_length,
            output: self.parameters.output_length,
        }
    }

    /// Zeroes the first `length` bytes of the output of a `METHOD_NEITHER` request, so that a request
    /// whose response cannot be written fails before it has an effect.
    ///
    /// Each of `targets` is an address and a number of bytes that the request is going to write there.
    /// One that overlaps the response is refused with `STATUS_CONFLICTING_ADDRESSES`. Only addresses
    /// are compared: a page that the caller has mapped twice passes.
    fn reserve_response(
        &self,
        length: usize,
        targets: impl IntoIterator<Item = (usize, usize)>,
    ) -> Result<(), NtStatus> {
        let output = self.request.unsafe_user_output(length)?;
        // By distances: either range may end with the last address of all.
        let overlaps = |(target, bytes): (usize, usize)| {
            if target < output {
                output.wrapping_sub(target) < bytes
            } else {
                bytes > 0 && target.wrapping_sub(output) < length
            }
        };
        if targets.into_iter().any(overlaps) {
            return Err(NtStatus::CONFLICTING_ADDRESSES);
        }
        self.requestor()
            .slice(output, length)
            .writer_aligned(MESSAGE_ALIGNMENT)
            .and_then(|mut writer| writer.fill(0, length))
            .map_err(NtStatus::from)
    }

    /// Writes the response of a `METHOD_NEITHER` request, and returns its length in bytes.
    fn respond_to_caller<T: IntoBytes + Immutable>(&self, response: &T) -> Result<usize, NtStatus> {
        self.write_to_caller(0, response.as_bytes())?;
        Ok(size_of::<T>())
    }

    /// Writes the part of the response of a `METHOD_NEITHER` request at `offset`.
    fn write_to_caller(&self, offset: usize, bytes: &[u8]) -> Result<(), NtStatus> {
        self.response_writer(offset, bytes.len())
            .and_then(|mut writer| writer.write(bytes).map_err(NtStatus::from))
    }

    fn response_writer(&self, offset: usize, length: usize) -> Result<UserWriter, NtStatus> {
        let end = offset
            .checked_add(length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let output = self.request.unsafe_user_output(end)?;
        // An address that wraps is checked like any other.
        self.requestor()
            .slice(output.wrapping_add(offset), length)
            .writer_aligned(MESSAGE_ALIGNMENT)
            .map_err(NtStatus::from)
    }

    /// Writes the response of any other request to the start of its output, and returns its length
    /// together with the `payload` bytes after it.
    fn respond<T: IntoBytes + Immutable>(
        &self,
        response: &T,
        payload: usize,
    ) -> Result<usize, NtStatus> {
        self.output::<T>(payload)?.respond(response, payload)
    }

    /// Returns the output of any other request: a response of type `T`, and the `length` bytes after it.
    #[inline]
    fn output<T>(&self, length: usize) -> Result<Output<'a, T>, NtStatus> {
        let whole = size_of::<T>()
            .checked_add(length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let (response, rest) = self
            .request
            .output(whole)?
            .split_at_checked(size_of::<T>())
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        Ok(Output {
            response,
            payload: rest.subslice(0, length).ok_or(NtStatus::BUFFER_TOO_SMALL)?,
            kind: PhantomData,
        })
    }

    /// Returns the mode whose rules the request follows.
    pub(super) fn requestor(&self) -> CallerMode {
        CallerMode::of(self.request, self.device.settings.policy)
    }

    /// Returns the mode that the request asks for: its own, or the stricter one.
    fn mode(&self, choice: ModeChoice) -> CallerMode {
        match choice {
            ModeChoice::OfRequest => self.requestor(),
            ModeChoice::User => CallerMode::strict(),
        }
    }
}

/// The output of a request that is not `METHOD_NEITHER`.
struct Output<'a, T> {
    response: VolatileSlice<'a>,
    payload: VolatileSlice<'a>,
    kind: PhantomData<T>,
}

impl<T: IntoBytes + Immutable> Output<'_, T> {
    /// Writes the response, and returns its length together with the `payload` bytes after it.
    #[inline]
    fn respond(mut self, response: &T, payload: usize) -> Result<usize, NtStatus> {
        self.response
            .copy_from_slice(response.as_bytes())
            .map_err(|_| NtStatus::BUFFER_TOO_SMALL)?;
        // No payload is longer than the output.
        Ok(size_of::<T>().saturating_add(payload))
    }
}
