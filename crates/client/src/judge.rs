//! The checks that an answer has to pass before it is believed.

use ringcopy_protocol::{
    BatchResponse, Direction, EngineKind, EntryResult, Header, InformationResponse, MemoryRange,
    MemoryRangesResponse, NtStatus, PROTOCOL_VERSION, Reach, TransferFlags, TransferResponse,
};
use std::mem::size_of;
use zerocopy::FromBytes;

use crate::{Information, Operation, ResponseError, Source, Transfer};

/// What was asked, as far as the answer has to fit it.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    pub(crate) operation: Operation,
    /// Bytes.
    pub(crate) asked: u64,
    /// Who was to copy, where the request can say.
    pub(crate) engine: EngineKind,
    /// What was to be read, where the request can name more than the caller's own memory.
    pub(crate) source: Option<Source>,
}

const fn header_of<T>(header: Header) -> Result<(), ResponseError> {
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

/// The response at the start of `output`, of which the driver says to have written `returned`
/// bytes: exactly the fixed part and what `payload` makes of it.
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
    header_of::<InformationResponse>(response.header)?;
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
    // No architecture has fewer than its 32-bit ancestor, nor more than an address can hold.
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
        session_physical_address: response.session_physical_address,
        session_length: response.session_length,
        user_limit: response.user_limit,
        maximum_length: response.maximum_length,
        device_page_length: response.device_page_length,
        kernel_mode: flag("kernel_mode", response.kernel_mode)?,
        maximum_entries: response.maximum_entries,
        physical_address_bits: response.physical_address_bits,
    })
}

/// What a response says about one copy, before anything of it is believed.
struct Claim {
    status: u32,
    direction: u32,
    copied: u64,
    address: u64,
    engine: u32,
    flags: u32,
    hole_length: u64,
}

impl Claim {
    fn judge(&self, question: Question) -> Result<Transfer, ResponseError> {
        let field = ResponseError::Field;
        let asked = question.asked;
        if self.copied > asked {
            return Err(field("copied", self.copied));
        }
        let direction = Direction::from_wire(self.direction)
            .ok_or_else(|| field("direction", self.direction.into()))?;
        let engine = EngineKind::from_wire(self.engine)
            .filter(|&engine| {
                engine == EngineKind::Auto
                    || question.engine == EngineKind::Auto
                    || engine == question.engine
            })
            .ok_or_else(|| field("engine", self.engine.into()))?;
        let fell_back = TransferFlags::from_bits(self.flags)
            .ok_or_else(|| field("flags", self.flags.into()))?
            .contains(TransferFlags::FELL_BACK);
        if fell_back && (engine != EngineKind::System || question.engine == EngineKind::System) {
            return Err(field("flags", self.flags.into()));
        }
        let status = NtStatus(self.status);
        if status == NtStatus::PENDING {
            return Err(field("status", self.status.into()));
        }
        if status.is_success() && self.copied != asked {
            return Err(field("copied", self.copied));
        }
        if direction == Direction::None && self.address != 0 {
            return Err(field("address", self.address));
        }
        if status.is_success() && direction != Direction::None {
            return Err(field("direction", self.direction.into()));
        }
        let first_missing = question
            .source
            .filter(|_| direction == Direction::Read)
            .and_then(|source| source.checked_add(self.copied));
        // A hole of all 2^64 addresses is said to be one byte shorter.
        let longest = first_missing.map_or(0, |source| (!source.address()).saturating_add(1));
        if self.hole_length > longest {
            return Err(field("hole_length", self.hole_length));
        }
        Ok(Transfer {
            operation: question.operation,
            status,
            asked,
            copied: self.copied,
            address: (direction != Direction::None).then_some(self.address),
            direction,
            engine,
            fell_back,
            hole_length: self.hole_length,
            source: question.source,
        })
    }
}

/// `carries_data`: the bytes follow the response, so that as many as are said to be copied must
/// have been returned.
pub(crate) fn transfer(
    question: Question,
    carries_data: bool,
    output: &[u8],
    returned: usize,
) -> Result<Transfer, ResponseError> {
    let response: TransferResponse = response_of(output, returned)?;
    header_of::<TransferResponse>(response.header)?;
    if response.asked != question.asked {
        return Err(ResponseError::Field("asked", response.asked));
    }
    let claim = Claim {
        status: response.status,
        direction: response.direction,
        copied: response.copied,
        address: response.address,
        engine: response.engine,
        flags: response.flags,
        hole_length: response.hole_length,
    };
    let transfer = claim.judge(question)?;
    let data = if carries_data { transfer.copied } else { 0 };
    let due = (size_of::<TransferResponse>() as u64).saturating_add(data);
    if returned as u64 != due {
        let due = usize::try_from(due).unwrap_or(usize::MAX);
        return Err(ResponseError::Length {
            returned,
            least: due,
            most: due,
        });
    }
    Ok(transfer)
}

/// The answers to many questions: a [`BatchResponse`] and an [`EntryResult`] for each question.
/// What follows them, if anything does, is `slots`, which the bytes of all questions fill; the
/// driver may count the end of the last slot that it left as it was, or not.
pub(crate) fn batch(
    questions: &[Question],
    output: &[u8],
    returned: usize,
    slots: bool,
) -> Result<Vec<Transfer>, ResponseError> {
    let response: BatchResponse = response_of(output, returned)?;
    header_of::<BatchResponse>(response.header)?;
    let field = ResponseError::Field;
    if response.count as usize != questions.len() {
        return Err(field("count", response.count.into()));
    }
    let fixed = size_of::<BatchResponse>() + questions.len() * size_of::<EntryResult>();
    let length = ResponseError::Length {
        returned,
        least: fixed,
        most: output.len(),
    };
    let results = output
        .get(size_of::<BatchResponse>()..fixed.min(returned))
        .ok_or(length)?;
    let mut transfers = Vec::with_capacity(questions.len());
    let (mut succeeded, mut copied) = (0_u32, 0_u64);
    let (mut slot, mut least) = (fixed as u64, fixed as u64);
    for (question, result) in questions
        .iter()
        .zip(results.chunks(size_of::<EntryResult>()))
    {
        let result = EntryResult::read_from_bytes(result).map_err(|_| length)?;
        let claim = Claim {
            status: result.status,
            direction: result.direction,
            copied: result.copied,
            address: result.address,
            engine: result.engine,
            flags: result.flags,
            hole_length: result.hole_length,
        };
        let transfer = claim.judge(*question)?;
        succeeded += u32::from(transfer.status == NtStatus::SUCCESS);
        copied = copied.saturating_add(transfer.copied);
        if slots && transfer.copied > 0 {
            least = slot.saturating_add(transfer.copied);
        }
        slot = slot.saturating_add(question.asked);
        transfers.push(transfer);
    }
    if transfers.len() != questions.len() || (returned as u64) < least {
        return Err(length);
    }
    if response.succeeded != succeeded {
        return Err(field("succeeded", response.succeeded.into()));
    }
    if response.copied != copied {
        return Err(field("copied", response.copied));
    }
    Ok(transfers)
}

/// One page of the list of RAM: how many ranges there are in all, and those from the one asked
/// for on. A page that is not the last has to bring the list forward.
pub(crate) fn memory_ranges(
    first: u32,
    output: &[u8],
    returned: usize,
) -> Result<(u32, Vec<MemoryRange>), ResponseError> {
    let response: MemoryRangesResponse = response_of(output, returned)?;
    header_of::<MemoryRangesResponse>(response.header)?;
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
