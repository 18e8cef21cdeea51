//! The accessors' benchmarks: run under Wine and beside glibc, read from criterion's records, compared
//! with the aims, and printed.

mod aims;
mod places;
mod plot;
mod ratios;
mod records;
mod report;
mod units;

use super::machine::Machine;
use crate::{paths, program, setup, step::Step, wine};
use anyhow::{Context as _, Result};
use fs_err as fs;
use places::PLACES;
use std::{path::Path, process::Command};

/// The output of cargo and criterion.
const LOG: &str = "bench.log";

/// Each is a process of its own.
const ROUNDS: usize = 9;

/// Measures, prints, and with `save` writes the documentation's page and plot.
pub fn run(save: bool) -> Result<()> {
    setup::for_wine()?;
    setup::packages(&[setup::BENCHMARKS])?;
    let records = paths::target().join("accessor-benchmarks");
    if records.exists() {
        // A record of an earlier run would be mistaken for one of this run.
        fs::remove_dir_all(&records)?;
    }
    fs::create_dir_all(&records)?;
    let session = wine::Session::start()?;
    let log = records.join(LOG);
    let step = Step::start("building the accessors' benchmarks");
    for place in &PLACES {
        bench(place.cargo(&session)?, &records, &["--no-run"], &log)?;
    }
    step.done();
    let machine = Machine::here()?;
    let mut comparisons = Vec::new();
    for place in &PLACES {
        let step = Step::start(format!("measuring {}, {}", place.name, place.duration));
        let folder = records.join(place.name);
        for round in 0..ROUNDS {
            let mut cargo = place.cargo(&session)?;
            cargo.env("RINGCOPY_BENCH_ROUND", round.to_string());
            bench(cargo, &folder, &[], &log)?;
        }
        comparisons.extend(records::read(&folder, place.name)?);
        step.done();
    }
    let report = report::Report {
        machine,
        comparisons,
    };
    print!("{report}");
    if save {
        let folder = paths::root().join("crates/usermode-accessors/docs");
        fs::create_dir_all(&folder)?;
        let page = folder.join("performance.md");
        fs::write(&page, report.to_string())?;
        plot::draw(&report.comparisons, &folder.join("ratio-by-size.svg"))?;
    }
    Ok(())
}

fn bench(mut cargo: Command, folder: &Path, arguments: &[&str], log: &Path) -> Result<()> {
    cargo
        // Benchmarks unwind. With the profile's abort, core would be built twice.
        .env("CARGO_PROFILE_RELEASE_PANIC", "unwind")
        .args(["--package", "ringcopy-bench", "--bench", "accessors"])
        .args(arguments)
        .env("CRITERION_HOME", folder);
    program::run_into(&mut cargo, log).context("the accessors' benchmarks failed")
}
