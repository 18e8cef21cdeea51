//! The accessors' benchmarks: run under Wine, read from criterion's records, judged, shown.

mod aims;
mod plot;
mod ratios;
mod records;
mod report;

use super::machine::Machine;
use crate::{error::Error, places, setup, step::Step, windows_programs, wine};
use std::fs;

/// What cargo and criterion print.
const LOG: &str = "bench.log";

/// Measures, prints, and with `save` writes the documentation's page and plot.
///
/// # Errors
///
/// If the benchmarks can't be built or fail, or a file can't be written.
pub fn run(save: bool) -> Result<(), Error> {
    setup::for_benchmarks()?;
    let records = places::target().join("wine/criterion");
    if records.exists() {
        // A record of an earlier run would be taken for one of this.
        fs::remove_dir_all(&records).map_err(Error::file(&records))?;
    }
    let session = wine::Session::start()?;
    let log = session.log(LOG);
    let run = |title: &str, arguments: &[&str]| {
        let step = Step::start(title);
        let mut cargo = windows_programs::cargo("bench", "bench")?;
        session.run_by(&mut cargo);
        cargo
            // Such a program unwinds: with the profile's abort, core would be built twice.
            .env("CARGO_PROFILE_RELEASE_PANIC", "unwind")
            .args(["--package", "ringcopy-bench", "--bench", "accessors"])
            .args(arguments)
            .env("CRITERION_HOME", &records);
        if session.run_into(LOG, &mut cargo).is_err() {
            return Err(Error::Failed {
                program: "the accessors' benchmarks under Wine".to_owned(),
                output: fs::read_to_string(&log).map_err(Error::file(&log))?,
            });
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
        let folder = places::root().join("crates/usermode-accessors/docs");
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        let page = folder.join("performance.md");
        fs::write(&page, report.to_string()).map_err(Error::file(&page))?;
        plot::draw(&report.comparisons, &folder.join("ratio-by-size.svg"))?;
    }
    Ok(())
}
