//! Compares the accessors with the alternatives of a program, on valid memory and on faults.
//!
//! `cargo xtask bench` runs it as a Windows program under Wine, and as a program of Linux beside glibc,
//! several times each, and evaluates the results. A run is one round: the contenders follow one another
//! at each size, so that other load of the machine affects them alike. Each round begins with another
//! contender. A round is a process of its own, because where the code lies in memory matters to the
//! processor, and each process has it elsewhere.
//!
//! On Linux, only copies and fills of valid memory are measured: no fault returns there.

#![allow(
    clippy::significant_drop_tightening,
    reason = "a group may be dropped late"
)]

mod cold;
mod contender;
mod copy;
#[cfg(windows)]
mod fault;
mod fill;
#[cfg(windows)]
mod scalar;
#[cfg(windows)]
mod string;

use criterion::Criterion;
use std::{env, time::Duration};

fn main() {
    let round = env::var("RINGCOPY_BENCH_ROUND")
        .ok()
        .and_then(|round| round.parse().ok())
        .unwrap_or(0);
    // Few samples in many rounds show more than many samples in one.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(3))
        .measurement_time(Duration::from_millis(10))
        .nresamples(1001)
        .without_plots()
        .configure_from_args();
    copy::compare(&mut criterion, round);
    fill::compare(&mut criterion, round);
    #[cfg(windows)]
    {
        scalar::compare(&mut criterion, round);
        string::compare(&mut criterion, round);
        fault::compare(&mut criterion, round);
    }
}
