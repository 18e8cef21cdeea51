//! Copies to, from and within the driver's uncached page, as device memory is copied.

use core::mem::size_of;

use ringcopy_protocol::{DeviceCopyRequest, DeviceDirection, NtStatus, TransferResponse};
use usermode_accessors::overlaps;

use super::{Call, transfer};

pub fn serve(call: &Call<'_>) -> Result<usize, NtStatus> {
    let request: DeviceCopyRequest = call.capture()?;
    let direction =
        DeviceDirection::from_wire(request.direction).ok_or(NtStatus::INVALID_PARAMETER)?;
    let payload = call
        .parameters
        .input_length
        .saturating_sub(size_of::<DeviceCopyRequest>());
    let length = request.length as usize;
    let unused = match direction {
        DeviceDirection::ToDevice => request.source_offset,
        DeviceDirection::FromDevice => request.destination_offset,
        DeviceDirection::Within => 0,
    };
    if unused != 0 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    let expected = if direction == DeviceDirection::ToDevice {
        length
    } else {
        0
    };
    if payload != expected {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    let asked = length as u64;
    let done = transfer::response(asked, transfer::of_accessor(asked, Ok(())));
    let mut page = call.device.device_page.as_device();
    let outside = |_| NtStatus::INVALID_BUFFER_SIZE;
    let (source, destination) = (
        request.source_offset as usize,
        request.destination_offset as usize,
    );
    match direction {
        DeviceDirection::ToDevice => {
            let input = call.request.input(call.parameters.input_length)?;
            let bytes = input
                .subslice(size_of::<DeviceCopyRequest>(), length)
                .ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
            page.write(destination, &bytes).map_err(outside)?;
            call.respond(&done, 0)
        }
        DeviceDirection::FromDevice => {
            let bytes = call.payload::<TransferResponse>(length)?;
            page.read(source, bytes).map_err(outside)?;
            call.respond(&done, length)
        }
        DeviceDirection::Within => {
            // RtlCopyDeviceMemory fails fast on an overlap, which here would be the caller's to
            // trigger.
            if overlaps(destination, source, length) {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            page.copy_within(destination, source, length)
                .map_err(outside)?;
            call.respond(&done, 0)
        }
    }
}
