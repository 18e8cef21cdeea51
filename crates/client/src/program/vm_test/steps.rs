//! The steps of a round.

use serde_json::{Value, json};

use super::{
    Test,
    checks::Effect,
    progress::Stage,
    report,
    rounds::{Round, STATISTICS},
    verdict::is_short,
    verifier::{self, QUIET_START},
};
use crate::machine::{self, Failure};

/// How often a driver may fail to start while allocations fail on purpose. Six in a hundred fail: if
/// the driver makes thirty, one of six loads succeeds.
const ATTEMPTS: u32 = 100;

impl Test<'_> {
    pub(super) fn exercise(&mut self, round: &Round) -> Result<(), Failure> {
        if let Some(step) = self.progress.running.take() {
            self.did_not_end(&step);
            self.save()?;
        }
        // The machine may have been restarted since the last step. The service starts on demand, and
        // Verifier lists only drivers that were loaded since the start.
        let driven = round.driven();
        if driven.iter().any(|name| self.is_open(name)) || self.is_open(STATISTICS) {
            self.switch_on(round)?;
            if round.low_resources {
                self.wait_for_low_resources()?;
            }
            self.load(round)?;
        }
        if round.foreign_memory {
            self.read_foreign_memory(round)?;
        } else {
            self.run_suites(round)?;
        }
        self.step(STATISTICS, Self::check_statistics, round)?;
        self.restore_policy()?;
        self.progress.policy = None;
        self.turn_off();
        self.progress.round += 1;
        self.progress.stage = Stage::Settings;
        self.loaded = false;
        self.save()?;
        report::write_so_far(&self.progress, self.options)
    }

    /// Notes that a step did not end, and at what it was.
    pub(super) fn did_not_end(&mut self, step: &str) {
        let trying = self.progress.trying.take();
        let at = trying
            .as_ref()
            .map_or_else(String::new, |trying| format!(" at {trying}"));
        self.find(format!(
            "\"{step}\"{at} did not end: the machine or this program was ended while it ran; \
             see %SystemRoot%\\Minidump for a bug check"
        ));
        let mut result = json!({ "ended": false });
        if let Some(trying) = trying {
            result["trying"] = trying.into();
        }
        self.set_result(step, result);
    }

    fn wait_for_low_resources(&mut self) -> Result<(), Failure> {
        if self.effect != Effect::NextStart {
            return Ok(());
        }
        while let Some(rest) = QUIET_START.checked_sub(self.system.facts().uptime) {
            if rest.is_zero() {
                break;
            }
            self.exercise.say(&format!(
                "allocations begin to fail {} minutes after the start: {} s to go",
                QUIET_START.as_secs() / 60,
                rest.as_secs()
            ));
            self.system.pause(rest);
            self.check_interrupt()?;
        }
        Ok(())
    }

    fn run_suites(&mut self, round: &Round) -> Result<(), Failure> {
        for name in ["selftest", "verify"] {
            self.step(
                name,
                |test| {
                    let document = test.exercise.command(&[name])?;
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
        self.step("load and unload", |test| test.load_and_unload(round), round)
    }

    /// Unloads the driver, and checks Verifier's counters.
    fn check_statistics(&mut self) -> Result<Value, String> {
        machine::stop(self.system).map_err(|failure| failure.0)?;
        let text = verifier::statistics(self.system).map_err(|failure| failure.0)?;
        let refused = self
            .progress
            .rounds
            .last()
            .is_some_and(|report| !report.refused.is_empty());
        if self.loaded && !refused && !verifier::names_driver(&text) {
            self.find("Driver Verifier counts nothing for the driver".into());
        }
        for finding in verifier::findings(&text) {
            self.find(format!("statistics: {finding}"));
        }
        Ok(json!({ "text": text }))
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
        for name in round.driven() {
            if self.is_open(name) {
                self.set_result(name, json!({ "skipped": reason }));
            }
        }
        self.save()
    }

    fn try_to_load(&mut self, round: &Round) -> Result<Value, String> {
        if !round.foreign_memory {
            return self.start(round);
        }
        // The policy takes effect when the driver is loaded.
        machine::stop(self.system).map_err(|failure| failure.0)?;
        let widened = self.widen_policy();
        let started = widened
            .map_err(|failure| failure.0)
            .and_then(|()| self.start(round));
        self.restore_policy().map_err(|failure| failure.0)?;
        started
    }

    fn start(&mut self, round: &Round) -> Result<Value, String> {
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
    pub(super) fn step(
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
        self.progress.trying = None;
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

    fn set_result(&mut self, step: &str, value: Value) {
        if let Some(report) = self.progress.rounds.last_mut() {
            report.steps.insert(step.into(), value);
        }
    }

    /// Returns the result of a step of this round, if it was run.
    pub(super) fn step_result(&self, name: &str) -> Option<&Value> {
        self.progress.rounds.last()?.steps.get(name)
    }

    fn is_open(&self, name: &str) -> bool {
        self.step_result(name).is_none()
    }
}
