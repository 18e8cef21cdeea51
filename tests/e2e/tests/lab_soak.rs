//! A soak: random, abusive and racing requests, each held against a model.

#![forbid(unsafe_code)]

use ringcopy_tests::{report, soak::Soak};

/// Less than half a minute's requests. `cargo xtask soak` sends more.
const REQUESTS: u64 = 250_000;

fn soak(seed: u64, processors: u32) {
    let soak = Soak {
        seed,
        requests: REQUESTS,
        time: None,
        processors,
        from: None,
    };
    let summary = soak
        .run(|_| {})
        .unwrap_or_else(|failure| panic!("{failure}"));
    report(&format!(
        "{} requests on {processors} processors, {} responses that could be others",
        summary.requests(),
        summary.loose()
    ));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_request_returns_what_the_model_allows() {
    soak(1, 2);
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_request_of_eight_processors_returns_what_the_model_allows() {
    soak(2, 8);
}
