//! Progress: a line with a clock while a step runs, and a line with its duration at the end.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

/// How often the clock is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// Steps shorter than this leave no line on a terminal.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// A running step. If it is dropped without [`Step::done`], it leaves no line.
pub struct Step {
    title: String,
    started: Instant,
    /// None if standard error is no terminal: then the step's lines are plain.
    clock: Option<ProgressBar>,
}

impl Step {
    /// Starts a step. `title` says what is being done, as in "building the driver".
    pub fn start(title: impl Into<String>) -> Self {
        let title = title.into();
        let clock = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let clock = ProgressBar::new_spinner()
                .with_style(style)
                .with_prefix(title.clone());
            clock.enable_steady_tick(TICK);
            clock
        });
        if clock.is_none() {
            eprintln!("{title} ...");
        }
        Self {
            title,
            started: Instant::now(),
            clock,
        }
    }

    /// Shows `line` beside the title.
    pub fn detail(&self, line: &str) {
        if let Some(clock) = &self.clock {
            clock.set_message(line.trim().to_owned());
        }
    }

    /// Ends the step as a success.
    pub fn done(self) {
        let took = self.started.elapsed();
        if let Some(clock) = &self.clock {
            clock.finish_and_clear();
            if took < WORTH_A_LINE {
                return;
            }
        }
        eprintln!("{}: {:.1} s", self.title, took.as_secs_f64());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(clock) = &self.clock {
            clock.finish_and_clear();
        }
    }
}
