//! System memory that is remapped while the driver copies it, and requests of two processes on two
//! processors at once: whatever the driver gives is what was there.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use ringcopy_client::{
    Buffer, OpenAccess, PAGE_LENGTH, Source, Transport,
    protocol::{
        Code, CopyMemoryFlags, CopyMemoryRequest, Engine, Header, InformationRequest,
        InformationResponse, NtStatus, Reach, RequestKind, TransferResponse,
    },
};
use ringcopy_lab::{Count, Interference, Lab, Options, Process, TileKind};
use ringcopy_tests::{PRIVILEGED, finish, open, options, pattern, privileged};
use zerocopy::{FromBytes, IntoBytes};

/// The most copies of one kind: far more than it takes to see both outcomes.
const MOST: u32 = 50_000;

/// The fewest: enough for copies to be hit in their middle.
const LEAST: u32 = 300;

/// Labs run in turn: with more processors than the host has, those that are to interfere with each
/// other would take turns instead.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `stage` in labs of two processors, with four and with five levels of page tables.
fn with_two_processors(stage: impl Fn(&Lab)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for five_levels in [false, true] {
        let lab = Lab::boot(Options {
            processors: 2,
            five_levels,
            ..options(Reach::all())
        })
        .unwrap_or_else(|error| panic!("{error}"));
        stage(&lab);
        finish(lab);
    }
}

/// A page of the mosaic's that can be changed and behind which another one is RAM too, and what
/// both hold.
fn changing_page(lab: &Lab) -> (u64, Vec<u8>) {
    let mosaic = lab.mosaic().unwrap();
    let (block, bytes) = mosaic.block();
    let page = mosaic
        .of_kind(TileKind::Ram)
        .filter(|tile| tile.page == PAGE_LENGTH)
        .find(|tile| {
            mosaic
                .tile(tile.address + PAGE_LENGTH)
                .is_some_and(|next| next.kind == TileKind::Ram as u64 && next.page == PAGE_LENGTH)
        })
        .unwrap();
    let of = |physical: u64| {
        let start = usize::try_from(physical - block).unwrap();
        bytes[start..start + 4096].to_vec()
    };
    let next = mosaic.tile(page.address + PAGE_LENGTH).unwrap();
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
        for engine in [Engine::Native, Engine::System] {
            lab.start_system_interference(page, Interference::Flip)
                .unwrap();
            let mut device = open(&mut process);
            let (mut ones, mut others) = (0_u32, 0_u32);
            for round in 0..MOST {
                if round >= LEAST && ones > 0 && others > 0 {
                    break;
                }
                let mut found = vec![0; bytes.len()];
                let transfer = device
                    .copy_memory(Source::Virtual(page), engine, &mut found)
                    .unwrap();
                assert!(transfer.is_complete(), "{transfer:?}");
                let (first, second) = found.split_at(4096);
                let (one, steady) = bytes.split_at(4096);
                assert_eq!(second, steady, "{engine:?}: the page that does not change");
                if first == one {
                    ones += 1;
                } else {
                    let other: Vec<_> = one.iter().map(|byte| !byte).collect();
                    assert!(first == other, "{engine:?}: a mixture of two frames");
                    others += 1;
                }
            }
            drop(device);
            assert!(lab.stop_interference().unwrap() > 0);
            assert!(ones > 0 && others > 0, "{engine:?}: {ones}, {others}");
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
        for engine in [Engine::Native, Engine::System] {
            lab.start_system_interference(changing, Interference::Unmap)
                .unwrap();
            let mut device = open(&mut process);
            let (mut complete, mut stopped) = (0_u32, 0_u32);
            for round in 0..MOST {
                if round >= LEAST && complete > 0 && stopped > 0 {
                    break;
                }
                let mut found = vec![0; bytes.len()];
                let transfer = device
                    .copy_memory(Source::Virtual(first), engine, &mut found)
                    .unwrap();
                if transfer.is_complete() {
                    complete += 1;
                    assert!(found == bytes, "{engine:?}: wrong bytes");
                } else {
                    stopped += 1;
                    assert_eq!(transfer.status, NtStatus::INVALID_ADDRESS);
                    assert_eq!(transfer.copied, PAGE_LENGTH);
                    assert_eq!(transfer.address, Some(changing));
                    let (before, behind) = found.split_at(4096);
                    assert!(before == &bytes[..4096] && behind.iter().all(|&byte| byte == 0));
                }
            }
            drop(device);
            assert!(lab.stop_interference().unwrap() > 0);
            assert!(
                complete > 0 && stopped > 0,
                "{engine:?}: {complete}, {stopped}"
            );
        }
    });
}

/// Where both processes have memory.
const ADDRESS: u64 = 0x7700_0000_0000;
const LENGTH: usize = 5000;

/// A process that copies its own memory at [`ADDRESS`], whose buffers are ready.
struct Side {
    request: Buffer,
    response: Buffer,
    bytes: Vec<u8>,
}

impl Side {
    fn of(process: &mut Process<'_>, seed: u64, source: u64, flags: CopyMemoryFlags) -> Self {
        let bytes = pattern(seed, LENGTH);
        let request = CopyMemoryRequest {
            header: Header::of::<CopyMemoryRequest>(),
            address: source,
            length: LENGTH as u64,
            flags: flags.bits(),
            engine: Engine::Native as u32,
        };
        let room = size_of::<TransferResponse>() + LENGTH;
        let address = process.allocate(PAGE_LENGTH).unwrap();
        process.write(address, request.as_bytes()).unwrap();
        Self {
            request: buffer(address, request.as_bytes().len()),
            response: buffer(process.allocate(room as u64).unwrap(), room),
            bytes,
        }
    }

    fn assert_copied(&self, process: &mut Process<'_>) {
        let mut response = vec![0; size_of::<TransferResponse>() + LENGTH];
        process.read(self.response.address, &mut response).unwrap();
        let (response, found) = TransferResponse::read_from_prefix(&response).unwrap();
        assert_eq!(response.status, NtStatus::SUCCESS.0);
        assert!(found == self.bytes, "another process's bytes");
    }
}

fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap(),
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
            Side::of(&mut one, 1, ADDRESS, CopyMemoryFlags::VIRTUAL),
            Side::of(&mut other, 2, ADDRESS, CopyMemoryFlags::VIRTUAL),
        ];
        let buffers = [0, 1].map(|side: usize| (sides[side].request, sides[side].response));
        let answers = one
            .device_io_control_in_both(handles[0], code, buffers, 500, (&other, handles[1]))
            .unwrap();
        for answer in answers {
            assert_eq!(answer.status, NtStatus::SUCCESS);
            assert_eq!((answer.different, answer.sent), (0, 500));
        }
        sides[0].assert_copied(&mut one);
        sides[1].assert_copied(&mut other);
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_queued_request_is_answered_in_its_own_process_whoever_serves_it() {
    with_two_processors(|lab| {
        let mut one = privileged(lab);
        let mut other = one.another(PRIVILEGED).unwrap();
        let request = InformationRequest {
            header: Header::of::<InformationRequest>(),
        };
        let room = size_of::<InformationResponse>();
        // Both have their buffers at the same addresses: an answer that is delivered in the other
        // process's context finds memory there.
        let sides = [&mut one, &mut other].map(|process| {
            process.allocate_at(ADDRESS, 2 * PAGE_LENGTH).unwrap();
            process.write(ADDRESS, request.as_bytes()).unwrap();
            process.open(OpenAccess::ReadWrite).unwrap()
        });
        let buffers = (
            buffer(ADDRESS, request.as_bytes().len()),
            buffer(ADDRESS + PAGE_LENGTH, room),
        );
        let code = Code::of(RequestKind::Information).value;
        let crossed = || lab.counts().unwrap().get(Count::EndedElsewhere);
        for _ in 0..50 {
            let answers = one
                .device_io_control_in_both(sides[0], code, [buffers; 2], 2000, (&other, sides[1]))
                .unwrap();
            for answer in answers {
                assert_eq!(answer.status, NtStatus::SUCCESS);
                assert_eq!(answer.returned, room as u64);
                // Each handle has a session buffer of its own, whose address its answers name.
                assert_eq!((answer.different, answer.sent), (0, 2000));
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
