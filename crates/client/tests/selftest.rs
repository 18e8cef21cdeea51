//! The self-test passes a driver that keeps the rules, and notices one that does not.

#[path = "simulated/driver/mod.rs"]
mod driver;

use driver::SimulatedDriver;
use ringcopy_client::{
    OpenAccess, Transport,
    protocol::{InformationResponse, NtStatus, Reach},
    suites::selftest::{self, Report, Verdict},
};

/// Bytes in the one answer that is no copy's: no case asks for so many.
const INFORMATION: usize = size_of::<InformationResponse>();

fn failures(report: &Report) -> Vec<String> {
    report
        .outcomes
        .iter()
        .filter_map(|outcome| match &outcome.verdict {
            Verdict::Failed(reason) => Some(format!("{}: {reason}", outcome.case.name)),
            _ => None,
        })
        .collect()
}

fn run(model: &mut SimulatedDriver) -> Report {
    let report = selftest::run(model).unwrap();
    assert_eq!(model.open_handles, 0);
    assert_eq!(model.machine.allocations(), 0);
    report
}

#[test]
fn a_driver_that_keeps_the_rules_passes_under_every_policy() {
    for policy in 0..4 {
        for privileged in [false, true] {
            let policy = Reach::from_bits_retain(policy);
            let report = run(&mut SimulatedDriver {
                policy,
                reach: if privileged { policy } else { Reach::empty() },
                ..SimulatedDriver::default()
            });
            assert_eq!(failures(&report), Vec::<String>::new());
            assert_eq!(report.counts().skipped, 0);
        }
    }
}

#[test]
fn what_is_not_known_is_skipped_by_name_and_never_failed() {
    let report = run(&mut SimulatedDriver {
        talkative: false,
        native_status: NtStatus::NOT_SUPPORTED,
        ..SimulatedDriver::default()
    });
    let counts = report.counts();
    assert_eq!(counts.failed, 0);
    assert!(counts.passed >= 20 && counts.skipped >= 10, "{counts}");
    for outcome in &report.outcomes {
        if let Verdict::Skipped(reason) = &outcome.verdict {
            assert!(!reason.is_empty());
            assert_eq!(outcome.answer, None);
        }
    }
}

/// Flips the bits of one byte of every response to a copy.
fn tampered(offset: usize, bits: u8) -> Report {
    let mut model = SimulatedDriver {
        tamper: Some(Box::new(move |output, _| {
            if output.len() != INFORMATION
                && let Some(byte) = output.get_mut(offset)
            {
                *byte ^= bits;
            }
        })),
        ..SimulatedDriver::default()
    };
    selftest::run(&mut model).unwrap()
}

#[test]
fn every_field_of_a_response_matters() {
    // version, size, status, direction, copied, asked, address, engine, reserved
    for offset in [0, 4, 8, 12, 16, 24, 32, 40, 44, 48] {
        let report = tampered(offset, 0x21);
        assert!(report.counts().failed > 0, "byte {offset} went unnoticed");
    }
}

#[test]
fn a_wrong_byte_of_data_is_noticed() {
    assert!(tampered(56, 1).counts().failed > 0);
    assert!(tampered(56 + 63, 0x80).counts().failed > 0);
}

#[test]
fn a_missing_last_byte_is_noticed() {
    let report = selftest::run(&mut SimulatedDriver::sloppy()).unwrap();
    assert!(report.counts().failed >= 3, "{:?}", failures(&report));
}

#[test]
fn a_byte_written_behind_the_copied_ones_is_noticed() {
    let mut model = SimulatedDriver {
        tamper: Some(Box::new(|output, _| {
            // That one asks for 8 KiB.
            if output.len() == 56 + 8192 {
                output[56 + 8191] ^= 0xFF;
            }
        })),
        ..SimulatedDriver::default()
    };
    let report = selftest::run(&mut model).unwrap();
    let noticed = failures(&report);
    assert!(
        noticed
            .iter()
            .any(|failure| failure.starts_with("own memory ends in an unmapped page")),
        "{noticed:?}"
    );
}

#[test]
fn reaching_further_than_the_policy_says_is_noticed() {
    // The driver says that the handle has no reach, and yet copies.
    let mut model = SimulatedDriver {
        tamper: Some(Box::new(|output, _| {
            if output.len() == INFORMATION {
                output[24] = 0;
            }
        })),
        ..SimulatedDriver::default()
    };
    let report = selftest::run(&mut model).unwrap();
    assert!(report.counts().failed > 5, "{:?}", failures(&report));
}

#[test]
fn a_driver_that_cannot_be_opened_is_an_error() {
    let mut model = SimulatedDriver {
        open_status: NtStatus::ACCESS_DENIED,
        ..SimulatedDriver::default()
    };
    assert!(selftest::run(&mut model).is_err());
    assert!(model.open(OpenAccess::Read).is_err());
}
