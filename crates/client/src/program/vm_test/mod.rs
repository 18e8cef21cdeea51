//! A test of the driver under Driver Verifier, which continues after each restart and crash of the
//! machine, and ends with a report.
//!
//! It has two rounds. Each sets Verifier up, waits for a restart, exercises the driver, and checks
//! Verifier's counters. The progress is in a file (`progress`), written before and after each step.
//! So a step that a crash ended is noticed, reported, and not repeated.

mod progress;
mod report;
mod verdict;
mod verifier;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::machine::{self, Failure, System};
use progress::{Progress, RoundReport, Stage};
use verdict::is_short;
use verifier::{QUIET_MINUTES, QUIET_START, ROUNDS, Round, as_typed};

/// The steps of a round that use the driver.
const DRIVEN: [&str; 4] = ["selftest", "verify", "abuse", "load and unload"];

/// The last step of a round, which checks Verifier's counters.
const STATISTICS: &str = "statistics";

/// How often a driver may fail to start while allocations fail on purpose. Six in a hundred fail: if
/// the driver makes thirty, one of six loads succeeds.
const ATTEMPTS: u32 = 100;

/// What the test needs from its caller.
pub trait Exercise {
    /// Runs a command of the client, such as `selftest`, with `--json`. Returns its document.
    ///
    /// # Errors
    /// If it printed none.
    fn command(&mut self, name: &str) -> Result<Value, String>;

    /// Runs the abuse suite. Returns its result.
    ///
    /// # Errors
    /// If it ended early.
    fn abuse(&mut self) -> Result<Value, String>;

    /// Prints a line for the user.
    fn say(&mut self, line: &str);
}

/// The options of the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder for the report.
    pub folder: PathBuf,
    /// The number of times that the driver is loaded and unloaded.
    pub loads: u32,
    /// Whether to end a test that has begun.
    pub give_up: bool,
}

/// Why a run of the test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The machine has to be restarted, and the command repeated.
    Restart,
    /// The test is complete.
    Done {
        /// Whether nothing was found.
        passed: bool,
        /// The path of the report.
        report: PathBuf,
    },
}

/// Begins or continues the test, until the machine has to be restarted or the test is complete.
///
/// # Errors
/// If a step of the test itself fails. The findings are kept, and the next run continues.
pub fn run(
    system: &mut dyn System,
    exercise: &mut dyn Exercise,
    options: &Options,
) -> Result<Ended, Failure> {
    if options.give_up {
        return give_up(system, exercise, options);
    }
    let mut test = Test {
        progress: match Progress::load(&options.folder)? {
            Some(progress) => progress,
            None => begin(system)?,
        },
        system,
        exercise,
        options,
        loaded: false,
    };
    test.progress.save(&options.folder)?;
    test.run()
}

/// Checks the requirements before anything is changed.
fn begin(system: &mut dyn System) -> Result<Progress, Failure> {
    let facts = system.facts();
    if facts.elevated == Some(false) {
        return Err(Failure(
            "Driver Verifier is set up by administrators; start this program as one.".into(),
        ));
    }
    if system.service()?.is_none() {
        return Err(Failure(
            "the driver is not installed; run `ringcopy install` first.".into(),
        ));
    }
    // Otherwise a driver that does not start even without Verifier would be found after a restart.
    if machine::start(system)? {
        machine::stop(system)?;
    }
    Ok(Progress::new(facts.version))
}

struct Test<'t> {
    progress: Progress,
    system: &'t mut dyn System,
    exercise: &'t mut dyn Exercise,
    options: &'t Options,
    /// Whether this process has loaded the driver in this round.
    loaded: bool,
}

impl Test<'_> {
    fn run(&mut self) -> Result<Ended, Failure> {
        loop {
            let Some(round) = ROUNDS.get(self.progress.round) else {
                return self.finish();
            };
            match self.progress.stage {
                Stage::Settings => self.set_up(round)?,
                Stage::Restart => {
                    if self.system.is_marked()? {
                        self.exercise.say(
                            "Driver Verifier is set up. Restart the machine, then run the same \
                             command again.",
                        );
                        self.exercise.say(
                            "To end the test instead: `ringcopy vm-test --give-up`, and restart.",
                        );
                        return Ok(Ended::Restart);
                    }
                    self.check_settings()?;
                }
                Stage::Exercise => self.exercise(round)?,
            }
        }
    }

    fn set_up(&mut self, round: &Round) -> Result<(), Failure> {
        self.exercise.say(&format!(
            "round \"{}\": verifier {}",
            round.name,
            as_typed(&round.arguments())
        ));
        // Saved first, so that the next process knows it whatever ends this one.
        self.progress.verifier_set = true;
        self.save()?;
        verifier::set(self.system, round)?;
        self.system.mark()?;
        self.progress.rounds.push(RoundReport {
            name: round.name.into(),
            verifier: round.arguments(),
            ..RoundReport::default()
        });
        self.progress.stage = Stage::Restart;
        self.save()
    }

    fn check_settings(&mut self) -> Result<(), Failure> {
        let settings = verifier::settings(self.system)?;
        if !verifier::names_driver(&settings) {
            self.find(format!(
                "after the restart, Driver Verifier was not set up for the driver: {}",
                settings.trim()
            ));
        }
        if let Some(report) = self.progress.rounds.last_mut() {
            report.settings = settings;
        }
        self.progress.stage = Stage::Exercise;
        self.save()
    }

    fn wait_for_low_resources(&mut self) -> Result<(), Failure> {
        while let Some(rest) = QUIET_START.checked_sub(self.system.facts().uptime) {
            if rest.is_zero() {
                break;
            }
            self.exercise.say(&format!(
                "allocations begin to fail {QUIET_MINUTES} minutes after the start: {} s to go",
                rest.as_secs()
            ));
            self.system.pause(rest);
            self.check_interrupt()?;
        }
        Ok(())
    }

    fn exercise(&mut self, round: &Round) -> Result<(), Failure> {
        if let Some(step) = self.progress.running.take() {
            self.find(format!(
                "\"{step}\" did not end: the machine or this program was ended while it ran; \
                 see %SystemRoot%\\Minidump for a bug check"
            ));
            self.set_result(&step, json!({ "ended": false }));
            self.save()?;
        }
        // The machine may have been restarted since the last step. The service starts on demand, and
        // Verifier lists only drivers that were loaded since the start.
        if DRIVEN.iter().any(|name| self.is_open(name)) || self.is_open(STATISTICS) {
            if round.low_resources {
                self.wait_for_low_resources()?;
            }
            self.load(round)?;
        }
        for name in ["selftest", "verify"] {
            self.step(
                name,
                |test| {
                    let document = test.exercise.command(name)?;
                    test.check_document(round, name, document)
                },
                round,
            )?;
        }
        self.step(
            "abuse",
            |test| {
                let result = test.exercise.abuse()?;
                for wrong in result["wrong"].as_array().into_iter().flatten() {
                    test.find(format!("abuse: {}", wrong.as_str().unwrap_or_default()));
                }
                Ok(result)
            },
            round,
        )?;
        self.step("load and unload", |test| test.load_and_unload(round), round)?;
        self.step(
            STATISTICS,
            |test| {
                machine::stop(test.system).map_err(|failure| failure.0)?;
                let text = verifier::statistics(test.system).map_err(|failure| failure.0)?;
                if test.loaded && !verifier::names_driver(&text) {
                    test.find("Driver Verifier counts nothing for the driver".into());
                }
                for finding in verifier::findings(&text) {
                    test.find(format!("statistics: {finding}"));
                }
                Ok(json!({ "text": text }))
            },
            round,
        )?;
        self.progress.round += 1;
        self.progress.stage = Stage::Settings;
        self.loaded = false;
        self.save()
    }

    /// Loads the driver. If that fails, the steps that use it are skipped.
    fn load(&mut self, round: &Round) -> Result<(), Failure> {
        let crashed = self
            .step_result("load")
            .is_some_and(|result| result["ended"] == false);
        if !crashed {
            self.take("load", |test| test.try_to_load(round), round)?;
        }
        if self.loaded {
            return Ok(());
        }
        let failed = self
            .step_result("load")
            .and_then(|result| result["failed"].as_str());
        let reason = failed.map_or_else(
            || "no driver: the machine or this program ended while it was being loaded".into(),
            |sentence| format!("no driver: {sentence}"),
        );
        for name in DRIVEN {
            if self.is_open(name) {
                self.set_result(name, json!({ "skipped": reason }));
            }
        }
        self.save()
    }

    fn try_to_load(&mut self, round: &Round) -> Result<Value, String> {
        for attempt in 1..=ATTEMPTS {
            match machine::start(self.system) {
                Ok(_) => {
                    self.loaded = true;
                    return Ok(json!({ "attempts": attempt }));
                }
                Err(failure) if round.low_resources && is_short(&failure.0) => {}
                Err(failure) => return Err(failure.0),
            }
            if self.system.is_interrupted() {
                break;
            }
        }
        Err(format!(
            "the driver did not start in {ATTEMPTS} attempts, each of them short of memory"
        ))
    }

    /// Runs a step, unless it was run in this round.
    fn step(
        &mut self,
        name: &str,
        run: impl FnOnce(&mut Self) -> Result<Value, String>,
        round: &Round,
    ) -> Result<(), Failure> {
        if self.is_open(name) {
            self.take(name, run, round)?;
        }
        Ok(())
    }

    /// Runs a step and saves its result.
    fn take(
        &mut self,
        name: &str,
        run: impl FnOnce(&mut Self) -> Result<Value, String>,
        round: &Round,
    ) -> Result<(), Failure> {
        self.check_interrupt()?;
        self.exercise
            .say(&format!("round \"{}\": {name}", round.name));
        self.progress.running = Some(name.into());
        self.save()?;
        let result = run(self);
        self.progress.running = None;
        if self.system.is_interrupted() {
            // A step that was interrupted is run again.
            self.save()?;
            return self.check_interrupt();
        }
        match result {
            Ok(value) => self.set_result(name, value),
            // A failure that says that memory was short is expected in this round.
            Err(sentence) if round.low_resources && is_short(&sentence) => {
                self.set_result(name, json!({ "short_of_memory": sentence }));
            }
            Err(sentence) => {
                self.find(format!("{name}: {sentence}"));
                self.set_result(name, json!({ "failed": sentence }));
            }
        }
        self.save()
    }

    fn load_and_unload(&mut self, round: &Round) -> Result<Value, String> {
        let (mut loaded, mut short) = (0, 0);
        for number in 0..self.options.loads {
            if self.system.is_interrupted() {
                break;
            }
            let loaded_again = machine::stop(self.system).and_then(|_| machine::start(self.system));
            match loaded_again {
                Ok(_) => loaded += 1,
                // A driver may fail to start while memory is short.
                Err(failure) if round.low_resources && is_short(&failure.0) => short += 1,
                Err(failure) => return Err(format!("the {number}th time: {failure}")),
            }
        }
        machine::stop(self.system).map_err(|failure| failure.0)?;
        if loaded == 0 && short > 0 {
            return Err(format!(
                "the driver did not start in {short} attempts, each of them short of memory"
            ));
        }
        Ok(json!({ "times": self.options.loads, "short_of_memory": short }))
    }

    fn finish(&mut self) -> Result<Ended, Failure> {
        verifier::reset(self.system).map_err(|failure| {
            Failure(format!(
                "{failure} Driver Verifier is still set up: `verifier /reset` and a restart turn \
                 it off. Run this command again for the report."
            ))
        })?;
        self.progress.verifier_set = false;
        report::conclude(&self.progress, self.exercise, self.options, true)
    }

    fn find(&mut self, finding: String) {
        self.exercise.say(&format!("FOUND: {finding}"));
        if let Some(report) = self.progress.rounds.last_mut() {
            report.findings.push(finding);
        }
    }

    fn set_result(&mut self, step: &str, value: Value) {
        if let Some(report) = self.progress.rounds.last_mut() {
            report.steps.insert(step.into(), value);
        }
    }

    /// Returns the result of a step of this round, if it was run.
    fn step_result(&self, name: &str) -> Option<&Value> {
        self.progress.rounds.last()?.steps.get(name)
    }

    fn is_open(&self, name: &str) -> bool {
        self.step_result(name).is_none()
    }

    fn save(&self) -> Result<(), Failure> {
        self.progress.save(&self.options.folder)
    }

    fn check_interrupt(&self) -> Result<(), Failure> {
        if !self.system.is_interrupted() {
            return Ok(());
        }
        Err(Failure(
            "interrupted; the findings are kept, and Driver Verifier is still set up for the driver. \
             Run the same command to continue, or `ringcopy vm-test --give-up` to turn it off."
                .into(),
        ))
    }
}

fn give_up(
    system: &mut dyn System,
    exercise: &mut dyn Exercise,
    options: &Options,
) -> Result<Ended, Failure> {
    // First, whatever the file holds: the machine may be crashing at each start.
    verifier::reset(system)?;
    let found = Progress::load(&options.folder).map_err(|failure| {
        Failure(format!(
            "{failure} Driver Verifier is off after the next restart."
        ))
    })?;
    let Some(mut progress) = found else {
        return Err(Failure(format!(
            "no test has begun in {}; Driver Verifier is off after the next restart.",
            options.folder.display()
        )));
    };
    progress.verifier_set = false;
    if let (Some(report), Some(step)) = (progress.rounds.last_mut(), progress.running.take()) {
        report.findings.push(format!("\"{step}\" did not end"));
    }
    report::conclude(&progress, exercise, options, false)
}
