//! Runs a soak for `cargo xtask soak`, which prepares the lab and shows the progress: a line on
//! standard error after each episode. The summary goes to standard output.

#![forbid(unsafe_code)]

use std::{
    env,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use ringcopy_lab::interrupt_on_signals;
use ringcopy_tests::soak::{Soak, Summary};

fn main() -> ExitCode {
    let numbers: Vec<Option<u64>> = env::args().skip(1).map(|text| text.parse().ok()).collect();
    let [Some(requests), Some(seed), Some(processors), minutes, from] = numbers[..] else {
        eprintln!("soak: to be started by cargo xtask soak");
        return ExitCode::FAILURE;
    };
    let soak = Soak {
        seed,
        requests,
        time: minutes.map(Duration::from_mins),
        processors: u32::try_from(processors).unwrap_or(u32::MAX),
        from,
        interrupted: Arc::default(),
    };
    if let Err(error) = interrupt_on_signals(&soak.interrupted) {
        eprintln!("soak: cannot listen for signals: {error}");
        return ExitCode::FAILURE;
    }
    let started = Instant::now();
    let mut summary = Summary::default();
    let ended = soak.run(&mut summary, |summary| {
        eprintln!("{} of {requests} requests", summary.requests());
    });
    println!("{summary}");
    println!("seed {seed}, {:.0} s", started.elapsed().as_secs_f64());
    match ended {
        Ok(()) if soak.is_interrupted() => {
            println!("interrupted; nothing was wrong until then");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
