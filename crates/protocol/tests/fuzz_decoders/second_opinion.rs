//! The second opinion: reads numbers from the bytes, and spells out the limits. It shares no code
//! with the protocol on purpose.

use ringcopy_protocol::{NtStatus, RequestKind};

use super::{Case, RANGES, Validation};

/// Returns the expected result of a request.
pub fn expected(case: &Case) -> Validation {
    let field = |at: usize| {
        let bytes = case.input.get(at..at + 4)?;
        Some(u128::from(u32::from_le_bytes(bytes.try_into().ok()?)))
    };
    let mismatch = NtStatus::INFO_LENGTH_MISMATCH;
    let output = u128::from(case.output);
    let input = case.input.len() as u128;
    let (fixed, response, payload) = match case.code().kind {
        RequestKind::Information => (8, 128, 0),
        RequestKind::CopyFrom | RequestKind::CopyTo | RequestKind::CopyThrough => (40, 56, 0),
        RequestKind::DeviceCopy => (24, 56, 4096),
        RequestKind::CopyMemory => (32, 56, 0),
        RequestKind::CopyBatch | RequestKind::CopyScatter => (16, 24, u128::MAX - 16),
        RequestKind::MemoryRanges => (16, 16, 0),
    };
    let (version, size) = (field(0).ok_or(mismatch)?, field(4).ok_or(mismatch)?);
    if version != 3 {
        return Err(NtStatus::REVISION_MISMATCH);
    }
    if size != fixed || input < fixed || input > fixed + payload {
        return Err(mismatch);
    }
    if output < response {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    let entries = matches!(
        case.code().kind,
        RequestKind::CopyBatch | RequestKind::CopyScatter
    );
    if !entries && output > response + 0x400_0000 {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    // The input holds the fixed part.
    let field = |at| field(at).unwrap();
    let long = |at| field(at) | field(at + 4) << 32;
    let needed = match case.code().kind {
        RequestKind::Information => response,
        RequestKind::CopyFrom | RequestKind::CopyTo | RequestKind::CopyThrough => {
            if field(36) > 1 {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            let too_long = if case.code().kind == RequestKind::CopyThrough {
                long(24) > 0x400_0000
            } else {
                long(16) + long(24) > 0x4000
            };
            if too_long {
                return Err(NtStatus::INVALID_BUFFER_SIZE);
            }
            response
        }
        RequestKind::DeviceCopy => {
            let (length, from, to) = (field(12), field(16), field(20));
            let (written, read, within) = match field(8) {
                1 if from == 0 => (length, 0, false),
                2 if to == 0 => (0, length, false),
                3 => (0, 0, true),
                _ => return Err(NtStatus::INVALID_PARAMETER),
            };
            if input != 24 + written {
                return Err(mismatch);
            }
            if output < 56 + read {
                return Err(NtStatus::BUFFER_TOO_SMALL);
            }
            if within && length > 0 && from < to + length && to < from + length {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            if from + length > 4096 || to + length > 4096 {
                return Err(NtStatus::INVALID_BUFFER_SIZE);
            }
            56 + read
        }
        RequestKind::CopyMemory => {
            if field(28) > 2 {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            if long(16) > 0x400_0000 {
                return Err(NtStatus::INVALID_BUFFER_SIZE);
            }
            56 + long(16)
        }
        RequestKind::CopyBatch => expected_entries(16, input, output, field)?,
        RequestKind::CopyScatter => expected_entries(24, input, output, field)?,
        RequestKind::MemoryRanges => {
            if field(12) != 0 {
                return Err(NtStatus::INVALID_PARAMETER);
            }
            let left = (RANGES as u128).saturating_sub(field(8));
            16 + 16 * ((output - 16) / 16).min(left)
        }
    };
    if output < needed {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    Ok(u64::try_from(needed).unwrap())
}

/// Returns the length of the output of a request whose entries have `entry` bytes.
fn expected_entries(
    entry: u128,
    input: u128,
    output: u128,
    field: impl Fn(usize) -> u128,
) -> Result<u128, NtStatus> {
    let (count, engine) = (field(8), field(12));
    if engine > 2 {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    if count > 4096 {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    if input != 16 + count * entry {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    if output < 24 + 40 * count {
        return Err(NtStatus::BUFFER_TOO_SMALL);
    }
    if output > 24 + 40 * count + 0x400_0000 {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    // The length is the second field from the end of an entry.
    let total: u128 = (0..count)
        .map(|number| field(usize::try_from(16 + (number + 1) * entry - 8).unwrap()))
        .sum();
    if total > 0x400_0000 {
        return Err(NtStatus::INVALID_BUFFER_SIZE);
    }
    let in_output = if entry == 16 { total } else { 0 };
    Ok(24 + 40 * count + in_output)
}
