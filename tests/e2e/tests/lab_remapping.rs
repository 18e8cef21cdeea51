//! System memory that is remapped while the driver copies it, and requests of two processes on two
//! processors at once. The driver returns bytes that were there.

#![forbid(unsafe_code)]

use ringcopy_client::{
    Buffer, OpenAccess, PAGE_LENGTH, Source, Transport,
    protocol::{
        Code, CopyFlags, CopyMemoryRequest, CopyResponse, EngineKind, Header, InformationRequest,
        InformationResponse, NtStatus, Reach, RequestKind,
    },
};
use ringcopy_lab::{Beside, Count, Interference, Lab, MappingKind, Process};
use ringcopy_tests::{PRIVILEGED, buffer, open, pattern, privileged, until_both};
use zerocopy::{FromBytes, IntoBytes};

/// The fewest: enough for copies to be hit in their middle.
const LEAST: u32 = 300;

/// Runs `stage` in labs of two processors, with four and with five levels of page tables.
fn with_two_processors(stage: impl FnMut(&Lab)) {
    ringcopy_tests::with_two_processors(Reach::all(), &[false, true], stage);
}

/// A page of the mixed mappings that can change and is followed by a page of RAM, and the bytes of
/// both.
fn changing_page(lab: &Lab) -> (u64, Vec<u8>) {
    let mixed = lab.mixed_mappings().unwrap();
    let (block, bytes) = mixed.block();
    let page = mixed
        .of_kind(MappingKind::Ram)
        .filter(|mapping| mapping.page == PAGE_LENGTH)
        .find(|mapping| {
            mixed
                .mapping_at(mapping.address + PAGE_LENGTH)
                .is_some_and(|next| {
                    next.kind == MappingKind::Ram as u64 && next.page == PAGE_LENGTH
                })
        })
        .unwrap();
    let of = |physical: u64| {
        let start = usize::try_from(physical - block).unwrap();
        bytes[start..start + 4096].to_vec()
    };
    let next = mixed.mapping_at(page.address + PAGE_LENGTH).unwrap();
    (
        page.address,
        [of(page.physical), of(next.physical)].concat(),
    )
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_system_page_that_flips_is_copied_from_one_frame_or_the_other() {
    with_two_processors(|lab| {
        let (page, bytes) = changing_page(lab);
        let mut process = privileged(lab);
        for engine in [EngineKind::Native, EngineKind::System] {
            lab.start_interference(None, page, Interference::Flip)
                .unwrap();
            let mut device = open(&mut process);
            until_both(LEAST, || {
                let mut found = vec![0; bytes.len()];
                let report = device
                    .copy_memory(Source::Virtual(page), engine, &mut found)
                    .unwrap();
                assert!(report.is_complete(), "{report:?}");
                let (first, second) = found.split_at(4096);
                let (one, steady) = bytes.split_at(4096);
                assert_eq!(second, steady, "{engine:?}: the page that does not change");
                let other: Vec<_> = one.iter().map(|byte| !byte).collect();
                let is_one_frame = first == one || first == other;
                assert!(is_one_frame, "{engine:?}: a mixture of two frames");
                first == one
            });
            drop(device);
            assert!(lab.stop_interference().unwrap() > 0);
        }
        assert_eq!(lab.read_system(page, 8192).unwrap(), bytes);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_system_page_that_comes_and_goes_ends_a_copy_at_its_start() {
    with_two_processors(|lab| {
        let (first, bytes) = changing_page(lab);
        let changing = first + PAGE_LENGTH;
        let mut process = privileged(lab);
        for engine in [EngineKind::Native, EngineKind::System] {
            lab.start_interference(None, changing, Interference::Unmap)
                .unwrap();
            let mut device = open(&mut process);
            until_both(LEAST, || {
                let mut found = vec![0; bytes.len()];
                let report = device
                    .copy_memory(Source::Virtual(first), engine, &mut found)
                    .unwrap();
                if report.is_complete() {
                    assert!(found == bytes, "{engine:?}: wrong bytes");
                } else {
                    assert_eq!(report.result.status(), NtStatus::INVALID_ADDRESS);
                    assert_eq!(report.result.copied, PAGE_LENGTH);
                    assert_eq!(report.result.stop_address(), Some(changing));
                    let (before, after) = found.split_at(4096);
                    assert!(before == &bytes[..4096] && after.iter().all(|&byte| byte == 0));
                }
                report.is_complete()
            });
            drop(device);
            assert!(lab.stop_interference().unwrap() > 0);
        }
    });
}

/// Both processes have memory here.
const ADDRESS: u64 = 0x7700_0000_0000;
const LENGTH: usize = 5000;

/// The buffers of a process for a copy of its own memory.
struct Side {
    request: Buffer,
    response: Buffer,
    bytes: Vec<u8>,
}

impl Side {
    fn of(process: &mut Process<'_>, seed: u64, source: u64, flags: CopyFlags) -> Self {
        let bytes = pattern(seed, LENGTH);
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: source,
            length: LENGTH as u64,
            flags: flags.bits(),
            engine: EngineKind::Native as u32,
        };
        let length = size_of::<CopyResponse>() + LENGTH;
        let address = process.allocate(PAGE_LENGTH).unwrap();
        process.write(address, request.as_bytes()).unwrap();
        Self {
            request: buffer(address, request.as_bytes().len()),
            response: buffer(process.allocate(length as u64).unwrap(), length),
            bytes,
        }
    }

    fn assert_copied(&self, process: &mut Process<'_>) {
        let mut response = vec![0; size_of::<CopyResponse>() + LENGTH];
        process.read(self.response.address, &mut response).unwrap();
        let (response, found) = CopyResponse::read_from_prefix(&response).unwrap();
        assert_eq!(response.result.status, NtStatus::SUCCESS.0);
        assert!(found == self.bytes, "another process's bytes");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn two_processes_on_two_processors_read_through_windows_of_their_own() {
    with_two_processors(|lab| {
        let mut one = privileged(lab);
        let mut other = one.another(PRIVILEGED).unwrap();
        let code = Code::of(RequestKind::CopyMemory).value;
        let handles = [&mut one, &mut other].map(|process| {
            process.allocate_at(ADDRESS, 8192).unwrap();
            process.open(OpenAccess::ReadWrite).unwrap()
        });
        one.write(ADDRESS, &pattern(1, LENGTH)).unwrap();
        other.write(ADDRESS, &pattern(2, LENGTH)).unwrap();
        let sides = [
            Side::of(&mut one, 1, ADDRESS, CopyFlags::VIRTUAL),
            Side::of(&mut other, 2, ADDRESS, CopyFlags::VIRTUAL),
        ];
        let buffers = [0, 1].map(|side: usize| (sides[side].request, sides[side].response));
        let beside = Beside::Other(&other, handles[1]);
        let ends = one
            .device_io_control_on_both(handles[0], code, buffers, 500, beside)
            .unwrap();
        for end in ends {
            assert_eq!(end.status, NtStatus::SUCCESS);
            assert_eq!((end.different, end.sent), (0, 500));
        }
        sides[0].assert_copied(&mut one);
        sides[1].assert_copied(&mut other);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_queued_request_is_completed_in_its_own_process() {
    with_two_processors(|lab| {
        let mut one = privileged(lab);
        let mut other = one.another(PRIVILEGED).unwrap();
        let request = InformationRequest {
            header: Header::of::<InformationRequest>(),
        };
        let length = size_of::<InformationResponse>();
        // Both have their buffers at the same addresses: a response that is written in the context of
        // the other process finds memory there.
        let sides = [&mut one, &mut other].map(|process| {
            process.allocate_at(ADDRESS, 2 * PAGE_LENGTH).unwrap();
            process.write(ADDRESS, request.as_bytes()).unwrap();
            process.open(OpenAccess::ReadWrite).unwrap()
        });
        let buffers = (
            buffer(ADDRESS, request.as_bytes().len()),
            buffer(ADDRESS + PAGE_LENGTH, length),
        );
        let code = Code::of(RequestKind::Information).value;
        let crossed = || lab.counts().unwrap().get(Count::EndedElsewhere);
        let beside = Beside::Other(&other, sides[1]);
        for _ in 0..50 {
            let ends = one
                .device_io_control_on_both(sides[0], code, [buffers; 2], 2000, beside)
                .unwrap();
            for end in ends {
                assert_eq!(end.status, NtStatus::SUCCESS);
                assert_eq!(end.returned, length as u64);
                // Each handle has a session buffer of its own, and its responses name the address.
                assert_eq!((end.different, end.sent), (0, 2000));
            }
            if crossed() >= 5 {
                break;
            }
        }
        assert!(
            crossed() > 0,
            "no request was served by the other processor"
        );
    });
}
