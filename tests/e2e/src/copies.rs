//! Many copies by the driver in one round trip, in the form of the lab's own `MmCopyMemory`.

use ringcopy_client::{
    Handle,
    protocol::{Code, CopyMemoryRequest, CopyResponse, EngineKind, Header, NtStatus, RequestKind},
};
use ringcopy_lab::{Process, SystemCopy};
use zerocopy::{FromBytes, IntoBytes};

/// The arguments of one copy: flags, source, length.
pub type Call = (u32, u64, u64);

/// Has the driver make each of the copies by one engine, in the fewest round trips.
///
/// # Panics
/// If a request as a whole fails, or the lab is gone.
#[must_use]
pub fn copy_memory_each(
    process: &mut Process<'_>,
    handle: Handle,
    engine: EngineKind,
    calls: &[Call],
) -> Vec<SystemCopy> {
    // Each copy has a response, shorter than 256 bytes.
    const BYTES: u64 = ringcopy_lab::DATA_LENGTH / 2;
    let longest = calls.iter().map(|&(_, _, length)| length + 256).max();
    let at_once = BYTES / longest.unwrap_or(BYTES).min(BYTES);
    calls
        .chunks(usize::try_from(at_once).unwrap_or(usize::MAX))
        .flat_map(|calls| send(process, handle, engine, calls))
        .collect()
}

fn send(
    process: &mut Process<'_>,
    handle: Handle,
    engine: EngineKind,
    calls: &[Call],
) -> Vec<SystemCopy> {
    let requests: Vec<_> = calls
        .iter()
        .map(|&(flags, address, length)| CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address,
            length,
            flags,
            engine: engine as u32,
        })
        .collect();
    let requests: Vec<_> = requests
        .iter()
        .map(|request| {
            let length = usize::try_from(request.length).unwrap_or(usize::MAX);
            (request.as_bytes(), size_of::<CopyResponse>() + length)
        })
        .collect();
    let code = Code::of(RequestKind::CopyMemory).value;
    process
        .device_io_control_each(handle, code, &requests)
        .unwrap_or_else(|error| panic!("{error}"))
        .into_iter()
        .map(|sent| {
            assert_eq!(sent.status, NtStatus::SUCCESS);
            let (response, target) = CopyResponse::read_from_prefix(&sent.output)
                .unwrap_or_else(|_| panic!("no response in {} bytes", sent.output.len()));
            SystemCopy {
                status: response.result.status(),
                transferred: response.result.copied,
                target: target.to_vec(),
            }
        })
        .collect()
}
