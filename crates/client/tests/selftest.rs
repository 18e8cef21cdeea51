//! The self-test passes a correct driver, and finds the defects of others.

#[path = "simulated/driver/mod.rs"]
mod driver;

use driver::SimulatedDriver;
use ringcopy_client::{
    OpenAccess, Transport,
    protocol::{InformationResponse, NtStatus, Reach},
    suites::selftest::{self, Report, Verdict},
};

/// The length of the response about the driver: no case has an output of this length.
const INFORMATION: usize = size_of::<InformationResponse>();

fn failures(report: &Report) -> Vec<String> {
    report
        .results
        .iter()
        .filter_map(|outcome| match &outcome.verdict {
            Verdict::Failed(reason) => Some(format!("{}: {reason}", outcome.case.name)),
            _ => None,
        })
        .collect()
}

fn run(driver: &mut SimulatedDriver) -> Report {
    let report = selftest::run(driver).unwrap();
    assert_eq!(driver.open_handles, 0);
    assert_eq!(driver.memory.allocations(), 0);
    report
}

#[test]
fn a_correct_driver_passes_under_every_policy() {
    for policy in 0..4 {
        for privileged in [false, true] {
            let policy = Reach::from_bits_retain(policy);
            let report = run(&mut SimulatedDriver {
                privileged,
                ..SimulatedDriver::with_policy(
                    policy,
                    if privileged { policy } else { Reach::empty() },
                )
            });
            assert_eq!(failures(&report), Vec::<String>::new());
            for outcome in &report.results {
                if let Verdict::Skipped(reason) = &outcome.verdict {
                    assert!(
                        !privileged && reason.contains("SeDebugPrivilege"),
                        "{reason}"
                    );
                }
            }
            let counts = report.counts();
            assert_eq!(counts.skipped == 0, privileged, "{counts}");
            assert!(counts.passed >= 30, "{counts}");
        }
    }
}

#[test]
fn cases_that_need_unknown_facts_are_skipped() {
    let report = run(&mut SimulatedDriver {
        reports_landmarks: false,
        native_status: NtStatus::NOT_SUPPORTED,
        ..SimulatedDriver::default()
    });
    let counts = report.counts();
    assert_eq!(counts.failed, 0);
    assert!(counts.passed >= 20 && counts.skipped >= 10, "{counts}");
    for outcome in &report.results {
        if let Verdict::Skipped(reason) = &outcome.verdict {
            assert!(!reason.is_empty());
            assert_eq!(outcome.report, None);
        }
    }
}

/// Runs the self-test with bits of one byte flipped in every response to a copy.
fn with_flipped_bits(offset: usize, bits: u8) -> Report {
    let mut driver = SimulatedDriver::changing_responses(move |output, _| {
        if output.len() != INFORMATION
            && let Some(byte) = output.get_mut(offset)
        {
            *byte ^= bits;
        }
    });
    selftest::run(&mut driver).unwrap()
}

#[test]
fn every_field_of_a_response_matters() {
    // version, size, status, direction, copied, asked, address, engine, reserved
    for offset in [0, 4, 8, 12, 16, 24, 32, 40, 44, 48] {
        let report = with_flipped_bits(offset, 0x21);
        assert!(report.counts().failed > 0, "byte {offset} went unnoticed");
    }
}

#[test]
fn a_wrong_byte_of_data_is_noticed() {
    assert!(with_flipped_bits(56, 1).counts().failed > 0);
    assert!(with_flipped_bits(56 + 63, 0x80).counts().failed > 0);
}

#[test]
fn a_missing_last_byte_is_noticed() {
    let report = selftest::run(&mut SimulatedDriver::losing_last_bytes()).unwrap();
    assert!(report.counts().failed >= 3, "{:?}", failures(&report));
}

#[test]
fn a_byte_written_after_the_copied_ones_is_noticed() {
    let mut driver = SimulatedDriver::changing_responses(|output, _| {
        // One case asks for 8 KiB.
        if output.len() == 56 + 8192 {
            output[56 + 8191] ^= 0xFF;
        }
    });
    let report = selftest::run(&mut driver).unwrap();
    let noticed = failures(&report);
    assert!(
        noticed
            .iter()
            .any(|failure| failure.starts_with("own memory ends in an unmapped page")),
        "{noticed:?}"
    );
}

#[test]
fn a_driver_that_ignores_its_policy_is_noticed() {
    // The driver reports that the handle has no reach, but copies.
    let mut driver = SimulatedDriver::changing_responses(|output, _| {
        if output.len() == INFORMATION {
            output[24] = 0;
        }
    });
    let report = selftest::run(&mut driver).unwrap();
    assert!(report.counts().failed > 5, "{:?}", failures(&report));
}

#[test]
fn a_driver_that_cannot_be_opened_is_an_error() {
    let mut driver = SimulatedDriver::with(|driver| driver.open_status = NtStatus::ACCESS_DENIED);
    assert!(selftest::run(&mut driver).is_err());
    assert!(driver.open(OpenAccess::Read).is_err());
}
