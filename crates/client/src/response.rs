//! The checks that a response has to pass before it is used.

use ringcopy_protocol::{
    BatchResponse, CopyResponse, CopyResult, Direction, EngineKind, Header, InformationResponse,
    MemoryRange, MemoryRangesResponse, NtStatus, PROTOCOL_VERSION, Reach,
};
use std::mem::size_of;
use zerocopy::FromBytes;

use crate::{CopyReport, Information, Operation, Source};

/// A response breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The number of returned bytes is not one that the response can have.
    #[error("{returned} bytes returned where {least} to {most} were due")]
    Length {
        /// Bytes that the driver says it returned.
        returned: usize,
        /// The least number of bytes due.
        least: usize,
        /// The most bytes due.
        most: usize,
    },
    /// The response has another version of the protocol.
    #[error("protocol version {0}, not {PROTOCOL_VERSION}")]
    Version(u32),
    /// The header gives another size than the response has.
    #[error("a response of {0} bytes, not {1}")]
    Size(u32, usize),
    /// A field has a value that it cannot have.
    #[error("{0} cannot be {1:#x}")]
    Field(&'static str, u64),
    /// Bytes after the copied ones changed, in the slot of this piece of a batch.
    #[error("bytes after the copied ones of piece {0} changed")]
    AfterCopy(usize),
}

/// What was asked for, as far as the response has to agree with it.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) operation: Operation,
    /// Bytes.
    pub(crate) length: u64,
    /// The engine asked for; [`EngineKind::Auto`] where the request cannot name one.
    pub(crate) engine: EngineKind,
    /// The first byte to read, where the request can name more than the caller's own memory.
    pub(crate) source: Option<Source>,
}

const fn check_header<T>(header: Header) -> Result<(), ResponseError> {
    if header.version != PROTOCOL_VERSION {
        return Err(ResponseError::Version(header.version));
    }
    if header.size as usize != size_of::<T>() {
        return Err(ResponseError::Size(header.size, size_of::<T>()));
    }
    Ok(())
}

fn flag(name: &'static str, value: u32) -> Result<bool, ResponseError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(ResponseError::Field(name, other.into())),
    }
}

/// Reads the response at the start of `output`. `returned` is the number of bytes that the driver
/// says it wrote.
fn response_of<T: FromBytes>(output: &[u8], returned: usize) -> Result<T, ResponseError> {
    let length = ResponseError::Length {
        returned,
        least: size_of::<T>(),
        most: output.len(),
    };
    let written = output.get(..returned).ok_or(length)?;
    let (response, _) = T::read_from_prefix(written).map_err(|_| length)?;
    Ok(response)
}

pub(crate) fn information(output: &[u8], returned: usize) -> Result<Information, ResponseError> {
    let response: InformationResponse = response_of(output, returned)?;
    check_header::<InformationResponse>(response.header)?;
    let field = |name, value: u32| ResponseError::Field(name, value.into());
    let reach = |name, bits: u32| Reach::from_bits(bits).ok_or_else(|| field(name, bits));
    let policy = reach("policy", response.policy)?;
    let bits = response.reach;
    let reach = reach("reach", bits)?;
    if !policy.contains(reach) {
        return Err(field("reach", bits));
    }
    if !(4..=5).contains(&response.paging_levels) {
        return Err(field("paging_levels", response.paging_levels));
    }
    if response.maximum_entries == 0 {
        return Err(field("maximum_entries", response.maximum_entries));
    }
    // An address has at least the 32 bits of the oldest processors, and at most 64.
    if !(32..=64).contains(&response.physical_address_bits) {
        return Err(field(
            "physical_address_bits",
            response.physical_address_bits,
        ));
    }
    Ok(Information {
        driver_version: response.driver_version,
        policy,
        reach,
        native_status: NtStatus(response.native_status),
        paging_levels: response.paging_levels,
        smap: flag("smap", response.smap)?,
        session_address: response.session_address,
        session_physical_addresses: response.session_physical_addresses,
        session_length: response.session_length,
        user_limit: response.user_limit,
        maximum_length: response.maximum_length,
        device_page_length: response.device_page_length,
        kernel_mode: flag("kernel_mode", response.kernel_mode)?,
        maximum_entries: response.maximum_entries,
        physical_address_bits: response.physical_address_bits,
        maximum_handles: response.maximum_handles,
        native_under_hypervisor: flag("native_under_hypervisor", response.native_under_hypervisor)?,
    })
}

/// Checks how a copy ended against what was asked for.
fn check(result: &CopyResult, asked: Asked) -> Result<CopyReport, ResponseError> {
    let field = ResponseError::Field;
    if result.copied > asked.length {
        return Err(field("copied", result.copied));
    }
    if let Some((name, value)) = result.invalid_field() {
        return Err(field(name, value.into()));
    }
    let (direction, engine) = (result.direction(), result.engine());
    if ![EngineKind::Auto, engine].contains(&asked.engine) && engine != EngineKind::Auto {
        return Err(field("engine", result.engine.into()));
    }
    let from_native = engine == EngineKind::System && asked.engine != EngineKind::System;
    if result.fell_back() && !from_native {
        return Err(field("flags", result.flags.into()));
    }
    let status = result.status();
    if status == NtStatus::PENDING {
        return Err(field("status", result.status.into()));
    }
    if status.is_success() && result.copied != asked.length {
        return Err(field("copied", result.copied));
    }
    if direction == Direction::None && result.address != 0 {
        return Err(field("address", result.address));
    }
    if status.is_success() && direction != Direction::None {
        return Err(field("direction", result.direction.into()));
    }
    let first_missing = asked
        .source
        .filter(|_| direction == Direction::Read)
        .and_then(|source| source.checked_add(result.copied));
    // The length of a hole of all 2^64 addresses is reported as one byte less.
    let longest = first_missing.map_or(0, |source| (!source.address()).saturating_add(1));
    if result.hole_length > longest {
        return Err(field("hole_length", result.hole_length));
    }
    Ok(CopyReport {
        operation: asked.operation,
        asked: asked.length,
        source: asked.source,
        result: *result,
    })
}

/// Checks the response to a request for one copy. With `carries_data`, the copied bytes follow the
/// response, and all of them must have been returned.
pub(crate) fn copy(
    asked: Asked,
    carries_data: bool,
    output: &[u8],
    returned: usize,
) -> Result<CopyReport, ResponseError> {
    let response: CopyResponse = response_of(output, returned)?;
    check_header::<CopyResponse>(response.header)?;
    if response.asked != asked.length {
        return Err(ResponseError::Field("asked", response.asked));
    }
    let report = check(&response.result, asked)?;
    let data = if carries_data {
        report.result.copied
    } else {
        0
    };
    let due = (size_of::<CopyResponse>() as u64).saturating_add(data);
    if returned as u64 != due {
        let due = usize::try_from(due).unwrap_or(usize::MAX);
        return Err(ResponseError::Length {
            returned,
            least: due,
            most: due,
        });
    }
    Ok(report)
}

/// Checks the response to a request for many copies: a [`BatchResponse`], then an [`CopyResult`]
/// for each copy. With `slots`, a slot of full length follows for each copy. `returned` may or may
/// not count the end of the last slots, where nothing was written.
pub(crate) fn copies(
    pieces: &[Asked],
    output: &[u8],
    returned: usize,
    slots: bool,
) -> Result<Vec<CopyReport>, ResponseError> {
    let response: BatchResponse = response_of(output, returned)?;
    check_header::<BatchResponse>(response.header)?;
    let field = ResponseError::Field;
    if response.count as usize != pieces.len() {
        return Err(field("count", response.count.into()));
    }
    let fixed = size_of::<BatchResponse>() + pieces.len() * size_of::<CopyResult>();
    let length = ResponseError::Length {
        returned,
        least: fixed,
        most: output.len(),
    };
    let results = output
        .get(size_of::<BatchResponse>()..fixed.min(returned))
        .ok_or(length)?;
    let mut reports = Vec::with_capacity(pieces.len());
    let (mut succeeded, mut copied) = (0_u32, 0_u64);
    let (mut slot, mut least) = (fixed as u64, fixed as u64);
    for (asked, result) in pieces.iter().zip(results.chunks(size_of::<CopyResult>())) {
        let result = CopyResult::read_from_bytes(result).map_err(|_| length)?;
        let report = check(&result, *asked)?;
        succeeded += u32::from(report.result.status() == NtStatus::SUCCESS);
        copied = copied.saturating_add(report.result.copied);
        if slots && report.result.copied > 0 {
            least = slot.saturating_add(report.result.copied);
        }
        slot = slot.saturating_add(asked.length);
        reports.push(report);
    }
    if reports.len() != pieces.len() || (returned as u64) < least {
        return Err(length);
    }
    if response.succeeded != succeeded {
        return Err(field("succeeded", response.succeeded.into()));
    }
    if response.copied != copied {
        return Err(field("copied", response.copied));
    }
    Ok(reports)
}

/// Checks one page of the list of RAM. Returns how many ranges there are in all, and the page's
/// ranges, which begin with number `first`. A page that is not the last one must have ranges.
pub(crate) fn memory_ranges(
    first: u32,
    output: &[u8],
    returned: usize,
) -> Result<(u32, Vec<MemoryRange>), ResponseError> {
    let response: MemoryRangesResponse = response_of(output, returned)?;
    check_header::<MemoryRangesResponse>(response.header)?;
    let field = ResponseError::Field;
    let left = response.total.saturating_sub(first);
    if response.count > left || (response.count == 0 && left > 0) {
        return Err(field("count", response.count.into()));
    }
    let fixed = size_of::<MemoryRangesResponse>();
    let due = (response.count as usize)
        .saturating_mul(size_of::<MemoryRange>())
        .saturating_add(fixed);
    let length = ResponseError::Length {
        returned,
        least: due,
        most: due,
    };
    if returned != due {
        return Err(length);
    }
    let ranges = output
        .get(fixed..due)
        .ok_or(length)?
        .chunks(size_of::<MemoryRange>())
        .map(|range| {
            let range = MemoryRange::read_from_bytes(range).map_err(|_| length)?;
            match range.base.checked_add(range.length) {
                Some(_) if range.length > 0 => Ok(range),
                _ => Err(field("length", range.length)),
            }
        })
        .collect::<Result<_, _>>()?;
    Ok((response.total, ranges))
}
