//! Soaks: many random requests to the driver in the lab. The end-to-end tests' package has the code
//! that sends them and compares the results. Ctrl-C ends a soak with its summary.

use crate::{lab::Lab, paths, program, step::Step};
use anyhow::Result;
use clap::{Args, value_parser};
use std::{
    io::{BufRead as _, BufReader},
    process::{ExitCode, Stdio},
};

/// What a soak sends.
#[derive(Args)]
pub struct Options {
    /// How many requests
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    requests: u64,
    /// The seed of the random numbers: the same seed gives the same steps
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The lab's processors: the second one changes memory and cancels, all send requests
    #[arg(long, value_name = "P", default_value_t = 2, value_parser = value_parser!(u32).range(1..=8))]
    processors: u32,
    /// Stop after this many minutes
    #[arg(long, value_name = "M")]
    minutes: Option<u64>,
    /// Start with this episode of the seed, and compare all memory after each step
    #[arg(long, value_name = "EPISODE")]
    from: Option<u64>,
}

/// Prepares the lab, runs the soak, and prints its summary or what went wrong.
pub fn run(options: &Options) -> Result<ExitCode> {
    let lab = Lab::prepare()?;
    let step = Step::start("building the soak");
    let mut build = program::cargo();
    build
        .current_dir(paths::root())
        .args(["build", "--package", "ringcopy-tests", "--bin", "soak"])
        .arg("--target-dir")
        .arg(paths::target());
    program::run(&step, &mut build)?;
    step.done();
    let step = Step::start(format!("soak with seed {}", options.seed));
    let or_none = |number: Option<u64>| number.map_or_else(|| "-".into(), |n| n.to_string());
    let mut soak = program::named(paths::target().join("debug/soak"));
    lab.set_variables(&mut soak);
    lab.leave_interrupts_to_the_host();
    let mut soak = soak
        .args([options.requests, options.seed, options.processors.into()].map(|n| n.to_string()))
        .args([options.minutes, options.from].map(or_none))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let progress = soak.stderr.take().into_iter();
    for line in progress.flat_map(|lines| BufReader::new(lines).lines().map_while(Result::ok)) {
        step.detail(&line);
    }
    let output = soak.wait_with_output()?;
    step.done();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    Ok(if output.status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
