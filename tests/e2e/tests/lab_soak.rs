//! A soak: random, abusive and racing requests, each held against a model.

#![forbid(unsafe_code)]

use std::sync::{Arc, atomic::Ordering};

use ringcopy_tests::{
    report,
    soak::{Soak, Summary},
};

/// Less than half a minute's requests. `cargo xtask soak` sends more.
const REQUESTS: u64 = 250_000;

fn soak(seed: u64, processors: u32) -> Soak {
    Soak {
        seed,
        requests: REQUESTS,
        time: None,
        processors,
        from: None,
        interrupted: Arc::default(),
    }
}

fn run(soak: &Soak) {
    let mut summary = Summary::default();
    soak.run(&mut summary, |_| {})
        .unwrap_or_else(|failure| panic!("{failure}"));
    report(&format!(
        "{} requests on {} processors, {} responses that could be others",
        summary.requests(),
        soak.processors,
        summary.loose()
    ));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_request_returns_what_the_model_allows() {
    run(&soak(1, 2));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_request_of_eight_processors_returns_what_the_model_allows() {
    run(&soak(2, 8));
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn an_interrupted_soak_has_counted_what_it_has_seen() {
    let soak = soak(3, 2);
    let mut summary = Summary::default();
    soak.run(&mut summary, |_| {
        soak.interrupted.store(true, Ordering::Relaxed);
    })
    .unwrap();
    assert!((1..REQUESTS).contains(&summary.requests()));
}
