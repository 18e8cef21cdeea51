//! A test of the driver under Driver Verifier, which continues after each restart and crash of the
//! machine, and ends with a report.
//!
//! It has rounds. Each sets Verifier up, exercises the driver, and checks Verifier's counters. Verifier's
//! settings take effect after a restart, which the test waits for, or at once, where the machine cannot be
//! restarted. The progress is in a file (`progress`), written before and after each step. So a step that a
//! crash ended is noticed, reported, and not repeated.

mod checks;
mod foreign_memory;
mod progress;
mod report;
mod rounds;
mod settings;
mod steps;
mod verdict;
mod verifier;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::machine::{self, Failure, System};
use checks::Effect;
use progress::{Progress, Stage};
use rounds::{ROUNDS, Round};

/// What the test needs from its caller.
pub trait Exercise {
    /// Runs a command of the client, such as `selftest`, with `--json`. Returns its document.
    ///
    /// # Errors
    /// If it printed none.
    fn command(&mut self, arguments: &[&str]) -> Result<Value, String>;

    /// Runs the abuse suite. Returns its result.
    ///
    /// # Errors
    /// If it ended early.
    fn abuse(&mut self) -> Result<Value, String>;

    /// Prints a line for the user, at once: the machine may not survive what comes next.
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
    /// The kind of test.
    pub kind: Kind,
}

/// The kind of a test. A test that has begun is continued as the same kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kind {
    /// Whether to use only settings of Verifier that take effect at once.
    pub no_restart: bool,
    /// Whether to read memory of the whole system in a further round.
    pub risky: bool,
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
    let progress = match Progress::load(&options.folder)? {
        Some(progress) if progress.kind == options.kind => progress,
        Some(progress) => return Err(other_kind(progress.kind)),
        None => begin(system, options.kind)?,
    };
    let mut test = Test::new(progress, system, exercise, options);
    test.save()?;
    // A crash may have come before the policy was written back.
    test.restore_policy()?;
    test.run().map_err(|failure| test.clean_up(failure))
}

/// Returns whether a test in this folder waits for a restart of the machine.
///
/// # Errors
/// If the folder's files cannot be read, or are not of this program.
pub fn waits_for_restart(folder: &Path) -> Result<bool, Failure> {
    let progress = Progress::load(folder)?;
    Ok(progress.is_some_and(|progress| progress.stage == Stage::Restart))
}

/// Says that another kind of test has begun.
fn other_kind(kind: Kind) -> Failure {
    let mut command = String::from("ringcopy vm-test");
    for (chosen, option) in [(kind.no_restart, " --no-restart"), (kind.risky, " --risky")] {
        if chosen {
            command.push_str(option);
        }
    }
    Failure(format!(
        "a test has begun as `{command}`; continue it with that command, or end it with `ringcopy \
         vm-test --give-up`."
    ))
}

/// Checks the requirements before anything is changed.
fn begin(system: &mut dyn System, kind: Kind) -> Result<Progress, Failure> {
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
    let others = verifier::other_drivers(system)?;
    if !others.is_empty() {
        return Err(Failure(format!(
            "Driver Verifier is on for other drivers ({}), and is left alone; turn it off with \
             `verifier /reset` and a restart, or use another machine.",
            others.join(", ")
        )));
    }
    // Otherwise a driver that does not start even without Verifier would be found after a restart.
    if machine::start(system)? {
        machine::stop(system)?;
    }
    Ok(Progress::new(facts.version, kind))
}

struct Test<'t> {
    progress: Progress,
    system: &'t mut dyn System,
    exercise: &'t mut dyn Exercise,
    options: &'t Options,
    /// How Verifier's settings take effect.
    effect: Effect,
    /// Whether this process has loaded the driver in this round.
    loaded: bool,
}

impl<'t> Test<'t> {
    fn new(
        progress: Progress,
        system: &'t mut dyn System,
        exercise: &'t mut dyn Exercise,
        options: &'t Options,
    ) -> Self {
        let effect = if progress.kind.no_restart {
            Effect::at_once(progress.windows[2])
        } else {
            Effect::NextStart
        };
        Self {
            progress,
            system,
            exercise,
            options,
            effect,
            loaded: false,
        }
    }

    fn run(&mut self) -> Result<Ended, Failure> {
        loop {
            let Some(round) = self.round() else {
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

    /// Returns the round that is under way; `None` after the last one.
    fn round(&self) -> Option<&'static Round> {
        ROUNDS
            .get(self.progress.round)
            .filter(|round| !round.foreign_memory || self.progress.kind.risky)
    }

    fn finish(&mut self) -> Result<Ended, Failure> {
        if self.effect == Effect::NextStart {
            verifier::reset(self.system).map_err(|failure| {
                Failure(format!(
                    "{failure} Driver Verifier is still set up: `verifier /reset` and a restart \
                     turn it off. Run this command again for the report."
                ))
            })?;
            self.progress.verifier_set = false;
        }
        report::conclude(&self.progress, self.exercise, self.options, true)
    }

    fn find(&mut self, finding: String) {
        self.exercise.say(&format!("FOUND: {finding}"));
        if let Some(report) = self.progress.rounds.last_mut() {
            report.findings.push(finding);
        }
    }

    fn save(&self) -> Result<(), Failure> {
        self.progress.save(&self.options.folder)
    }

    fn check_interrupt(&self) -> Result<(), Failure> {
        if !self.system.is_interrupted() {
            return Ok(());
        }
        let verifier = match self.effect {
            Effect::NextStart => "and Driver Verifier is still set up for the driver. ",
            Effect::VolatileFlags | Effect::RuleClasses | Effect::RemainingFlags => {
                "and Driver Verifier is turned off. "
            }
        };
        Err(Failure(format!(
            "interrupted; the findings are kept, {verifier}Run the same command to continue, or \
             `ringcopy vm-test --give-up` to end the test."
        )))
    }
}

fn give_up(
    system: &mut dyn System,
    exercise: &mut dyn Exercise,
    options: &Options,
) -> Result<Ended, Failure> {
    let found = Progress::load(&options.folder);
    let at_once = matches!(&found, Ok(Some(progress)) if progress.kind.no_restart);
    if !at_once {
        // First, whatever the file holds: the machine may be crashing at each start.
        verifier::reset(system)?;
    }
    let found = found.map_err(|failure| {
        Failure(format!(
            "{failure} Driver Verifier is off after the next restart."
        ))
    })?;
    let Some(progress) = found else {
        return Err(Failure(format!(
            "no test has begun in {}; Driver Verifier is off after the next restart.",
            options.folder.display()
        )));
    };
    let mut test = Test::new(progress, system, exercise, options);
    test.restore_policy()?;
    if let Some(step) = test.progress.running.take() {
        test.did_not_end(&step);
    }
    if at_once {
        test.turn_off();
    }
    test.progress.verifier_set = false;
    report::conclude(&test.progress, test.exercise, options, false)
}
