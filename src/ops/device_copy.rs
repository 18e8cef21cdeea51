//! Copies to, from and within the uncached device page.

use core::mem::size_of;

use ringcopy_protocol::{CopyResponse, DeviceCopyRequest, NtStatus, kind, validate::DeviceCopy};

use super::{Call, copy_result};

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let copy = call.capture::<kind::DeviceCopy>()?;
    let asked = copy.length() as u64;
    let done = CopyResponse::of(asked, copy_result::of_accessor(asked, Ok(())));
    let mut page = call.device.device_page.as_device();
    // Not reached: the valid copy stays within the page.
    let outside = |_| NtStatus::INVALID_BUFFER_SIZE;
    match copy {
        DeviceCopy::ToDevice {
            destination,
            length,
            ..
        } => {
            let input = call.request.input(call.parameters.input_length)?;
            let bytes = input
                .subslice(size_of::<DeviceCopyRequest>(), length)
                .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
            page.write(destination, &bytes).map_err(outside)?;
            call.respond(&done, 0)
        }
        DeviceCopy::FromDevice { source, length, .. } => {
            let mut output = call.output(length)?;
            page.read(source, output.payload.reborrow())
                .map_err(outside)?;
            output.respond(&done, length)
        }
        DeviceCopy::Within {
            source,
            destination,
            length,
            ..
        } => {
            page.copy_within(destination, source, length)
                .map_err(outside)?;
            call.respond(&done, 0)
        }
    }
}
