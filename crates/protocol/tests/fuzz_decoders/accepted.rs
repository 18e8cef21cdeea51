//! Validated requests, and the request that each was made from.

use ringcopy_protocol::{
    BatchRequest, CallerCopyRequest, CopyMemoryRequest, CopyThroughRequest, DeviceCopyRequest,
    DeviceDirection, Header, InformationRequest, MemoryRangesRequest, NtStatus, RequestKind,
    ScatterRequest, kind,
    validate::{
        self, CallerCopy, CopyMemory, CopyThrough, DeviceCopy, Entries, Entry, MemoryRanges,
    },
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{Case, RANGES};

/// Returns the length of the output of a valid request, and the input rebuilt from the validated
/// request.
pub fn accepted(case: &Case) -> Result<(usize, Vec<u8>), NtStatus> {
    let response = case.code().response_length;
    Ok(match case.code().kind {
        RequestKind::Information => {
            let () = case.validate::<kind::Information>()?;
            (response, case.with_fixed(&information()))
        }
        RequestKind::CopyFrom | RequestKind::CopyTo => {
            let from = case.validate::<kind::CopyFrom>();
            let to = case.validate::<kind::CopyTo>();
            let copy = if case.code().kind == RequestKind::CopyFrom {
                from
            } else {
                to
            }?;
            (response, case.with_fixed(&caller_copy(&copy)))
        }
        RequestKind::CopyThrough => {
            let copy = case.validate::<kind::CopyThrough>()?;
            (response, case.with_fixed(&copy_through(&copy)))
        }
        RequestKind::DeviceCopy => {
            let copy = case.validate::<kind::DeviceCopy>()?;
            let (request, written, read) = device_copy(copy);
            assert_eq!(case.payload(&request).len(), written);
            (response + read, case.with_fixed(&request))
        }
        RequestKind::CopyMemory => {
            let copy = case.validate::<kind::CopyMemory>()?;
            (
                response + copy.source.length,
                case.with_fixed(&copy_memory(&copy)),
            )
        }
        RequestKind::CopyBatch => {
            let entries = case.validate::<kind::CopyBatch>()?;
            let request = BatchRequest {
                header: Header::of::<BatchRequest>(),
                count: entries.count,
                engine: entries.engine as u32,
            };
            (
                entries_length(case, &entries, &request)?,
                case.with_fixed(&request),
            )
        }
        RequestKind::CopyScatter => {
            let entries = case.validate::<kind::CopyScatter>()?;
            let request = ScatterRequest {
                header: Header::of::<ScatterRequest>(),
                count: entries.count,
                engine: entries.engine as u32,
            };
            (
                entries_length(case, &entries, &request)?,
                case.with_fixed(&request),
            )
        }
        RequestKind::MemoryRanges => {
            let ranges = case.validate::<kind::MemoryRanges>()?;
            let indices = ranges.of(RANGES);
            assert!(indices.start <= indices.end && indices.end <= RANGES);
            let length = response + 16 * indices.len();
            (length, case.with_fixed(&memory_ranges(ranges)))
        }
    })
}

const fn information() -> InformationRequest {
    InformationRequest {
        header: Header::of::<InformationRequest>(),
    }
}

const fn caller_copy(copy: &CallerCopy) -> CallerCopyRequest {
    CallerCopyRequest {
        header: Header::of::<CallerCopyRequest>(),
        address: copy.address as u64,
        length: copy.length as u64,
        session_offset: copy.session_offset as u64,
        alignment: field(copy.alignment),
        mode: copy.mode as u32,
    }
}

const fn copy_through(copy: &CopyThrough) -> CopyThroughRequest {
    CopyThroughRequest {
        header: Header::of::<CopyThroughRequest>(),
        source: copy.source as u64,
        destination: copy.destination as u64,
        length: copy.length as u64,
        alignment: field(copy.alignment),
        mode: copy.mode as u32,
    }
}

/// Returns the request, and the lengths of what follows it and its response.
const fn device_copy(copy: DeviceCopy) -> (DeviceCopyRequest, usize, usize) {
    let (direction, source, destination, written, read) = match copy {
        DeviceCopy::ToDevice {
            destination,
            length,
            ..
        } => (DeviceDirection::ToDevice, 0, destination, length, 0),
        DeviceCopy::FromDevice { source, length, .. } => {
            (DeviceDirection::FromDevice, source, 0, 0, length)
        }
        DeviceCopy::Within {
            source,
            destination,
            ..
        } => (DeviceDirection::Within, source, destination, 0, 0),
    };
    let request = DeviceCopyRequest {
        header: Header::of::<DeviceCopyRequest>(),
        direction: direction as u32,
        length: field(copy.length()),
        source_offset: field(source),
        destination_offset: field(destination),
    };
    (request, written, read)
}

const fn copy_memory(copy: &CopyMemory) -> CopyMemoryRequest {
    CopyMemoryRequest {
        header: Header::of::<CopyMemoryRequest>(),
        address: copy.source.address,
        length: copy.source.length as u64,
        flags: copy.source.flags,
        engine: copy.engine as u32,
    }
}

const fn memory_ranges(ranges: MemoryRanges) -> MemoryRangesRequest {
    MemoryRangesRequest {
        header: Header::of::<MemoryRangesRequest>(),
        first: field(ranges.first),
        reserved: 0,
    }
}

/// Converts a number that came from a field of 32 bits.
const fn field(number: usize) -> u32 {
    assert!(number <= u32::MAX as usize);
    #[expect(clippy::cast_possible_truncation, reason = "asserted")]
    {
        number as u32
    }
}

fn entries_length<E>(
    case: &Case,
    valid: &Entries<E>,
    request: &(impl IntoBytes + Immutable),
) -> Result<usize, NtStatus>
where
    E: Entry + FromBytes + Immutable,
{
    let rest = case.payload(request);
    assert_eq!(valid.length, rest.len());
    assert!(valid.length <= 96 << 10);
    let count = valid.count as usize;
    let entries = (0..count)
        .map(|number| {
            E::read_from_prefix(&rest[number * size_of::<E>()..])
                .unwrap()
                .0
        })
        .collect::<Vec<_>>();
    let length = valid.output_length(&entries)?;
    assert!(length >= validate::results_end(count));
    Ok(length)
}
