//! Copies of the caller's own memory and of the device page.

use ringcopy_client::protocol::{
    Direction, EngineKind, NtStatus, RequestKind,
    validate::{CallerCopy, CopyThrough, DeviceCopy},
};

use super::{
    SimulatedDriver,
    memory::{Stop, USER_LIMIT},
    response::{response, result},
};

/// Returns why an accessor refuses a range, if it does.
pub(super) fn probe(
    address: u64,
    length: u64,
    alignment: usize,
    direction: Direction,
) -> Option<Stop> {
    if length == 0 {
        return None;
    }
    let status = if !alignment.is_power_of_two() {
        NtStatus::INVALID_PARAMETER
    } else if !address.is_multiple_of(alignment as u64) {
        NtStatus::DATATYPE_MISALIGNMENT
    } else if address
        .checked_add(length)
        .is_none_or(|end| end > USER_LIMIT)
    {
        NtStatus::ACCESS_VIOLATION
    } else {
        return None;
    };
    Some(Stop {
        status,
        access: Some((direction, address)),
    })
}

impl SimulatedDriver {
    pub(super) fn caller_copy(&mut self, kind: RequestKind, copy: CallerCopy) -> Vec<u8> {
        let range = copy.session_offset..copy.session_offset + copy.length;
        let (address, length) = (copy.address as u64, copy.length as u64);
        let from = kind == RequestKind::CopyFrom;
        let direction = if from {
            Direction::Read
        } else {
            Direction::Write
        };
        let (copied, stop) = if let Some(stop) = probe(address, length, copy.alignment, direction) {
            (0, Some(stop))
        } else if from {
            let (bytes, stop) = self.memory.read_user(address, length);
            self.memory.session[range][..bytes.len()].copy_from_slice(&bytes);
            (bytes.len() as u64, stop)
        } else {
            let bytes = self.memory.session[range].to_vec();
            self.memory.write_user(address, &bytes)
        };
        own_response(copied, length, stop.as_ref())
    }

    pub(super) fn copy_through(&mut self, copy: CopyThrough) -> Vec<u8> {
        let (source, destination) = (copy.source as u64, copy.destination as u64);
        let length = copy.length as u64;
        if let Some(stop) = probe(source, length, copy.alignment, Direction::Read)
            .or_else(|| probe(destination, length, 1, Direction::Write))
        {
            return own_response(0, length, Some(&stop));
        }
        let (bytes, read) = self.memory.read_user(source, length);
        let (copied, written) = self.memory.write_user(destination, &bytes);
        own_response(copied, length, written.or(read).as_ref())
    }

    pub(super) fn device_copy(&mut self, copy: DeviceCopy, payload: &[u8]) -> Vec<u8> {
        let page = &mut self.memory.page;
        let length = copy.length();
        let mut output = own_response(length as u64, length as u64, None);
        match copy {
            DeviceCopy::ToDevice { destination, .. } => {
                page[destination..destination + length].copy_from_slice(payload);
            }
            DeviceCopy::FromDevice { source, .. } => {
                output.extend_from_slice(&page[source..source + length]);
            }
            DeviceCopy::Within {
                source,
                destination,
                ..
            } => page.copy_within(source..source + length, destination),
        }
        output
    }
}

/// Returns the response to a copy without an engine.
fn own_response(copied: u64, asked: u64, stop: Option<&Stop>) -> Vec<u8> {
    response(asked, result(copied, stop, EngineKind::Auto, false))
}
