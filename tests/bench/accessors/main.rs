//! Compares the accessors with the alternatives of a program, on valid memory and on faults.
//!
//! This is a Windows program. `cargo xtask bench` builds it, runs it under Wine, and evaluates its
//! results. Every comparison has [`ROUNDS`] rounds. Within a round the contenders follow one another at
//! each size, so that other load of the machine affects them alike. Each round begins with another
//! contender. Medians are compared within a round only.

#![allow(
    clippy::significant_drop_tightening,
    reason = "a group may be dropped late"
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

/// The number of rounds: odd, so that there is a median round.
#[cfg(windows)]
const ROUNDS: usize = 5;

#[cfg(windows)]
fn main() {
    use criterion::Criterion;
    use std::time::Duration;

    // Few samples in many rounds show more than many samples in one.
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
