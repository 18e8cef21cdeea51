//! Copies from, to and through the caller's own memory, and those of the device page.

use ringcopy_client::protocol::{
    CallerCopyRequest, CopyThroughRequest, DEVICE_PAGE_LENGTH, DeviceCopyRequest, DeviceDirection,
    Direction, Engine, MAXIMUM_LENGTH, NtStatus, RequestKind, SESSION_LENGTH,
};

use super::{
    Model,
    answer::{response, result},
    machine::{Stop, USER_LIMIT},
};

impl Model {
    pub(super) fn probe(
        address: u64,
        length: u64,
        alignment: u32,
        direction: Direction,
    ) -> Option<Stop> {
        if length == 0 {
            return None;
        }
        let stop = |status| {
            Some(Stop {
                status,
                access: Some((direction, address)),
            })
        };
        if !address.is_multiple_of(alignment.into()) {
            return stop(NtStatus::DATATYPE_MISALIGNMENT);
        }
        match address.checked_add(length) {
            Some(end) if end <= USER_LIMIT => None,
            _ => stop(NtStatus::ACCESS_VIOLATION),
        }
    }

    pub(super) fn caller_copy(
        &mut self,
        kind: RequestKind,
        request: &CallerCopyRequest,
    ) -> Result<Vec<u8>, NtStatus> {
        if !request.alignment.is_power_of_two() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        let start = request.session_offset;
        match start.checked_add(request.length) {
            Some(end) if end <= SESSION_LENGTH => {}
            _ => return Err(NtStatus::INVALID_BUFFER_SIZE),
        }
        let range = start as usize..(start + request.length) as usize;
        let (direction, alignment) = (
            if kind == RequestKind::CopyFrom {
                Direction::Read
            } else {
                Direction::Write
            },
            request.alignment,
        );
        if let Some(stop) = Self::probe(request.address, request.length, alignment, direction) {
            return Ok(answer(0, request.length, Some(&stop)));
        }
        let (copied, stop) = if kind == RequestKind::CopyFrom {
            let (bytes, stop) = self.machine.read_user(request.address, request.length);
            self.machine.session[range][..bytes.len()].copy_from_slice(&bytes);
            (bytes.len() as u64, stop)
        } else {
            let bytes = self.machine.session[range].to_vec();
            self.machine.write_user(request.address, &bytes)
        };
        Ok(answer(copied, request.length, stop.as_ref()))
    }

    pub(super) fn copy_through(
        &mut self,
        request: &CopyThroughRequest,
    ) -> Result<Vec<u8>, NtStatus> {
        if !request.alignment.is_power_of_two() {
            return Err(NtStatus::INVALID_PARAMETER);
        }
        if request.length > MAXIMUM_LENGTH {
            return Err(NtStatus::INVALID_BUFFER_SIZE);
        }
        let length = request.length;
        if let Some(stop) = Self::probe(request.source, length, request.alignment, Direction::Read)
            .or_else(|| Self::probe(request.destination, length, 1, Direction::Write))
        {
            return Ok(answer(0, length, Some(&stop)));
        }
        let (bytes, read) = self.machine.read_user(request.source, length);
        let (copied, written) = self.machine.write_user(request.destination, &bytes);
        Ok(answer(copied, length, written.or(read).as_ref()))
    }

    pub(super) fn device_copy(
        &mut self,
        request: &DeviceCopyRequest,
        payload: &[u8],
    ) -> Result<Vec<u8>, NtStatus> {
        let room = |offset: u32| {
            let end = u64::from(offset) + u64::from(request.length);
            let offset = offset as usize;
            if end <= DEVICE_PAGE_LENGTH.into() {
                Ok(offset..offset + request.length as usize)
            } else {
                Err(NtStatus::INVALID_BUFFER_SIZE)
            }
        };
        let (source, destination) = (
            room(request.source_offset)?,
            room(request.destination_offset)?,
        );
        let mut data = Vec::new();
        match DeviceDirection::from_wire(request.direction).ok_or(NtStatus::INVALID_PARAMETER)? {
            DeviceDirection::ToDevice => self.machine.page[destination].copy_from_slice(payload),
            DeviceDirection::FromDevice => data = self.machine.page[source].to_vec(),
            DeviceDirection::Within => {
                if source.start < destination.end && destination.start < source.end {
                    return Err(NtStatus::INVALID_PARAMETER);
                }
                self.machine.page.copy_within(source, destination.start);
            }
        }
        let length = request.length.into();
        let mut output = answer(length, length, None);
        output.extend(data);
        Ok(output)
    }
}

/// The answer to a copy that no engine makes.
fn answer(copied: u64, asked: u64, stop: Option<&Stop>) -> Vec<u8> {
    let result = result(copied, stop, Engine::Auto, false);
    response(asked, &result)
}
