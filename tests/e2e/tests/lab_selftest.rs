//! The client's self-test of the driver, under every policy and on every kind of machine that the lab
//! can be.

#![forbid(unsafe_code)]

use ringcopy_client::{
    protocol::{EngineKind, Reach},
    suites::selftest::{self, Report, Verdict},
};
use ringcopy_lab::{Options, token};
use ringcopy_tests::{PRIVILEGED, boot_with, options, with_engine};

/// Runs the self-test in a lab of its own, as Driver Verifier would have it: user memory is away each
/// time that the IRQL is raised.
fn run(options: Options, token: u64) -> Report {
    let lab = boot_with(Options {
        trim_interval: 1,
        ..options
    });
    let mut process = lab.process(token).unwrap();
    selftest::run(&mut process).unwrap_or_else(|error| panic!("{error}"))
}

fn names(report: &Report, pick: impl Fn(&Verdict) -> Option<&str>) -> Vec<String> {
    report
        .results
        .iter()
        .filter_map(|outcome| {
            let reason = pick(&outcome.verdict)?;
            Some(format!(
                "{:?} ({:?}): {reason}: {:?}",
                outcome.case, outcome.engine, outcome.report
            ))
        })
        .collect()
}

fn failed(report: &Report) -> Vec<String> {
    names(report, |verdict| match verdict {
        Verdict::Failed(reason) => Some(reason),
        _ => None,
    })
}

fn skipped(report: &Report) -> Vec<String> {
    names(report, |verdict| match verdict {
        Verdict::Skipped(reason) => Some(reason),
        _ => None,
    })
}

#[track_caller]
fn assert_passes(options: Options, token: u64) {
    let report = run(options, token);
    assert_eq!(failed(&report), Vec::<String>::new());
    assert_eq!(skipped(&report), Vec::<String>::new());
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn passes_under_every_policy() {
    for bits in 0..4 {
        assert_passes(options(Reach::from_bits_retain(bits)), PRIVILEGED);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn passes_for_an_opener_without_the_privilege() {
    for token in [token::ADMINISTRATORS, token::SYSTEM] {
        let report = run(options(Reach::all()), token);
        assert_eq!(failed(&report), Vec::<String>::new());
        // Such a handle cannot name its session buffer by address.
        for skipped in skipped(&report) {
            assert!(skipped.contains("holders of SeDebugPrivilege"), "{skipped}");
        }
        let counts = report.counts();
        assert!(counts.passed > counts.skipped, "{counts}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn passes_with_five_levels_of_page_tables() {
    let options = Options {
        five_levels: true,
        ..options(Reach::all())
    };
    assert_passes(options, PRIVILEGED);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn passes_wherever_images_and_tables_lie() {
    for seed in 2..8 {
        let options = Options {
            seed,
            ..options(Reach::all())
        };
        assert_passes(options, PRIVILEGED);
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn passes_without_the_native_engine() {
    let report = run(
        with_engine(EngineKind::System, options(Reach::all())),
        PRIVILEGED,
    );
    assert_eq!(failed(&report), Vec::<String>::new());
    assert!(
        report
            .results
            .iter()
            .all(|outcome| (outcome.engine == Some(EngineKind::Native)
                || outcome.case.compares_engines())
                == matches!(outcome.verdict, Verdict::Skipped(_))),
        "{:?}",
        skipped(&report)
    );
}
