//! Memory that changes while the driver copies. Every count is exact, every counted byte is right,
//! and a request is carried out as it was captured.

#![forbid(unsafe_code)]

use ringcopy_client::{
    CallerCopy, CopyReport, CopyThrough, PAGE_LENGTH, Source, Transport,
    protocol::{
        CODES, CopyFlags, CopyMemoryRequest, Direction, EngineKind, Method, NtStatus, Reach,
        RequestKind,
    },
};
use ringcopy_lab::{Beside, Interference, Lab};
use ringcopy_tests::{
    Victim, buffer, open, pattern, privileged, until_both, until_it_happened, with_two_processors,
};
use zerocopy::IntoBytes;

/// Bytes of a copy in the page before the one that changes, and in that one.
const BEFORE: u64 = 600;
const LENGTH: u64 = 2 * BEFORE;

/// The fewest: enough for copies to be hit in their middle.
const LEAST: u32 = 500;

/// The kind of a copy, and which side of it is in the page that changes.
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

/// Copies across a page's start, while the second processor does something to that page.
fn race(copy: Copy, interference: Interference) {
    with_two_processors(Reach::empty(), &[false], |lab| {
        race_in(lab, copy, interference);
    });
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
    lab.start_interference(Some(&process), changing, interference)
        .unwrap();
    let mut device = open(&mut process);
    let whole = CallerCopy::new(steady, LENGTH);
    assert!(device.copy_from(whole).unwrap().is_complete());
    let (source, destination) = match copy {
        Copy::ThroughSource => (start, steady),
        _ => (steady, start),
    };
    let address = start;
    until_both(LEAST, || {
        let mut read = vec![0; usize::try_from(LENGTH).unwrap()];
        let report = match copy {
            Copy::From => device.copy_from(CallerCopy { address, ..whole }),
            Copy::To => device.copy_to(CallerCopy { address, ..whole }),
            Copy::ThroughSource | Copy::ThroughDestination => device.copy_through(CopyThrough {
                source,
                destination,
                length: LENGTH,
                alignment: 1,
            }),
            Copy::Memory => device.copy_memory(Source::Virtual(start), EngineKind::Auto, &mut read),
        }
        .unwrap_or_else(|error| panic!("{error}"));
        assert_exact(copy, &report, changing);
        if copy == Copy::Memory {
            let copied = usize::try_from(report.result.copied).unwrap();
            assert_eq!(read[..copied], bytes[..copied]);
            assert!(read[copied..].iter().all(|&byte| byte == 0));
        }
        report.is_complete()
    });
    drop(device);
    lab.stop_interference().unwrap();
    // Every copy was of the same bytes, so that both places still hold them.
    for address in [start, steady] {
        let mut found = vec![0; bytes.len()];
        process.read(address, &mut found).unwrap();
        assert_eq!(found, bytes);
    }
}

#[track_caller]
fn assert_exact(copy: Copy, report: &CopyReport, changing: u64) {
    if report.result.status() == NtStatus::SUCCESS {
        assert_eq!(report.result.copied, LENGTH);
        return;
    }
    assert_eq!(
        report.result.status(),
        NtStatus::ACCESS_VIOLATION,
        "{report:?}"
    );
    assert_eq!(report.result.direction(), copy.stopped_by(), "{report:?}");
    // The copy stops anywhere in the page.
    assert!(
        (BEFORE..LENGTH).contains(&report.result.copied),
        "{report:?}"
    );
    let stop = changing - BEFORE + report.result.copied;
    assert_eq!(report.result.stop_address(), Some(stop), "{report:?}");
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

/// Sends requests of every kind while `interference` happens to the page of the request, then to that
/// of the response. Any status will do: the driver goes on.
fn stir(interference: Interference) {
    with_two_processors(Reach::all(), &[false], |lab| {
        let mut victim = Victim::of(privileged(lab));
        for page in [victim.request, victim.response] {
            for code in &CODES {
                let (input, output) = victim.write_good(code.kind);
                until_it_happened(|| {
                    let process = &victim.process;
                    lab.start_interference(Some(process), page, interference)
                        .unwrap();
                    for _ in 0..500 {
                        let _ = victim.send_at(code.value, input, output);
                    }
                    lab.stop_interference().unwrap() > 0
                });
            }
        }
        victim.assert_works();
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_and_responses_whose_page_comes_and_goes() {
    stir(Interference::Unmap);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_that_are_rewritten_while_they_are_read() {
    stir(Interference::Rewrite);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn responses_that_are_write_protected_now_and_then() {
    stir(Interference::WriteProtect);
}

/// Two processors use session buffer, engines and window at once; each gets the same responses all
/// the time. Buffered requests are left out: they go through the queue, where one processor may
/// complete the other's, and the lab cannot wait for that.
#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn requests_from_two_processors_at_once() {
    with_two_processors(Reach::all(), &[false], |lab| {
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
                let length = Victim::output_length(code.kind);
                let side =
                    |request, response| (buffer(request, input.len()), buffer(response, length));
                let sides = [
                    side(victim.request, victim.response),
                    side(other_request, other_response),
                ];
                let handle = victim.handle;
                let ends = victim
                    .process
                    .device_io_control_on_both(handle, code.value, sides, 1000, Beside::Same)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                for end in ends {
                    assert_eq!(end.status, NtStatus::SUCCESS, "{what}");
                    assert_eq!(end.returned, length as u64, "{what}");
                    assert_eq!(end.different, 0, "{what}");
                }
            }
        }
        victim.assert_works();
    });
}

/// Copies of the session buffer by every engine and either address. They need the window.
fn memory_copies(victim: &Victim<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let good = victim.copy_memory();
    let information = &victim.information;
    let by_virtual = (CopyFlags::VIRTUAL, information.session_address);
    let frame = information.session_physical_addresses[0];
    let by_physical = (CopyFlags::PHYSICAL, frame);
    [
        ("native, virtual", EngineKind::Native, by_virtual),
        ("native, physical", EngineKind::Native, by_physical),
        ("system, virtual", EngineKind::System, by_virtual),
        ("system, physical", EngineKind::System, by_physical),
    ]
    .map(|(what, engine, (flags, address))| {
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
