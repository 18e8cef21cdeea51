//! One file per family of requests: judge what was captured, do it, say what became of it.

pub mod caller_copy;
pub mod copy_memory;
pub mod copy_through;
pub mod device_copy;
pub mod information;
mod transfer;

use core::mem::size_of;

use ringcopy_protocol::{Code, Header, Method, ModeChoice, NtStatus, PROTOCOL_VERSION};
use usermode_accessors::VolatileSlice;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use crate::{
    device::DeviceContext,
    file::FileContext,
    nt::{
        caller::CallerMode,
        status::from_accessor,
        wdf::{ControlParameters, Request},
    },
};

/// The alignment of requests and responses in caller memory.
const MESSAGE_ALIGNMENT: usize = 8;

/// A request on its way through a handler.
pub struct Call<'a> {
    pub code: &'static Code,
    pub device: &'a DeviceContext,
    pub file: &'a FileContext,
    pub request: &'a Request,
    pub parameters: ControlParameters,
}

impl<'a> Call<'a> {
    /// Reads the fixed part of the request, once, and judges what all requests have in common.
    /// From here on the caller's copy does not matter.
    fn capture<T: FromBytes + IntoBytes + Immutable>(&self) -> Result<T, NtStatus> {
        let mut request = T::new_zeroed();
        let length = self.parameters.input_length.min(size_of::<T>());
        let bytes = request.as_mut_bytes().get_mut(..length).unwrap_or_default();
        if length < size_of::<Header>() {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        if self.code.method == Method::Neither {
            let input = self.request.unsafe_user_input(length)?;
            CallerMode::of(self.request)
                .slice(input, length)
                .reader_aligned(MESSAGE_ALIGNMENT)
                .and_then(|mut reader| reader.read(bytes))
                .map_err(|fault| from_accessor(fault.status))?;
        } else {
            let input = self.request.input(length)?;
            let input = input
                .subslice(0, length)
                .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
            input
                .copy_to_slice(bytes)
                .map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
        }
        self.judge(request.as_bytes())?;
        Ok(request)
    }

    /// The version comes first: a request of another version may well be of another size.
    fn judge(&self, request: &[u8]) -> Result<(), NtStatus> {
        let (header, _) =
            Header::read_from_prefix(request).map_err(|_| NtStatus::INFO_LENGTH_MISMATCH)?;
        if header.version != PROTOCOL_VERSION {
            return Err(NtStatus::REVISION_MISMATCH);
        }
        let payload = self
            .parameters
            .input_length
            .checked_sub(self.code.request_length)
            .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
        if header.size as usize != self.code.request_length
            || payload as u64 > self.code.maximum_payload
        {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        if self.parameters.output_length < self.code.response_length {
            return Err(NtStatus::BUFFER_TOO_SMALL);
        }
        Ok(())
    }

    /// Makes sure that the response of a `METHOD_NEITHER` request has a place, before anything is
    /// done that would have to be told there.
    fn reserve_response<T: FromZeros + IntoBytes + Immutable>(&self) -> Result<(), NtStatus> {
        self.respond_to_caller(&T::new_zeroed()).map(|_| ())
    }

    /// Writes the response of a `METHOD_NEITHER` request; the answer is its size.
    fn respond_to_caller<T: IntoBytes + Immutable>(&self, response: &T) -> Result<usize, NtStatus> {
        let output = self.request.unsafe_user_output(size_of::<T>())?;
        CallerMode::of(self.request)
            .slice(output, size_of::<T>())
            .writer_aligned(MESSAGE_ALIGNMENT)
            .and_then(|mut writer| writer.write(response.as_bytes()))
            .map_err(|fault| from_accessor(fault.status))?;
        Ok(size_of::<T>())
    }

    /// Writes the response of any other request to the start of its output, `payload` bytes of
    /// which follow; the answer is the size of both.
    fn respond<T: IntoBytes + Immutable>(
        &self,
        response: &T,
        payload: usize,
    ) -> Result<usize, NtStatus> {
        let length = size_of::<T>()
            .checked_add(payload)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let output = self.request.output(length)?;
        output
            .subslice(0, size_of::<T>())
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?
            .copy_from_slice(response.as_bytes())
            .map_err(|_| NtStatus::BUFFER_TOO_SMALL)?;
        Ok(length)
    }

    /// The part of the output that follows a response of type `T`.
    fn payload<T>(&self, length: usize) -> Result<VolatileSlice<'a>, NtStatus> {
        let whole = size_of::<T>()
            .checked_add(length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)?;
        let output = self.request.output(whole)?;
        output
            .subslice(size_of::<T>(), length)
            .ok_or(NtStatus::BUFFER_TOO_SMALL)
    }

    /// The mode that a request asks for: its own, or the stricter one.
    fn mode(&self, choice: u32) -> Result<CallerMode, NtStatus> {
        match ModeChoice::from_wire(choice).ok_or(NtStatus::INVALID_PARAMETER)? {
            ModeChoice::OfRequest => Ok(CallerMode::of(self.request)),
            ModeChoice::User => Ok(CallerMode::strict()),
        }
    }
}

/// A field of a request as an address or a length of this machine.
fn address_field(value: u64) -> Result<usize, NtStatus> {
    usize::try_from(value).map_err(|_| NtStatus::INVALID_PARAMETER)
}
