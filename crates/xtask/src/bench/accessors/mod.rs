//! The accessors' benchmarks: run under Wine, read from criterion's records, compared with the aims,
//! and printed.

mod aims;
mod plot;
mod ratios;
mod records;
mod report;
mod units;

use super::machine::Machine;
use crate::{paths, setup, step::Step, windows_programs, wine};
use anyhow::{Result, bail};
use fs_err as fs;

/// The output of cargo and criterion.
const LOG: &str = "bench.log";

/// Measures, prints, and with `save` writes the documentation's page and plot.
pub fn run(save: bool) -> Result<()> {
    setup::for_wine()?;
    setup::packages(&[setup::BENCHMARKS])?;
    let records = paths::target().join("wine/criterion");
    if records.exists() {
        // A record of an earlier run would be mistaken for one of this run.
        fs::remove_dir_all(&records)?;
    }
    let session = wine::Session::start()?;
    let log = session.log(LOG);
    let run = |title: &str, arguments: &[&str]| {
        let step = Step::start(title);
        let mut cargo = windows_programs::cargo("bench", "bench")?;
        session.run_by(&mut cargo);
        cargo
            // Benchmarks unwind. With the profile's abort, core would be built twice.
            .env("CARGO_PROFILE_RELEASE_PANIC", "unwind")
            .args(["--package", "ringcopy-bench", "--bench", "accessors"])
            .args(arguments)
            .env("CRITERION_HOME", &records);
        if session.run_into(LOG, &mut cargo).is_err() {
            bail!(
                "the accessors' benchmarks under Wine failed:\n{}",
                fs::read_to_string(&log)?
            );
        }
        step.done();
        Ok(())
    };
    run("building the accessors' benchmarks", &["--no-run"])?;
    run("measuring the accessors under Wine, about 3 minutes", &[])?;
    drop(session);

    let report = report::Report {
        machine: Machine::here()?,
        comparisons: records::read(&records)?,
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
