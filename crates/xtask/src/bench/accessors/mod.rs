//! The accessors' benchmarks: run under Wine and beside glibc, read from criterion's records, compared
//! with the aims, and printed.

mod aims;
mod plot;
mod ratios;
mod records;
mod report;
mod units;

use super::machine::Machine;
use crate::{paths, program, setup, step::Step, windows_programs, wine};
use anyhow::{Context as _, Result};
use fs_err as fs;
use std::{path::Path, process::Command};

/// The output of cargo and criterion.
const LOG: &str = "bench.log";

/// Each is a process of its own.
const ROUNDS: usize = 9;

/// The features of the processor that glibc may not use when it is held to SSE2. It may use string
/// instructions, as the accessors do.
///
/// Source: "Hardware Capability Tunables", the GNU C Library Reference Manual.
const HELD_TO_SSE2: &str =
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX_Fast_Unaligned_Load,-SSSE3";

/// The ends of the names of what is measured beside glibc.
const BESIDE_SSE2: &str = " beside glibc held to SSE2";
const BESIDE_GLIBC: &str = " beside glibc as it comes";

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
    let folders = ["wine", "glibc-sse2", "glibc"].map(|name| records.join(name));
    let [under_wine, beside_sse2, beside_glibc] = &folders;

    let session = wine::Session::start()?;
    let windows = || {
        let mut cargo = windows_programs::cargo("bench", "bench")?;
        session.run_by(&mut cargo);
        Ok(cargo)
    };
    let linux = |tunables: Option<&str>| {
        let mut cargo = program::cargo();
        cargo
            .current_dir(paths::root())
            .arg("bench")
            .env_remove("GLIBC_TUNABLES")
            .envs(tunables.map(|tunables| ("GLIBC_TUNABLES", tunables)));
        Ok(cargo)
    };
    let log = records.join(LOG);
    let step = Step::start("building the accessors' benchmarks");
    for cargo in [windows()?, linux(None)?] {
        bench(cargo, &records, &["--no-run"], &log)?;
    }
    step.done();
    let machine = Machine::here()?;
    rounds(
        "measuring under Wine, about 2 minutes",
        windows,
        under_wine,
        &log,
    )?;
    drop(session);
    for (title, tunables, folder) in [
        (
            "measuring beside glibc held to SSE2, half a minute",
            Some(HELD_TO_SSE2),
            beside_sse2,
        ),
        (
            "measuring beside glibc as it comes, half a minute",
            None,
            beside_glibc,
        ),
    ] {
        rounds(title, || linux(tunables), folder, &log)?;
    }

    let mut comparisons = Vec::new();
    for (folder, suffix) in folders.iter().zip(["", BESIDE_SSE2, BESIDE_GLIBC]) {
        comparisons.extend(records::read(folder, suffix)?);
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

/// Measures several times, into criterion's records in `folder`.
fn rounds(
    title: &str,
    cargo: impl Fn() -> Result<Command>,
    folder: &Path,
    log: &Path,
) -> Result<()> {
    let step = Step::start(title);
    for round in 0..ROUNDS {
        let mut cargo = cargo()?;
        cargo.env("RINGCOPY_BENCH_ROUND", round.to_string());
        bench(cargo, folder, &[], log)?;
    }
    step.done();
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
