//! Memory that changes while the driver copies: every count is exact, every byte that counts is
//! right, and a request is judged by what was captured.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use ringcopy_client::{
    Buffer, CallerCopy, CopyThrough, PAGE_LENGTH, Source, Transfer, Transport,
    protocol::{
        CODES, CopyMemoryFlags, CopyMemoryRequest, Direction, Engine, Method, NtStatus, Reach,
        RequestKind,
    },
};
use ringcopy_lab::{Interference, Lab, Options};
use ringcopy_tests::{
    Victim, finish, open, options, outcome, pattern, privileged, until_it_happened,
};
use zerocopy::IntoBytes;

/// Bytes of a copy that lie in the page before the one that changes, and as many in that one.
const BEFORE: u64 = 600;
const LENGTH: u64 = 2 * BEFORE;

/// The most copies of one kind: far more than it takes to see both outcomes.
const MOST: u32 = 50_000;

/// The fewest: enough for copies to be hit in their middle.
const LEAST: u32 = 500;

/// Which way the copies of a test go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copy {
    From,
    To,
    ThroughSource,
    ThroughDestination,
    Memory,
}

impl Copy {
    const fn stopped_by(self) -> Direction {
        match self {
            Self::From | Self::ThroughSource | Self::Memory => Direction::Read,
            Self::To | Self::ThroughDestination => Direction::Write,
        }
    }
}

/// Labs run in turn: with more processors than the host has, those that are to interfere with each
/// other would take turns instead.
static TURN: Mutex<()> = Mutex::new(());

/// Runs `stage` in a lab of two processors.
fn with_two_processors(policy: Reach, stage: impl FnOnce(&Lab)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = Lab::boot(Options {
        processors: 2,
        ..options(policy)
    })
    .unwrap_or_else(|error| panic!("{error}"));
    stage(&lab);
    finish(lab);
}

/// Copies across a page's start, while the second processor does something to that page.
fn race(copy: Copy, interference: Interference) {
    with_two_processors(Reach::empty(), |lab| race_in(lab, copy, interference));
}

fn race_in(lab: &Lab, copy: Copy, interference: Interference) {
    let mut process = privileged(lab);
    let pages = process.allocate(2 * PAGE_LENGTH).unwrap();
    let steady = process.allocate(2 * PAGE_LENGTH).unwrap();
    let changing = pages + PAGE_LENGTH;
    let start = changing - BEFORE;
    let bytes = pattern(7, usize::try_from(LENGTH).unwrap());
    process.write(start, &bytes).unwrap();
    process.write(steady, &bytes).unwrap();
    process.start_interference(changing, interference).unwrap();
    let mut device = open(&mut process);
    let whole = CallerCopy {
        address: steady,
        length: LENGTH,
        session_offset: 0,
        alignment: 1,
    };
    assert!(device.copy_from(whole).unwrap().is_complete());
    let (mut complete, mut stopped) = (0_u32, 0_u32);
    for round in 0..MOST {
        if round >= LEAST && complete > 0 && stopped > 0 {
            break;
        }
        let mut read = vec![0; usize::try_from(LENGTH).unwrap()];
        let transfer = match copy {
            Copy::From => device.copy_from(CallerCopy {
                address: start,
                ..whole
            }),
            Copy::To => device.copy_to(CallerCopy {
                address: start,
                ..whole
            }),
            Copy::ThroughSource | Copy::ThroughDestination => device.copy_through(CopyThrough {
                source: if copy == Copy::ThroughSource {
                    start
                } else {
                    steady
                },
                destination: if copy == Copy::ThroughSource {
                    steady
                } else {
                    start
                },
                length: LENGTH,
                alignment: 1,
            }),
            Copy::Memory => device.copy_memory(Source::Virtual(start), Engine::Auto, &mut read),
        }
        .unwrap_or_else(|error| panic!("{error}"));
        assert_exact(copy, &transfer, changing);
        if copy == Copy::Memory {
            let copied = usize::try_from(transfer.copied).unwrap();
            assert_eq!(read[..copied], bytes[..copied]);
            assert!(read[copied..].iter().all(|&byte| byte == 0));
        }
        if transfer.is_complete() {
            complete += 1;
        } else {
            stopped += 1;
        }
    }
    drop(device);
    let changes = process.stop_interference().unwrap();
    assert!(
        complete > 0 && stopped > 0,
        "{complete} complete, {stopped} stopped, {changes} changes"
    );
    // Every copy was of the same bytes, so that the memory must hold them still.
    for address in [start, steady] {
        let mut found = vec![0; bytes.len()];
        process.read(address, &mut found).unwrap();
        assert_eq!(found, bytes);
    }
}

#[track_caller]
fn assert_exact(copy: Copy, transfer: &Transfer, changing: u64) {
    if transfer.status == NtStatus::SUCCESS {
        assert_eq!(transfer.copied, LENGTH);
        return;
    }
    assert_eq!(transfer.status, NtStatus::ACCESS_VIOLATION, "{transfer:?}");
    assert_eq!(transfer.direction, copy.stopped_by(), "{transfer:?}");
    // The page may go at any moment: not before its start, and not behind the copy's end.
    assert!((BEFORE..LENGTH).contains(&transfer.copied), "{transfer:?}");
    let stop = changing - BEFORE + transfer.copied;
    assert_eq!(transfer.address, Some(stop), "{transfer:?}");
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_source_that_comes_and_goes() {
    for copy in [Copy::From, Copy::ThroughSource, Copy::Memory] {
        race(copy, Interference::Unmap);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_destination_that_comes_and_goes() {
    for copy in [Copy::To, Copy::ThroughDestination] {
        race(copy, Interference::Unmap);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn a_destination_that_is_write_protected_now_and_then() {
    for copy in [Copy::To, Copy::ThroughDestination] {
        race(copy, Interference::WriteProtect);
    }
}

/// Sends requests of every kind whose request or response lies in a page that something happens
/// to; whatever they come to, the driver goes on.
fn stir(
    victim: &mut Victim<'_>,
    interference: Interference,
    page: u64,
    request: u64,
    response: u64,
) {
    for code in &CODES {
        let good = victim.good(code.kind);
        victim.process.write(request, &good).unwrap();
        let handle = victim.handle;
        until_it_happened(|| {
            victim
                .process
                .start_interference(page, interference)
                .unwrap();
            for _ in 0..500 {
                let _ = outcome(victim.process.device_io_control_at(
                    handle,
                    code.value,
                    buffer(request, good.len()),
                    buffer(response, Victim::room(code.kind)),
                ));
            }
            victim.process.stop_interference().unwrap() > 0
        });
    }
}

fn buffer(address: u64, length: usize) -> Buffer {
    Buffer {
        address,
        length: u32::try_from(length).unwrap(),
    }
}

fn stir_all(interference: Interference) {
    with_two_processors(Reach::all(), |lab| {
        let mut victim = Victim::of(privileged(lab));
        let (request, response) = (victim.request, victim.response);
        stir(&mut victim, interference, request, request, response);
        stir(&mut victim, interference, response, request, response);
        victim.assert_works();
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_and_responses_whose_page_comes_and_goes() {
    stir_all(Interference::Unmap);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_that_are_rewritten_while_they_are_read() {
    stir_all(Interference::Rewrite);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn responses_that_are_write_protected_now_and_then() {
    stir_all(Interference::WriteProtect);
}

/// Session buffer, engines and window are used by two processors at once; each has to get the same
/// answers all the time. Requests that are captured in a system buffer go through the queue, where
/// one processor may complete the other's: the lab has nobody who could wait for that.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_from_two_processors_at_once() {
    with_two_processors(Reach::all(), |lab| {
        let mut victim = Victim::of(privileged(lab));
        let other_request = victim.process.allocate(PAGE_LENGTH).unwrap();
        let other_response = victim.process.allocate(2 * PAGE_LENGTH).unwrap();
        for code in CODES.iter().filter(|code| code.method != Method::Buffered) {
            let mut inputs = vec![(code.name, victim.good(code.kind))];
            if code.kind == RequestKind::CopyMemory {
                inputs.extend(memory_copies(&victim));
            }
            for (what, input) in inputs {
                victim.process.write(victim.request, &input).unwrap();
                victim.process.write(other_request, &input).unwrap();
                let room = Victim::room(code.kind);
                let side =
                    |request, response| (buffer(request, input.len()), buffer(response, room));
                let sides = [
                    side(victim.request, victim.response),
                    side(other_request, other_response),
                ];
                let handle = victim.handle;
                let answers = victim
                    .process
                    .device_io_control_on_both(handle, code.value, sides, 1000)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                for answer in answers {
                    assert_eq!(answer.status, NtStatus::SUCCESS, "{what}");
                    assert_eq!(answer.returned, room as u64, "{what}");
                    assert_eq!(answer.different, 0, "{what}");
                }
            }
        }
        victim.assert_works();
    });
}

/// Copies of the session buffer by every engine and either address: those that need the window.
fn memory_copies(victim: &Victim<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let good = victim.copy_memory();
    let information = &victim.information;
    let (virtually, physically) = (CopyMemoryFlags::VIRTUAL, CopyMemoryFlags::PHYSICAL);
    [
        (
            "native, virtual",
            Engine::Native,
            virtually,
            information.session_address,
        ),
        (
            "native, physical",
            Engine::Native,
            physically,
            information.session_physical_address,
        ),
        (
            "system, virtual",
            Engine::System,
            virtually,
            information.session_address,
        ),
        (
            "system, physical",
            Engine::System,
            physically,
            information.session_physical_address,
        ),
    ]
    .map(|(what, engine, flags, address)| {
        let request = CopyMemoryRequest {
            address,
            flags: flags.bits(),
            engine: engine as u32,
            ..good
        };
        (what, request.as_bytes().to_vec())
    })
    .to_vec()
}
