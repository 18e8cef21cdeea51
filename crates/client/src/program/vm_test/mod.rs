//! The driver under Driver Verifier, on a machine that may crash: a test that goes on where it was
//! after each restart, and ends with a report.
//!
//! Two rounds, each: set Verifier up, restart, exercise the driver, look at what Verifier has
//! counted. How far it is stands in a file (`progress`), written before and after each step; a step
//! that a crash ended is found by that, reported, and not repeated.

mod progress;
mod report;
mod verdict;
mod verifier;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::machine::{self, Failure, Machine};
use progress::{Progress, RoundReport, Stage};
use verdict::is_short;
use verifier::{QUIET_MINUTES, QUIET_START, ROUNDS, Round, as_typed};

/// The steps of a round that drive the driver.
const DRIVEN: [&str; 4] = ["selftest", "verify", "abuse", "load and unload"];

/// The last step of a round: what Verifier has counted.
const STATISTICS: &str = "statistics";

/// How often a driver that is short of memory on purpose may refuse to start. Of its allocations six
/// in a hundred fail: if it makes thirty of them, one of six loads succeeds.
const ATTEMPTS: u32 = 100;

/// What the test needs of whoever runs it.
pub trait Exercise {
    /// Runs a command of the client, as in `selftest`, with `--json`; gives its document.
    ///
    /// # Errors
    /// Why there is none.
    fn command(&mut self, name: &str) -> Result<Value, String>;

    /// Sends requests that no honest client makes; gives what came of it.
    ///
    /// # Errors
    /// Why it came to an early end.
    fn abuse(&mut self) -> Result<Value, String>;

    /// Tells the user what is going on.
    fn say(&mut self, line: &str);
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the report goes.
    pub folder: PathBuf,
    /// How often the driver is loaded and unloaded.
    pub loads: u32,
    /// End the test that is under way.
    pub give_up: bool,
}

/// How far the test got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The machine has to be restarted, and the command repeated.
    Restart,
    /// It is done.
    Done {
        /// Whether nothing was found.
        passed: bool,
        /// The report's path.
        report: PathBuf,
    },
}

/// Goes on with the test, or begins one, until the machine has to be restarted or all is done.
///
/// # Errors
/// A sentence. What was found so far is kept, and the same command goes on from there.
pub fn run(
    machine: &mut dyn Machine,
    exercise: &mut dyn Exercise,
    options: &Options,
) -> Result<Outcome, Failure> {
    if options.give_up {
        return give_up(machine, exercise, options);
    }
    let mut test = Test {
        progress: match Progress::load(&options.folder)? {
            Some(progress) => progress,
            None => begin(machine)?,
        },
        machine,
        exercise,
        options,
        loaded: false,
    };
    test.progress.save(&options.folder)?;
    test.go_on()
}

/// What has to be so before anything is changed.
fn begin(machine: &mut dyn Machine) -> Result<Progress, Failure> {
    let facts = machine.facts();
    if facts.elevated == Some(false) {
        return Err(Failure(
            "Driver Verifier is set up by administrators; start this program as one.".into(),
        ));
    }
    if machine.service()?.is_none() {
        return Err(Failure(
            "the driver is not installed; run `ringcopy install` first.".into(),
        ));
    }
    // A driver that does not even start without Verifier would be found by a restart otherwise.
    if machine::start(machine)? {
        machine::stop(machine)?;
    }
    Ok(Progress::new(facts.version))
}

struct Test<'t> {
    progress: Progress,
    machine: &'t mut dyn Machine,
    exercise: &'t mut dyn Exercise,
    options: &'t Options,
    /// Whether this process has seen the driver loaded in this round.
    loaded: bool,
}

impl Test<'_> {
    fn go_on(&mut self) -> Result<Outcome, Failure> {
        loop {
            let Some(round) = ROUNDS.get(self.progress.round) else {
                return self.finish();
            };
            match self.progress.stage {
                Stage::Settings => self.set_up(round)?,
                Stage::Restart => {
                    if self.machine.is_marked()? {
                        self.exercise.say(
                            "Driver Verifier is set up. Restart the machine, then run this \
                             command again, as it is.",
                        );
                        self.exercise.say(
                            "To end the test instead: `ringcopy vm-test --give-up`, and restart.",
                        );
                        return Ok(Outcome::Restart);
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
        // Written first: whatever ends this process now, the next one knows.
        self.progress.verifier_set = true;
        self.save()?;
        verifier::set(self.machine, round)?;
        self.machine.mark()?;
        self.progress.rounds.push(RoundReport {
            name: round.name.into(),
            verifier: round.arguments(),
            ..RoundReport::default()
        });
        self.progress.stage = Stage::Restart;
        self.save()
    }

    fn check_settings(&mut self) -> Result<(), Failure> {
        let settings = verifier::settings(self.machine)?;
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
        while let Some(rest) = QUIET_START.checked_sub(self.machine.facts().uptime) {
            if rest.is_zero() {
                break;
            }
            self.exercise.say(&format!(
                "allocations begin to fail {QUIET_MINUTES} minutes after the start: {} s to go",
                rest.as_secs()
            ));
            self.machine.pause(rest);
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
            self.outcome(&step, json!({ "ended": false }));
            self.save()?;
        }
        // Each time, since the machine may have been restarted in between: the service starts on
        // demand, and Verifier lists no driver that was not loaded since the start.
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
                    test.judge_document(round, name, document)
                },
                round,
            )?;
        }
        self.step(
            "abuse",
            |test| {
                let outcome = test.exercise.abuse()?;
                for wrong in outcome["wrong"].as_array().into_iter().flatten() {
                    test.find(format!("abuse: {}", wrong.as_str().unwrap_or_default()));
                }
                Ok(outcome)
            },
            round,
        )?;
        self.step("load and unload", |test| test.load_and_unload(round), round)?;
        self.step(
            STATISTICS,
            |test| {
                machine::stop(test.machine).map_err(|failure| failure.0)?;
                let text = verifier::statistics(test.machine).map_err(|failure| failure.0)?;
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

    /// Loads the driver. Without it, the steps that drive it are skipped.
    fn load(&mut self, round: &Round) -> Result<(), Failure> {
        let crashed = self
            .step_outcome("load")
            .is_some_and(|outcome| outcome["ended"] == false);
        if !crashed {
            self.take("load", |test| test.try_to_load(round), round)?;
        }
        if self.loaded {
            return Ok(());
        }
        let failed = self
            .step_outcome("load")
            .and_then(|outcome| outcome["failed"].as_str());
        let reason = failed.map_or_else(
            || "no driver: the machine or this program was ended while it was loaded".into(),
            |sentence| format!("no driver: {sentence}"),
        );
        for name in DRIVEN {
            if self.is_open(name) {
                self.outcome(name, json!({ "skipped": reason }));
            }
        }
        self.save()
    }

    fn try_to_load(&mut self, round: &Round) -> Result<Value, String> {
        for attempt in 1..=ATTEMPTS {
            match machine::start(self.machine) {
                Ok(_) => {
                    self.loaded = true;
                    return Ok(json!({ "attempts": attempt }));
                }
                Err(failure) if round.low_resources && is_short(&failure.0) => {}
                Err(failure) => return Err(failure.0),
            }
            if self.machine.is_interrupted() {
                break;
            }
        }
        Err(format!(
            "the driver did not start in {ATTEMPTS} attempts, each of them short of memory"
        ))
    }

    /// Runs a step that has not been run in this round.
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

    /// Runs a step, and writes what came of it.
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
        let outcome = run(self);
        self.progress.running = None;
        if self.machine.is_interrupted() {
            // Half a step says nothing: it is run again.
            self.save()?;
            return self.check_interrupt();
        }
        match outcome {
            Ok(value) => self.outcome(name, value),
            // What fails since memory ran short on purpose is as it should be, if it says so.
            Err(sentence) if round.low_resources && is_short(&sentence) => {
                self.outcome(name, json!({ "short_of_memory": sentence }));
            }
            Err(sentence) => {
                self.find(format!("{name}: {sentence}"));
                self.outcome(name, json!({ "failed": sentence }));
            }
        }
        self.save()
    }

    fn load_and_unload(&mut self, round: &Round) -> Result<Value, String> {
        let (mut loaded, mut short) = (0, 0);
        for number in 0..self.options.loads {
            if self.machine.is_interrupted() {
                break;
            }
            let outcome = machine::stop(self.machine).and_then(|_| machine::start(self.machine));
            match outcome {
                Ok(_) => loaded += 1,
                // A driver may refuse to start for want of memory, as often as it likes.
                Err(failure) if round.low_resources && is_short(&failure.0) => short += 1,
                Err(failure) => return Err(format!("the {number}th time: {failure}")),
            }
        }
        machine::stop(self.machine).map_err(|failure| failure.0)?;
        if loaded == 0 && short > 0 {
            return Err(format!(
                "the driver did not start in {short} attempts, each of them short of memory"
            ));
        }
        Ok(json!({ "times": self.options.loads, "short_of_memory": short }))
    }

    fn finish(&mut self) -> Result<Outcome, Failure> {
        verifier::reset(self.machine).map_err(|failure| {
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

    fn outcome(&mut self, step: &str, value: Value) {
        if let Some(report) = self.progress.rounds.last_mut() {
            report.steps.insert(step.into(), value);
        }
    }

    /// What came of a step of this round, if it has been taken.
    fn step_outcome(&self, name: &str) -> Option<&Value> {
        self.progress.rounds.last()?.steps.get(name)
    }

    fn is_open(&self, name: &str) -> bool {
        self.step_outcome(name).is_none()
    }

    fn save(&self) -> Result<(), Failure> {
        self.progress.save(&self.options.folder)
    }

    fn check_interrupt(&self) -> Result<(), Failure> {
        if !self.machine.is_interrupted() {
            return Ok(());
        }
        Err(Failure(
            "interrupted; what was found is kept, and Driver Verifier is still set up for the \
             driver. Run the same command to go on, or `ringcopy vm-test --give-up` to turn it off."
                .into(),
        ))
    }
}

fn give_up(
    machine: &mut dyn Machine,
    exercise: &mut dyn Exercise,
    options: &Options,
) -> Result<Outcome, Failure> {
    // Whatever the file holds: a machine that keeps crashing is helped first.
    verifier::reset(machine)?;
    let found = Progress::load(&options.folder).map_err(|failure| {
        Failure(format!(
            "{failure} Driver Verifier is off from the next restart on."
        ))
    })?;
    let Some(mut progress) = found else {
        return Err(Failure(format!(
            "no test is under way in {}; Driver Verifier is off from the next restart on.",
            options.folder.display()
        )));
    };
    progress.verifier_set = false;
    if let (Some(report), Some(step)) = (progress.rounds.last_mut(), progress.running.take()) {
        report.findings.push(format!("\"{step}\" did not end"));
    }
    report::conclude(&progress, exercise, options, false)
}
