//! The accessors beside what else a program could use, on memory that is there and on memory that
//! is not.
//!
//! A Windows program; `cargo xtask bench` builds it, runs it under Wine and judges what it found.
//! Every comparison is run in [`ROUNDS`] rounds. Within a round the contenders follow one another
//! at each size, so that whatever else the machine does meets them alike; each round begins with
//! another one. Criterion's median of one contender is compared with that of another in the same
//! round only.

#![allow(
    clippy::significant_drop_tightening,
    reason = "what a group does when it is dropped needs no haste"
)]

#[cfg(windows)]
mod cold;
#[cfg(windows)]
mod contender;
#[cfg(windows)]
mod copy;
#[cfg(windows)]
mod fault;
#[cfg(windows)]
mod fill;
#[cfg(windows)]
mod scalar;
#[cfg(windows)]
mod string;

/// Odd, so that there is a round in the middle.
#[cfg(windows)]
const ROUNDS: usize = 5;

#[cfg(windows)]
fn main() {
    use criterion::Criterion;
    use std::time::Duration;

    // Few samples, many times: rounds tell more than repetitions in a row.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(5))
        .measurement_time(Duration::from_millis(15))
        .nresamples(1001)
        .without_plots()
        .configure_from_args();
    for round in 0..ROUNDS {
        copy::compare(&mut criterion, round);
        fill::compare(&mut criterion, round);
        string::compare(&mut criterion, round);
        scalar::compare(&mut criterion, round);
        fault::compare(&mut criterion, round);
    }
}

#[cfg(not(windows))]
fn main() {
    eprintln!("these are benchmarks of a Windows program: run `cargo xtask bench`");
}
