//! A soak: random, abusive and racing requests, each held against a model.

#![forbid(unsafe_code)]

use ringcopy_tests::{report, soak::Soak};

/// Less than a minute's requests. `cargo xtask soak` sends more.
const REQUESTS: u64 = 200_000;

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_request_returns_what_the_model_allows() {
    let soak = Soak {
        seed: 1,
        requests: REQUESTS,
        time: None,
        processors: 2,
        from: None,
    };
    let summary = soak
        .run(|_| {})
        .unwrap_or_else(|failure| panic!("{failure}"));
    report(&format!("{} requests", summary.requests()));
}
