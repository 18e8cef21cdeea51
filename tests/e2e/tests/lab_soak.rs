//! A soak: requests of all kinds, most of them random or abusive, each held against a model.

#![forbid(unsafe_code)]

use std::{env, time::Duration};

use ringcopy_tests::{soak::Soak, tell};

/// Requests of a usual run: less than a minute.
const REQUESTS: u64 = 500_000;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|error| panic!("{variable}: {error}")))
}

#[test]
#[ignore = "needs the lab: cargo xtask test runs it"]
fn every_request_comes_to_what_the_model_allows() {
    let processors = number("RINGCOPY_SOAK_PROCESSORS").unwrap_or(2);
    let soak = Soak {
        seed: number("RINGCOPY_SEED").unwrap_or(1),
        requests: number("RINGCOPY_SOAK_REQUESTS").unwrap_or(REQUESTS),
        time: number("RINGCOPY_SOAK_MINUTES").map(Duration::from_mins),
        processors: u32::try_from(processors).unwrap(),
        from: number("RINGCOPY_SOAK_FROM"),
    };
    let summary = soak.run(|_| {}).unwrap_or_else(|failure| panic!("{failure}"));
    tell(&format!("seed {}\n{summary}", soak.seed));
}
